//! The threads of one app.

use std::cell::RefCell;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crate::options::InCallback;

/// The threads of one app: they can be waited for, though not by themselves.
#[derive(Default)]
pub(crate) struct Crew {
    roll: Mutex<Roll>,
    gone: Condvar,
}

#[derive(Default)]
struct Roll {
    at_work: usize,
    threads: Vec<JoinHandle<()>>,
}

thread_local! {
    /// The crew that this thread belongs to.
    static OWN: RefCell<Option<Arc<Crew>>> = const { RefCell::new(None) };
}

impl Crew {
    /// Starts a thread that belongs to the crew.
    pub(crate) fn spawn(self: &Arc<Self>, name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let at_work = AtWork::begin(Arc::clone(self));
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            OWN.set(Some(Arc::clone(&at_work.0)));
            work();
            drop(at_work);
        })?;
        let mut roll = self.roll();
        roll.threads.retain(|thread| !thread.is_finished());
        roll.threads.push(thread);
        Ok(())
    }

    /// Waits until every thread has ended; `false` when it is `deadline` before.
    pub(crate) fn wait(self: &Arc<Self>, deadline: Option<Instant>) -> Result<bool, InCallback> {
        if OWN.with_borrow(|own| own.as_ref().is_some_and(|own| Arc::ptr_eq(own, self))) {
            return Err(InCallback);
        }
        let mut roll = self.roll();
        while roll.at_work > 0 {
            roll = match deadline {
                None => self.gone.wait(roll).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Ok(false);
                    }
                    self.gone.wait_timeout(roll, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        // They have nothing left to do but to end.
        for thread in roll.threads.drain(..) {
            let _panicked = thread.join();
        }
        Ok(true)
    }

    fn roll(&self) -> MutexGuard<'_, Roll> {
        self.roll.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One thread of the crew, from before its start to its end.
struct AtWork(Arc<Crew>);

impl AtWork {
    fn begin(crew: Arc<Crew>) -> Self {
        crew.roll().at_work += 1;
        Self(crew)
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.roll().at_work -= 1;
        self.0.gone.notify_all();
    }
}
