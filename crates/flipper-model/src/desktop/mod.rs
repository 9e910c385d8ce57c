//! Arbitrary operations on a desktop.

mod ops;
mod run;

pub use self::ops::{Step, read, write};
pub use self::run::Run;
