//! A plugin's way to nowhere.

use std::path::PathBuf;
use std::sync::LazyLock;

use flipper_proto::{ErrorReport, Payload, PluginId};
use serde::Serialize;

use crate::error::SendError;

/// Takes everything, and drops it.
#[derive(Clone, Debug)]
pub struct Connection(());

impl Connection {
    /// For adapters that are switched off.
    #[doc(hidden)]
    #[must_use]
    #[inline]
    pub const fn nowhere() -> Self {
        Self(())
    }

    /// A plugin without a name: it was not kept.
    #[must_use]
    #[inline]
    pub fn plugin(&self) -> &PluginId {
        static NOBODY: LazyLock<PluginId> = LazyLock::new(|| PluginId::new(""));
        &NOBODY
    }

    /// Always `Ok`.
    #[inline]
    pub fn send<T: Serialize + ?Sized>(&self, _method: &str, _params: &T) -> Result<(), SendError> {
        Ok(())
    }

    /// Always `Ok`.
    #[inline]
    pub fn send_json(&self, _method: &str, _params: Option<&Payload>) -> Result<(), SendError> {
        Ok(())
    }

    /// Always `Ok`.
    #[inline]
    pub fn report_error(&self, _report: &ErrorReport) -> Result<(), SendError> {
        Ok(())
    }

    /// Always `None`.
    #[must_use]
    #[inline]
    pub fn directory(&self) -> Option<PathBuf> {
        None
    }

    /// Never.
    #[must_use]
    #[inline]
    pub fn is_connected(&self) -> bool {
        false
    }

    /// Always 0.
    #[must_use]
    #[inline]
    pub fn waiting(&self) -> usize {
        0
    }

    /// Never: nothing ever leaves.
    #[must_use]
    #[inline]
    pub fn is_flushed(&self) -> bool {
        false
    }

    /// Always 0: what is switched off has lost nothing.
    #[must_use]
    #[inline]
    pub fn dropped(&self) -> u64 {
        0
    }
}

/// Empty. What has it may be dropped by name, as the real one, and no lint says that this does nothing.
impl Drop for Connection {
    #[inline]
    fn drop(&mut self) {}
}
