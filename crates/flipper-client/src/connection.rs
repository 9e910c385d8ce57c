//! A plugin's way to the desktop.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use flipper_proto::{ErrorReport, Payload, PluginId};
use serde::Serialize;

use crate::app::App;
use crate::error::SendError;

/// Sends the events of one plugin. Clones send for the same plugin, from any thread or task.
///
/// It outlives sessions: events that are sent while no desktop has initialised the plugin wait in a bounded buffer, and
/// go out, in order, when one does.
#[derive(Clone)]
pub struct Connection {
    app: Weak<App>,
    plugin: PluginId,
}

impl Connection {
    pub(crate) fn new(app: &Arc<App>, plugin: PluginId) -> Self {
        Self { app: Arc::downgrade(app), plugin }
    }

    /// For adapters that are switched off.
    #[doc(hidden)]
    #[must_use]
    pub fn nowhere() -> Self {
        Self { app: Weak::new(), plugin: PluginId::new("") }
    }

    /// The plugin whose events this sends.
    #[must_use]
    pub fn plugin(&self) -> &PluginId {
        &self.plugin
    }

    /// Sends an event. It never blocks: see [`Limits`](flipper_proto::Limits) for what waits, and
    /// [`Overflow`](flipper_proto::Overflow) for what goes when too much does.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn send<T: Serialize + ?Sized>(&self, method: &str, params: &T) -> Result<(), SendError> {
        let params = Payload::serialize(params).map_err(|error| SendError::NotJson(error.to_string()))?;
        self.send_json(method, Some(&params))
    }

    /// Sends an event whose params are JSON already, or that has none.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn send_json(&self, method: &str, params: Option<&Payload>) -> Result<(), SendError> {
        let app = self.running()?;
        app.with_core(|core| core.send(&self.plugin, method, params)).map_err(SendError::from)
    }

    /// Tells the desktop of an error outside any call.
    ///
    /// # Errors
    /// [`SendError::NotConnected`] when no desktop is there: errors do not wait.
    pub fn report_error(&self, report: &ErrorReport) -> Result<(), SendError> {
        let app = self.running()?;
        app.with_core(|core| core.report_error(report)).map_err(SendError::from)
    }

    /// The private directory of the app, where it has its keys and certificates: whatever a plugin keeps has its place in a
    /// folder there. `None` where the app is gone.
    #[must_use]
    pub fn directory(&self) -> Option<PathBuf> {
        self.app.upgrade().and_then(|app| app.directory().map(Path::to_owned))
    }

    fn running(&self) -> Result<Arc<App>, SendError> {
        self.app.upgrade().filter(|app| !app.is_finished()).ok_or(SendError::Stopped)
    }

    /// Whether a desktop has initialised the plugin.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.app.upgrade().is_some_and(|app| app.peek(|core| core.is_plugin_connected(self.plugin.as_str())))
    }

    /// How many events of this plugin wait to be sent.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let waiting = self.app.upgrade().map(|app| app.peek(|core| core.waiting_events(self.plugin.as_str())));
        waiting.and_then(Result::ok).unwrap_or(0)
    }

    /// Whether everything that was sent so far with this plugin's connections has left the app. It is `false` without a
    /// session, and while an answer or error is on its way.
    #[must_use]
    pub fn is_flushed(&self) -> bool {
        self.app.upgrade().is_some_and(|app| app.peek(|core| core.is_flushed(self.plugin.as_str())))
    }

    /// How many events of this plugin were dropped because its buffer was full. The desktop is told, too.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        let dropped = self.app.upgrade().map(|app| app.peek(|core| core.dropped_events(self.plugin.as_str())));
        dropped.and_then(Result::ok).unwrap_or(0)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("plugin", &self.plugin).finish_non_exhaustive()
    }
}
