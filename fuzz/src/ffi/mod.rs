//! Calls of the C functions in any order, and what must be true of them.

mod app;
mod calls;
mod client;
mod desktop;
mod given;
mod program;
pub mod recorded;

pub use self::calls::{Call, Function, Text, read, write};
pub use self::program::run;
