//! What handles, plugins and the driver of one app share.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use event_listener::{Event as Changed, EventListener};
use flipper_proto::client::{Action, Client, Config, Event, PluginMode, State};
use flipper_proto::{ApiMisuse, AttemptId, ErrorReport, Instant, PluginId};

use crate::call::{Call, Responder};
use crate::connection::Connection;
use crate::notice::Notice;
use crate::plugin::Plugin;
use crate::settings::Setup;
use crate::status::Status;
use crate::watch::Watch;
use crate::wire::Incoming;

/// One app: its state machine, its plugins, and those who wait for news.
///
/// Handles lock it, change it and wake the driver. The driver is whoever calls [`App::turn`].
pub struct App {
    shared: Mutex<Shared>,
    plugins: Mutex<Plugins>,
    directory: Option<PathBuf>,
    observer: Option<Observer>,
    changed: Changed,
    clock: Clock,
    spawner: Option<Arc<dyn Spawn>>,
    finished: AtomicBool,
}

#[derive(Default)]
struct Plugins {
    added: BTreeMap<PluginId, Arc<dyn Plugin>>,
    /// Those that were told that they are connected, and not yet that this is over: also those removed meanwhile.
    connected: BTreeMap<PluginId, Arc<dyn Plugin>>,
}

impl Plugins {
    /// Takes down that a plugin is told that it is connected, if it was not removed meanwhile.
    fn connect(&mut self, id: &PluginId) -> Option<Arc<dyn Plugin>> {
        let plugin = self.added.get(id)?;
        self.connected.insert(id.clone(), Arc::clone(plugin));
        Some(Arc::clone(plugin))
    }
}

struct Shared {
    core: Client,
    waker: Waker,
    /// Something was changed since the driver looked last.
    dirty: bool,
    /// The driver is at work and will look again before it rests, so that nobody has to wake it.
    driver_at_work: bool,
}

/// Who is told of every notice.
pub type Observer = Box<dyn Fn(&Notice) + Send + Sync>;

/// A unit of async work.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs async work on the app's runtime.
pub trait Spawn: Send + Sync {
    /// Runs `task` to its end.
    fn spawn(&self, task: Task);
}

/// The clock of an adapter, as the state machine counts time.
pub struct Clock {
    origin: std::time::Instant,
    now: Box<dyn Fn() -> std::time::Instant + Send + Sync>,
}

impl Clock {
    /// A clock that reads `now`, and whose origin is this moment.
    pub fn new(now: impl Fn() -> std::time::Instant + Send + Sync + 'static) -> Self {
        Self { origin: now(), now: Box::new(now) }
    }

    /// The moment, in milliseconds since the origin.
    #[must_use]
    pub fn now(&self) -> Instant {
        let since = (self.now)().saturating_duration_since(self.origin);
        Instant::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// When `at` is, on the adapter's own clock, rounded up to what its timers can tell apart.
    #[must_use]
    pub fn when(&self, at: Instant) -> std::time::Instant {
        self.origin + at.saturating_duration_since(Instant::ZERO)
    }
}

impl App {
    /// An app that has not started yet, with the plugins of `setup`.
    #[must_use]
    pub fn new(setup: Setup, clock: Clock, spawner: Option<Arc<dyn Spawn>>) -> Arc<Self> {
        let app = Self::with_config(setup.config, clock);
        let directory = Some(setup.store.dir().to_owned());
        let app = Arc::new(Self { directory, observer: setup.observer, spawner, ..app });
        for plugin in setup.plugins {
            let id = plugin.id().to_owned();
            if let Err(misuse) = app.add_plugin(plugin) {
                tracing::error!(plugin = %id, "the plugin is left out: {misuse}");
            }
        }
        app
    }

    fn with_config(config: Config, clock: Clock) -> Self {
        Self {
            shared: Mutex::new(Shared {
                core: Client::new(config),
                waker: Waker::noop().clone(),
                dirty: false,
                driver_at_work: false,
            }),
            plugins: Mutex::default(),
            directory: None,
            observer: None,
            changed: Changed::new(),
            clock,
            spawner: None,
            finished: AtomicBool::new(false),
        }
    }

    /// An app that has stopped before it began. Nobody drives it.
    #[must_use]
    pub fn stopped() -> Arc<Self> {
        let app = Arc::new(Self::with_config(Config::new("", ""), Clock::new(std::time::Instant::now)));
        app.finish();
        app
    }

    /// Adds a plugin. A desktop that is connected asks for the plugins anew.
    ///
    /// # Errors
    /// [`ApiMisuse::DuplicatePlugin`], [`ApiMisuse::TooManyPlugins`].
    pub fn add_plugin(self: &Arc<Self>, plugin: Arc<dyn Plugin>) -> Result<(), ApiMisuse> {
        let id = PluginId::new(plugin.id());
        let mode = if plugin.run_in_background() { PluginMode::Background } else { PluginMode::Foreground };
        let mut plugins = lock(&self.plugins);
        self.with_core(|core| core.add_plugin(id.clone(), mode))?;
        plugins.added.insert(id.clone(), Arc::clone(&plugin));
        drop(plugins);
        shield("a plugin", move || plugin.on_added(Connection::new(self, id)));
        Ok(())
    }

    /// Removes a plugin. Its calls that are not answered yet are answered with an error.
    ///
    /// # Errors
    /// [`ApiMisuse::UnknownPlugin`].
    pub fn remove_plugin(&self, id: &str) -> Result<(), ApiMisuse> {
        let mut plugins = lock(&self.plugins);
        self.with_core(|core| core.remove_plugin(id))?;
        let removed = plugins.added.remove(id);
        // What a plugin does when it is dropped is a callback, too.
        drop(plugins);
        drop(removed);
        Ok(())
    }

    /// A connection to send events of a plugin with, whether a desktop is there or not.
    #[must_use]
    pub fn connection(self: &Arc<Self>, plugin: &str) -> Connection {
        Connection::new(self, PluginId::new(plugin))
    }

    /// Where the app stands.
    #[must_use]
    pub fn status(&self) -> Status {
        let shared = lock(&self.shared);
        Status { state: shared.core.state(), last_failure: shared.core.last_failure().cloned() }
    }

    /// Waits for another status.
    #[must_use]
    pub fn watch(self: &Arc<Self>) -> Watch {
        Watch::new(Arc::clone(self))
    }

    pub(crate) fn listen(&self) -> EventListener {
        self.changed.listen()
    }

    pub(crate) fn spawner(&self) -> Option<Arc<dyn Spawn>> {
        self.spawner.clone()
    }

    /// Begins to look for the desktop.
    pub fn start(&self) {
        let now = self.clock.now();
        self.with_core(|core| core.start(now));
    }

    /// Begins to end. It has ended when the state is [`State::Stopped`].
    pub fn stop(&self) {
        let now = self.clock.now();
        self.with_core(|core| core.stop(now));
    }

    /// The driver has ended, and nothing will happen any more.
    pub fn finish(&self) {
        self.finished.store(true, Ordering::Release);
        self.changed.notify(usize::MAX);
    }

    /// Whether the driver has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Acquire)
    }

    /// Waits until the driver has ended.
    pub async fn finished(&self) {
        loop {
            let listener = self.changed.listen();
            if self.is_finished() {
                return;
            }
            listener.await;
        }
    }

    /// Reads or changes the state machine, and has the driver look at it.
    pub fn with_core<T>(&self, change: impl FnOnce(&mut Client) -> T) -> T {
        let mut shared = lock(&self.shared);
        let result = change(&mut shared.core);
        if shared.driver_at_work {
            shared.dirty = true;
            return result;
        }
        if std::mem::replace(&mut shared.dirty, true) {
            // It was woken before and has not come yet.
            return result;
        }
        let waker = shared.waker.clone();
        drop(shared);
        waker.wake();
        result
    }

    /// Asks the state machine something.
    pub fn peek<T>(&self, question: impl FnOnce(&Client) -> T) -> T {
        question(&lock(&self.shared).core)
    }

    /// The private directory of the app, where it has its keys and certificates. An app that has stopped before it began
    /// has none.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// The clock of the app.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Begins a turn of the driver, which `waker` wakes for the next one.
    pub fn turn(self: &Arc<Self>, waker: &Waker) -> Turn {
        let mut shared = lock(&self.shared);
        shared.driver_at_work = true;
        shared.dirty = false;
        if !shared.waker.will_wake(waker) {
            shared.waker.clone_from(waker);
        }
        Turn { app: Arc::clone(self), events: Vec::new() }
    }

    /// The plugin that a call of `id` is for: not one that was removed, nor one that has taken its place and was not
    /// told yet that it is connected.
    fn connected(&self, id: &PluginId) -> Option<Arc<dyn Plugin>> {
        let plugins = lock(&self.plugins);
        let added = plugins.added.get(id)?;
        plugins.connected.get(id).filter(|connected| Arc::ptr_eq(connected, added)).cloned()
    }

    /// Calls the plugin or the observer back that `event` is for, and returns when the callback has.
    ///
    /// Drivers on whose own thread or task callbacks run use [`Turn::deliver`]. Others [take the events](Turn::take_events)
    /// and call this where they like. What is for one plugin comes in order, but its calls may run side by side: it is
    /// connected before they begin, and disconnected after they have returned. What is for the observer comes in order.
    pub fn deliver(self: &Arc<Self>, event: Event) {
        match event {
            Event::Call { call, plugin, method, params, expects_reply } => {
                let responder = Responder::new(self, call, plugin.clone(), method.clone(), expects_reply);
                let Some(receiver) = self.connected(&plugin) else { return };
                shield("a plugin", move || {
                    if receiver.has_method(&method) {
                        receiver.on_call(Call { method, params, responder });
                    } else {
                        let _ended = responder.error(&ErrorReport::new(format!("Receiver {method} not found.")));
                    }
                });
            }
            Event::MethodQuery { call, plugin, method } => {
                let receiver = self.connected(&plugin);
                let has_it = shield("a plugin", move || receiver.is_some_and(|receiver| receiver.has_method(&method)));
                // A session that ended meanwhile wants no answer.
                let _ended = self.with_core(|core| core.respond_supported(call, has_it.unwrap_or(false)));
            }
            Event::PluginConnected(plugin) => {
                tracing::debug!(%plugin, "the desktop initialised the plugin");
                let receiver = lock(&self.plugins).connect(&plugin);
                if let Some(receiver) = receiver {
                    shield("a plugin", move || receiver.on_connect(Connection::new(self, plugin)));
                }
            }
            Event::PluginDisconnected(plugin) => {
                tracing::debug!(%plugin, "the desktop has left the plugin");
                let receiver = lock(&self.plugins).connected.remove(&plugin);
                if let Some(receiver) = receiver {
                    shield("a plugin", move || receiver.on_disconnect());
                }
            }
            other => {
                if let (Some(observer), Some(notice)) = (&self.observer, notice(other)) {
                    shield("the observer", || observer(&notice));
                }
            }
        }
    }

    /// Whether anybody is told of notices.
    #[must_use]
    pub fn is_observed(&self) -> bool {
        self.observer.is_some()
    }

    /// Logs what is for the observer, and says whether it is.
    fn log(&self, event: &Event) -> bool {
        match event {
            Event::StateChanged(state) => tracing::debug!("{state}"),
            Event::Step(step) => tracing::debug!("{step}"),
            Event::Failed(failure) => tracing::warn!("{failure}"),
            Event::PeerMisbehaved(error) => {
                // A desktop that sends nothing else must not fill the log.
                let so_far = self.peek(|core| core.counters().bad_messages);
                if so_far < 8 || so_far.is_power_of_two() {
                    tracing::warn!(so_far, "the desktop sent something that is not understood: {error}");
                }
            }
            _ => return false,
        }
        true
    }
}

/// What an event tells an observer.
fn notice(event: Event) -> Option<Notice> {
    match event {
        Event::StateChanged(state) => Some(Notice::State(state)),
        Event::Step(step) => Some(Notice::Step(step)),
        Event::Failed(failure) => Some(Notice::Failed(failure)),
        Event::PeerMisbehaved(error) => Some(Notice::PeerMisbehaved(error)),
        other => {
            tracing::debug!("not handled: {other:?}");
            None
        }
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("status", &self.status()).finish_non_exhaustive()
    }
}

/// The driver at work: from waking up to resting.
///
/// While a turn lasts nobody wakes the driver; [`rest`](Self::rest) says whether something was changed meanwhile.
pub struct Turn {
    app: Arc<App>,
    events: Vec<Event>,
}

impl Turn {
    /// Hands facts to the state machine, or takes decisions from it.
    pub fn core<T>(&self, facts: impl FnOnce(&mut Client) -> T) -> T {
        facts(&mut lock(&self.app.shared).core)
    }

    /// Tells the state machine the time if it waits for that, and says whether it did.
    #[must_use]
    pub fn tick(&self, now: Instant) -> bool {
        self.core(|core| match core.poll_timeout() {
            Some((at, _)) if at <= now => {
                core.handle_timeout(now);
                true
            }
            _ => false,
        })
    }

    /// Hands over everything that a socket has brought.
    pub fn receive(&self, attempt: AttemptId, incoming: &mut Vec<Incoming>, now: Instant) {
        self.core(|core| {
            for incoming in incoming.drain(..) {
                match incoming {
                    Incoming::Text(text) => core.handle_message(attempt, text, now),
                    Incoming::Binary(bytes) => core.handle_binary(attempt, &bytes, now),
                    Incoming::Alive => core.handle_alive(attempt, now),
                }
            }
        });
    }

    /// The next decision.
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        self.core(Client::poll_action)
    }

    /// Calls the plugins back about everything that happened. Says whether there was anything.
    pub fn deliver(&mut self) -> bool {
        let mut events = std::mem::take(&mut self.events);
        let any = self.take_events(&mut events);
        for event in events.drain(..) {
            self.app.deliver(event);
        }
        self.events = events;
        any
    }

    /// Takes everything that happened, for [`App::deliver`], and says whether there was anything. Those who wait for
    /// another status are told at once, whenever the callbacks may come.
    pub fn take_events(&self, events: &mut Vec<Event>) -> bool {
        let before = events.len();
        self.core(|core| events.extend(std::iter::from_fn(|| core.poll_event())));
        let mut is_news = false;
        for event in &events[before..] {
            is_news |= self.app.log(event);
        }
        if is_news {
            self.app.changed.notify(usize::MAX);
        }
        events.len() > before
    }

    /// Whether the app has stopped, and the driver has seen to everything that is left to do.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let shared = lock(&self.app.shared);
        shared.core.state() == State::Stopped && !shared.dirty
    }

    /// Ends the turn, unless something was changed that the driver has not looked at yet.
    #[must_use]
    pub fn rest(&self) -> bool {
        let mut shared = lock(&self.app.shared);
        let rests = !std::mem::take(&mut shared.dirty);
        shared.driver_at_work = !rests;
        rests
    }
}

/// Keeps the panic of a callback from everybody else. What it was asked is answered when its responder is dropped.
///
/// A plugin moves into its callback: it may be dropped there for good, and may panic then, too.
fn shield<T>(whose: &str, callback: impl FnOnce() -> T) -> Option<T> {
    let result = catch_unwind(AssertUnwindSafe(callback));
    if result.is_err() {
        tracing::error!("{whose} panicked in a callback");
    }
    result.ok()
}

/// The state behind these locks is never left half-changed: no callback runs under them.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
