//! What waits to be written.

use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use flipper_proto::ConnId;
use flipper_proto::desktop::Event;
use tokio::sync::oneshot;

use super::Direction;

/// How much waits, and for how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// A batch is written when this many messages wait, this many bytes, or the first of them for so long.
    pub(super) batch_messages: usize,
    pub(super) batch_bytes: usize,
    pub(super) batch_after: Duration,
    /// What comes when as much as this waits is lost.
    pub(super) max_messages: usize,
    pub(super) max_bytes: usize,
}

/// Something that passed.
pub(super) enum Entry {
    Message {
        conn: ConnId,
        /// In milliseconds since 1970.
        time: i64,
        direction: Direction,
        text: Box<str>,
    },
    /// A client came, went, or told its plugins.
    Told {
        /// In milliseconds since 1970.
        time: i64,
        event: Event,
    },
}

impl Entry {
    pub(super) fn time(&self) -> i64 {
        match self {
            Self::Message { time, .. } | Self::Told { time, .. } => *time,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Message { text, .. } => text.len(),
            Self::Told { .. } => 0,
        }
    }
}

/// What was lost, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) first_at: i64,
    pub(super) last_at: i64,
    pub(super) messages: u64,
    pub(super) bytes: u64,
}

impl Lost {
    pub(super) fn of(entry: &Entry) -> Self {
        let (time, bytes) = (entry.time(), entry.bytes() as u64);
        Self { first_at: time, last_at: time, messages: 1, bytes }
    }

    pub(super) fn and(self, later: Self) -> Self {
        Self {
            first_at: self.first_at.min(later.first_at),
            last_at: self.last_at.max(later.last_at),
            messages: self.messages + later.messages,
            bytes: self.bytes + later.bytes,
        }
    }

    /// Adds `later` to what was lost before, if anything was.
    pub(super) fn add(sum: &mut Option<Self>, later: Option<Self>) {
        *sum = match (*sum, later) {
            (Some(sum), Some(later)) => Some(sum.and(later)),
            (sum, later) => sum.or(later),
        };
    }
}

/// What the writer is given at once.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) entries: Vec<Entry>,
    pub(super) lost: Option<Lost>,
    /// Those who wait until everything up to here is written.
    pub(super) waiting: Vec<oneshot::Sender<()>>,
    /// Nothing comes after this.
    pub(super) last: bool,
}

pub(super) struct Queue {
    limits: Limits,
    state: Mutex<State>,
    due: Condvar,
}

#[derive(Default)]
struct State {
    entries: Vec<Entry>,
    bytes: usize,
    /// When the first of them came.
    since: Option<Instant>,
    lost: Option<Lost>,
    waiting: Vec<oneshot::Sender<()>>,
    closed: bool,
}

impl Queue {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, state: Mutex::default(), due: Condvar::new() }
    }

    /// Never waits for the writer. Returns whether there was room.
    pub(super) fn push(&self, entry: Entry) -> bool {
        let Limits { batch_messages, batch_bytes, max_messages, max_bytes, .. } = self.limits;
        let mut state = self.lock();
        if state.closed {
            return true;
        }
        // Comings and goings are few and small, and what follows is worth little without them.
        let max_messages = if let Entry::Told { .. } = entry { max_messages.saturating_mul(2) } else { max_messages };
        let bytes = state.bytes.saturating_add(entry.bytes());
        let has_room = state.entries.len() < max_messages && (bytes <= max_bytes || state.entries.is_empty());
        if has_room {
            state.bytes = bytes;
            state.entries.push(entry);
        } else {
            Lost::add(&mut state.lost, Some(Lost::of(&entry)));
        }
        let first = state.since.is_none();
        state.since.get_or_insert_with(Instant::now);
        if first || state.entries.len() == batch_messages || state.bytes >= batch_bytes {
            self.due.notify_one();
        }
        has_room
    }

    /// Has everything written that is there, and tells when that is done.
    pub(super) fn flush(&self) -> oneshot::Receiver<()> {
        let (done, told) = oneshot::channel();
        let mut state = self.lock();
        if state.closed {
            // Nobody would come for it.
            return told;
        }
        state.waiting.push(done);
        self.due.notify_one();
        told
    }

    /// Takes nothing more. What is there is the last batch.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.due.notify_one();
    }

    /// Waits for the next batch.
    pub(super) fn take(&self) -> Batch {
        let mut state = self.lock();
        loop {
            let Limits { batch_messages, batch_bytes, batch_after, .. } = self.limits;
            let full = state.entries.len() >= batch_messages || state.bytes >= batch_bytes;
            let left = state.since.map(|since| batch_after.saturating_sub(since.elapsed()));
            if full || state.closed || !state.waiting.is_empty() || left == Some(Duration::ZERO) {
                let closed = state.closed;
                let state = mem::replace(&mut *state, State { closed, ..State::default() });
                return Batch { entries: state.entries, lost: state.lost, waiting: state.waiting, last: state.closed };
            }
            state = match left {
                Some(left) => self.due.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.due.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        batch_messages: 3,
        batch_bytes: 100,
        batch_after: Duration::from_secs(3600),
        max_messages: 5,
        max_bytes: 1_000,
    };

    fn message(time: i64, bytes: usize) -> Entry {
        let text = "x".repeat(bytes).into_boxed_str();
        Entry::Message { conn: ConnId::from_u64(0), time, direction: Direction::ToDesktop, text }
    }

    #[test]
    fn a_batch_is_due_by_count_and_by_bytes() {
        let queue = Queue::new(LIMITS);
        for time in 0..3 {
            assert!(queue.push(message(time, 1)));
        }
        assert_eq!(queue.take().entries.len(), 3);
        assert!(queue.push(message(3, 100)));
        assert_eq!(queue.take().entries.len(), 1);
    }

    #[test]
    fn a_batch_is_due_by_time() {
        let queue = Queue::new(Limits { batch_after: Duration::from_millis(1), ..LIMITS });
        assert!(queue.push(message(0, 1)));
        assert_eq!(queue.take().entries.len(), 1);
    }

    #[test]
    fn what_finds_no_room_is_counted() {
        let queue = Queue::new(LIMITS);
        let taken = (0..8).filter(|time| queue.push(message(*time, 10))).count();
        assert_eq!(taken, 5);
        let batch = queue.take();
        assert_eq!(batch.lost, Some(Lost { first_at: 5, last_at: 7, messages: 3, bytes: 30 }));
        assert!(queue.push(message(9, 600)), "there is room again");
        assert!(!queue.push(message(10, 600)), "there is room for so many bytes only");
    }

    #[test]
    fn one_that_is_larger_than_all_the_room_is_taken_when_nothing_else_waits() {
        let queue = Queue::new(LIMITS);
        assert!(queue.push(message(0, 5_000)));
        assert!(!queue.push(message(1, 1)));
    }

    #[test]
    fn closed_it_gives_the_last_batch_at_once() {
        let queue = Queue::new(LIMITS);
        queue.push(message(0, 1));
        queue.close();
        queue.push(message(1, 1));
        let batch = queue.take();
        assert!(batch.last);
        assert_eq!(batch.entries.len(), 1);
    }
}
