//! Conformance as a program: checks clients and desktops in any language, over the wire and from outside.
//!
//! [`client::Check`] plays the desktop for a client, [`desktop::Check`] plays an app for a desktop. Each goes through a
//! fixed list of [scenarios](Scenario), compares what came of them with the [`Expectations`] of the peer, and gives a
//! [`Report`]. `flipper conformance` is the command line over it; `docs/conformance.md` is written for its users.
//!
//! Everything blocks, on plain threads. A scenario is a synchronous function that talks to its peer and stops at the
//! first thing that is not as it should be.

pub mod client;
pub mod desktop;
pub mod shim;

mod asn1;
mod expectations;
mod issuer;
mod outcome;
mod report;
mod run;
mod scenario;
mod talk;

pub use self::expectations::{Expectations, ExpectationsError};
pub use self::outcome::{Finding, Outcome};
pub use self::report::{Format, Line, Report, Summary, Text, Verdict};
pub use self::run::{Progress, RunError, Selection};
pub use self::scenario::Scenario;
