//! The desktop, as a person starts it, and what it says of itself.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use flipper_desktop::api::RunningDesktop;
use flipper_desktop::json;
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;

use crate::recording::last_session;
use crate::usage::Usage;
use crate::{PATIENCE, Result};

const POLL: Duration = Duration::from_millis(50);

pub(crate) struct Desk {
    child: Child,
    state: PathBuf,
    recording: PathBuf,
    ports: json::Ports,
}

/// The first line that it prints.
#[derive(Deserialize)]
struct Listening {
    ports: json::Ports,
}

impl Desk {
    pub(crate) fn start(directory: &Path) -> Result<Self> {
        let (state, recording) = (directory.join("state"), directory.join("soak.sqlite"));
        let any = json::Ports { insecure: 0, secure: 0, browser: Some(0), ui: 0, official_ui: None };
        let (child, ports) = spawn(&state, &recording, any)?;
        Ok(Self { child, state, recording, ports })
    }

    /// On the same ports, with the same certificates and the same recording.
    pub(crate) fn restart(&mut self) -> Result {
        (self.child, self.ports) = spawn(&self.state, &self.recording, self.ports)?;
        Ok(())
    }

    /// Ends it, politely or at once. Returns the session that it recorded.
    pub(crate) fn end(&mut self, politely: bool) -> Result<i64> {
        if politely {
            kill_process(Pid::from_child(&self.child), Signal::TERM)?;
            let status = self.child.wait()?;
            if !status.success() {
                return Err(format!("the desktop was asked to end, and ended with {status}").into());
            }
        } else {
            self.child.kill()?;
            self.child.wait()?;
        }
        last_session(&self.recording)
    }

    /// That it runs.
    pub(crate) fn check(&mut self) -> Result {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => Err(format!("the desktop ended by itself: {status}").into()),
        }
    }

    pub(crate) fn ports(&self) -> (u16, u16) {
        (self.ports.insecure, self.ports.secure)
    }

    pub(crate) fn recording(&self) -> &Path {
        &self.recording
    }

    /// The directory by which its API is found.
    pub(crate) fn files(&self) -> PathBuf {
        self.state.join("desktop")
    }

    pub(crate) fn usage(&self) -> Result<Usage> {
        Usage::of(self.child.id())
    }

    /// What it uses once no more files are open than these, or after a while.
    pub(crate) fn usage_when_quiet(&self, files: usize) -> Result<Usage> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let usage = self.usage()?;
            if usage.files <= files || Instant::now() >= deadline {
                return Ok(usage);
            }
            thread::sleep(POLL);
        }
    }

    /// How many messages it says are in the recording.
    pub(crate) fn recorded(&self) -> Result<u64> {
        let recordings: Vec<json::Recording> = self.get("/api/v1/recordings")?;
        let active = recordings.into_iter().find_map(|recording| recording.active).ok_or("nothing is recorded")?;
        if let Some(error) = active.error {
            return Err(format!("the recording fails: {error}").into());
        }
        Ok(active.messages)
    }

    /// Waits until so many apps are connected.
    pub(crate) fn await_apps(&self, count: usize) -> Result {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let apps: Vec<json::App> = self.get("/api/v1/apps")?;
            if apps.len() == count {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(format!("{} apps are connected, not {count}", apps.len()).into());
            }
            thread::sleep(POLL);
        }
    }

    fn get<T: for<'a> Deserialize<'a>>(&self, path: &str) -> Result<T> {
        let running = RunningDesktop::read(&self.files())?;
        let mut answer = ureq::get(format!("http://{}{path}", running.api_address()))
            .header("Authorization", format!("Bearer {}", running.token.as_str()))
            .call()?;
        Ok(serde_json::from_str(&answer.body_mut().read_to_string()?)?)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn spawn(state: &Path, recording: &Path, ports: json::Ports) -> Result<(Child, json::Ports)> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_flipper"))
        .args(["desktop", "--json", "--state-dir"])
        .arg(state)
        .arg("--record")
        .arg(recording)
        .args(["--ports", &format!("{},{}", ports.insecure, ports.secure)])
        .args(["--browser-port", &ports.browser.unwrap_or(0).to_string()])
        .args(["--ui-port", &ports.ui.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?);
    let mut first = String::new();
    lines.read_line(&mut first)?;
    let Listening { ports } = serde_json::from_str(&first).map_err(|error| format!("{first}: {error}"))?;
    thread::spawn(move || drain(lines));
    Ok((child, ports))
}

/// Takes what is printed, as a script would that looks at every line.
fn drain(mut lines: BufReader<ChildStdout>) {
    let mut line = Vec::new();
    while matches!(lines.read_until(b'\n', &mut line), Ok(1..)) {
        line.clear();
    }
}
