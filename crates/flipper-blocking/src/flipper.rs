//! What an app holds while Flipper runs.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use flipper_client::{App, Builder, Clock, Connection, Jobs, Launch, Plugin, Setup, StartError, Status, Watch};
use flipper_proto::ApiMisuse;
use flipper_proto::client::{Client, Counters, State};

use crate::bell::Bell;
use crate::crew::Crew;
use crate::driver::Driver;
use crate::handlers::Handlers;
use crate::options::{InCallback, Options};

/// An app's Flipper, while it runs. When the last clone is dropped, it stops.
#[derive(Clone)]
pub struct Flipper {
    held: Arc<Held>,
}

struct Held {
    app: Arc<App>,
    crew: Arc<Crew>,
    /// What the driver will work with. Not there any more once it was started, or cannot be.
    jobs: Mutex<Option<Jobs>>,
    /// Not there before the start.
    parts: OnceLock<(Arc<Bell>, Arc<Handlers>)>,
}

impl Held {
    fn jobs(&self) -> MutexGuard<'_, Option<Jobs>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self) {
        if self.jobs().take().is_some() {
            // There is no driver to do it.
            self.app.finish();
        }
        self.app.stop();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Flipper {
    /// Begins the settings of an app: `app` is the name that people see, `app_id` its bundle id in reverse-DNS form.
    pub fn builder(app: impl Into<String>, app_id: impl Into<String>) -> Builder<Self> {
        Builder::new(app, app_id)
    }

    /// Starts with `options`. [`Builder::into_setup`] ends the settings.
    ///
    /// # Errors
    /// As [`Builder::start`].
    pub fn launch_with(setup: Setup, options: &Options) -> Result<Self, StartError> {
        let flipper = Self::prepare(setup);
        flipper.begin(options)?;
        Ok(flipper)
    }

    /// One that has no threads and is [stopped](State::Stopped) until it is told to [begin](Self::begin). Plugins may be
    /// added before that, and events sent, which wait.
    #[must_use]
    pub fn prepare(setup: Setup) -> Self {
        let jobs = Mutex::new(Some(Jobs::new(&setup)));
        let app = App::new(setup, Clock::new(Instant::now), None);
        Self { held: Arc::new(Held { app, crew: Arc::default(), jobs, parts: OnceLock::new() }) }
    }

    /// Starts what was [prepared](Self::prepare), and returns at once.
    ///
    /// # Errors
    /// [`StartError::AlreadyStarted`], also after a start that failed and after a stop; [`StartError::NoRuntime`].
    pub fn begin(&self, options: &Options) -> Result<(), StartError> {
        let Held { app, crew, parts, .. } = &*self.held;
        // Held until the state machine has started, so that whoever stops it meanwhile does so afterwards.
        let mut kept = self.held.jobs();
        let jobs = kept.take().ok_or(StartError::AlreadyStarted)?;
        let bell = Bell::new().map_err(|error| {
            tracing::error!("Flipper does not start, because it has nothing to wait with: {error}");
            app.finish();
            StartError::NoRuntime("the system has nothing to wait with; perhaps too many files are open")
        })?;
        let handlers = Arc::new(app.peek(|core| Handlers::new(Arc::clone(&bell), &core.config().limits)));
        let (bell, handlers) = parts.get_or_init(|| (bell, handlers));
        app.start();
        drop(kept);
        let driver = Driver::new(Arc::clone(app), jobs, Arc::clone(bell), Arc::clone(crew), Arc::clone(handlers));
        // If a thread cannot be started, the driver is dropped, which ends those that were.
        let start = || {
            for _ in 0..options.handlers.get() {
                let (app, handlers) = (Arc::clone(app), Arc::clone(handlers));
                crew.spawn("flipper-handler", move || handlers.work(&app))?;
            }
            crew.spawn("flipper-io", move || driver.run())
        };
        start().map_err(|error: std::io::Error| {
            tracing::error!("Flipper does not start, because its threads do not: {error}");
            StartError::NoRuntime("the system starts no more threads; perhaps there are too many, or too little memory")
        })
    }

    /// Where the app stands with its desktop, and what failed last.
    #[must_use]
    pub fn status(&self) -> Status {
        self.held.app.status()
    }

    /// Waits for another status.
    #[must_use]
    pub fn watch(&self) -> Watch {
        self.held.app.watch()
    }

    /// Waits until there is a session with a desktop. Says whether there is one: there never will be once Flipper has
    /// stopped.
    pub fn connected(&self) -> bool {
        self.watch().blocking_until(has_decided).is_some_and(|status| status.is_connected())
    }

    /// As [`connected`](Self::connected), but for no longer than `timeout`.
    pub fn connected_within(&self, timeout: Duration) -> bool {
        self.watch().blocking_until_within(timeout, has_decided).is_some_and(|status| status.is_connected())
    }

    /// Adds a plugin. A desktop that is connected asks for the plugins anew.
    ///
    /// # Errors
    /// [`ApiMisuse::DuplicatePlugin`], [`ApiMisuse::TooManyPlugins`].
    pub fn add_plugin(&self, plugin: impl Plugin) -> Result<(), ApiMisuse> {
        self.held.app.add_plugin(Arc::new(plugin))
    }

    /// Removes a plugin. Its calls that are not answered yet are answered with an error.
    ///
    /// # Errors
    /// [`ApiMisuse::UnknownPlugin`].
    pub fn remove_plugin(&self, id: &str) -> Result<(), ApiMisuse> {
        self.held.app.remove_plugin(id)
    }

    /// A connection to send events of a plugin with, before a desktop is there as well as after.
    #[must_use]
    pub fn connection(&self, plugin: &str) -> Connection {
        self.held.app.connection(plugin)
    }

    /// What was lost, refused or ignored so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.held.app.peek(Client::counters)
    }

    /// How many notices the observer was not given, because it, or a plugin, has blocked for so long that too many wait.
    #[must_use]
    pub fn missed_notices(&self) -> u64 {
        self.held.parts.get().map_or(0, |(_, handlers)| handlers.missed())
    }

    /// How often the thread that does the IO has woken up so far. While nothing happens it does so for pings alone.
    #[must_use]
    pub fn wake_ups(&self) -> u64 {
        self.held.parts.get().map_or(0, |(bell, _)| bell.waits())
    }

    /// Stops: sends what is queued, closes the connection, and never comes back.
    ///
    /// It begins at once, whether [`Stopping::wait`] is called or not, so that a callback may call it.
    pub fn stop(&self) -> Stopping {
        self.held.stop();
        self.ending()
    }

    /// Waits for the end, whoever will [stop](Self::stop) it. One that was not started yet has ended.
    #[must_use]
    pub fn ending(&self) -> Stopping {
        Stopping { crew: Arc::clone(&self.held.crew) }
    }
}

impl Launch for Flipper {
    type Handle = Self;

    fn launch(setup: Setup) -> Result<Self, StartError> {
        Self::launch_with(setup, &Options::default())
    }

    fn stopped() -> Self {
        let (crew, jobs, parts) = (Arc::default(), Mutex::default(), OnceLock::new());
        Self { held: Arc::new(Held { app: App::stopped(), crew, jobs, parts }) }
    }
}

impl fmt::Debug for Flipper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Flipper").field(&self.held.app.status()).finish()
    }
}

/// Whether there is a session, or never will be.
fn has_decided(status: &Status) -> bool {
    status.is_connected() || status.state == State::Stopped
}

/// A Flipper that ends. It does so by itself; this is for who wants to wait for it.
#[derive(Clone)]
pub struct Stopping {
    crew: Arc<Crew>,
}

impl Stopping {
    /// Waits until everything has ended: the desktop was told, every callback has returned, and no thread is left. Only a
    /// look-up of the desktop's host may still hang in the system, and touches nothing any more.
    ///
    /// # Errors
    /// [`InCallback`], at once, in a callback of the same Flipper, where this would wait for itself.
    pub fn wait(&self) -> Result<(), InCallback> {
        self.crew.wait(None).map(drop)
    }

    /// As [`wait`](Self::wait), but for no longer than `timeout`. Says whether everything has ended.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub fn wait_for(&self, timeout: Duration) -> Result<bool, InCallback> {
        // What lies beyond the end of the clock is for ever.
        self.crew.wait(Instant::now().checked_add(timeout))
    }
}

impl fmt::Debug for Stopping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stopping")
    }
}
