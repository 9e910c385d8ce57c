//! Why certificates cannot be uploaded.

use std::error::Error;
use std::fmt;

pub use flipper_async::client::PlaceError;

/// Why certificates cannot be uploaded. The text says what, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UploadError {
    /// The place cannot be written to.
    Place(PlaceError),
    /// For an uploader that fails in its own way: what went wrong, for people.
    Other(String),
}

impl fmt::Display for UploadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Place(error) => write!(f, "{error}"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

impl From<PlaceError> for UploadError {
    fn from(error: PlaceError) -> Self {
        Self::Place(error)
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
