//! Adb, as far as a desktop needs it: a client of its server, which reaches the devices.
//!
//! The server (`adb start-server`, or whatever Android Studio has started) listens on port 5037 and is asked in a small
//! text protocol: four hex digits of length and the name of a service, answered with `OKAY` or `FAIL` and a text. This
//! is the part of it that asks for devices, runs commands on them and has ports forwarded from them. It is blocking, on
//! purpose: those who use it have threads where they may block, and every call has a deadline.
//!
//! It is written here because it is small. The crate `adb_client` also takes screenshots, talks USB and pairs with
//! devices, brings a hundred other crates for that, and sets no deadlines where it talks with the server: it waits for a
//! device that hangs as long as it hangs.
//!
//! No server is ever started: where there is none, that is an [`Error`] that says how.

mod address;
mod error;
mod link;
mod server;
mod shell;
mod tracking;

pub use self::address::{Address, AddressError};
pub use self::error::Error;
pub use self::server::{Attached, Server};
pub use self::shell::Output;
pub(crate) use self::shell::quoted;
pub use self::tracking::{Cutter, Tracking};
