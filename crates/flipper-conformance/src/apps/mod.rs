//! Apps that desktops are tried with, as whoever uses an app sees it: in plain synchronous calls.

mod of_adapter;
mod of_program;
mod part;

use std::path::Path;
use std::time::Duration;

use flipper_client::proto::ErrorReport;
use flipper_client::proto::client::ExchangeReason;
use serde_json::Value;

use crate::Result;

pub use self::of_program::{Binding, CSansIo, CThreaded, ProgramApp, Python};
pub use self::part::Part;

/// What an app is started with.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// Its name.
    pub name: &'a str,
    /// The ports of the desktop on this machine, for exchanges and for sessions.
    pub ports: (u16, u16),
    /// Where it keeps its keys and certificates.
    pub directory: &'a Path,
}

impl Settings<'_> {
    /// The app's bundle id.
    pub const ID: &'static str = "com.example.matrix";

    /// The longest wait between two attempts. Waits are as they are everywhere, only shorter: no test is about how long
    /// they are.
    pub const CEILING: Duration = Duration::from_millis(500);
}

/// An app that runs. Dropped, it dies without a word to its desktop.
///
/// What it tells of its way is what the types of this project's client say of theirs. Whatever waits gives up after
/// [`PATIENCE`](crate::PATIENCE) with an error that says what did not come.
pub trait App: Sized {
    /// Starts one with these plugins.
    ///
    /// # Errors
    /// When it does not start.
    fn launch(settings: &Settings<'_>, parts: &[Part<'_>]) -> Result<Self>;

    /// Waits until it tells, after whatever earlier waits found, that it is in a session.
    ///
    /// # Errors
    /// When it does not tell.
    fn wait_connected(&mut self) -> Result;

    /// Waits for the next failure that it tells, and gives its text.
    ///
    /// # Errors
    /// When it tells none.
    fn wait_failure(&mut self) -> Result<String>;

    /// Waits until it tells that it needs certificates, for this reason.
    ///
    /// # Errors
    /// When it does not tell.
    fn wait_exchange(&mut self, reason: ExchangeReason) -> Result;

    /// The texts of the steps that it has told so far.
    fn steps(&self) -> Vec<String>;

    /// Sends an event.
    ///
    /// # Errors
    /// When it refuses.
    fn send(&self, plugin: &str, method: &str, params: &Value) -> Result;

    /// How many events of a plugin wait to be sent, and how many were dropped.
    ///
    /// # Errors
    /// When it does not say.
    fn waiting(&self, plugin: &str) -> Result<(usize, u64)>;

    /// Tells the desktop of an error outside any call.
    ///
    /// # Errors
    /// When it refuses.
    fn report_error(&self, report: &ErrorReport) -> Result;

    /// Adds a plugin.
    ///
    /// # Errors
    /// When it refuses.
    fn add_plugin(&self, part: &Part<'_>) -> Result;

    /// Removes a plugin.
    ///
    /// # Errors
    /// When it refuses.
    fn remove_plugin(&self, id: &str) -> Result;

    /// Stops it, and waits until everything has ended.
    ///
    /// # Errors
    /// When it does not end as it should.
    fn stop(self) -> Result;
}
