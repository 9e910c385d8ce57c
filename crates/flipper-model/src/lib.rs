//! What must hold of the state machines of `flipper-proto`, whatever happens: for tests and fuzzers.
//!
//! - [`client`] and [`desktop`] carry out arbitrary operations on one machine, and hold what it does against a model that
//!   knows only what was done to it so far. Property tests draw the operations, and fuzzers read them from bytes.
//! - [`play`] carries out a transcript, and compares.
//!
//! What does not hold panics.
#![forbid(unsafe_code)]
#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a promise that is broken ends a test")]

pub mod client;
pub mod desktop;
pub mod play;

mod bytes;
mod json;

pub use self::bytes::{Reader, Writer};
pub use self::json::matches;
