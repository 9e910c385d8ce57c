//! Why certificates cannot be fetched.

use std::error::Error;
use std::fmt;

use flipper_proto::Excerpt;

use super::MAX_SIZE;

/// What is wrong with a place that certificates are read from or written to. URLs are shown without what may be secret
/// in them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlaceError {
    /// There is nothing, or not yet.
    Missing {
        /// Where.
        place: Excerpt,
    },
    /// It cannot be reached or used.
    Unreachable {
        /// What.
        place: Excerpt,
        /// What is in the way.
        why: Excerpt,
    },
    /// It answers with this HTTP status.
    Status {
        /// What.
        place: Excerpt,
        /// The status.
        status: u16,
    },
    /// What is there has more than 64 KiB.
    TooLarge {
        /// Where.
        place: Excerpt,
    },
}

impl PlaceError {
    /// Whether it may go better in a moment.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Missing { .. } | Self::Unreachable { .. } => true,
            Self::Status { status, .. } => *status == 429 || *status >= 500,
            Self::TooLarge { .. } => false,
        }
    }
}

impl fmt::Display for PlaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { place } => {
                write!(f, "there is nothing at {place}; app and desktop must mean the same place")
            }
            Self::Unreachable { place, why } => write!(f, "{place} cannot be used: {why}"),
            Self::Status { place, status: status @ (401 | 403) } => {
                write!(f, "{place} answers with HTTP status {status}; see that it lets this program in")
            }
            Self::Status { place, status } => write!(f, "{place} answers with HTTP status {status}"),
            Self::TooLarge { place } => write!(f, "what is at {place} has more than {MAX_SIZE} bytes"),
        }
    }
}

impl Error for PlaceError {}

/// Why certificates cannot be fetched. The text says what, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchError {
    /// No desktop of this project answers such a device id.
    DeviceId(Excerpt),
    /// The place cannot be read.
    Place(PlaceError),
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
        matches!(self, Self::Place(error) if error.is_transient())
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DeviceId(id) => write!(f, "{id:?} is no device id that a certificate could lie under"),
            Self::Place(error) => write!(f, "{error}"),
            Self::NotABundle { place } => {
                write!(f, "what is at {place} are no certificates of a Flipper desktop; check the place")
            }
            Self::Other(why) => f.write_str(why),
        }
    }
}

impl Error for FetchError {}

impl From<PlaceError> for FetchError {
    fn from(error: PlaceError) -> Self {
        Self::Place(error)
    }
}

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
