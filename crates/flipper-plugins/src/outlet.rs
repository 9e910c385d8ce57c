//! The way of a plugin's events to the desktop, which costs next to nothing while nobody listens.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

use flipper_client::proto::{ErrorReport, Payload};
use flipper_client::{Connection, SendError};
use serde::Serialize;

pub(crate) use crate::waiting::Waiting;

/// Sends the events of one plugin, and keeps within [`Waiting`] while no desktop has initialised it.
///
/// The plugin passes on what it is told: [`added`](Self::added), [`connected`](Self::connected) and
/// [`disconnected`](Self::disconnected).
#[derive(Debug)]
pub(crate) struct Outlet {
    waiting: Waiting,
    /// Whether an event is worth being made: somebody listens, or there is still room.
    open: AtomicBool,
    connected: AtomicBool,
    connection: RwLock<Option<Connection>>,
    waiting_events: AtomicUsize,
    waiting_bytes: AtomicUsize,
    skipped: AtomicU64,
    reported: AtomicU64,
}

impl Outlet {
    pub(crate) fn new(waiting: Waiting) -> Self {
        Self {
            waiting,
            open: AtomicBool::new(false),
            connected: AtomicBool::new(false),
            connection: RwLock::new(None),
            waiting_events: AtomicUsize::new(0),
            waiting_bytes: AtomicUsize::new(0),
            skipped: AtomicU64::new(0),
            reported: AtomicU64::new(0),
        }
    }

    /// The plugin was added to an app. A desktop may be quicker, and have initialised it already.
    pub(crate) fn added(&self, connection: Connection) {
        *self.connection.write().unwrap_or_else(PoisonError::into_inner) = Some(connection);
        if !self.is_connected() {
            self.open.store(self.waiting != Waiting::NOTHING, Ordering::Release);
        }
    }

    /// A desktop has initialised the plugin.
    pub(crate) fn connected(&self, connection: Connection) {
        self.connected_uncounted(connection);
        self.report();
    }

    /// As [`connected`](Self::connected), for a plugin that does not see every event it skips, and says so by itself.
    pub(crate) fn connected_uncounted(&self, connection: Connection) {
        *self.connection.write().unwrap_or_else(PoisonError::into_inner) = Some(connection);
        self.connected.store(true, Ordering::Release);
        self.open.store(true, Ordering::Release);
    }

    /// The desktop has left the plugin.
    pub(crate) fn disconnected(&self) {
        self.connected.store(false, Ordering::Release);
        self.waiting_events.store(0, Ordering::Relaxed);
        self.waiting_bytes.store(0, Ordering::Relaxed);
        self.open.store(self.waiting != Waiting::NOTHING, Ordering::Release);
    }

    /// Whether an event would get anywhere, before it is made. One that would not is counted with
    /// [`skip`](Self::skip).
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    /// Whether a desktop has initialised the plugin.
    #[inline]
    pub(crate) fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    /// Counts an event that was not even made.
    #[inline]
    pub(crate) fn skip(&self) {
        self.skipped.fetch_add(1, Ordering::Relaxed);
    }

    /// How many events nobody will see, because no desktop was there and no room was left.
    pub(crate) fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }

    /// Sends an event, or keeps it, or counts it. Says whether a desktop will see it.
    pub(crate) fn send<T: Serialize + ?Sized>(&self, method: &str, params: &T) -> bool {
        if !self.is_open() {
            self.skip();
            return false;
        }
        match Payload::serialize(params) {
            Ok(params) => self.send_json(method, &params),
            Err(error) => {
                tracing::error!("an event {method} is lost, because it cannot be written as JSON: {error}");
                self.skip();
                false
            }
        }
    }

    /// As [`send`](Self::send), for params that are JSON already.
    pub(crate) fn send_json(&self, method: &str, params: &Payload) -> bool {
        let sent = self.has_room(params.as_json().len()) && self.pass_on(method, params);
        if !sent {
            self.skip();
        }
        sent
    }

    fn pass_on(&self, method: &str, params: &Payload) -> bool {
        let connection = self.connection.read().unwrap_or_else(PoisonError::into_inner);
        let Some(connection) = connection.as_ref() else { return false };
        match connection.send_json(method, Some(params)) {
            Ok(()) => true,
            Err(SendError::Stopped | SendError::PluginRemoved) => false,
            Err(error) => {
                tracing::warn!(plugin = %connection.plugin(), "an event {method} is lost: {error}");
                false
            }
        }
    }

    /// Takes the room that an event needs while nobody listens.
    fn has_room(&self, bytes: usize) -> bool {
        if self.is_connected() {
            return true;
        }
        let events = self.waiting_events.fetch_add(1, Ordering::Relaxed) + 1;
        let taken = self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if events <= self.waiting.events && taken <= self.waiting.bytes {
            return true;
        }
        self.waiting_events.fetch_sub(1, Ordering::Relaxed);
        self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        // One large event leaves the room to smaller ones, unless there is little left.
        if events > self.waiting.events || (taken - bytes) * 2 >= self.waiting.bytes {
            self.open.store(false, Ordering::Release);
            // A desktop may have come meanwhile.
            if self.is_connected() {
                self.open.store(true, Ordering::Release);
            }
        }
        false
    }

    /// Tells the desktop how many events it will not see.
    fn report(&self) {
        let skipped = self.skipped();
        let unreported = skipped - self.reported.swap(skipped, Ordering::Relaxed);
        if unreported == 0 {
            return;
        }
        let connection = self.connection.read().unwrap_or_else(PoisonError::into_inner);
        let Some(connection) = connection.as_ref() else { return };
        let message =
            format!("{unreported} events of plugin {} were not kept while no desktop was there", connection.plugin());
        // A desktop that has gone again is told when it comes back: the number only grows.
        if connection.report_error(&ErrorReport::new(message).named("EventsDropped")).is_err() {
            self.reported.fetch_sub(unreported, Ordering::Relaxed);
        }
    }
}
