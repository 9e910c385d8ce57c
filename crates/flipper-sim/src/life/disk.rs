//! A disk that fails at will.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flipper_pki::DiskFaults;

/// Clones are one disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// So many accesses succeed before some fail.
    good: u64,
    /// So many fail.
    bad: u64,
    failed: u64,
}

impl Disk {
    /// Has some accesses fail, after others that do not.
    pub(super) fn fail(&self, good: u64, bad: u64) {
        let mut state = self.state();
        (state.good, state.bad) = (good, bad);
    }

    pub(super) fn heal(&self) {
        self.state().bad = 0;
    }

    /// How many accesses failed.
    pub(super) fn failed(&self) -> u64 {
        self.state().failed
    }

    pub(super) fn faults(&self) -> DiskFaults {
        let disk = self.clone();
        DiskFaults::new(move |_, _| disk.access())
    }

    fn access(&self) -> io::Result<()> {
        let mut state = self.state();
        if state.bad == 0 {
            return Ok(());
        }
        if state.good > 0 {
            state.good -= 1;
            return Ok(());
        }
        state.bad -= 1;
        state.failed += 1;
        Err(io::Error::new(io::ErrorKind::StorageFull, "no space left on device"))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
