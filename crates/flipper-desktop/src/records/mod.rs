//! Recordings: everything that passes between the desktop and its apps, in a SQLite file.
//!
//! ```text
//!  desk ── Tap ──► queue ──► thread "flipper-recorder" ──► SQLite file ──► Recording ──► NDJSON, HAR, replay
//!       (bounded)       (batches)
//! ```
//!
//! What the tap costs an app is one copy of each message. What does not fit into the queue is lost and counted, and the
//! file says so.

mod envelope;
mod error;
mod export;
mod har;
mod lock;
mod queue;
mod read;
mod recorder;
mod recordings;
mod replay;
mod schema;
mod writer;

#[cfg(feature = "api")]
pub(crate) use self::envelope::params_of;
pub use self::error::RecordError;
pub use self::export::{ExportError, ExportSummary, export_har, export_ndjson};
pub use self::read::{Filter, Message, Recording, RecordingApp, RecordingSession};
pub use self::recorder::{RecordOptions, RecordStatus, Recorder};
pub(crate) use self::recordings::Recordings;
pub use self::recordings::recording_name;
pub use self::replay::{Replay, ReplayError, ReplayNote, ReplaySummary, Speed};
pub use self::schema::{APPLICATION_ID, SCHEMA_VERSION};

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From an app to the desktop.
    ToDesktop,
    /// From the desktop to an app.
    ToApp,
}

impl Direction {
    /// The word that files and exports have for it: `to-desktop` or `to-app`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ToDesktop => "to-desktop",
            Self::ToApp => "to-app",
        }
    }
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// An app tells something that nobody asked for: an event of a plugin, or that its plugins are others.
    Event,
    /// The desktop wants something, whether it is answered or not.
    Request,
    /// An app answers with a result.
    Response,
    /// An app answers with an error, or reports one outside any call.
    Error,
    /// What nobody understands.
    Other,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Event, Self::Request, Self::Response, Self::Error, Self::Other];

    /// The word that files and exports have for it: `event`, `request`, `response`, `error` or `other`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Request => "request",
            Self::Response => "response",
            Self::Error => "error",
            Self::Other => "other",
        }
    }

    fn of_str(text: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).unwrap_or(Self::Other)
    }
}
