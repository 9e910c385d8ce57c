//! What day it is in a simulation.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use flipper_pki::WallClock;

use crate::core::Core;

/// When every simulation begins: the first of January 2026.
const BEGIN: Duration = Duration::from_secs(1_767_225_600);

/// A calendar that goes by the virtual clock, until somebody sets it. Clones are one calendar.
#[derive(Clone, Debug)]
pub struct Calendar {
    core: Weak<Core>,
    /// By how many milliseconds it was set forward, all together.
    set_by: Arc<AtomicI64>,
}

impl Calendar {
    pub(crate) fn new(core: &Arc<Core>) -> Self {
        Self { core: Arc::downgrade(core), set_by: Arc::default() }
    }

    /// Sets it forward, while everything else goes on as if nothing had happened.
    pub fn set_forward(&self, by: Duration) {
        self.set_by.fetch_add(millis(by), Ordering::Relaxed);
    }

    /// Sets it back.
    pub fn set_back(&self, by: Duration) {
        self.set_by.fetch_sub(millis(by), Ordering::Relaxed);
    }

    /// Sets it to what another calendar shows.
    pub fn set_to(&self, other: &Self) {
        self.set_by.store(other.set_by.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// By how much this one is ahead of another, in milliseconds.
    #[must_use]
    pub fn millis_ahead_of(&self, other: &Self) -> i64 {
        self.set_by.load(Ordering::Relaxed) - other.set_by.load(Ordering::Relaxed)
    }

    /// It, as those read it who check certificates.
    #[must_use]
    pub fn clock(&self) -> WallClock {
        let calendar = self.clone();
        WallClock::new(move || calendar.read())
    }

    fn read(&self) -> SystemTime {
        let since = self.core.upgrade().map_or(Duration::ZERO, |core| core.now());
        let set_by = self.set_by.load(Ordering::Relaxed);
        let moved = Duration::from_millis(set_by.unsigned_abs());
        let begin = UNIX_EPOCH + BEGIN + since;
        if set_by < 0 { begin.checked_sub(moved).unwrap_or(UNIX_EPOCH) } else { begin + moved }
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
