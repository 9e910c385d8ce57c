//! Plugin `Sandbox` without the feature `enabled`: nobody chooses.
#![expect(missing_docs, reason = "it is documented where it does something")]

use flipper_client::proto::ErrorReport;

/// Nobody chooses.
#[derive(Clone, Debug, Default)]
pub struct Sandbox(());

impl Sandbox {
    pub const ID: &str = "Sandbox";

    #[inline]
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder(())
    }

    #[inline]
    pub fn set_choices<N: Into<String>, V: Into<String>>(&self, _choices: impl IntoIterator<Item = (N, V)>) {}

    /// Always `None`.
    #[must_use]
    #[inline]
    pub fn chosen(&self) -> Option<String> {
        None
    }
}

does_nothing!(Sandbox, Self::ID);

/// Drops what it is given.
#[derive(Debug)]
#[must_use]
pub struct SandboxBuilder(());

impl SandboxBuilder {
    #[inline]
    pub fn offer(self, _name: impl Into<String>, _value: impl Into<String>) -> Self {
        self
    }

    #[inline]
    pub fn only_offered(self) -> Self {
        self
    }

    #[inline]
    pub fn on_change<E: Into<ErrorReport>>(
        self,
        _callback: impl Fn(&str) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        self
    }

    #[must_use]
    #[inline]
    pub fn build(self) -> Sandbox {
        Sandbox(())
    }
}
