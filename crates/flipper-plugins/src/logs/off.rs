//! Plugin `rust-logs` without the feature `enabled`: records nothing.
#![expect(missing_docs, reason = "it is documented where it does something")]

mod error;

use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Identity;
use tracing_subscriber::registry::LookupSpan;

use crate::Waiting;

pub use self::error::FilterError;

/// Records nothing.
#[derive(Clone, Debug, Default)]
pub struct Logs(());

impl Logs {
    pub const ID: &str = "rust-logs";

    #[must_use]
    #[inline]
    pub fn new() -> Self {
        Self(())
    }

    #[inline]
    pub fn builder() -> LogsBuilder {
        LogsBuilder(())
    }

    /// A layer that changes nothing. It is `tracing_subscriber`'s own, so that the type of the subscriber has nothing of
    /// this crate in it.
    #[inline]
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        Identity::new()
    }

    /// Always empty.
    #[must_use]
    #[inline]
    pub fn filter(&self) -> String {
        String::new()
    }

    /// Always `Ok`.
    #[inline]
    pub fn set_filter(&self, _directives: &str) -> Result<(), FilterError> {
        Ok(())
    }
}

does_nothing!(Logs, Self::ID);

/// Drops what it is given.
#[derive(Debug)]
#[must_use]
pub struct LogsBuilder(());

impl LogsBuilder {
    /// Always `Ok`.
    #[inline]
    pub fn filter(self, _directives: &str) -> Result<Self, FilterError> {
        Ok(self)
    }

    #[inline]
    pub fn waiting(self, _waiting: Waiting) -> Self {
        self
    }

    #[inline]
    pub fn text_limit(self, _bytes: usize) -> Self {
        self
    }

    #[inline]
    pub fn spans_while_closed(self, _followed: bool) -> Self {
        self
    }

    #[must_use]
    #[inline]
    pub fn build(self) -> Logs {
        Logs(())
    }
}
