//! Calls of the C functions in any order, and what must be true of them.

mod app;
mod calls;
mod client;
mod desktop;
mod given;
mod program;
pub mod recorded;

pub use self::calls::{
    BAD_RECORD, Call, Function, NO_HANDLE, NO_PLACE, NO_POLLS, NO_RECORD, SHORT_RECORD, Text, read, write,
};
pub use self::program::run;
