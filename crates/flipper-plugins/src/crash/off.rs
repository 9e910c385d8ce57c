//! Panics and errors without the feature `enabled`: nobody is told.
#![expect(missing_docs, reason = "it is documented where it does something")]

use std::error::Error;
use std::path::PathBuf;

/// Tells nobody, and leaves the panic hook as it is.
#[derive(Clone, Debug, Default)]
pub struct Crash(());

impl Crash {
    pub const ID: &str = "rust-crashes";

    #[must_use]
    #[inline]
    pub fn new() -> Self {
        Self(())
    }

    #[inline]
    pub fn builder() -> CrashBuilder {
        CrashBuilder(())
    }

    #[inline]
    pub fn install_panic_hook(&self) {}

    #[inline]
    pub fn report<E: Error + ?Sized>(&self, _error: &E) {}

    /// Always 0: what is switched off has lost nothing.
    #[must_use]
    #[inline]
    pub fn lost(&self) -> u64 {
        0
    }

    /// Always 0.
    #[must_use]
    #[inline]
    pub fn pending(&self) -> usize {
        0
    }
}

does_nothing!(Crash, Self::ID);

/// Drops what it is given.
#[derive(Clone, Debug)]
#[must_use]
pub struct CrashBuilder(());

impl CrashBuilder {
    #[inline]
    pub fn directory(self, _directory: impl Into<PathBuf>) -> Self {
        self
    }

    #[inline]
    pub fn keep(self, _reports: usize) -> Self {
        self
    }

    #[must_use]
    #[inline]
    pub fn build(self) -> Crash {
        Crash(())
    }
}
