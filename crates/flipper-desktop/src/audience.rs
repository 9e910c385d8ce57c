//! Those who are told what happens.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;

use tokio::sync::{Notify, mpsc, watch};

use crate::event::Event;

/// Is called with every event.
pub(crate) type Observer = Box<dyn Fn(&Event) + Send + Sync>;

/// How many events wait for a subscriber that does not take them, and how many bytes they may hold.
const MAX_WAITING: usize = 10_000;
const MAX_WAITING_BYTES: usize = 16 << 20;

/// How many events wait for the observers. A few are enough for the threads to hand them over without waiting for each
/// other; when they are not, whatever is at work upstream waits.
const MAX_UNOBSERVED: usize = 64;

/// All subscribers, and what became of observers.
pub(crate) struct Audience {
    /// `None` once there will be no more events.
    subscriptions: Mutex<Option<Vec<Weak<Subscription>>>>,
    missed: AtomicU64,
    panics: AtomicU64,
}

/// Tells the audience. Dropped, there will be no more events.
pub(crate) struct Speaker {
    audience: Arc<Audience>,
    observed: Option<mpsc::Sender<Event>>,
}

impl Audience {
    pub(crate) fn subscribe(self: &Arc<Self>) -> Events {
        let subscription = Arc::new(Subscription::default());
        match &mut *self.subscriptions() {
            Some(subscriptions) => subscriptions.push(Arc::downgrade(&subscription)),
            None => subscription.lock().over = true,
        }
        Events { subscription }
    }

    /// Nobody is called under a lock, and nobody's panic is another's.
    fn observe(&self, observers: &[Observer], mut events: mpsc::Receiver<Event>) {
        while let Some(event) = events.blocking_recv() {
            for observer in observers {
                if catch_unwind(AssertUnwindSafe(|| observer(&event))).is_err() {
                    self.panics.fetch_add(1, Ordering::Relaxed);
                    tracing::error!("an observer of the desktop panicked");
                }
            }
        }
    }

    fn publish(&self, event: &Event) {
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

    fn dismiss(&self) {
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

impl Speaker {
    /// Speaks to subscribers only, as long as it has no [observers](Self::call).
    pub(crate) fn new() -> Self {
        let audience = Arc::new(Audience {
            subscriptions: Mutex::new(Some(Vec::new())),
            missed: AtomicU64::new(0),
            panics: AtomicU64::new(0),
        });
        Self { audience, observed: None }
    }

    /// Calls observers from now on. `until_the_end` is dropped when they have been told everything.
    pub(crate) fn call(&mut self, observers: Vec<Observer>, until_the_end: watch::Sender<()>) -> io::Result<()> {
        if observers.is_empty() {
            return Ok(());
        }
        let (observed, events) = mpsc::channel(MAX_UNOBSERVED);
        let audience = Arc::clone(&self.audience);
        // Observers are other people's code. On a thread of the runtime one that blocks would hold up not only this
        // desktop, but perhaps all IO of the program.
        thread::Builder::new().name("flipper-observer".to_owned()).spawn(move || {
            audience.observe(&observers, events);
            drop(until_the_end);
        })?;
        self.observed = Some(observed);
        Ok(())
    }

    pub(crate) fn audience(&self) -> &Arc<Audience> {
        &self.audience
    }

    /// Tells everybody. Waits while the observers are far behind.
    pub(crate) async fn tell(&self, event: Event) {
        self.audience.publish(&event);
        if let Some(observed) = &self.observed {
            // The thread of the observers lives as long as this does.
            let _ended = observed.send(event).await;
        }
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        self.audience.dismiss();
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
