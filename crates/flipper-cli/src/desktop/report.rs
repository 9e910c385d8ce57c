//! What is said on standard output while the desktop runs.

use std::io::{self, Stdout, Write as _, stdout};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

use flipper_desktop::api::Api;
use flipper_desktop::records::RecordStatus;
use flipper_desktop::{Batch, Desktop, json};
use serde::Serialize;

use super::story::Story;
use crate::terminal;

/// Tells what happens, to people or to programs.
pub(super) enum Report {
    People(Story),
    Programs(Lines),
}

/// Where the desktop is.
pub(super) struct Setting {
    pub(super) addresses: Vec<IpAddr>,
    pub(super) ports: json::Ports,
    /// Where to open the official desktop's page, with the token in it.
    pub(super) official_ui: Option<String>,
    pub(super) directory: PathBuf,
    pub(super) recording: Option<PathBuf>,
    /// The link to the page.
    pub(super) page: String,
}

impl Report {
    pub(super) fn new(json: bool, desktop: &Desktop, api: &Api, directory: &Path, recording: Option<&Path>) -> Self {
        let ports = desktop.ports();
        let setting = Setting {
            addresses: desktop
                .exposure()
                .map_or_else(|| api.addresses().to_vec(), |exposure| exposure.addresses.clone()),
            ports: json::Ports {
                insecure: ports.insecure,
                secure: ports.secure,
                browser: ports.browser,
                ui: api.port(),
                official_ui: api.official_ui_port(),
            },
            official_ui: api.official_ui_link(),
            directory: directory.to_owned(),
            recording: recording.map(Path::to_owned),
            page: api.page_link(),
        };
        if json { Self::Programs(Lines { out: stdout(), setting }) } else { Self::People(Story::new(setting)) }
    }

    pub(super) fn begin(&mut self) -> io::Result<()> {
        match self {
            Self::People(story) => story.begin(),
            Self::Programs(lines) => lines.begin(),
        }
    }

    pub(super) fn tell(&mut self, batch: &Batch) -> io::Result<()> {
        match self {
            Self::People(story) => story.tell(batch),
            Self::Programs(lines) => lines.tell(batch),
        }
    }

    pub(super) fn end(&mut self, recording: Option<&RecordStatus>) -> io::Result<()> {
        match self {
            Self::People(story) => story.end(recording),
            Self::Programs(lines) => lines.end(recording),
        }
    }
}

/// NDJSON.
pub(super) struct Lines {
    out: Stdout,
    setting: Setting,
}

/// The first line.
#[derive(Serialize)]
struct Listening<'a> {
    event: &'static str,
    time: u64,
    pid: u32,
    version: &'static str,
    addresses: &'a [IpAddr],
    ports: json::Ports,
    state_dir: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    recording: Option<String>,
}

/// The last line.
#[derive(Serialize)]
struct Stopped {
    event: &'static str,
    time: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    recording: Option<json::Recording>,
}

impl Lines {
    fn begin(&mut self) -> io::Result<()> {
        let Setting { addresses, ports, directory, recording, .. } = &self.setting;
        let line = Listening {
            event: "listening",
            time: now(),
            pid: process::id(),
            version: env!("CARGO_PKG_VERSION"),
            addresses,
            ports: *ports,
            state_dir: directory.display().to_string(),
            recording: recording.as_ref().map(|path| path.display().to_string()),
        };
        self.line(&serde_json::to_string(&line)?)
    }

    fn tell(&mut self, batch: &Batch) -> io::Result<()> {
        let mut lines = String::new();
        if batch.missed > 0 {
            // What was missed came before what is here.
            let at = batch.occurrences.first().map_or_else(|| wall(now()), |first| first.at);
            lines.push_str(&terminal::json(&json::Event::missed(batch.missed, at).to_json()));
            lines.push('\n');
        }
        for occurrence in &batch.occurrences {
            lines.push_str(&terminal::json(&json::Event::line(occurrence)));
            lines.push('\n');
        }
        self.out.write_all(lines.as_bytes())?;
        self.out.flush()
    }

    fn end(&mut self, recording: Option<&RecordStatus>) -> io::Result<()> {
        let line = Stopped { event: "stopped", time: now(), recording: recording.map(json::Recording::of_status) };
        self.line(&serde_json::to_string(&line)?)
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "{}", terminal::json(line))?;
        self.out.flush()
    }
}

fn wall(millis: u64) -> flipper_desktop::proto::WallTime {
    flipper_desktop::proto::WallTime::from_unix_millis(millis)
}

/// In milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
