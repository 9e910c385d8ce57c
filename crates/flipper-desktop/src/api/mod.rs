//! The desktop for scripts and pages: JSON over HTTP and WebSocket, and the UI socket of the official desktop, all on
//! one port.
//!
//! ```no_run
//! use flipper_desktop::Desktop;
//! use flipper_desktop::api::Api;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let desktop = Desktop::builder().start().await?;
//! let api = Api::builder(&desktop).start().await?;
//! println!("http://localhost:{}/api/v1/apps?token={}", api.port(), api.token().as_str());
//! # api.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! What it speaks is written down in `docs/desktop-api.md`, with an example of everything.
//!
//! # Trust
//!
//! Whoever has the token may see all that apps send, and call whatever they offer. The token is new with every start,
//! and stands in a file that only its owner can read. Requests of web pages of another origin are turned away even if
//! they have it, and so are requests that name a host that is not this machine. Nothing here runs a program, and nothing
//! touches a file that a caller names.

mod builder;
mod cookie;
mod failure;
mod find;
mod gate;
mod official_ui;
mod page;
#[cfg(feature = "records")]
mod recorded;
#[cfg(feature = "records")]
mod recordings;
mod routes;
mod running;
mod server;
mod socket;
mod token;

pub use self::builder::Builder;
pub use self::official_ui::{OfficialUi, OfficialUiError};
pub use self::running::{RunningDesktop, RunningError};
pub use self::server::Api;
pub use self::token::Token;

/// The port that the official desktop has its UI on.
pub const USUAL_PORT: u16 = 52342;
