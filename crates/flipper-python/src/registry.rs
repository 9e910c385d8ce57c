//! The apps of this process: at its end they are stopped, and a fork has none of them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use flipper_blocking::{Flipper, Stopping};
use pyo3::prelude::*;

use crate::error::raise;

/// How often a thread that waits looks for signals, such as Ctrl-C.
pub(crate) const SIGNALS: Duration = Duration::from_millis(100);

/// What an app is told in a child of its process.
const FORKED: &str = "this was started before the process was forked, and is not there in the child; start another one";

static FORKS: AtomicU64 = AtomicU64::new(0);

/// How many forks lie between the first process and this one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process(u64);

impl Process {
    pub(crate) fn current() -> Self {
        Self(FORKS.load(Ordering::Relaxed))
    }

    /// Whether this is still the process where a value was made. Elsewhere no thread of it goes on, and any of its locks
    /// may be taken for ever.
    pub(crate) fn is_this(self) -> bool {
        self == Self::current()
    }

    pub(crate) fn check(self, py: Python<'_>) -> PyResult<()> {
        if self.is_this() { Ok(()) } else { Err(raise(py, "Forked", FORKED)) }
    }
}

/// A value that is of use in one process. In its children it is left alone, and is not even dropped: both could wait for ever.
pub(crate) struct Local<T> {
    value: Option<T>,
    process: Process,
}

impl<T> Local<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: Some(value), process: Process::current() }
    }

    /// The value, in its own process.
    pub(crate) fn get(&self) -> Option<&T> {
        self.value.as_ref().filter(|_| self.process.is_this())
    }

    /// As [`get`](Self::get), with an error for other processes.
    pub(crate) fn need(&self, py: Python<'_>) -> PyResult<&T> {
        self.get().ok_or_else(|| raise(py, "Forked", FORKED))
    }
}

impl<T> Drop for Local<T> {
    fn drop(&mut self) {
        if !self.process.is_this() {
            std::mem::forget(self.value.take());
        }
    }
}

/// A value that is taken once, in one process.
pub(crate) type Once<T> = Local<Mutex<Option<T>>>;

impl<T> Once<T> {
    pub(crate) fn of(value: Option<T>) -> Self {
        Self::new(Mutex::new(value))
    }

    pub(crate) fn take(&self) -> Option<T> {
        self.lock()?.take()
    }

    pub(crate) fn lock(&self) -> Option<MutexGuard<'_, Option<T>>> {
        self.get().map(|value| value.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Called in the child after a fork: the apps of its parent are none of its own.
#[pyfunction]
pub(crate) fn forked() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// The apps that were started and have not ended.
struct Apps {
    process: Process,
    running: Vec<(u64, Flipper)>,
    leaving: Vec<Stopping>,
}

static APPS: [Mutex<Option<Apps>>; 2] = [const { Mutex::new(None) }; 2];

/// A parent's lock may have been taken when it was forked, so parent and child, and child and grandchild, have their own.
fn apps() -> MutexGuard<'static, Option<Apps>> {
    let process = Process::current();
    let mutex = &APPS[usize::from(process.0 % 2 == 1)];
    let mut apps = mutex.lock().unwrap_or_else(PoisonError::into_inner);
    if apps.as_ref().is_none_or(|apps| apps.process != process) {
        // What is left of a grandparent can be neither stopped nor dropped.
        std::mem::forget(apps.replace(Apps { process, running: Vec::new(), leaving: Vec::new() }));
    }
    apps
}

/// An app that runs, until this is dropped.
pub(crate) struct Registration(u64, Process);

impl Registration {
    pub(crate) fn new(flipper: &Flipper) -> Self {
        static IDS: AtomicU64 = AtomicU64::new(0);
        let id = IDS.fetch_add(1, Ordering::Relaxed);
        if let Some(apps) = apps().as_mut() {
            apps.leaving.retain(|stopping| !matches!(stopping.wait_for(Duration::ZERO), Ok(true)));
            apps.running.push((id, flipper.clone()));
        }
        Self(id, Process::current())
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if !self.1.is_this() {
            return;
        }
        let mut apps = apps();
        let Some(apps) = apps.as_mut() else { return };
        if let Some(at) = apps.running.iter().position(|(id, _)| *id == self.0) {
            let (_, flipper) = apps.running.swap_remove(at);
            apps.leaving.push(flipper.stop());
        }
    }
}

/// Stops all apps of this process, and waits for every callback that is still at work, as the end of an interpreter does
/// for the threads of an executor.
#[pyfunction]
pub(crate) fn stop_all(py: Python<'_>) -> PyResult<()> {
    let (running, mut leaving) = match apps().as_mut() {
        Some(apps) => (std::mem::take(&mut apps.running), std::mem::take(&mut apps.leaving)),
        None => return Ok(()),
    };
    leaving.extend(running.iter().map(|(_, flipper)| flipper.stop()));
    for stopping in leaving {
        wait(py, &stopping, None)?;
    }
    Ok(())
}

/// Waits for an end, for as long as this. Says whether it has come.
pub(crate) fn wait(py: Python<'_>, stopping: &Stopping, timeout: Option<Duration>) -> PyResult<bool> {
    let deadline = timeout.and_then(|timeout| std::time::Instant::now().checked_add(timeout));
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(std::time::Instant::now()));
        let slice = left.map_or(SIGNALS, |left| left.min(SIGNALS));
        match py.detach(|| stopping.wait_for(slice)) {
            Ok(true) => return Ok(true),
            Ok(false) if left.is_some_and(|left| left <= slice) => return Ok(false),
            Ok(false) => py.check_signals()?,
            Err(in_callback) => return Err(raise(py, "InCallback", &in_callback.to_string())),
        }
    }
}
