//! What scenarios need of an adapter.

use std::fmt;

use flipper_client::proto::ApiMisuse;
use flipper_client::proto::client::Counters;
use flipper_client::{Builder, Connection, Launch, Plugin, Status, Watch};

use crate::Result;

/// An adapter's client, without its runtime: scenarios are plain synchronous functions.
pub trait Adapter: Sized + 'static {
    /// The adapter's name, which its tests are listed under.
    const NAME: &'static str;

    /// What its builder starts.
    type Launch: Launch;

    /// What an app holds while Flipper runs.
    type Handle: Handle;

    /// What an app runs on: one of its own, so that no app can delay another. Dropped, it ends whatever still runs.
    type Runtime;

    /// Starts an app, on a runtime of its own.
    ///
    /// # Errors
    /// [`StartError`](flipper_client::StartError), and what the system has against a runtime.
    fn start(builder: Builder<Self::Launch>) -> Result<(Self::Handle, Self::Runtime)>;
}

/// An app's Flipper. When the last clone is dropped, it stops.
///
/// Everything but [`stop`](Self::stop) and [`wait_connected`](Self::wait_connected) may be called anywhere, also in the
/// callbacks of plugins.
pub trait Handle: Clone + fmt::Debug + Send + Sync + 'static {
    /// Where the app stands with its desktop.
    fn status(&self) -> Status;

    /// Waits for another status.
    fn watch(&self) -> Watch;

    /// What was lost, refused or ignored so far.
    fn counters(&self) -> Counters;

    /// A connection to send events of a plugin with.
    fn connection(&self, plugin: &str) -> Connection;

    /// Adds a plugin.
    ///
    /// # Errors
    /// [`ApiMisuse::DuplicatePlugin`], [`ApiMisuse::TooManyPlugins`].
    fn add_plugin(&self, plugin: impl Plugin) -> Result<(), ApiMisuse>;

    /// Removes a plugin.
    ///
    /// # Errors
    /// [`ApiMisuse::UnknownPlugin`].
    fn remove_plugin(&self, id: &str) -> Result<(), ApiMisuse>;

    /// Begins to stop, and waits for nothing.
    fn begin_stop(&self);

    /// Stops, and waits until everything has ended. Not for callbacks.
    fn stop(&self);

    /// Waits until there is a session with a desktop. Says whether there is one: there never will be once Flipper has
    /// stopped. Not for callbacks.
    fn wait_connected(&self) -> bool;
}
