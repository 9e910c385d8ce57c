//! What goes wrong with a database.

use std::fmt;

/// Why a database gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

/// The kinds of [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The desktop asked for something that makes no sense.
    InvalidRequest,
    /// There is no such database, or the app has closed it.
    UnknownDatabase,
    /// The database has no such table or view.
    UnknownTable,
    /// The table has no such column.
    UnknownColumn,
    /// The database refused the statement.
    Sql,
    /// The statement would change something, and the database was added to be read only.
    ReadOnly,
    /// It took too long, and was interrupted.
    Deadline,
    /// The database is at work on something else.
    Busy,
    /// The database cannot be reached.
    Unavailable,
    /// The driver panicked.
    Panicked,
}

impl Error {
    /// An error of a kind, and what a person should know of it.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// What kind of error it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What a person should know of it.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
