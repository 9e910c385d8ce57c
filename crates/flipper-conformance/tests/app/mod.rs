//! The sample app on tokio, watched by a test that blocks.

#![allow(dead_code, reason = "every test file uses another part of it")]

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use flipper_conformance::official::OfficialDesktop;
use flipper_sample::{Ticker, example};
use flipper_tokio::proto::client::{Failure, State, Step};
use flipper_tokio::{Builder, Flipper, Notice};
use tokio::runtime::Runtime;

pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Bounds a hang; no test passes because of it.
const PATIENCE: Duration = Duration::from_secs(60);

/// The sample app while it runs.
pub(crate) struct App {
    pub(crate) flipper: Flipper,
    notices: Arc<Notices>,
    /// How many notices earlier waits have gone past.
    seen: usize,
    runtime: Runtime,
}

#[derive(Default)]
struct Notices {
    list: Mutex<Vec<Notice>>,
    more: Condvar,
}

impl App {
    /// Starts the sample app with what a test needs: the desktop's ports and a directory. Everything else is as an app
    /// has it that sets nothing.
    pub(crate) fn start(desktop: &OfficialDesktop, name: &str, directory: &Path) -> Result<Self> {
        Self::start_with(desktop, name, "com.example.app", directory, |builder| builder)
    }

    pub(crate) fn start_with(
        desktop: &OfficialDesktop,
        name: &str,
        app_id: &str,
        directory: &Path,
        change: impl FnOnce(Builder) -> Builder,
    ) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let notices = Arc::new(Notices::default());
        let sink = Arc::clone(&notices);
        let ports = desktop.ports();
        let builder = Flipper::builder(name, app_id)
            .ports(ports.insecure, ports.secure)
            .directory(directory)
            .plugin(example())
            .plugin(Ticker::default())
            .observer(move |notice| {
                sink.list.lock().unwrap_or_else(PoisonError::into_inner).push(notice.clone());
                sink.more.notify_all();
            });
        let flipper = {
            let _entered = runtime.enter();
            change(builder).start()?
        };
        Ok(Self { flipper, notices, seen: 0, runtime })
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

    pub(crate) fn wait_connected(&mut self) -> Result {
        self.wait_for("connected", |notice| matches!(notice, Notice::State(State::Connected { .. })).then_some(()))
    }

    pub(crate) fn wait_step<T>(&mut self, what: &str, found: impl Fn(&Step) -> Option<T>) -> Result<T> {
        self.wait_for(what, |notice| if let Notice::Step(step) = notice { found(step) } else { None })
    }

    pub(crate) fn wait_failure(&mut self) -> Result<Failure> {
        self.wait_for(
            "a failure",
            |notice| if let Notice::Failed(failure) = notice { Some(failure.clone()) } else { None },
        )
    }

    /// The steps so far, in words.
    pub(crate) fn steps(&self) -> Vec<String> {
        let list = self.notices.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.iter()
            .filter_map(|notice| if let Notice::Step(step) = notice { Some(step.to_string()) } else { None })
            .collect()
    }

    pub(crate) fn stop(self) {
        self.runtime.block_on(self.flipper.stop());
    }
}

/// Whether any of the steps tells of an exchange.
pub(crate) fn tells_of_exchange(steps: &[String]) -> bool {
    steps.iter().any(|step| step.contains("exchange needed"))
}
