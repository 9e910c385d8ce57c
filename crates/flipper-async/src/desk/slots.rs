//! Bounds how many do something at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event_listener::Event;

/// A number of slots, each held by one at a time.
pub(super) struct Slots {
    free: Mutex<usize>,
    freed: Event,
}

/// A slot that is taken until this is dropped.
pub(super) struct Slot(Arc<Slots>);

impl Slots {
    pub(super) fn new(count: usize) -> Arc<Self> {
        Arc::new(Self { free: Mutex::new(count.max(1)), freed: Event::new() })
    }

    /// Takes a slot, as soon as one is free.
    pub(super) async fn take(self: &Arc<Self>) -> Slot {
        loop {
            let freed = self.freed.listen();
            if let Some(slot) = self.try_take() {
                return slot;
            }
            freed.await;
        }
    }

    fn try_take(self: &Arc<Self>) -> Option<Slot> {
        let mut free = self.free();
        *free = free.checked_sub(1)?;
        Some(Slot(Arc::clone(self)))
    }

    fn free(&self) -> MutexGuard<'_, usize> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        *self.0.free() += 1;
        self.0.freed.notify(1);
    }
}
