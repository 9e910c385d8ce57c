//! Flipper for C, and for every language that can call C.
//!
//! `flipper_app_*` and `flipper_call_*` are a ready client on threads of its own, with credentials and TLS. They are in
//! libraries that were built with the feature `threaded`, as the shared one is.
//!
//! `flipper_client_*` and `flipper_desktop_*` are the two ends as state machines, to be driven by any event loop: they do no
//! IO and know no clock. One tells them facts (a socket is open, a message arrived, time has passed) and wishes (add a
//! plugin, send an event, answer a call). After each of them, poll actions until FLIPPER_RESULT_DONE and carry them out, then
//! poll events until FLIPPER_RESULT_DONE, then ask when the next timer is due.
//!
//! Rules that hold for every function:
//!
//! - Handles are opaque. They are made by functions that end in `_new` and by the polls, and freed by the function of their
//!   type that ends in `_free`, which takes NULL.
//! - Every function that can fail gives a `flipper_result`. What it gives besides is written through its last pointers, and
//!   only if the result is FLIPPER_RESULT_OK. A pointer that must not be NULL and is gives FLIPPER_RESULT_NULL.
//! - Text in is a pointer and a length in bytes. It must be UTF-8, or the result is FLIPPER_RESULT_INVALID_UTF8. It is
//!   copied, and need live no longer than the call. An empty text may have a NULL pointer.
//! - Text out is a `flipper_str` that points into the handle it was asked of, and is valid until that is freed. There is no
//!   NUL at its end.
//! - Records begin with their size, `sizeof` of them. In a record that is all zero otherwise, every zero and every NULL
//!   stands for the default.
//! - Numbers that stand for something have enumerations, and are plain `uint32_t`s where they go in: one that is not known
//!   gives FLIPPER_RESULT_BAD_VALUE.
//! - Times are milliseconds since an origin that the caller chooses, and must not go back. FLIPPER_NEVER stands for none.
//! - Every function names its rule for threads. "One at a time" is meant for one handle, whatever the function: a thread
//!   that comes while another one is in gets FLIPPER_RESULT_IN_USE, and nothing is done. Different handles have nothing to
//!   do with each other.
//! - A fault of this library gives FLIPPER_RESULT_PANIC. So does every later call with that handle; it can still be freed.
//!   Nothing unwinds into the caller.
//!
//! There is no promise before version 1.0 that any of this stays as it is.
#![expect(unsafe_code, reason = "C hands in pointers, and finds functions by their names")]
#![allow(
    clippy::missing_safety_doc,
    reason = "the functions are documented for readers of the header, where every pointer is good or NULL"
)]

mod about;
mod action;
mod client;
mod close;
mod desktop;
mod event;
mod exclusive;
mod pointer;
mod record;
mod result;
mod state;
#[cfg(feature = "threaded")]
mod threaded;

pub use self::about::*;
pub use self::action::*;
pub use self::client::*;
pub use self::close::FlipperCloseKind;
pub use self::desktop::*;
pub use self::event::*;
pub use self::pointer::FlipperStr;
pub use self::result::FlipperResult;
pub use self::state::{FlipperCounter, FlipperStateKind};
#[cfg(feature = "threaded")]
pub use self::threaded::*;

/// No time at all, where a time is asked for.
pub const FLIPPER_NEVER: u64 = u64::MAX;

/// Handles go from thread to thread, and those that are only read are read by several at once.
const _: () = {
    const fn is_for_every_thread<T: Send + Sync>() {}
    is_for_every_thread::<FlipperAction>();
    is_for_every_thread::<FlipperClient>();
    is_for_every_thread::<FlipperDesktop>();
    is_for_every_thread::<FlipperEvent>();
    #[cfg(feature = "threaded")]
    {
        is_for_every_thread::<FlipperApp>();
        is_for_every_thread::<FlipperCall>();
    }
};
