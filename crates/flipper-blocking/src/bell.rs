//! What the thread that does the IO waits on.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Wake;
use std::time::{Duration, Instant};

use polling::{Events, Poller};

/// No wait is longer, because not every system can count that far.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Ends the wait of the thread that does the IO. It rings for sockets, too.
pub(crate) struct Bell {
    poller: Poller,
    waits: AtomicU64,
}

impl Bell {
    pub(crate) fn new() -> io::Result<Arc<Self>> {
        Ok(Arc::new(Self { poller: Poller::new()?, waits: AtomicU64::new(0) }))
    }

    pub(crate) fn poller(&self) -> &Poller {
        &self.poller
    }

    /// Has the wait end that is going on, or else the next one.
    pub(crate) fn ring(&self) {
        if let Err(error) = self.poller.notify() {
            tracing::error!("the thread that does the IO could not be woken: {error}");
        }
    }

    /// Waits until the bell rings, a socket that is watched is ready, or it is `deadline`.
    pub(crate) fn wait(&self, events: &mut Events, deadline: Option<Instant>) -> io::Result<()> {
        events.clear();
        let latest = Instant::now() + LONGEST;
        self.poller.wait_deadline(events, deadline.map_or(latest, |deadline| deadline.min(latest)))?;
        self.waits.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// How many waits have ended.
    pub(crate) fn waits(&self) -> u64 {
        self.waits.load(Ordering::Relaxed)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
    }
}

/// Rings when it is dropped, whatever became of the work before.
pub(crate) struct RingsAtLast(pub(crate) Arc<Bell>);

impl Drop for RingsAtLast {
    fn drop(&mut self) {
        self.0.ring();
    }
}
