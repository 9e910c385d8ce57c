//! The thread on which stores are asked, so that a slow disk holds nobody up.

use std::fmt;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

/// How many calls wait.
const WAITING: usize = 256;

pub(super) type Job = Box<dyn FnOnce() + Send>;

/// What the thread does between two jobs. It says when it wants to do it again, or that it has ended.
pub(super) type Chore = Box<dyn FnMut() -> Next + Send>;

pub(super) enum Next {
    Whenever,
    At(Instant),
    End,
}

/// A thread that begins with the first job, and ends with this.
pub(super) struct Worker {
    jobs: Mutex<Option<SyncSender<Job>>>,
}

impl Worker {
    pub(super) fn new() -> Self {
        Self { jobs: Mutex::new(None) }
    }

    /// Has a job done after those before it. It comes back when too many wait, or no thread can be started.
    pub(super) fn give(&self, job: Job, chore: impl FnOnce() -> Chore) -> Result<(), Job> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = match &*jobs {
            Some(sender) => sender.clone(),
            None => {
                let (sender, receiver) = sync_channel(WAITING);
                let chore = chore();
                let thread = thread::Builder::new().name("flipper-preferences".to_owned());
                if let Err(error) = thread.spawn(move || work(&receiver, chore)) {
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

fn work(jobs: &Receiver<Job>, mut chore: Chore) {
    loop {
        let job = match chore() {
            Next::Whenever => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Next::At(at) => jobs.recv_timeout(at.saturating_duration_since(Instant::now())),
            Next::End => return,
        };
        match job {
            // Whoever waits for what a job that panics would have done is told when it is dropped.
            Ok(job) => drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(job))),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").finish_non_exhaustive()
    }
}
