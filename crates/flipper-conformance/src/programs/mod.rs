//! Programs in any language that are apps: each does what it is told on its standard input, and tells on its standard
//! output what happens to it. `docs/conformance.md` has the contract.
//!
//! Their plugins are played here, by [roles](crate::roles): a program passes on what the desktop wants of them.

pub mod message;
mod process;

pub use self::process::{Program, Settings};
