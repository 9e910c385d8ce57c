//! Those who are told what happens.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;

use crate::event::Event;

/// Is called with every event.
pub(crate) type Observer = Box<dyn Fn(&Event) + Send + Sync>;

/// How many events wait for a subscriber that does not take them, and how many bytes they may hold.
const MAX_WAITING: usize = 10_000;
const MAX_WAITING_BYTES: usize = 16 << 20;

/// All observers and subscribers.
pub(crate) struct Audience {
    observers: Vec<Observer>,
    /// `None` once there will be no more events.
    subscriptions: Mutex<Option<Vec<Weak<Subscription>>>>,
    missed: AtomicU64,
    panics: AtomicU64,
}

impl Audience {
    pub(crate) fn new(observers: Vec<Observer>) -> Arc<Self> {
        Arc::new(Self {
            observers,
            subscriptions: Mutex::new(Some(Vec::new())),
            missed: AtomicU64::new(0),
            panics: AtomicU64::new(0),
        })
    }

    pub(crate) fn subscribe(self: &Arc<Self>) -> Events {
        let subscription = Arc::new(Subscription::default());
        match &mut *self.subscriptions() {
            Some(subscriptions) => subscriptions.push(Arc::downgrade(&subscription)),
            None => subscription.lock().over = true,
        }
        Events { subscription }
    }

    /// Tells everybody. Nobody is called under a lock, and nobody's panic is another's.
    pub(crate) fn tell(&self, event: &Event) {
        for observer in &self.observers {
            if catch_unwind(AssertUnwindSafe(|| observer(event))).is_err() {
                self.panics.fetch_add(1, Ordering::Relaxed);
                tracing::error!("an observer of the desktop panicked");
            }
        }
        let mut missed = 0;
        if let Some(subscriptions) = &mut *self.subscriptions() {
            subscriptions.retain(|subscription| match subscription.upgrade() {
                Some(subscription) => {
                    missed += subscription.push(event);
                    true
                }
                None => false,
            });
        }
        self.missed.fetch_add(missed, Ordering::Relaxed);
    }

    /// There will be no more events.
    pub(crate) fn dismiss(&self) {
        let subscriptions = self.subscriptions().take().unwrap_or_default();
        for subscription in subscriptions.iter().filter_map(Weak::upgrade) {
            subscription.lock().over = true;
            subscription.arrived.notify_one();
        }
    }

    /// How many events subscribers have missed, all together.
    pub(crate) fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// How often an observer has panicked.
    pub(crate) fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    fn subscriptions(&self) -> MutexGuard<'_, Option<Vec<Weak<Subscription>>>> {
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The events of a desktop, from the moment of the subscription on.
///
/// They wait for whoever takes them: up to 10,000 of them, or 16 MiB. Then the oldest go, and are counted.
pub struct Events {
    subscription: Arc<Subscription>,
}

impl Events {
    /// The next event; `None` once the desktop has stopped and all of them were taken.
    ///
    /// A call that is dropped before it is ready takes nothing.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            {
                let mut waiting = self.subscription.lock();
                let event = waiting.pop();
                if event.is_some() || waiting.over {
                    return event;
                }
            }
            self.subscription.arrived.notified().await;
        }
    }

    /// How many events this subscription has missed, because they were not taken in time.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.subscription.lock().missed
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.subscription.lock();
        f.debug_struct("Events")
            .field("waiting", &waiting.events.len())
            .field("missed", &waiting.missed)
            .finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Subscription {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Default)]
struct Waiting {
    events: VecDeque<Event>,
    bytes: usize,
    missed: u64,
    over: bool,
}

impl Subscription {
    /// Returns how many events had to go.
    fn push(&self, event: &Event) -> u64 {
        let missed = {
            let mut waiting = self.lock();
            waiting.bytes += event.weight();
            waiting.events.push_back(event.clone());
            let before = waiting.missed;
            while waiting.events.len() > MAX_WAITING || (waiting.bytes > MAX_WAITING_BYTES && waiting.events.len() > 1)
            {
                waiting.pop();
                waiting.missed += 1;
            }
            waiting.missed - before
        };
        self.arrived.notify_one();
        missed
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn pop(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        self.bytes -= event.weight();
        Some(event)
    }
}
