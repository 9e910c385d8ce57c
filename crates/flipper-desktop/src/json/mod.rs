//! How this desktop speaks of itself in JSON: to scripts over its API, and line by line in the output of its command.
//!
//! All of it can be written and read, so that programs on the other side need not spell the fields anew. What apps sent
//! is passed on as the text that it came in: numbers survive verbatim.

mod advice;
mod app;
mod device;
mod error;
mod event;
mod recorded;
mod recording;
mod status;

pub use self::app::{App, Certificate, Channel};
pub use self::device::{Device, PortForward};
pub use self::error::Error;
pub use self::event::{Applicant, Event, EventApp, Kind};
pub use self::recorded::{RecordedApp, RecordedEvent, RecordedEvents, RecordedSession, RecordingContent};
pub use self::recording::{ActiveRecording, Recording};
pub use self::status::{Counters, Ports, Status};

#[cfg(feature = "api")]
pub(crate) use self::event::{raw, with_last};
