//! What a desktop has told and nobody has taken yet.

use std::fmt::Debug;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::{PATIENCE, Result};

#[derive(Debug)]
pub(super) struct Inbox<T> {
    waiting: Mutex<Vec<T>>,
    more: Condvar,
}

impl<T: Debug> Inbox<T> {
    pub(super) fn new() -> Self {
        Self { waiting: Mutex::default(), more: Condvar::new() }
    }

    pub(super) fn push(&self, item: T) {
        self.lock().push(item);
        self.more.notify_all();
    }

    /// Waits for the first item that `pick` makes something of, and takes it out. The others stay, in order.
    pub(super) fn wait_for<U>(&self, what: &str, mut pick: impl FnMut(&T) -> Option<U>) -> Result<U> {
        let deadline = Instant::now() + PATIENCE;
        let mut waiting = self.lock();
        let mut seen = 0;
        loop {
            while let Some(item) = waiting.get(seen) {
                if let Some(picked) = pick(item) {
                    waiting.remove(seen);
                    return Ok(picked);
                }
                seen += 1;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(format!("waited too long for {what}; the desktop told {waiting:#?}").into());
            }
            waiting = self.more.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
