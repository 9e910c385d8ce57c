//! Plugins made of closures, which are dropped.

use flipper_proto::ErrorReport;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Call, Connection};
use crate::plugin::Plugin;

#[inline]
pub fn plugin(_id: impl Into<String>) -> PluginBuilder {
    PluginBuilder(())
}

/// Drops every closure that it is given.
#[must_use]
pub struct PluginBuilder(());

impl PluginBuilder {
    #[inline]
    pub fn background(self) -> Self {
        self
    }

    #[inline]
    pub fn on_added(self, _callback: impl Fn(Connection) + Send + Sync + 'static) -> Self {
        self
    }

    #[inline]
    pub fn on_connect(self, _callback: impl Fn(Connection) + Send + Sync + 'static) -> Self {
        self
    }

    #[inline]
    pub fn on_disconnect(self, _callback: impl Fn() + Send + Sync + 'static) -> Self {
        self
    }

    #[inline]
    pub fn method<P, T, E>(
        self,
        _name: impl Into<String>,
        _handler: impl Fn(P) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self
    where
        P: DeserializeOwned,
        T: Serialize,
        E: Into<ErrorReport>,
    {
        self
    }

    #[inline]
    pub fn call(self, _name: impl Into<String>, _handler: impl Fn(Call) + Send + Sync + 'static) -> Self {
        self
    }

    /// A plugin without a name and without methods.
    #[must_use]
    #[inline]
    pub fn build(self) -> impl Plugin {
        Nothing(())
    }
}

struct Nothing(());

impl Plugin for Nothing {
    #[inline]
    fn id(&self) -> &str {
        ""
    }

    #[inline]
    fn has_method(&self, _method: &str) -> bool {
        false
    }

    #[inline]
    fn on_call(&self, _call: Call) {}
}

/// Empty. What has it may be dropped by name, as the real one, and no lint says that this does nothing.
impl Drop for Nothing {
    #[inline]
    fn drop(&mut self) {}
}
