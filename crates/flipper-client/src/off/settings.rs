//! Settings that are not kept.

use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;

use flipper_proto::client::Config;
use flipper_proto::{Limits, Medium, Overflow};

use super::Never;
use crate::error::StartError;
use crate::launch::Launch;
use crate::notice::Notice;
use crate::plugin::Plugin;
use crate::www::{CertificateProvider, Certificates, FetchError};

/// Keeps nothing, and drops every closure, plugin and provider that it is given.
#[must_use]
pub struct Builder<L> {
    launch: PhantomData<fn() -> L>,
}

impl<L: Launch> Builder<L> {
    #[inline]
    pub fn new(_app: impl Into<String>, _app_id: impl Into<String>) -> Self {
        Self { launch: PhantomData }
    }

    #[inline]
    pub fn plugin(self, _plugin: impl Plugin) -> Self {
        self
    }

    #[inline]
    pub fn host(self, _host: impl Into<String>) -> Self {
        self
    }

    #[inline]
    pub fn ports(self, _insecure: u16, _secure: u16) -> Self {
        self
    }

    #[inline]
    pub fn os(self, _os: impl Into<String>) -> Self {
        self
    }

    #[inline]
    pub fn device(self, _device: impl Into<String>) -> Self {
        self
    }

    #[inline]
    pub fn device_id(self, _device_id: impl Into<String>) -> Self {
        self
    }

    #[inline]
    pub fn directory(self, _directory: impl Into<PathBuf>) -> Self {
        self
    }

    #[inline]
    pub fn medium(self, _medium: Medium) -> Self {
        self
    }

    #[inline]
    pub fn pairing(self, _link: impl Into<String>) -> Self {
        self
    }

    #[inline]
    pub fn certificate_provider(self, _provider: impl CertificateProvider) -> Self {
        self
    }

    #[inline]
    pub fn limits(self, _limits: Limits) -> Self {
        self
    }

    #[inline]
    pub fn overflow(self, _overflow: Overflow) -> Self {
        self
    }

    #[inline]
    pub fn configure(self, _change: impl FnOnce(&mut Config)) -> Self {
        self
    }

    #[inline]
    pub fn observer(self, _observer: impl Fn(&Notice) + Send + Sync + 'static) -> Self {
        self
    }

    /// Always `Ok`, whatever the settings are.
    #[inline]
    pub fn start(self) -> Result<L::Handle, StartError> {
        Ok(L::stopped())
    }

    /// Always `Ok`, whatever the settings are.
    #[inline]
    pub fn into_setup(self) -> Result<Setup, StartError> {
        Ok(Setup(()))
    }
}

impl<L> fmt::Debug for Builder<L> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Builder")
    }
}

/// Holds nothing.
#[derive(Debug)]
pub struct Setup(());

/// Fetches nothing.
#[derive(Clone, Debug)]
pub struct DirectoryProvider(());

impl DirectoryProvider {
    #[must_use]
    #[inline]
    pub fn new(_directory: impl Into<PathBuf>) -> Self {
        Self(())
    }
}

impl CertificateProvider for DirectoryProvider {
    #[inline]
    fn fetch(&self, _device_id: &str) -> Result<Certificates, FetchError> {
        Err(FetchError::Other("Flipper is switched off".to_owned()))
    }
}

/// Never exists, because no link is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkError {
    never: Never,
}

impl fmt::Display for LinkError {
    #[inline]
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.never {}
    }
}

impl std::error::Error for LinkError {}
