//! Everything that happens at a certain moment.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::core::Core;
use crate::net::Later;

/// What is due at a moment.
#[derive(Debug)]
pub(crate) enum Due {
    Wake(Waker),
    Net(Later),
}

/// When, and the how-manieth timer it is: those of one moment go off in the order in which they were set.
pub(crate) type Key = (Duration, u64);

#[derive(Debug, Default)]
pub(crate) struct Timers {
    due: BTreeMap<Key, Due>,
    set: u64,
}

impl Timers {
    pub(crate) fn set(&mut self, at: Duration, due: Due) -> Key {
        self.set += 1;
        let key = (at, self.set);
        self.due.insert(key, due);
        key
    }

    pub(crate) fn cancel(&mut self, key: Key) {
        self.due.remove(&key);
    }

    fn replace(&mut self, key: Key, waker: &Waker) -> bool {
        let Some(due) = self.due.get_mut(&key) else { return false };
        if !matches!(due, Due::Wake(before) if before.will_wake(waker)) {
            *due = Due::Wake(waker.clone());
        }
        true
    }

    /// The moment of the next one.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes the next one that is due at `now`.
    pub(crate) fn pop(&mut self, now: Duration) -> Option<Due> {
        if self.next()? > now {
            return None;
        }
        self.due.pop_first().map(|(_, due)| due)
    }
}

/// One timer of a task.
#[derive(Debug)]
pub struct SimSleep {
    core: Arc<Core>,
    at: Duration,
    key: Option<Key>,
}

impl SimSleep {
    pub(crate) fn new(core: Arc<Core>, at: Duration) -> Self {
        Self { core, at, key: None }
    }

    fn cancel(&mut self) {
        if let Some(key) = self.key.take() {
            self.core.state().timers.cancel(key);
        }
    }
}

impl flipper_async::Sleep for SimSleep {
    fn reset(mut self: Pin<&mut Self>, at: Instant) {
        self.cancel();
        self.at = self.core.since_origin(at);
    }

    fn poll_expired(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.at <= self.core.now() {
            self.cancel();
            return Poll::Ready(());
        }
        let core = Arc::clone(&self.core);
        let mut state = core.state();
        if self.key.is_none_or(|key| !state.timers.replace(key, cx.waker())) {
            self.key = Some(state.timers.set(self.at, Due::Wake(cx.waker().clone())));
        }
        Poll::Pending
    }
}

impl Drop for SimSleep {
    fn drop(&mut self) {
        self.cancel();
    }
}
