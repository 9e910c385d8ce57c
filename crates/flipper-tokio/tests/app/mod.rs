//! An app on tokio, watched by a test that blocks.

#![allow(dead_code, reason = "every test file uses another part of it")]

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use flipper_sample::example;
use flipper_tokio::proto::CloseCause;
use flipper_tokio::proto::ProtocolError;
use flipper_tokio::proto::client::{Config, Failure, Purpose, State, Step};
use flipper_tokio::{Builder, Flipper, Notice};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::desktop::{APP_ID, Desktop, PATIENCE, Port, Result, Session};

/// An app while it runs.
pub(crate) struct App {
    pub(crate) flipper: Flipper,
    pub(crate) runtime: Runtime,
    notices: Arc<Notices>,
    /// How many notices earlier waits have gone past.
    seen: usize,
}

#[derive(Default)]
struct Notices {
    list: Mutex<Vec<Notice>>,
    more: Condvar,
}

impl App {
    /// Starts an app with the plugin `Example`.
    pub(crate) fn start(desktop: &Desktop, directory: &Path) -> Result<Self> {
        Self::start_with(desktop, directory, |builder| builder.plugin(example()))
    }

    /// Starts an app with what `change` adds.
    pub(crate) fn start_with(
        desktop: &Desktop,
        directory: &Path,
        change: impl FnOnce(Builder) -> Builder,
    ) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let notices = Arc::new(Notices::default());
        let sink = Arc::clone(&notices);
        let builder = builder(desktop, directory).observer(move |notice| {
            sink.list.lock().unwrap_or_else(PoisonError::into_inner).push(notice.clone());
            sink.more.notify_all();
        });
        let flipper = {
            let _entered = runtime.enter();
            change(builder).start()?
        };
        Ok(Self { flipper, runtime, notices, seen: 0 })
    }

    /// Waits for the next notice, after those that earlier waits found, that is looked for.
    pub(crate) fn wait_for<T>(&mut self, what: &str, found: impl Fn(&Notice) -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + PATIENCE;
        let mut list = self.notices.list.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            while let Some(notice) = list.get(self.seen) {
                self.seen += 1;
                if let Some(found) = found(notice) {
                    return Ok(found);
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(format!("the app did not tell: {what}; it told {list:#?}").into());
            }
            list = self.notices.more.wait_timeout(list, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub(crate) fn wait_state(&mut self, state: &State) -> Result {
        self.wait_for(&state.to_string(), |notice| (*notice == Notice::State(state.clone())).then_some(()))
    }

    pub(crate) fn wait_connected(&mut self) -> Result {
        self.wait_state(&State::Connected { unresponsive: false })
    }

    pub(crate) fn wait_step(&mut self, what: &str, found: impl Fn(&Step) -> bool) -> Result<Step> {
        self.wait_for(what, |notice| match notice {
            Notice::Step(step) if found(step) => Some(step.clone()),
            _ => None,
        })
    }

    pub(crate) fn wait_failure(&mut self) -> Result<Failure> {
        self.wait_for("a failure", |notice| match notice {
            Notice::Failed(failure) => Some(failure.clone()),
            _ => None,
        })
    }

    /// Waits for the next failure, which must be of a connection, and tells why it failed.
    pub(crate) fn wait_cause(&mut self, wanted: Purpose) -> Result<CloseCause> {
        match self.wait_failure()? {
            Failure::Connection { purpose, cause, .. } if purpose == wanted => Ok(cause),
            other => Err(format!("not the failure of a connection ({wanted:?}): {other:?}").into()),
        }
    }

    pub(crate) fn wait_misbehaved(&mut self) -> Result<ProtocolError> {
        self.wait_for("a bad message", |notice| match notice {
            Notice::PeerMisbehaved(error) => Some(error.clone()),
            _ => None,
        })
    }

    /// The steps so far.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let list = self.notices.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.iter()
            .filter_map(|notice| if let Notice::Step(step) = notice { Some(step.clone()) } else { None })
            .collect()
    }

    /// How many certificate exchanges were begun so far.
    pub(crate) fn exchanges(&self) -> usize {
        self.steps().iter().filter(|step| matches!(step, Step::ExchangeNeeded(_))).count()
    }

    /// Stops the app, which must say goodbye to the desktop as it should.
    pub(crate) fn stop(self, session: Session) -> Result {
        // The desktop knows of a session before the app does.
        self.runtime.block_on(self.flipper.connected());
        let stopped = self.flipper.stop();
        let code = session.wait_closed()?;
        self.runtime.block_on(stopped);
        if code == 1000 { Ok(()) } else { Err(format!("the app closed with {code}").into()) }
    }

    /// Stops an app that has no session.
    pub(crate) fn stop_alone(self) {
        self.runtime.block_on(self.flipper.stop());
    }
}

/// The settings that all tests have in common.
pub(crate) fn builder(desktop: &Desktop, directory: &Path) -> Builder {
    let (insecure, secure) = (desktop.address(Port::Insecure), desktop.address(Port::Secure));
    Flipper::builder("Rust App", APP_ID)
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
pub(crate) struct Connected {
    pub(crate) session: Session,
    pub(crate) app: App,
    pub(crate) desktop: Desktop,
    pub(crate) dir: TempDir,
}

impl Connected {
    pub(crate) fn new() -> Result<Self> {
        Self::with(|builder| builder)
    }

    /// An app with what `change` adds to `Example`.
    pub(crate) fn with(change: impl FnOnce(Builder) -> Builder) -> Result<Self> {
        let desktop = Desktop::new()?;
        let dir = TempDir::new()?;
        desktop.provision(dir.path())?;
        let app = App::start_with(&desktop, dir.path(), |builder| change(builder.plugin(example())))?;
        let mut session = desktop.session()?;
        session.init("Example")?;
        Ok(Self { session, app, desktop, dir })
    }
}
