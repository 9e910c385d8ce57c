//! Those who are told what happens.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::thread;

use flipper_proto::WallTime;
use tokio::sync::{mpsc, watch};

use crate::event::Event;
use crate::filter::Filter;

/// Is called with every event.
pub(crate) type Observer = Box<dyn Fn(&Event) + Send + Sync>;

/// How many events wait for a subscriber that does not take them, and how many bytes they may hold.
const MAX_WAITING: usize = 10_000;
const MAX_WAITING_BYTES: usize = 16 << 20;

/// No event is added to a batch that holds so many bytes.
const BATCH_BYTES: usize = 256 << 10;

/// How many events wait for the observers. A few are enough for the threads to hand them over without waiting for each
/// other; when they are not, whatever is at work upstream waits.
const MAX_UNOBSERVED: usize = 64;

/// How many certificate exchanges are remembered, and how many attempts that came to nothing.
const REMEMBERED: usize = 32;

/// All subscribers, and what became of observers.
pub(crate) struct Audience {
    /// `None` once there will be no more events.
    subscriptions: Mutex<Option<Vec<Weak<Subscription>>>>,
    /// The last certificate exchanges, for whoever comes to look why an app does not get through.
    exchanges: Mutex<VecDeque<Occurrence>>,
    /// The last attempts to connect that came to nothing.
    failures: Mutex<VecDeque<Occurrence>>,
    missed: AtomicU64,
    panics: AtomicU64,
}

/// Tells the audience. Dropped, there will be no more events.
pub(crate) struct Speaker {
    audience: Arc<Audience>,
    observed: Option<mpsc::Sender<Event>>,
}

impl Audience {
    pub(crate) fn subscribe(&self, filter: Filter) -> Events {
        let subscription = Arc::new(Subscription { filter, waiting: Mutex::default() });
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

    /// Tells events that happened at one time. Each lock is taken once, however many they are.
    fn publish(&self, events: &[Event], at: WallTime) {
        if let Some(subscriptions) = &mut *self.subscriptions() {
            subscriptions.retain(|subscription| match subscription.upgrade() {
                Some(subscription) => {
                    subscription.push(events, at, &self.missed);
                    true
                }
                None => false,
            });
        }
        remember(&self.exchanges, events, at, is_exchange);
        remember(&self.failures, events, at, is_failure);
    }

    /// The last certificate exchanges, in their order.
    pub(crate) fn exchanges(&self) -> Vec<Occurrence> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// The last attempts to connect that came to nothing, in their order.
    pub(crate) fn failures(&self) -> Vec<Occurrence> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn dismiss(&self) {
        let subscriptions = self.subscriptions().take().unwrap_or_default();
        for subscription in subscriptions.iter().filter_map(Weak::upgrade) {
            let waker = {
                let mut waiting = subscription.lock();
                waiting.over = true;
                waiting.waker.take()
            };
            waker.into_iter().for_each(Waker::wake);
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

fn is_exchange(event: &Event) -> bool {
    matches!(event, Event::CertificateIssued { .. } | Event::CertificateRefused { .. })
}

/// Whether it tells of somebody who wanted to connect and could not.
fn is_failure(event: &Event) -> bool {
    matches!(
        event,
        Event::CertificateRefused { .. }
            | Event::PairingLocked { .. }
            | Event::ExchangeAcknowledged { is_error: true, .. }
            | Event::ConnectionRefused { .. }
            | Event::HandshakeFailed { .. }
            | Event::AcceptFailed { .. }
    )
}

fn remember(memory: &Mutex<VecDeque<Occurrence>>, events: &[Event], at: WallTime, what: fn(&Event) -> bool) {
    for event in events.iter().filter(|event| what(event)) {
        let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.len() >= REMEMBERED {
            memory.pop_front();
        }
        memory.push_back(Occurrence { at, event: event.clone() });
    }
}

impl Speaker {
    /// Speaks to subscribers only, as long as it has no [observers](Self::call).
    pub(crate) fn new() -> Self {
        let audience = Arc::new(Audience {
            subscriptions: Mutex::new(Some(Vec::new())),
            exchanges: Mutex::default(),
            failures: Mutex::default(),
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

    /// Tells everybody what has happened, at a time. Waits while the observers are far behind.
    pub(crate) async fn tell(&self, events: Vec<Event>, at: WallTime) {
        self.audience.publish(&events, at);
        let Some(observed) = &self.observed else { return };
        for event in events {
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

/// An event, and when it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// When.
    pub at: WallTime,
    /// What.
    pub event: Event,
}

/// Events that were taken together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// How many events went missing since the batch before, because they were not taken in time. All of them happened
    /// before those that are here.
    pub missed: u64,
    /// The events, in order.
    pub occurrences: Vec<Occurrence>,
}

impl Events {
    /// The next event; `None` once the desktop has stopped and all of them were taken.
    ///
    /// A call that is dropped before it is ready takes nothing.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let batch = poll_fn(|cx| self.poll_batch(cx, 1)).await?;
            if let Some(occurrence) = batch.occurrences.into_iter().next() {
                return Some(occurrence.event);
            }
        }
    }

    /// The events that are there, up to `max` of them, and fewer where they are large: with many at once, far cheaper
    /// than one by one. `None` once the desktop has stopped and all of them were taken.
    ///
    /// A call that is dropped before it is ready takes nothing.
    pub async fn next_batch(&mut self, max: usize) -> Option<Batch> {
        poll_fn(|cx| self.poll_batch(cx, max)).await
    }

    /// As [`next_batch`](Self::next_batch), for those who poll several things in one place.
    pub fn poll_batch(&mut self, cx: &Context<'_>, max: usize) -> Poll<Option<Batch>> {
        let mut waiting = self.subscription.lock();
        if waiting.events.is_empty() {
            if waiting.over {
                return Poll::Ready(None);
            }
            waiting.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let untold = waiting.missed - waiting.missed_told;
        waiting.missed_told = waiting.missed;
        let mut occurrences = Vec::with_capacity(max.min(waiting.events.len()));
        let mut bytes = 0;
        while occurrences.len() < max.max(1)
            && bytes < BATCH_BYTES
            && let Some(occurrence) = waiting.pop()
        {
            bytes += occurrence.event.weight();
            occurrences.push(occurrence);
        }
        Poll::Ready(Some(Batch { missed: untold, occurrences }))
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

struct Subscription {
    filter: Filter,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    events: VecDeque<Occurrence>,
    bytes: usize,
    missed: u64,
    /// How many of the missed ones the subscriber was told of.
    missed_told: u64,
    waker: Option<Waker>,
    over: bool,
}

impl Subscription {
    /// Adds to `missed` how many events had to go, before anybody can see that they did.
    fn push(&self, events: &[Event], at: WallTime, missed: &AtomicU64) {
        let mut wanted = events.iter().filter(|event| self.filter.lets_pass(event)).peekable();
        if wanted.peek().is_none() {
            return;
        }
        let waker = {
            let mut waiting = self.lock();
            let before = waiting.missed;
            for event in wanted {
                waiting.push(Occurrence { at, event: event.clone() });
            }
            missed.fetch_add(waiting.missed - before, Ordering::Relaxed);
            waiting.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn push(&mut self, occurrence: Occurrence) {
        self.bytes += occurrence.event.weight();
        self.events.push_back(occurrence);
        while self.events.len() > MAX_WAITING || (self.bytes > MAX_WAITING_BYTES && self.events.len() > 1) {
            self.pop();
            self.missed += 1;
        }
    }

    fn pop(&mut self) -> Option<Occurrence> {
        let occurrence = self.events.pop_front()?;
        self.bytes -= occurrence.event.weight();
        Some(occurrence)
    }
}
