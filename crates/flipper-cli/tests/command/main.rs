//! The command, as people and scripts run it.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail at any line")]

mod client;
mod desktop;
mod docs;
mod official_plugins;
mod records;
#[cfg(unix)]
mod script;
mod support;
#[cfg(unix)]
mod terminal;
