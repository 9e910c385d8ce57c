//! What is left of this crate without the feature `enabled`: the same API for apps, which does nothing.
//!
//! What is documented here is only how it differs; the rest stands where the real one is.
#![expect(missing_docs, reason = "it is documented where it does something")]

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;

use flipper_client::{Builder, Connection, Launch, Plugin, PluginBuilder, Setup, StartError, Status, Watch};
use flipper_proto::client::Counters;
use flipper_proto::{ApiMisuse, ErrorReport};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Has stopped before it began.
#[derive(Clone)]
pub struct Flipper<R> {
    runtime: PhantomData<fn() -> R>,
}

impl<R> Flipper<R> {
    #[inline]
    pub fn builder(app: impl Into<String>, app_id: impl Into<String>) -> Builder<Self> {
        Builder::new(app, app_id)
    }

    /// Always `Ok`. The runtime and the settings are dropped.
    #[inline]
    pub fn launch_on(_runtime: R, _setup: Setup) -> Result<Self, StartError> {
        Ok(Self::stopped())
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
    pub async fn connected(&self) -> bool {
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

    /// The future is ready.
    #[inline]
    pub fn stop(&self) -> impl Future<Output = ()> + Send + use<R> {
        std::future::ready(())
    }
}

impl<R> Launch for Flipper<R> {
    type Handle = Self;

    #[inline]
    fn launch(_setup: Setup) -> Result<Self, StartError> {
        Ok(Self::stopped())
    }

    #[inline]
    fn stopped() -> Self {
        Self { runtime: PhantomData }
    }
}

impl<R> fmt::Debug for Flipper<R> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flipper")
    }
}

/// Empty. What has it may be dropped by name, as the real one, and no lint says that this does nothing.
impl<R> Drop for Flipper<R> {
    #[inline]
    fn drop(&mut self) {}
}

/// Drops the methods.
pub trait AsyncMethods {
    fn async_method<P, T, E, F>(
        self,
        name: impl Into<String>,
        handler: impl Fn(P) -> F + Send + Sync + 'static,
    ) -> Self
    where
        P: DeserializeOwned + Send,
        T: Serialize,
        E: Into<ErrorReport>,
        F: Future<Output = Result<T, E>> + Send + 'static;
}

impl AsyncMethods for PluginBuilder {
    #[inline]
    fn async_method<P, T, E, F>(
        self,
        _name: impl Into<String>,
        _handler: impl Fn(P) -> F + Send + Sync + 'static,
    ) -> Self
    where
        P: DeserializeOwned + Send,
        T: Serialize,
        E: Into<ErrorReport>,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        self
    }
}
