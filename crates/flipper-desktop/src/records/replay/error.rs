//! Why a replay did not come to its end.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

use crate::error::StartError;
use crate::records::RecordError;

/// Why a replay did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplayError {
    /// The recording cannot be read.
    Record(RecordError),
    /// The environment names no ports.
    Ports(StartError),
    /// No such app was recorded.
    NoApps {
        /// The recording.
        path: PathBuf,
        /// The app that was looked for; any, if none.
        wanted: Option<String>,
    },
    /// An app did not get to the desktop.
    NotConnected {
        /// Its client id in the recording.
        client: String,
        /// What failed last.
        failure: String,
    },
    /// An app cannot even begin.
    NotStarted {
        /// Its client id in the recording.
        client: String,
        /// Why.
        text: String,
    },
}

impl From<RecordError> for ReplayError {
    fn from(error: RecordError) -> Self {
        Self::Record(error)
    }
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record(error) => write!(f, "{error}"),
            Self::Ports(error) => write!(f, "{error}"),
            Self::NoApps { path, wanted: Some(app) } => write!(
                f,
                "{} has no app {app:?}; give the name or the client id of one that was recorded",
                path.display()
            ),
            Self::NoApps { path, wanted: None } => {
                write!(f, "no app was connected while {} was recorded: there is nothing to replay", path.display())
            }
            Self::NotConnected { client, failure } => write!(f, "{client} does not get to the desktop: {failure}"),
            Self::NotStarted { client, text } => write!(f, "{client} cannot be replayed: {text}"),
        }
    }
}

impl Error for ReplayError {}
