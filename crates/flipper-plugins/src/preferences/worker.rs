//! The thread on which stores are asked, so that a slow disk holds nobody up.

use std::fmt;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

/// How many calls wait.
const WAITING: usize = 256;

/// What the thread does with a job, and without one when the time has come that it said before. It says when it wants to
/// be called again if no job comes before, or that it has ended.
pub(super) type Work<T> = Box<dyn FnMut(Option<T>) -> Next + Send>;

pub(super) enum Next {
    Whenever,
    At(Instant),
    End,
}

/// A thread that begins with the first job, and ends with this.
pub(super) struct Worker<T> {
    jobs: Mutex<Option<SyncSender<T>>>,
}

impl<T: Send + 'static> Worker<T> {
    pub(super) fn new() -> Self {
        Self { jobs: Mutex::new(None) }
    }

    /// Has a job done after those before it. It comes back when too many wait, or no thread can be started.
    pub(super) fn give(&self, job: T, work: impl FnOnce() -> Work<T>) -> Result<(), T> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = match &*jobs {
            Some(sender) => sender.clone(),
            None => {
                let (sender, receiver) = sync_channel(WAITING);
                let work = work();
                let thread = thread::Builder::new().name("flipper-preferences".to_owned());
                if let Err(error) = thread.spawn(move || run(&receiver, work)) {
                    tracing::error!("the thread for preferences cannot be started: {error}");
                    return Err(job);
                }
                jobs.insert(sender).clone()
            }
        };
        drop(jobs);
        sender.try_send(job).map_err(|error| match error {
            TrySendError::Full(job) | TrySendError::Disconnected(job) => job,
        })
    }
}

fn run<T>(jobs: &Receiver<T>, mut work: Work<T>) {
    let mut job = None;
    loop {
        let next = match work(job) {
            Next::Whenever => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Next::At(at) => jobs.recv_timeout(at.saturating_duration_since(Instant::now())),
            Next::End => return,
        };
        job = match next {
            Ok(job) => Some(job),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
    }
}

impl<T> fmt::Debug for Worker<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").finish_non_exhaustive()
    }
}
