//! Plugin `Navigation` without the feature `enabled`: tells nobody.
#![expect(missing_docs, reason = "it is documented where it does something")]

use flipper_client::proto::ErrorReport;

use crate::Waiting;

/// Tells nobody.
#[derive(Clone, Debug, Default)]
pub struct Navigation(());

impl Navigation {
    pub const ID: &str = "Navigation";

    #[must_use]
    #[inline]
    pub fn new() -> Self {
        Self(())
    }

    #[inline]
    pub fn builder() -> NavigationBuilder {
        NavigationBuilder(())
    }

    #[inline]
    pub fn visit(&self, _uri: impl AsRef<str>) {}

    #[inline]
    pub fn visit_screen(&self, _uri: impl AsRef<str>, _screen: impl AsRef<str>) {}

    #[inline]
    pub fn show_screen(&self, _screen: impl AsRef<str>) {}
}

does_nothing!(Navigation, Self::ID);

/// Drops what it is given.
#[derive(Debug)]
#[must_use]
pub struct NavigationBuilder(());

impl NavigationBuilder {
    #[inline]
    pub fn waiting(self, _waiting: Waiting) -> Self {
        self
    }

    #[inline]
    pub fn send_uris(self) -> Self {
        self
    }

    #[inline]
    pub fn on_navigate<E: Into<ErrorReport>>(
        self,
        _callback: impl Fn(&str) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        self
    }

    #[must_use]
    #[inline]
    pub fn build(self) -> Navigation {
        Navigation(())
    }
}
