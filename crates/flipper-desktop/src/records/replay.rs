//! Recorded apps, connected again.

mod answers;
mod app;
mod error;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

pub use self::error::ReplayError;

use self::answers::Answers;
use self::app::ReplayedApp;
use super::error::RecordError;
use super::read::{Filter, Message, Recording, RecordingApp};
use super::{Direction, Kind};
use crate::ports::Ports;

/// How fast recorded apps say again what they said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// With the recorded pauses, divided by this: 1 is as it was, 10 ten times as fast.
    Times(f64),
    /// Without pauses.
    Max,
}

/// How many messages are read ahead.
const AHEAD: usize = 256;

/// After how many events progress is told.
const PROGRESS: u64 = 50;

/// Something that a replay tells on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplayNote {
    /// A recorded app is connected.
    Connected {
        /// Its client id in the recording.
        client: String,
    },
    /// A recorded app does not get through. It goes on trying.
    Failed {
        /// Its client id in the recording.
        client: String,
        /// What failed, and what to do about it.
        failure: String,
    },
    /// A recorded app is gone, as it was.
    Disconnected {
        /// Its client id in the recording.
        client: String,
    },
    /// So many events were sent so far.
    Progress {
        /// How many.
        events: u64,
    },
    /// The desktop did not initialise a plugin, so that its events are left out.
    NotInitialised {
        /// The client id in the recording.
        client: String,
        /// The plugin.
        plugin: String,
    },
    /// Every event was sent. Where the replay is to stay, the apps go on answering.
    Sent,
}

/// What a replay came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplaySummary {
    /// How many connections of apps there were.
    pub apps: u64,
    /// How many events were sent.
    pub events: u64,
    /// How many were left out, because the desktop did not initialise their plugin or has left it.
    pub skipped: u64,
}

/// Connects recorded apps to a desktop that runs, as if they were there: real clients, with certificates of their own,
/// which send the recorded events and give the recorded answers. [`run`](Self::run) does it.
#[must_use]
pub struct Replay {
    recording: PathBuf,
    filter: Filter,
    speed: Speed,
    host: String,
    ports: Option<(u16, u16)>,
    stay: bool,
    observer: Arc<dyn Fn(&ReplayNote) + Send + Sync>,
}

impl Replay {
    /// A replay of the recording in this file, at its own speed, against the desktop of this machine.
    pub fn new(recording: impl Into<PathBuf>) -> Self {
        Self {
            recording: recording.into(),
            filter: Filter::default(),
            speed: Speed::Times(1.0),
            host: "localhost".to_owned(),
            ports: None,
            stay: false,
            observer: Arc::new(|_| {}),
        }
    }

    /// Only apps of this name, or of this client id.
    pub fn app(mut self, app: impl Into<String>) -> Self {
        self.filter.app = Some(app.into());
        self
    }

    /// How fast. Default: as it was.
    pub fn speed(mut self, speed: Speed) -> Self {
        self.speed = speed;
        self
    }

    /// The desktop's host name or address. Default: `localhost`.
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = host.into();
        self
    }

    /// The desktop's ports. Default: what `FLIPPER_ALT_PORTS` says, else `FLIPPER_PORTS`, else 9089 and 9088.
    pub fn ports(mut self, insecure: u16, secure: u16) -> Self {
        self.ports = Some((insecure, secure));
        self
    }

    /// Once they have said everything, the apps stay connected and answer calls: [`run`](Self::run) does not return.
    pub fn stay(mut self, stay: bool) -> Self {
        self.stay = stay;
        self
    }

    /// Is told how it goes.
    pub fn observer(mut self, observer: impl Fn(&ReplayNote) + Send + Sync + 'static) -> Self {
        self.observer = Arc::new(observer);
        self
    }

    /// Replays on tokio. Dropped before it is ready, the apps disconnect.
    ///
    /// # Errors
    /// [`ReplayError`]: the recording cannot be read, or no desktop takes the apps.
    pub async fn run(self) -> Result<ReplaySummary, ReplayError> {
        let ports = match self.ports {
            Some(ports) => ports,
            None => Ports::of_environment().map(|ports| (ports.insecure, ports.secure)).map_err(ReplayError::Ports)?,
        };
        let (answers, mut cues) = self.read().await?;
        let credentials = tempfile::tempdir().map_err(|error| RecordError::io(&std::env::temp_dir(), &error))?;
        let mut pace = Pace { speed: self.speed, origin: None };
        let mut summary = ReplaySummary::default();
        let mut on: BTreeMap<i64, ReplayedApp> = BTreeMap::new();
        while let Some(cue) = cues.recv().await.transpose()? {
            match cue {
                Cue::Come(app) => {
                    pace.reach(app.session, app.connected_at).await;
                    let id = app.id;
                    let replayed = ReplayedApp::connect(&self, ports, *app, &answers, credentials.path()).await?;
                    summary.apps += 1;
                    on.insert(id, replayed);
                }
                Cue::Say { session, message } => {
                    pace.reach(session, message.time).await;
                    let sent = match on.get(&message.app) {
                        Some(app) => app.say(&message).await,
                        None => false,
                    };
                    *(if sent { &mut summary.events } else { &mut summary.skipped }) += 1;
                    if sent && summary.events.is_multiple_of(PROGRESS) {
                        (self.observer)(&ReplayNote::Progress { events: summary.events });
                    }
                }
                Cue::Go { session, at, app } => {
                    pace.reach(session, at).await;
                    if let Some(app) = on.remove(&app) {
                        app.disconnect(&self).await;
                    }
                }
            }
        }
        for app in on.values() {
            app.drained().await;
        }
        (self.observer)(&ReplayNote::Sent);
        if self.stay {
            std::future::pending::<()>().await;
        }
        for (_, app) in on {
            app.disconnect(&self).await;
        }
        Ok(summary)
    }

    /// Reads the recording on a thread: first all answers, then one cue after the other, not far ahead.
    async fn read(&self) -> Result<(Arc<Answers>, Cues), ReplayError> {
        let (tell, told) = oneshot::channel();
        let (give, cues) = mpsc::channel(AHEAD);
        let (path, filter, stay) = (self.recording.clone(), self.filter.clone(), self.stay);
        let work = move || {
            let opened = Recording::open(&path).map_err(ReplayError::from).and_then(|recording| {
                let apps = recording.apps(&filter)?;
                if apps.is_empty() {
                    return Err(ReplayError::NoApps { path: path.clone(), wanted: filter.app.clone() });
                }
                let answers = Answers::read(&path, &filter, &apps)?;
                Ok((recording, apps, answers))
            });
            let (recording, apps, answers) = match opened {
                Ok(opened) => opened,
                Err(error) => return drop(tell.send(Err(error))),
            };
            if tell.send(Ok(Arc::new(answers))).is_err() {
                return;
            }
            if let Err(Stop::Failed(error)) = give_cues(&recording, &filter, apps, stay, &give) {
                drop(give.blocking_send(Err(error.into())));
            }
        };
        let spawned = thread::Builder::new().name("flipper-replay".to_owned()).spawn(work);
        spawned.map_err(|error| RecordError::NoThread { text: error.to_string() })?;
        let answers = told.await.unwrap_or_else(|_| Err(RecordError::Ended { path: self.recording.clone() }.into()))?;
        Ok((answers, cues))
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay")
            .field("recording", &self.recording)
            .field("filter", &self.filter)
            .field("speed", &self.speed)
            .finish_non_exhaustive()
    }
}

type Cues = mpsc::Receiver<Result<Cue, ReplayError>>;

/// What happens next.
enum Cue {
    Come(Box<RecordingApp>),
    Say { session: i64, message: Message },
    Go { session: i64, at: i64, app: i64 },
}

/// Why no more cues are given.
enum Stop {
    /// Nobody wants them.
    Unwanted,
    Failed(RecordError),
}

impl From<RecordError> for Stop {
    fn from(error: RecordError) -> Self {
        Self::Failed(error)
    }
}

/// Gives comings, messages and goings in the order in which they happened. With `stay`, nobody goes
/// for good.
fn give_cues(
    recording: &Recording,
    filter: &Filter,
    apps: Vec<RecordingApp>,
    stay: bool,
    give: &mpsc::Sender<Result<Cue, ReplayError>>,
) -> Result<(), Stop> {
    let give = |cue| give.blocking_send(Ok(cue)).map_err(|_| Stop::Unwanted);
    let sessions: BTreeMap<i64, i64> = apps.iter().map(|app| (app.id, app.session)).collect();
    // The last connection of every app.
    let last: BTreeMap<&str, i64> = apps.iter().map(|app| (app.client.as_str(), app.id)).collect();
    let mut goings: Vec<(i64, i64, i64)> = apps
        .iter()
        .filter(|app| !(stay && last.get(app.client.as_str()) == Some(&app.id)))
        .map(|app| (app.session, app.disconnected_at.unwrap_or(i64::MAX), app.id))
        .collect();
    goings.sort_unstable();
    let (mut comings, mut goings) = (VecDeque::from(apps), VecDeque::from(goings));
    // Everything that happened before `(session, at)`, and the coming of `app`.
    let mut catch_up = |session: i64, at: i64, app: i64| -> Result<(), Stop> {
        loop {
            let coming = comings.front().map(|app| (app.session, app.connected_at, app.id));
            let going = goings.front().copied();
            let comes = coming.is_some_and(|(of, when, id)| (of, when) <= (session, at) || id <= app);
            let goes = going.is_some_and(|(of, when, _)| (of, when) < (session, at));
            // Who goes makes room for a newer connection of the same identity.
            let goes_first = goes && going.map(|(of, when, _)| (of, when)) <= coming.map(|(of, when, _)| (of, when));
            if goes && (goes_first || !comes) {
                let Some((session, at, app)) = goings.pop_front() else { return Ok(()) };
                give(Cue::Go { session, at, app })?;
            } else if comes && let Some(app) = comings.pop_front() {
                give(Cue::Come(Box::new(app)))?;
            } else {
                return Ok(());
            }
        }
    };
    recording.each_message(filter, |message| {
        let session = sessions.get(&message.app).copied().unwrap_or_default();
        catch_up(session, message.time, message.app)?;
        let says = match message.kind {
            Kind::Event => message.plugin.is_some(),
            Kind::Error => message.request.is_none(),
            _ => false,
        };
        if says && message.direction == Direction::ToDesktop {
            give(Cue::Say { session, message })?;
        }
        Ok::<(), Stop>(())
    })?;
    catch_up(i64::MAX, i64::MAX, i64::MAX)
}

/// When what was recorded is to happen.
struct Pace {
    speed: Speed,
    /// The session, a moment of it, and when that moment is now. What lay between two sessions is left out.
    origin: Option<(i64, i64, Instant)>,
}

impl Pace {
    async fn reach(&mut self, session: i64, at: i64) {
        let Speed::Times(speed) = self.speed else { return };
        let origin = self.origin.filter(|(of, ..)| *of == session).unwrap_or_else(|| (session, at, Instant::now()));
        self.origin = Some(origin);
        let (_, began, now) = origin;
        // The end of a session that nobody saw is not waited for.
        let passed = if at == i64::MAX { 0 } else { u64::try_from(at.saturating_sub(began)).unwrap_or(0) };
        if let Ok(wait) = Duration::try_from_secs_f64(Duration::from_millis(passed).as_secs_f64() / speed) {
            sleep_until(now + wait).await;
        }
    }
}
