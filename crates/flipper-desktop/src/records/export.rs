//! Recordings in forms that other programs read.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::value::RawValue;

use super::error::RecordError;
use super::read::{Filter, Message, Recording, RecordingApp, RecordingSession};

pub use super::har::export_har;

/// What an export came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportSummary {
    /// How many messages were written, or HTTP requests.
    pub written: u64,
    /// How many messages could not be: they do not have the shape that the format needs.
    pub skipped: u64,
}

/// Why an export did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExportError {
    /// The recording cannot be read.
    Record(RecordError),
    /// What was read cannot be written.
    Write {
        /// What kind of error it is.
        kind: io::ErrorKind,
        /// What the system said.
        text: String,
    },
}

impl From<RecordError> for ExportError {
    fn from(error: RecordError) -> Self {
        Self::Record(error)
    }
}

impl From<io::Error> for ExportError {
    fn from(error: io::Error) -> Self {
        Self::Write { kind: error.kind(), text: error.to_string() }
    }
}

impl From<serde_json::Error> for ExportError {
    fn from(error: serde_json::Error) -> Self {
        io::Error::from(error).into()
    }
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record(error) => write!(f, "{error}"),
            Self::Write { text, .. } => write!(f, "cannot write the export: {text}"),
        }
    }
}

impl Error for ExportError {}

#[derive(Serialize)]
struct SessionLine<'a> {
    record: &'static str,
    id: i64,
    started_at: i64,
    ended_at: Option<i64>,
    version: &'a str,
    dropped: i64,
}

#[derive(Serialize)]
struct AppLine<'a> {
    record: &'static str,
    id: i64,
    session: i64,
    client: &'a str,
    name: &'a str,
    app_id: Option<&'a str>,
    os: &'a str,
    device: &'a str,
    device_id: &'a str,
    instance_id: Option<&'a str>,
    sdk_version: Option<u32>,
    medium: Option<&'a str>,
    channel: &'a str,
    certificate: Option<&'a str>,
    peer: &'a str,
    connected_at: i64,
    disconnected_at: Option<i64>,
    cause: Option<&'a str>,
    plugins: Vec<&'a str>,
    background: Vec<&'a str>,
}

/// The line of a message. `message` is JSON, verbatim; `text` takes its place where what passed is none.
#[derive(Serialize)]
struct MessageLine<'a> {
    record: &'static str,
    id: i64,
    app: i64,
    client: &'a str,
    time: i64,
    direction: &'static str,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    plugin: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

/// Writes a recording as NDJSON: a line for each session, each connection of an app, and each message, in this order.
/// `progress` is told now and then how many messages were written.
///
/// # Errors
/// [`ExportError`].
pub fn export_ndjson(
    recording: &Recording,
    filter: &Filter,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(u64),
) -> Result<ExportSummary, ExportError> {
    for session in &recording.sessions()? {
        let RecordingSession { id, started_at, ended_at, ref version, dropped } = *session;
        if filter.session.is_none_or(|wanted| wanted == id) {
            line(out, &SessionLine { record: "session", id, started_at, ended_at, version, dropped })?;
        }
    }
    let apps = recording.apps(filter)?;
    for app in &apps {
        line(out, &app_line(app))?;
    }
    let mut summary = ExportSummary::default();
    recording.each_message(filter, |message: Message| {
        let at = apps.binary_search_by_key(&message.app, |app| app.id);
        let client = at.ok().and_then(|at| apps.get(at)).map_or("", |app| app.client.as_str());
        let json = serde_json::from_str::<&RawValue>(&message.text).ok();
        line(
            out,
            &MessageLine {
                record: "message",
                id: message.id,
                app: message.app,
                client,
                time: message.time,
                direction: message.direction.as_str(),
                kind: message.kind.as_str(),
                plugin: message.plugin.as_deref(),
                method: message.method.as_deref(),
                request: message.request,
                message: json,
                text: json.is_none().then_some(message.text.as_str()),
            },
        )?;
        summary.written += 1;
        if summary.written.is_multiple_of(PROGRESS) {
            progress(summary.written);
        }
        Ok::<(), ExportError>(())
    })?;
    out.flush()?;
    progress(summary.written);
    Ok(summary)
}

/// After how many messages progress is told.
pub(super) const PROGRESS: u64 = 1_000;

fn line(out: &mut dyn Write, line: &impl Serialize) -> Result<(), ExportError> {
    serde_json::to_writer(&mut *out, line)?;
    Ok(out.write_all(b"\n")?)
}

fn app_line(app: &RecordingApp) -> AppLine<'_> {
    AppLine {
        record: "app",
        id: app.id,
        session: app.session,
        client: &app.client,
        name: &app.app,
        app_id: app.app_id.as_deref(),
        os: &app.os,
        device: &app.device,
        device_id: &app.device_id,
        instance_id: app.instance_id.as_deref(),
        sdk_version: app.sdk_version,
        medium: app.medium.as_deref(),
        channel: &app.channel,
        certificate: app.certificate.as_deref(),
        peer: &app.peer,
        connected_at: app.connected_at,
        disconnected_at: app.disconnected_at,
        cause: app.cause.as_deref(),
        plugins: app.plugins.iter().map(|(plugin, _)| plugin.as_str()).collect(),
        background: app
            .plugins
            .iter()
            .filter(|(_, background)| *background)
            .map(|(plugin, _)| plugin.as_str())
            .collect(),
    }
}
