//! The app's state machine for C: as much of `flipper_proto::client` as it takes to drive one.
//!
//! `include/flipper.h` declares what is here, and `tests/smoke.c` drives it. The rules that hold for every function:
//!
//! - **Handles** are opaque, made by `flipper_client_new` and the polls, and freed by the function of their name, which
//!   takes NULL. A handle may go from thread to thread, but only one thread at a time may use it.
//! - **Results** are [`FlipperResult`]s. Whatever a function gives beside it is written through its last pointers, and only if the
//!   result is `FLIPPER_RESULT_OK`.
//! - **Text in** is a pointer and a length, is checked to be UTF-8, and is copied: it need live no longer than the call.
//! - **Text out** is a [`FlipperStr`] that points into an action or an event, and is valid until that is freed. There is no NUL
//!   at its end.
//! - **Time** is milliseconds since an origin that the caller chooses; `FLIPPER_NEVER` stands for no time at all.
//! - **A panic**, which would be a fault of this library, becomes `FLIPPER_RESULT_PANIC`, and so does every later call on that
//!   handle; it can still be freed.
#![expect(unsafe_code, reason = "C hands in pointers, and finds functions by their names")]

mod action;
mod client;
mod event;
mod exclusive;
mod pointer;
mod result;
#[cfg(feature = "threaded")]
mod threaded;

pub use self::action::*;
pub use self::client::*;
pub use self::event::*;
pub use self::pointer::FlipperStr;
pub use self::result::FlipperResult;
#[cfg(feature = "threaded")]
pub use self::threaded::*;

/// No time at all, where a time is asked for.
pub const FLIPPER_NEVER: u64 = u64::MAX;
