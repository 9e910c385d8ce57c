//! The app's state machine for C: as much of `flipper_proto::client` as it takes to drive one.
//!
//! `include/flipper.h` declares what is here, and `tests/smoke.c` drives it. The rules that hold for every function:
//!
//! - **Handles** are opaque, made by `flipper_client_new` and the polls, and freed by the function of their name, which
//!   takes NULL. A handle may go from thread to thread, but only one thread at a time may use it.
//! - **Results** are [`Code`]s. Whatever a function gives beside it is written through its last pointers, and only if the
//!   result is `FLIPPER_OK`.
//! - **Text in** is a pointer and a length, is checked to be UTF-8, and is copied: it need live no longer than the call.
//! - **Text out** is a [`Str`] that points into an action or an event, and is valid until that is freed. There is no NUL
//!   at its end.
//! - **Time** is milliseconds since an origin that the caller chooses; `FLIPPER_NEVER` stands for no time at all.
//! - **A panic**, which would be a fault of this library, becomes `FLIPPER_PANIC`, and so does every later call on that
//!   handle; it can still be freed.
#![expect(unsafe_code, reason = "C hands in pointers, and finds functions by their names")]

mod action;
mod code;
mod event;
mod facts;
mod handle;
mod pointer;
mod record;
mod wishes;

pub use self::action::{
    ActionField, ActionKind, JobKind, flipper_action_free, flipper_action_kind, flipper_action_number,
    flipper_action_text, flipper_client_poll_action,
};
pub use self::code::Code;
pub use self::event::{
    EventField, EventKind, FlipperEvent, flipper_client_poll_event, flipper_event_free, flipper_event_kind,
    flipper_event_number, flipper_event_text,
};
pub use self::facts::{
    CloseKind, flipper_client_alive, flipper_client_binary, flipper_client_closed, flipper_client_job_done,
    flipper_client_job_failed, flipper_client_job_loaded, flipper_client_job_prepared, flipper_client_job_stored,
    flipper_client_message, flipper_client_opened, flipper_client_poll_timeout, flipper_client_timeout,
    flipper_client_writable,
};
pub use self::handle::{FlipperClient, flipper_client_free, flipper_client_new};
pub use self::pointer::Str;
pub use self::record::{FlipperConfig, FlipperCredentials};
pub use self::wishes::{
    flipper_client_add_plugin, flipper_client_remove_plugin, flipper_client_report, flipper_client_respond,
    flipper_client_respond_error, flipper_client_respond_supported, flipper_client_send, flipper_client_start,
    flipper_client_stop,
};
