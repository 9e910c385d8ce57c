//! Why certificates cannot be fetched.

use std::error::Error;
use std::fmt;

use flipper_proto::Excerpt;

use super::MAX_SIZE;

/// Why certificates cannot be fetched. The text says what, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchError {
    /// No desktop of this project answers such a device id.
    DeviceId(Excerpt),
    /// There is nothing, or not yet.
    Missing {
        /// Where.
        place: Excerpt,
    },
    /// It cannot be reached.
    Unreachable {
        /// What.
        place: Excerpt,
        /// What is in the way.
        why: Excerpt,
    },
    /// It is there and answers with another status than 200 or 404.
    Status {
        /// What.
        place: Excerpt,
        /// The HTTP status.
        status: u16,
    },
    /// What is there is too large.
    TooLarge {
        /// Where.
        place: Excerpt,
    },
    /// What is there are no certificates.
    NotABundle {
        /// Where.
        place: Excerpt,
    },
    /// For a provider that fails in its own way: what went wrong, for people.
    Other(String),
}

impl FetchError {
    /// Whether it may go better in a moment.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Missing { .. } | Self::Unreachable { .. } => true,
            Self::Status { status, .. } => *status == 429 || *status >= 500,
            Self::DeviceId(_) | Self::TooLarge { .. } | Self::NotABundle { .. } | Self::Other(_) => false,
        }
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DeviceId(id) => write!(f, "{id:?} is no device id that a certificate could lie under"),
            Self::Missing { place } => {
                write!(f, "there is nothing at {place}; the desktop must upload to the same place")
            }
            Self::Unreachable { place, why } => write!(f, "{place} cannot be read: {why}"),
            Self::Status { place, status: status @ (401 | 403) } => {
                write!(f, "{place} answers with HTTP status {status}; the app must be allowed to read there")
            }
            Self::Status { place, status } => write!(f, "{place} answers with HTTP status {status}"),
            Self::TooLarge { place } => write!(f, "what is at {place} has more than {MAX_SIZE} bytes"),
            Self::NotABundle { place } => {
                write!(f, "what is at {place} are no certificates of a Flipper desktop; check the place")
            }
            Self::Other(why) => f.write_str(why),
        }
    }
}

impl Error for FetchError {}

impl From<String> for FetchError {
    fn from(why: String) -> Self {
        Self::Other(why)
    }
}

impl From<&str> for FetchError {
    fn from(why: &str) -> Self {
        Self::Other(why.to_owned())
    }
}
