//! Recordings.

use serde::{Deserialize, Serialize};

/// A recording, as a desktop lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Recording {
    /// Its name: that of its file, without `.sqlite`.
    pub name: String,
    /// The file.
    pub path: String,
    /// How many bytes the file has.
    pub size: u64,
    /// What the desktop writes into it at this moment; nothing into the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<ActiveRecording>,
}

/// A recording that goes on, or has just ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ActiveRecording {
    /// Since when, in milliseconds since 1970.
    pub started_at: u64,
    /// How many messages are in the file since then.
    pub messages: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// How many were lost.
    pub dropped: u64,
    /// Why the last ones were not written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[cfg(feature = "records")]
impl Recording {
    /// A recording of which the desktop tells this.
    #[must_use]
    pub fn of_status(status: &crate::records::RecordStatus) -> Self {
        Self {
            active: Some(ActiveRecording {
                started_at: status.started_at.as_unix_millis(),
                messages: status.messages,
                bytes: status.bytes,
                dropped: status.dropped,
                error: status.error.as_ref().map(ToString::to_string),
            }),
            ..Self::of_file(&status.path)
        }
    }

    /// A recording in a file, which may be gone by now.
    pub(crate) fn of_file(path: &std::path::Path) -> Self {
        Self {
            name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            path: path.display().to_string(),
            size: std::fs::metadata(path).map_or(0, |metadata| metadata.len()),
            active: None,
        }
    }
}
