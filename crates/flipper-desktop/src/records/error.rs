//! Why there is no recording, or not all of one.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why something cannot be recorded, or a recording cannot be read. The text says what, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordError {
    /// The file is there, and is something else.
    NotARecording {
        /// The file.
        path: PathBuf,
    },
    /// A newer version of this program made the file.
    Newer {
        /// The file.
        path: PathBuf,
        /// The version of its schema.
        version: i64,
    },
    /// Somebody records into the file already.
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// This desktop records already.
    AlreadyRecording {
        /// The file that it records into.
        path: PathBuf,
    },
    /// This desktop records nothing.
    NotRecording,
    /// There is no room left on the disk.
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// The file is as large as it may become.
    LimitReached {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        max_bytes: u64,
    },
    /// The system does not let this process use the file.
    Io {
        /// The file.
        path: PathBuf,
        /// What kind of error it is.
        kind: io::ErrorKind,
        /// What the system said.
        text: String,
    },
    /// SQLite cannot use the file.
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        text: String,
    },
    /// The system gives no thread for the recorder.
    NoThread {
        /// What the system said.
        text: String,
    },
    /// The thread of the recorder has ended before its time.
    Ended {
        /// The file.
        path: PathBuf,
    },
}

impl RecordError {
    pub(super) fn io(path: &Path, error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::StorageFull {
            return Self::DiskFull { path: path.to_owned() };
        }
        Self::Io { path: path.to_owned(), kind: error.kind(), text: error.to_string() }
    }

    pub(super) fn sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotARecording { path },
            Some(ErrorCode::DiskFull) => Self::DiskFull { path },
            _ => Self::Database { path, text: error.to_string() },
        }
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotARecording { path } => {
                write!(f, "{} is no recording of Flipper; choose another file", path.display())
            }
            Self::Newer { path, version } => write!(
                f,
                "{} was recorded by a newer version (its schema is {version}); use that version, or another file",
                path.display()
            ),
            Self::InUse { path } => write!(
                f,
                "another desktop records into {} at this moment; stop that recording, or choose another file",
                path.display()
            ),
            Self::AlreadyRecording { path } => {
                write!(f, "this desktop records into {} already; stop that recording first", path.display())
            }
            Self::NotRecording => f.write_str("this desktop does not record"),
            Self::DiskFull { path } => {
                write!(
                    f,
                    "there is no room on the disk for {}; what passes is not recorded until there is",
                    path.display()
                )
            }
            Self::LimitReached { path, max_bytes } => write!(
                f,
                "{} has reached its limit of {max_bytes} bytes; what passes is not recorded any more",
                path.display()
            ),
            Self::Io { path, text, .. } => write!(f, "cannot use {}: {text}", path.display()),
            Self::Database { path, text } => write!(f, "SQLite cannot use {}: {text}", path.display()),
            Self::NoThread { text } => write!(f, "there is no thread for the recorder: {text}"),
            Self::Ended { path } => write!(f, "the recorder of {} has ended before its time", path.display()),
        }
    }
}

impl Error for RecordError {}
