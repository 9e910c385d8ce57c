//! What may be wrong with a row.

use std::fmt;

use flipper_client::SendError;

/// Why a row is not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowError {
    /// It cannot be written as JSON; the text says why.
    NotJson(String),
    /// As JSON it is no object, whose fields would be the cells.
    NotAnObject,
    /// It lacks the key field, which has this name, or it is null.
    NoKey(String),
    /// The desktop that looks on could not be told. The row is kept all the same.
    NotSent(SendError),
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson(why) => write!(f, "the row cannot be written as JSON: {why}"),
            Self::NotAnObject => f.write_str("the row is no JSON object; give a struct or a map"),
            Self::NoKey(field) => write!(f, "the row lacks its key, the field `{field}`"),
            Self::NotSent(error) => write!(f, "the row could not be sent: {error}"),
        }
    }
}

impl std::error::Error for RowError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotSent(error) => Some(error),
            _ => None,
        }
    }
}
