//! One recorded app, connected.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flipper_pki::CredentialStore;
use flipper_proto::client::{Os, Step};
use flipper_proto::{ErrorReport, Generation, Payload};
use flipper_tokio::{Builder, Call, Connection, Flipper, Notice, Plugin};
use serde::Deserialize;
use tokio::time::{sleep, timeout};

use super::answers::Answers;
use super::error::ReplayError;
use super::{Replay, ReplayNote};
use crate::records::Kind;
use crate::records::envelope::params_of;
use crate::records::read::{Message, RecordingApp};

/// How long a desktop is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a desktop has to initialise the plugins that sent events.
const INIT_PATIENCE: Duration = Duration::from_secs(10);

/// How many events of a plugin may wait for the desktop to read them.
const MAX_WAITING: usize = 256;

/// How often it is looked whether the desktop has done what is waited for.
const LOOK: Duration = Duration::from_millis(2);

pub(super) struct ReplayedApp {
    client: String,
    flipper: Flipper,
    /// Those of its plugins that sent events.
    eventful: Vec<String>,
}

impl ReplayedApp {
    pub(super) async fn connect(
        replay: &Replay,
        ports: (u16, u16),
        app: RecordingApp,
        answers: &Arc<Answers>,
        credentials: &Path,
    ) -> Result<Self, ReplayError> {
        let directory = credentials.join(folder_of(&app));
        if NEEDS_ITS_OWN_EXCHANGE.contains(&app.os.as_str()) && !directory.join("current").exists() {
            exchange(replay, ports.0, &app, &directory).await?;
        }
        let recorded_os = app.os.clone();
        let mut builder = builder(replay, ports, &app, &directory).configure(|config| {
            // The real one stays automatic: a desktop that does not know it gets another.
            if config.os != Os::Automatic(recorded_os.clone()) {
                config.os = Os::Fixed(recorded_os);
            }
        });
        let (observer, client) = (Arc::clone(&replay.observer), app.client.clone());
        builder = builder.observer(move |notice| {
            if let Notice::Failed(failure) = notice {
                observer(&ReplayNote::Failed { client: client.clone(), failure: failure.to_string() });
            }
        });
        let mut eventful = Vec::new();
        for (plugin, background) in &app.plugins {
            let sends = answers.is_eventful(&app.client, plugin);
            if sends {
                eventful.push(plugin.clone());
            }
            builder = builder.plugin(ReplayedPlugin {
                id: plugin.clone(),
                // Somebody had initialised what sent events.
                background: *background || sends,
                client: app.client.clone(),
                answers: Arc::clone(answers),
            });
        }
        let flipper = builder.start().map_err(|error| not_started(&app, &error))?;
        let connected = timeout(PATIENCE, flipper.connected()).await;
        if connected != Ok(true) {
            let failure = flipper.status().last_failure;
            let failure = failure.map_or_else(|| "it does not answer".to_owned(), |failure| failure.to_string());
            return Err(ReplayError::NotConnected { client: app.client, failure });
        }
        let replayed = Self { client: app.client, flipper, eventful };
        (replay.observer)(&ReplayNote::Connected { client: replayed.client.clone() });
        let initialised = timeout(INIT_PATIENCE, async {
            while replayed.silent().next().is_some() {
                sleep(LOOK).await;
            }
        });
        if initialised.await.is_err() {
            for plugin in replayed.silent() {
                let note = ReplayNote::NotInitialised { client: replayed.client.clone(), plugin: plugin.clone() };
                (replay.observer)(&note);
            }
        }
        Ok(replayed)
    }

    /// Its plugins whose events the desktop does not want.
    fn silent(&self) -> impl Iterator<Item = &String> {
        self.eventful.iter().filter(|plugin| !self.flipper.connection(plugin).is_connected())
    }

    /// Says what it said. Returns whether the desktop wants to hear it.
    pub(super) async fn say(&self, message: &Message) -> bool {
        let (Some(plugin), Some(method)) = (&message.plugin, &message.method) else {
            return message.kind == Kind::Error && self.report(&message.text);
        };
        let connection = self.flipper.connection(plugin);
        read_by_the_desktop(&connection, MAX_WAITING).await;
        let params = params_of(&message.text).and_then(|params| Payload::from_json(params.get()).ok());
        connection.is_connected() && connection.send_json(method, params.as_ref()).is_ok()
    }

    /// An error outside any call.
    fn report(&self, text: &str) -> bool {
        #[derive(Deserialize)]
        struct Reported {
            error: ReportedError,
        }
        #[derive(Deserialize)]
        struct ReportedError {
            message: String,
            name: Option<String>,
        }
        let Ok(Reported { error: ReportedError { message, name } }) = serde_json::from_str(text) else { return false };
        let mut report = ErrorReport::new(message);
        if let Some(name) = name {
            report = report.named(name);
        }
        self.flipper.connection("").report_error(&report).is_ok()
    }

    /// Waits until the desktop has read everything.
    pub(super) async fn drained(&self) {
        for plugin in &self.eventful {
            read_by_the_desktop(&self.flipper.connection(plugin), 0).await;
        }
    }

    pub(super) async fn disconnect(self, replay: &Replay) {
        self.drained().await;
        self.flipper.stop().await;
        (replay.observer)(&ReplayNote::Disconnected { client: self.client });
    }
}

/// Waits until no more than `left` events wait. A desktop that does not read is not waited for for ever.
async fn read_by_the_desktop(connection: &Connection, left: usize) {
    let read = async {
        while connection.is_connected() && connection.waiting() > left {
            sleep(LOOK).await;
        }
    };
    // What then waits too long is dropped by the client itself, which tells the desktop.
    let _given_up = timeout(PATIENCE, read).await;
}

/// A desktop looks for the certificate requests of these on devices, where those of a replay are not.
const NEEDS_ITS_OWN_EXCHANGE: [&str; 2] = ["Android", "iOS"];

/// Where no desktop is: what only wants a certificate is not to connect with it.
const NOWHERE: u16 = 1;

/// Gets a certificate as an app of this machine.
async fn exchange(replay: &Replay, port: u16, app: &RecordingApp, directory: &Path) -> Result<(), ReplayError> {
    let stored: Arc<Mutex<Option<Generation>>> = Arc::default();
    let (stop, mut stopped) = tokio::sync::mpsc::unbounded_channel();
    let tell = Arc::clone(&stored);
    let flipper = builder(replay, (port, NOWHERE), app, directory).observer(move |notice| {
        if let Notice::Step(Step::CertificatesStored(generation)) = notice {
            *tell.lock().unwrap_or_else(PoisonError::into_inner) = Some(*generation);
            let _over = stop.send(());
        }
    });
    let flipper = flipper.start().map_err(|error| not_started(app, &error))?;
    let _in_time = timeout(PATIENCE, stopped.recv()).await;
    let failure = flipper.status().last_failure;
    flipper.stop().await;
    let generation = *stored.lock().unwrap_or_else(PoisonError::into_inner);
    let failed = |failure: String| ReplayError::NotConnected { client: app.client.clone(), failure };
    let generation = generation.ok_or_else(|| {
        failed(failure.map_or_else(|| "it does not answer".to_owned(), |failure| failure.to_string()))
    })?;
    CredentialStore::new(directory).promote(generation).map_err(|error| failed(error.to_string()))
}

fn builder(replay: &Replay, ports: (u16, u16), app: &RecordingApp, directory: &Path) -> Builder {
    // Apps of the browser port have no id; one is needed for a certificate.
    let app_id = app.app_id.clone().filter(|id| !id.is_empty()).unwrap_or_else(|| "replay".to_owned());
    let instance_id = app.instance_id.clone();
    Flipper::builder(&app.app, app_id)
        .host(&replay.host)
        .ports(ports.0, ports.1)
        .directory(directory)
        .device(&app.device)
        .device_id(&app.device_id)
        .configure(|config| config.instance_id = instance_id)
}

fn not_started(app: &RecordingApp, error: &flipper_tokio::StartError) -> ReplayError {
    ReplayError::NotStarted { client: app.client.clone(), text: error.to_string() }
}

/// A folder for each identity, so that one that comes back needs no other certificate.
fn folder_of(app: &RecordingApp) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    app.client.hash(&mut hasher);
    format!("{:016x}", hasher.finish()).into()
}

/// A plugin that gives recorded answers.
struct ReplayedPlugin {
    id: String,
    background: bool,
    client: String,
    answers: Arc<Answers>,
}

impl Plugin for ReplayedPlugin {
    fn id(&self) -> &str {
        &self.id
    }

    fn run_in_background(&self) -> bool {
        self.background
    }

    fn has_method(&self, method: &str) -> bool {
        self.answers.has_method(&self.client, &self.id, method)
    }

    fn on_call(&self, call: Call) {
        let answer = self.answers.to(&self.client, &self.id, &call.method, call.params.as_ref());
        // A session that ended meanwhile wants no answer.
        let _ended = match answer {
            Ok(Some(Ok(success))) => call.responder.success_json(success),
            Ok(Some(Err(error))) => call.responder.error_json(error),
            Ok(None) => {
                let (plugin, method) = (&self.id, &call.method);
                let text = format!("the recording has no answer to {method} of {plugin} with these params");
                call.responder.error(&ErrorReport::new(text).named("NotRecorded"))
            }
            Err(error) => call.responder.error(&ErrorReport::new(error.to_string()).named("NotRecorded")),
        };
    }
}
