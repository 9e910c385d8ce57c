//! Disks that fail.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flipper_pki::{Authority, AuthorityConfig, AuthorityError, DiskFaults};

use crate::support::clock::Clock;

/// Lets the first `count` accesses to the disk through, and none after: the process has died, or the
/// disk has. Only this one fails where `only_one` says so.
pub(crate) fn fail_after(count: usize, only_one: bool) -> (DiskFaults, Arc<AtomicUsize>) {
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    let faults = DiskFaults::new(move |_, _| {
        let number = counter.fetch_add(1, Ordering::Relaxed);
        if number < count || only_one && number > count { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
    });
    (faults, seen)
}

pub(crate) fn open_failing(dir: &Path, clock: &Clock, faults: DiskFaults) -> Result<Authority, AuthorityError> {
    let mut config = AuthorityConfig::default();
    config.clock = clock.as_provider();
    config.disk_faults = Some(faults);
    Authority::open_with(dir, config)
}
