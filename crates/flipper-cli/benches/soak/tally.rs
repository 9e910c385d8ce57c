//! What was counted.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::usage::{Usage, Watch};
use crate::{PATIENCE, Result};

/// So many failures are told in full.
const TOLD: usize = 20;

/// How much memory may grow without being a leak: the allocator's own ups and downs.
const GROWTH_MEGABYTES: f64 = 4.0;

#[derive(Default)]
pub(crate) struct Tally {
    calls: AtomicU64,
    unknown: AtomicU64,
    events: AtomicU64,
    missed: AtomicU64,
    told_missed: AtomicU64,
    kills: AtomicU64,
    exchanges: AtomicU64,
    breakpoints: AtomicU64,
    restarts: AtomicU64,
    recorded: AtomicU64,
    errors: Mutex<BTreeMap<String, u64>>,
    usage: Mutex<Option<Memory>>,
    failures: Mutex<Vec<String>>,
}

/// What the desktop used while only apps were killed.
struct Memory {
    empty: Usage,
    peak: f64,
    most_files: usize,
    before: f64,
    after: f64,
    quiet: Usage,
}

macro_rules! counts {
    ($($name:ident: $counter:ident,)*) => {
        $(pub(crate) fn $name(&self) {
            self.$counter.fetch_add(1, Ordering::Relaxed);
        })*
    };
}

impl Tally {
    counts! {
        count_call: calls,
        count_event: events,
        count_told_missed: told_missed,
        count_kill: kills,
        count_exchange: exchanges,
        count_breakpoint: breakpoints,
        count_restart: restarts,
    }

    pub(crate) fn count_missed(&self, count: u64) {
        self.missed.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn count_recorded(&self, count: u64) {
        self.recorded.fetch_add(count, Ordering::Relaxed);
    }

    /// Calls that were under way when the desktop went.
    pub(crate) fn count_unknown(&self, count: u64, error: &str) {
        self.unknown.fetch_add(count, Ordering::Relaxed);
        if error.contains("timed out") || error.contains("temporarily unavailable") {
            self.fail(format!("{count} calls were never answered: {error}"));
        }
    }

    pub(crate) fn count_error(&self, name: String) {
        *self.errors.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default() += 1;
    }

    pub(crate) fn fail(&self, what: String) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    /// Waits until so many more calls have succeeded.
    pub(crate) fn await_calls(&self, count: u64) -> Result {
        let (wanted, deadline) = (self.calls.load(Ordering::Relaxed) + count, Instant::now() + PATIENCE);
        while self.calls.load(Ordering::Relaxed) < wanted {
            if Instant::now() >= deadline {
                return Err(format!("no {count} calls succeed: {self}").into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    pub(crate) fn set_usage(&self, empty: Usage, watch: &Watch, quiet: Usage) {
        let (before, after) = watch.before_and_after();
        if after > before * 1.1 + GROWTH_MEGABYTES {
            self.fail(format!("memory grew from {before:.1} to {after:.1} MB"));
        }
        if quiet.files > empty.files {
            self.fail(format!("{} files are open when everybody has left, {} were before", quiet.files, empty.files));
        }
        let memory = Memory { empty, peak: watch.peak(), most_files: watch.most_files(), before, after, quiet };
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner) = Some(memory);
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        writeln!(
            f,
            "apps: {} killed, {} without their certificates, {} stopped for a while; the desktop: {} times",
            of(&self.kills),
            of(&self.exchanges),
            of(&self.breakpoints),
            of(&self.restarts)
        )?;
        writeln!(
            f,
            "calls: {} answered with what was sent, {} cut off with the desktop",
            of(&self.calls),
            of(&self.unknown)
        )?;
        for (name, count) in &*self.errors.lock().unwrap_or_else(PoisonError::into_inner) {
            writeln!(f, "       {count} answered with {name}")?;
        }
        writeln!(
            f,
            "events: {} seen by the fast observer, {} missed; the slow one was told {} times that it missed some",
            of(&self.events),
            of(&self.missed),
            of(&self.told_missed)
        )?;
        writeln!(f, "recorded: {} messages", of(&self.recorded))?;
        if let Some(memory) = &*self.usage.lock().unwrap_or_else(PoisonError::into_inner) {
            writeln!(
                f,
                "memory: {:.1} MB empty, {:.1} in the second quarter, {:.1} in the last, {:.1} at most, {:.1} when all had left",
                memory.empty.megabytes, memory.before, memory.after, memory.peak, memory.quiet.megabytes
            )?;
            writeln!(
                f,
                "files: {} empty, {} at most, {} when all had left",
                memory.empty.files, memory.most_files, memory.quiet.files
            )?;
        }
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(f, "failures: {}", failures.len())?;
        failures.iter().take(TOLD).try_for_each(|failure| writeln!(f, "  {failure}"))
    }
}
