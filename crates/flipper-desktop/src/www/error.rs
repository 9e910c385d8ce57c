//! Why certificates cannot be uploaded.

use std::error::Error;
use std::fmt;

use flipper_proto::Excerpt;

/// Why certificates cannot be uploaded. The text says what, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UploadError {
    /// The place cannot be written to, or not be reached.
    Unreachable {
        /// What.
        place: Excerpt,
        /// What is in the way.
        why: Excerpt,
    },
    /// The place answers with this HTTP status.
    Status {
        /// What.
        place: Excerpt,
        /// The HTTP status.
        status: u16,
    },
    /// For an uploader that fails in its own way: what went wrong, for people.
    Other(String),
}

impl fmt::Display for UploadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { place, why } => write!(f, "{place} cannot be written: {why}"),
            Self::Status { place, status: status @ (401 | 403) } => {
                write!(f, "{place} answers with HTTP status {status}; the desktop must be allowed to write there")
            }
            Self::Status { place, status } => write!(f, "{place} answers with HTTP status {status}"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

impl Error for UploadError {}

impl From<String> for UploadError {
    fn from(why: String) -> Self {
        Self::Other(why)
    }
}

impl From<&str> for UploadError {
    fn from(why: &str) -> Self {
        Self::Other(why.to_owned())
    }
}
