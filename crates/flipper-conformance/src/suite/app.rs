//! An app, watched by a scenario that blocks.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use flipper_client::proto::client::{Config, Failure, Purpose, State, Step};
use flipper_client::proto::{CloseCause, ProtocolError};
use flipper_client::{Builder, Call, Notice};
use flipper_demo::example;
use tempfile::TempDir;

use crate::scripted::{APP_ID, Desktop, Port, Session, lock};
use crate::{Adapter, Handle as _, PATIENCE, Result};

/// An app while it runs.
pub struct App<A: Adapter> {
    /// What the app holds.
    pub handle: A::Handle,
    /// What it runs on.
    pub runtime: A::Runtime,
    notices: Arc<Notices>,
    /// How many notices earlier waits have gone past.
    seen: usize,
}

#[derive(Debug, Default)]
struct Notices {
    list: Mutex<Vec<Notice>>,
    more: Condvar,
}

impl<A: Adapter> App<A> {
    /// Starts an app with the plugin `Example`.
    pub fn start(desktop: &Desktop, directory: &Path) -> Result<Self> {
        Self::start_with(desktop, directory, |builder| builder.plugin(example()))
    }

    /// Starts an app with what `change` adds.
    pub fn start_with(
        desktop: &Desktop,
        directory: &Path,
        change: impl FnOnce(Builder<A::Launch>) -> Builder<A::Launch>,
    ) -> Result<Self> {
        Self::launch(change(builder::<A>(desktop, directory)))
    }

    /// Starts an app with these settings.
    pub fn launch(builder: Builder<A::Launch>) -> Result<Self> {
        let notices = Arc::new(Notices::default());
        let sink = Arc::clone(&notices);
        let builder = builder.observer(move |notice| {
            lock(&sink.list).push(notice.clone());
            sink.more.notify_all();
        });
        let (handle, runtime) = A::start(builder)?;
        Ok(Self { handle, runtime, notices, seen: 0 })
    }

    /// Waits for the next notice, after those that earlier waits found, that is looked for.
    pub fn wait_for<T>(&mut self, what: &str, found: impl Fn(&Notice) -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + PATIENCE;
        let mut list = lock(&self.notices.list);
        loop {
            while let Some(notice) = list.get(self.seen) {
                self.seen += 1;
                if let Some(found) = found(notice) {
                    return Ok(found);
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(format!("the app on {} did not tell: {what}; it told {list:#?}", A::NAME).into());
            }
            list = self.notices.more.wait_timeout(list, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until the app tells that it is in this state.
    pub fn wait_state(&mut self, state: &State) -> Result {
        self.wait_for(&state.to_string(), |notice| (*notice == Notice::State(state.clone())).then_some(()))
    }

    /// Waits until the app tells that it is in a session.
    pub fn wait_connected(&mut self) -> Result {
        self.wait_state(&State::Connected { unresponsive: false })
    }

    /// Waits for a step that is looked for.
    pub fn wait_step(&mut self, what: &str, found: impl Fn(&Step) -> bool) -> Result<Step> {
        self.wait_for(what, |notice| match notice {
            Notice::Step(step) if found(step) => Some(step.clone()),
            _ => None,
        })
    }

    /// Waits for the next failure.
    pub fn wait_failure(&mut self) -> Result<Failure> {
        self.wait_for("a failure", |notice| match notice {
            Notice::Failed(failure) => Some(failure.clone()),
            _ => None,
        })
    }

    /// Waits for the next failure, which must be of a connection, and tells why it failed.
    pub fn wait_cause(&mut self, wanted: Purpose) -> Result<CloseCause> {
        match self.wait_failure()? {
            Failure::Connection { purpose, cause, .. } if purpose == wanted => Ok(cause),
            other => Err(format!("not the failure of a connection ({wanted:?}): {other:?}").into()),
        }
    }

    /// Waits until the app tells of a bad message.
    pub fn wait_misbehaved(&mut self) -> Result<ProtocolError> {
        self.wait_for("a bad message", |notice| match notice {
            Notice::PeerMisbehaved(error) => Some(error.clone()),
            _ => None,
        })
    }

    /// The steps so far.
    pub fn steps(&self) -> Vec<Step> {
        let list = lock(&self.notices.list);
        list.iter()
            .filter_map(|notice| if let Notice::Step(step) = notice { Some(step.clone()) } else { None })
            .collect()
    }

    /// How many certificate exchanges were begun so far.
    pub fn exchanges(&self) -> usize {
        self.steps().iter().filter(|step| matches!(step, Step::ExchangeNeeded(_))).count()
    }

    /// Stops the app, which must say goodbye to the desktop as it should.
    pub fn stop(self, session: Session) -> Result {
        // The desktop knows of a session before the app does.
        self.handle.wait_connected();
        self.handle.begin_stop();
        let code = session.wait_closed()?;
        self.handle.stop();
        if code == 1000 { Ok(()) } else { Err(format!("the app closed with {code}").into()) }
    }

    /// Stops an app that has no session.
    pub fn stop_alone(self) {
        self.handle.stop();
    }
}

/// The settings that all tests have in common.
pub fn builder<A: Adapter>(desktop: &Desktop, directory: &Path) -> Builder<A::Launch> {
    let (insecure, secure) = (desktop.address(Port::Insecure), desktop.address(Port::Secure));
    Builder::new("Rust App", APP_ID)
        .host(insecure.ip().to_string())
        .ports(insecure.port(), secure.port())
        .directory(directory)
        .configure(patient)
}

/// Tries again at once, and waits for everything else as long as it takes.
fn patient(config: &mut Config) {
    config.backoff.first = Duration::from_millis(10);
    config.backoff.ceiling = Duration::from_millis(20);
    config.backoff.loop_sessions = u32::MAX;
    config.timing.connect = PATIENCE;
    config.timing.grant = PATIENCE;
    config.timing.close = PATIENCE;
    config.timing.ping = Duration::MAX;
}

/// An app in a session, with certificates that no exchange had to make, and the plugin `Example` initialised.
pub struct Connected<A: Adapter> {
    /// The desktop's side.
    pub session: Session,
    /// The app's side.
    pub app: App<A>,
    /// The desktop, for what comes after this session.
    pub desktop: Desktop,
    /// The app's directory.
    pub dir: TempDir,
}

impl<A: Adapter> Connected<A> {
    /// An app with the plugin `Example` and nothing else.
    pub fn new() -> Result<Self> {
        Self::with(|builder| builder)
    }

    /// An app with what `change` adds to `Example`.
    pub fn with(change: impl FnOnce(Builder<A::Launch>) -> Builder<A::Launch>) -> Result<Self> {
        let mut connected = Self::without_plugins(|builder| change(builder.plugin(example())))?;
        connected.session.init("Example")?;
        Ok(connected)
    }

    /// An app with the plugins that `change` adds, and no others. None is initialised.
    pub fn without_plugins(change: impl FnOnce(Builder<A::Launch>) -> Builder<A::Launch>) -> Result<Self> {
        let desktop = Desktop::new()?;
        let dir = TempDir::new()?;
        desktop.provision(dir.path())?;
        let app = App::start_with(&desktop, dir.path(), change)?;
        let session = desktop.session()?;
        Ok(Self { session, app, desktop, dir })
    }
}

/// A method that keeps its calls for the test to answer.
pub fn keeper() -> (impl Fn(Call) + Send + Sync + 'static, Arc<Mutex<Vec<Call>>>) {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&kept);
    (move |call| lock(&keep).push(call), kept)
}
