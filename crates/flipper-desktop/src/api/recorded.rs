//! What is in a recording: its apps, and what their plugins told, as if it were told now.

use std::io;

use axum::extract::{Path, State};
use axum::http::Uri;
use tokio::task::spawn_blocking;

use super::failure::Failure;
use super::recordings::{path_of, unreadable};
use super::routes::{Answer, ok, query};
use super::server::Server;
use crate::json;
use crate::records::{Filter, Kind, RecordError, Recording};

/// How many messages an answer has at most, and how many bytes they may have; one is always there.
const MAX_MESSAGES: usize = 5_000;
const MAX_BYTES: usize = 4 << 20;

/// `GET /api/v1/recordings/{name}`
pub(super) async fn about(State(server): State<Server>, Path(name): Path<String>) -> Answer {
    let path = path_of(&server, &name)?;
    let read = move || {
        let recording = Recording::open(&path)?;
        let everything = Filter::default();
        Ok(json::RecordingContent {
            name,
            sessions: recording.sessions()?.into_iter().map(Into::into).collect(),
            apps: recording.apps(&everything)?.into_iter().map(Into::into).collect(),
            messages: recording.count(&everything)?,
        })
    };
    Ok(ok(&blocking(read).await?))
}

/// `GET /api/v1/recordings/{name}/events?after=ID`
pub(super) async fn events(State(server): State<Server>, Path(name): Path<String>, uri: Uri) -> Answer {
    let path = path_of(&server, &name)?;
    let after = match query(&uri, "after") {
        None => None,
        Some(text) => {
            let wrong = |_| Failure::bad_request(format!("after is the id of a message, and not {text}"));
            Some(text.parse().map_err(wrong)?)
        }
    };
    Ok(ok(&blocking(move || page(&Recording::open(path)?, after)).await?))
}

async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, RecordError> + Send + 'static,
) -> Result<T, Failure> {
    match spawn_blocking(read).await {
        Ok(read) => Ok(read?),
        Err(error) => Err(unreadable(&io::Error::from(error))),
    }
}

/// Why no more messages are read.
enum Ended {
    Enough,
    Failed(RecordError),
}

impl From<RecordError> for Ended {
    fn from(error: RecordError) -> Self {
        Self::Failed(error)
    }
}

fn page(recording: &Recording, after: Option<i64>) -> Result<json::RecordedEvents, RecordError> {
    let filter = Filter { kind: Some(Kind::Event), after, ..Filter::default() };
    let mut events: Vec<json::RecordedEvent> = Vec::new();
    let mut bytes = 0;
    let mut next = None;
    let read = recording.each_message(&filter, |message| {
        if events.len() >= MAX_MESSAGES || (bytes >= MAX_BYTES && !events.is_empty()) {
            next = events.last().map(|last| last.id);
            return Err(Ended::Enough);
        }
        bytes += message.text.len();
        events.extend(json::RecordedEvent::of(message));
        Ok(())
    });
    match read {
        Ok(()) | Err(Ended::Enough) => Ok(json::RecordedEvents { events, next }),
        Err(Ended::Failed(error)) => Err(error),
    }
}
