//! Why there is no page.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use super::OfficialUi;

/// Why the official UI cannot be served. The text says what is missing, and how to get it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OfficialUiError {
    /// A file is not there.
    Missing {
        /// The directory that was looked at.
        directory: PathBuf,
        /// The file, as it is called there.
        file: &'static str,
    },
    /// Another version is installed.
    OtherVersion {
        /// Where.
        directory: PathBuf,
        /// Which.
        version: String,
    },
    /// A file cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What kind of error it is.
        kind: io::ErrorKind,
        /// What the system said.
        text: String,
    },
    /// The page has no place where scripts could be put.
    Unfamiliar {
        /// The page.
        path: PathBuf,
    },
}

impl OfficialUiError {
    pub(super) fn unreadable(path: PathBuf, error: &io::Error) -> Self {
        Self::Unreadable { path, kind: error.kind(), text: error.to_string() }
    }
}

impl fmt::Display for OfficialUiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = OfficialUi::VERSION;
        let install = format!(
            "install it with `npm install --ignore-scripts flipper-server@{version}` in a directory of its own, and name \
             that directory"
        );
        match self {
            Self::Missing { directory, file } => {
                write!(f, "{} holds no official UI: {file} is missing; {install}", directory.display())
            }
            Self::OtherVersion { directory, version: found } => write!(
                f,
                "{} holds flipper-server {found}, and this desktop can stand in for {version} only; {install}",
                directory.display()
            ),
            Self::Unreadable { path, text, .. } => {
                write!(f, "{} cannot be read: {text}; make it readable, or {install}", path.display())
            }
            Self::Unfamiliar { path } => {
                write!(f, "{} is not the page of flipper-server {version}; {install}", path.display())
            }
        }
    }
}

impl Error for OfficialUiError {}
