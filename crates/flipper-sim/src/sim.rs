//! Runs a simulation.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::calendar::Calendar;
use crate::core::{Core, ROOT, TaskWaker};
use crate::net::{Dial, Injected, Plan};
use crate::rng::Rng;
use crate::runtime::SimRuntime;

/// A machine in a bottle: processes with tasks, a clock, and a network between them. Everything runs on the thread that
/// calls [`run`](Self::run), and always in the same order.
///
/// Time stands still while anything is left to do, and then goes on to the next moment at which something happens: an
/// hour of waiting takes no time, and no test depends on how fast it runs.
#[derive(Debug)]
pub struct Sim {
    core: Arc<Core>,
}

/// How a simulator works.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// After so many steps without any progress of time a simulation spins. Default: 200,000.
    pub steps_at_once: u64,
    /// The longest that work which blocks takes, see [`Runtime::unblock`](flipper_async::Runtime::unblock); how long is
    /// drawn each time. Default: it takes no time.
    pub longest_work: Duration,
    /// How long a simulation may last, in virtual time. Default: 30 days.
    pub longest_run: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            steps_at_once: 200_000,
            longest_work: Duration::ZERO,
            longest_run: Duration::from_secs(30 * 24 * 60 * 60),
        }
    }
}

/// Why a simulation came to no end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stuck {
    /// Nothing is left that could ever happen, and what it was run for waits still.
    Deadlock {
        /// When.
        at: Duration,
    },
    /// Tasks wake each other, or themselves, again and again without any progress of time.
    Spins {
        /// When.
        at: Duration,
        /// How many steps were made at that moment.
        steps: u64,
    },
    /// It lasted too long.
    Endless {
        /// How long.
        after: Duration,
    },
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadlock { at } => {
                write!(f, "at {:.3} s everything waits and nothing is left that could happen", at.as_secs_f64())
            }
            Self::Spins { at, steps } => write!(
                f,
                "at {:.3} s tasks spin: {steps} steps and no progress of time; who polls them without anything to do?",
                at.as_secs_f64()
            ),
            Self::Endless { after } => write!(f, "no end after {:.0} s of virtual time", after.as_secs_f64()),
        }
    }
}

impl Error for Stuck {}

impl Sim {
    /// A simulator. The same seed makes the same choices.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::with(seed, Config::default())
    }

    /// A simulator with other settings.
    #[must_use]
    pub fn with(seed: u64, config: Config) -> Self {
        Self { core: Core::new(seed, config) }
    }

    /// A process of its own, which can be [frozen](SimRuntime::freeze) and [killed](SimRuntime::kill).
    #[must_use]
    pub fn process(&self, name: &str) -> SimRuntime {
        SimRuntime::new(Arc::clone(&self.core), self.core.add_process(name))
    }

    /// A calendar that goes by the virtual clock, and can be set.
    #[must_use]
    pub fn calendar(&self) -> Calendar {
        Calendar::new(&self.core)
    }

    /// Runs until `future` is ready, and everything else meanwhile.
    ///
    /// # Errors
    /// [`Stuck`], when it never will be.
    pub fn run<T>(&self, future: impl Future<Output = T>) -> Result<T, Stuck> {
        let mut future = pin!(future);
        let root = Arc::new(TaskWaker::new(ROOT, &self.core.ready));
        let waker = Waker::from(Arc::clone(&root));
        waker.wake_by_ref();
        loop {
            let mut steps = 0;
            while let Some(task) = self.core.ready.pop() {
                steps += 1;
                self.core.count_step();
                if steps > self.core.config.steps_at_once {
                    return Err(Stuck::Spins { at: self.now(), steps });
                }
                if task != ROOT {
                    self.core.run_task(task);
                    continue;
                }
                root.queued.store(false, Ordering::Relaxed);
                if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return Ok(result);
                }
            }
            if !self.core.advance() {
                return Err(Stuck::Deadlock { at: self.now() });
            }
            if self.now() > self.core.config.longest_run {
                return Err(Stuck::Endless { after: self.now() });
            }
        }
    }

    /// How far the virtual clock has come.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.core.now()
    }

    /// How many times a task was polled.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.core.steps()
    }

    /// One number for everything that has happened: which task ran when, how many bytes went where, and what was
    /// [noted](SimRuntime::note). Another run of the same seed ends with the same number.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.core.state().trace.digest()
    }

    /// Prints what happens from now on, on standard error.
    pub fn tell(&self) {
        self.core.state().trace.tell();
    }

    /// Decides what becomes of every connection from now on.
    pub fn plan(&self, planner: impl FnMut(&Dial<'_>, &mut Rng) -> Plan + Send + 'static) {
        self.core.state().net.set_planner(Box::new(planner));
    }

    /// How many connections there are of which one end is held at least.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.core.state().net.connections()
    }

    /// How many bytes were carried so far, and which faults struck.
    #[must_use]
    pub fn injected(&self) -> Injected {
        *self.core.state().net.injected()
    }
}

impl Drop for Sim {
    /// Ends every task, also for those who hold handles still.
    fn drop(&mut self) {
        self.core.drop_all_tasks();
    }
}
