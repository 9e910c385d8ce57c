//! The official desktop, npm package `flipper-server`, as a peer in tests.
//!
//! [`OfficialDesktop`] runs it, [`UiSocket`] looks at it and commands it as its own page would, [`Ui`] speaks to
//! one app through it, and [`OfficialPage`] is the page itself, in a browser, on whichever desktop serves it. Everything blocks on plain threads, so that tests of any runtime can use it; from an async test,
//! call it through `spawn_blocking` or its like.
//!
//! A test begins so:
//!
//! ```no_run
//! use flipper_conformance::official::{Error, OfficialDesktop};
//!
//! # fn test() -> Result<(), Error> {
//! let Some(desktop) = OfficialDesktop::start_unless_skipped()? else {
//!     return Ok(());
//! };
//! # Ok(())
//! # }
//! ```
//!
//! The desktop is a fragile peer. A connection without an `Origin` header to its browser port ends it, and so does a
//! refused connection to its UI port now and then. Every error of this module therefore says if it has ended by itself.

mod certificates;
mod desktop;
mod error;
mod events;
mod install;
pub(crate) mod page;
mod ports;
pub(crate) mod process;
mod skip;
mod ui;
mod ui_socket;

pub use desktop::OfficialDesktop;
pub use error::{Error, ErrorKind};
pub use events::{ClientQuery, ConnectedClient, ListedDevice, ServerEvent};
pub use install::package;
pub use page::{OfficialPage, PageHost};
pub use ports::Ports;
pub use skip::skips_this_test;
pub use ui::Ui;
pub use ui_socket::{PendingReply, UiSocket};
