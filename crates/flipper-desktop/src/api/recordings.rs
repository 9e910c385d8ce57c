//! Recordings, by their names: a caller never says where a file is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use flipper_proto::Excerpt;
use serde::Deserialize;
use tokio::task::spawn_blocking;

use super::failure::Failure;
use super::routes::{Answer, ok};
use super::server::Server;
use crate::json;
use crate::records::{RecordError, RecordOptions, recording_name};

/// The folder of the recordings, beside the desktop's own files.
const FOLDER: &str = "records";

/// The longest body that says what to record.
const MAX_BODY: usize = 4096;

/// The longest name.
const MAX_NAME: usize = 100;

pub(super) async fn list(State(server): State<Server>) -> Answer {
    let active = server.desktop().recording();
    let folder = server.directory().map(|directory| directory.join(FOLDER));
    let listed = spawn_blocking(move || {
        let active = active.as_ref().map(json::Recording::of_status);
        let files = folder.map_or_else(|| Ok(Vec::new()), |folder| files(&folder))?;
        let others = files.iter().map(|path| json::Recording::of_file(path));
        let others = others.filter(|other| active.as_ref().is_none_or(|active| active.path != other.path));
        let mut all: Vec<_> = others.chain(active.clone()).collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Ok::<_, io::Error>(all)
    });
    let listed = listed.await.map_err(io::Error::from).flatten();
    Ok(ok(&listed.map_err(|error| unreadable(&error))?))
}

pub(super) async fn start(State(server): State<Server>, body: Body) -> Answer {
    #[derive(Default, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        name: Option<String>,
    }
    let bytes = to_bytes(body, MAX_BODY).await.map_err(|_| Failure::too_large(MAX_BODY))?;
    let wanted: Wanted = if bytes.trim_ascii().is_empty() {
        Wanted::default()
    } else {
        serde_json::from_slice(&bytes)
            .map_err(|error| Failure::bad_request(format!("the body is no {{\"name\":…}}: {error}")))?
    };
    let name = wanted.name.unwrap_or_else(recording_name);
    if !is_name(&name) {
        return Err(Failure::bad_request(
            "the name of a recording has up to 100 letters, digits, `-`, `_` and `.`, and begins with none of the last",
        ));
    }
    let directory = server.directory().ok_or_else(|| {
        Failure::new(StatusCode::CONFLICT, "NoStateDirectory", "this desktop has no directory to record into")
            .hint("start it with a state directory")
    })?;
    let folder = directory.join(FOLDER);
    let made = {
        let folder = folder.clone();
        spawn_blocking(move || make(&folder)).await.map_err(io::Error::from).flatten()
    };
    made.map_err(|error| unreadable(&error))?;
    let path = folder.join(format!("{name}.sqlite"));
    let status = server.desktop().start_recording(path, RecordOptions::default()).await?;
    Ok(ok(&json::Recording::of_status(&status)))
}

pub(super) async fn stop(State(server): State<Server>) -> Result<Response, Failure> {
    let status = server.desktop().stop_recording().await?;
    Ok(ok(&json::Recording::of_status(&status)))
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Self {
        let (status, name, hint) = match &error {
            RecordError::AlreadyRecording { .. } => {
                (StatusCode::CONFLICT, "AlreadyRecording", "POST /api/v1/recordings/stop ends a recording")
            }
            RecordError::NotRecording => {
                (StatusCode::CONFLICT, "NotRecording", "POST /api/v1/recordings begins a recording")
            }
            RecordError::InUse { .. } => (StatusCode::CONFLICT, "RecordingInUse", "choose another name"),
            RecordError::Io { kind: io::ErrorKind::NotFound, .. } => {
                (StatusCode::NOT_FOUND, "NoSuchRecording", "GET /api/v1/recordings lists them")
            }
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "RecordingFailed", FOLDER_HINT),
        };
        Self::new(status, name, error.to_string()).hint(hint)
    }
}

const FOLDER_HINT: &str = "recordings are in the folder `records` of the desktop's state directory";

/// The file of a recording.
pub(super) fn path_of(server: &Server, name: &str) -> Result<PathBuf, Failure> {
    // The one that is being made may be anywhere.
    let active = server.desktop().recording().map(|status| status.path);
    if let Some(path) = active.filter(|path| path.file_stem().is_some_and(|stem| stem == name)) {
        return Ok(path);
    }
    let folder = server.directory().filter(|_| is_name(name)).map(|directory| directory.join(FOLDER));
    let folder = folder.ok_or_else(|| {
        Failure::new(StatusCode::NOT_FOUND, "NoSuchRecording", format!("there is no recording {}", Excerpt::new(name)))
            .hint("GET /api/v1/recordings lists them")
    })?;
    Ok(folder.join(format!("{name}.sqlite")))
}

pub(super) fn unreadable(error: &io::Error) -> Failure {
    let message = format!("the folder of the recordings cannot be used: {error}");
    Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "RecordingFailed", message).hint(FOLDER_HINT)
}

/// What apps sent is its owner's business.
fn make(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    paths.filter(|path| path.as_ref().map_or(true, |path| path.extension().is_some_and(|it| it == "sqlite"))).collect()
}

/// Whether this is a name, and leads nowhere else.
fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(fits) && !name.starts_with(['.', '-', '_'])
}
