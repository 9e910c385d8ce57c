//! What is left of this crate without the feature `enabled`: the same API for apps, which does nothing.
//!
//! What is documented here is only how it differs; the rest stands where the real one is.
#![expect(missing_docs, reason = "it is documented where it does something")]

use std::fmt;
use std::time::Duration;

use flipper_client::{Builder, Connection, Launch, Plugin, Setup, StartError, Status, Watch};
use flipper_proto::ApiMisuse;
use flipper_proto::client::Counters;

use crate::options::{InCallback, Options};

/// Has stopped before it began, and has no threads.
#[derive(Clone)]
pub struct Flipper(());

impl Flipper {
    #[inline]
    pub fn builder(app: impl Into<String>, app_id: impl Into<String>) -> Builder<Self> {
        Builder::new(app, app_id)
    }

    /// Always `Ok`. The settings are dropped.
    #[inline]
    pub fn launch_with(_setup: Setup, _options: &Options) -> Result<Self, StartError> {
        Ok(Self(()))
    }

    /// The settings are dropped.
    #[must_use]
    #[inline]
    pub fn prepare(_setup: Setup) -> Self {
        Self(())
    }

    /// Always `Ok`.
    #[inline]
    pub fn begin(&self, _options: &Options) -> Result<(), StartError> {
        Ok(())
    }

    /// Always stopped, and nothing has failed.
    #[must_use]
    #[inline]
    pub fn status(&self) -> Status {
        Status::stopped()
    }

    #[must_use]
    #[inline]
    pub fn watch(&self) -> Watch {
        Watch::over()
    }

    /// `false`, at once: there never will be a session.
    #[inline]
    pub fn connected(&self) -> bool {
        false
    }

    /// `false`, at once: there never will be a session.
    #[inline]
    pub fn connected_within(&self, _timeout: Duration) -> bool {
        false
    }

    /// Always `Ok`. The plugin is dropped.
    #[inline]
    pub fn add_plugin(&self, _plugin: impl Plugin) -> Result<(), ApiMisuse> {
        Ok(())
    }

    /// Always `Ok`.
    #[inline]
    pub fn remove_plugin(&self, _id: &str) -> Result<(), ApiMisuse> {
        Ok(())
    }

    /// It takes everything, and drops it.
    #[must_use]
    #[inline]
    pub fn connection(&self, _plugin: &str) -> Connection {
        Connection::nowhere()
    }

    /// Always 0: what is switched off has lost nothing.
    #[must_use]
    #[inline]
    pub fn counters(&self) -> Counters {
        Counters::default()
    }

    /// Always 0.
    #[must_use]
    #[inline]
    pub fn missed_notices(&self) -> u64 {
        0
    }

    /// Always 0: there is no thread.
    #[must_use]
    #[inline]
    pub fn wake_ups(&self) -> u64 {
        0
    }

    #[inline]
    pub fn stop(&self) -> Stopping {
        Stopping(())
    }

    /// Has ended.
    #[must_use]
    #[inline]
    pub fn ending(&self) -> Stopping {
        Stopping(())
    }
}

impl Launch for Flipper {
    type Handle = Self;

    #[inline]
    fn launch(_setup: Setup) -> Result<Self, StartError> {
        Ok(Self(()))
    }

    #[inline]
    fn stopped() -> Self {
        Self(())
    }
}

impl fmt::Debug for Flipper {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flipper")
    }
}

/// Empty. What has it may be dropped by name, as the real one, and no lint says that this does nothing.
impl Drop for Flipper {
    #[inline]
    fn drop(&mut self) {}
}

/// Has ended.
#[derive(Clone, Debug)]
pub struct Stopping(());

impl Stopping {
    /// Always `Ok`, at once.
    #[inline]
    pub fn wait(&self) -> Result<(), InCallback> {
        Ok(())
    }

    /// Always `true`, at once.
    #[inline]
    pub fn wait_for(&self, _timeout: Duration) -> Result<bool, InCallback> {
        Ok(true)
    }
}

/// Empty. What has it may be dropped by name, as the real one, and no lint says that this does nothing.
impl Drop for Stopping {
    #[inline]
    fn drop(&mut self) {}
}
