//! Programs in other languages, told what to do by lines and telling what happened by lines, and the desktop they meet.

use std::error::Error;
use std::future::Future;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use flipper_desktop::proto::{ClientId, Payload};
use flipper_desktop::{Builder, Desktop, Event, Events};
use serde_json::Value;
use tempfile::TempDir;

/// Only a failure takes this long.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// A program that runs. It ends when its standard input does, and is killed if it does not.
pub(crate) struct Program {
    child: Child,
    told: Receiver<Value>,
}

impl Program {
    fn spawn(command: &mut Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().ok_or("no output")?;
        let (tell, told) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(std::io::Result::ok) {
                let step = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if tell.send(step).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, told })
    }

    /// Has the program do something.
    pub(crate) fn ask(&mut self, step: &str) -> Result {
        Ok(writeln!(self.child.stdin.as_mut().ok_or("no input")?, "{step}")?)
    }

    /// Waits until the program tells of this step. That it tells of another one is an error.
    pub(crate) fn wait(&mut self, step: &str) -> Result<Value> {
        let told = self.told.recv_timeout(PATIENCE).map_err(|error| format!("{step}: {error}"))?;
        if told["step"] == step { Ok(told) } else { Err(format!("not {step}, but {told}").into()) }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Fails if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A file of the folder with programs.
pub(crate) fn peer(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(name)
}

/// Our desktop, and what it tells.
pub(crate) struct Rig {
    pub(crate) desktop: Desktop,
    events: Events,
    /// Where the app keeps what it has.
    pub(crate) app: TempDir,
}

impl Rig {
    pub(crate) async fn start(builder: Builder) -> Result<Self> {
        let mut builder = builder.any_ports();
        let events = builder.events();
        Ok(Self { desktop: builder.start().await?, events, app: TempDir::new()? })
    }

    /// Another desktop in the place of one that has stopped, for the same app.
    pub(crate) async fn restart(&mut self, mut builder: Builder) -> Result {
        self.events = builder.events();
        self.desktop = builder.start().await?;
        Ok(())
    }

    /// Starts a program that is to be this app.
    pub(crate) fn spawn(&self, command: &mut Command, name: &str, id: &str) -> Result<Program> {
        let ports = self.desktop.ports();
        command
            .args(["--exchange-port", &ports.insecure.to_string(), "--secure-port", &ports.secure.to_string()])
            .args(["--app", name, "--app-id", id, "--dir"])
            .arg(self.app.path());
        Program::spawn(command)
    }

    pub(crate) async fn event<T>(&mut self, what: &str, mut pick: impl FnMut(&Event) -> Option<T>) -> Result<T> {
        let picked = async {
            while let Some(event) = self.events.next().await {
                if let Some(picked) = pick(&event) {
                    return Ok(picked);
                }
            }
            Err(format!("the desktop ended before {what}"))
        };
        Ok(within(what, picked).await??)
    }

    /// Waits until a client has told its plugins.
    pub(crate) async fn client(&mut self) -> Result<ClientId> {
        self.event("a client's plugins", |event| match event {
            Event::PluginsChanged { client, .. } => Some(client.clone()),
            _ => None,
        })
        .await
    }

    /// Calls a method of a plugin.
    pub(crate) async fn call(&self, client: &ClientId, plugin: &str, method: &str, params: Value) -> Result<Value> {
        let params = Payload::from_json(params.to_string())?;
        let answer = within(method, self.desktop.call(client, plugin, method, Some(params))).await??;
        Ok(serde_json::from_str(answer.as_json())?)
    }
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> Result<T> {
    tokio::time::timeout(PATIENCE, future).await.map_err(|_| format!("waited too long for {what}").into())
}
