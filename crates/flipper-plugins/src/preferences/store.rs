//! What the plugin asks of a place where settings are kept.

use std::fmt;

pub use serde_json::{Map, Value};

use super::Changes;

/// A place where settings are kept: names, each with a value.
///
/// Its methods are called from a thread of the plugin, one after the other, and may block for a while.
pub trait Store: Send + Sync + 'static {
    /// All names with their values.
    ///
    /// # Errors
    /// When they cannot be read. The desktop shows why.
    fn all(&self) -> Result<Map<String, Value>, StoreError>;

    /// Gives a name another value.
    ///
    /// # Errors
    /// [`StoreErrorKind::UnknownKey`] and [`StoreErrorKind::InvalidValue`] if it takes not any, and whatever else goes wrong.
    fn set(&self, key: &str, value: Value) -> Result<(), StoreError>;

    /// Takes a name out, or gives it the value that it had in the beginning.
    ///
    /// # Errors
    /// [`StoreErrorKind::UnknownKey`], and whatever else goes wrong.
    fn delete(&self, key: &str) -> Result<(), StoreError>;

    /// Hands over who wants to be told of every change, by whomever it is made, the desktop's own among them. It is called
    /// once, when the store is added.
    fn watch(&self, changes: Changes);
}

/// Why a store refused something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    kind: StoreErrorKind,
    message: String,
}

/// The kinds of [`StoreError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store has no such name.
    UnknownKey,
    /// The name cannot have this value.
    InvalidValue,
    /// The store cannot be read or written.
    Failed,
}

impl StoreError {
    /// An error of a kind, and what a person should know of it.
    #[must_use]
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// What kind of error it is.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// What a person should know of it.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StoreError {}
