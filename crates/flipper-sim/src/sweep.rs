//! Many lives, one after the other and beside each other.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::life::{Counts, Done, Failure, Life, live};
use crate::net::Injected;

/// Lives with seeds that follow each other.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// The first seed.
    pub first: u64,
    /// How many lives.
    pub lives: u64,
    /// On how many threads. Each life is on one; how many there are changes nothing about any of them.
    pub threads: usize,
    /// Whether each is lived twice, to see whether it repeats itself.
    pub twice: bool,
}

/// So many failures tell enough.
const FAILURES: usize = 10;

impl Sweep {
    /// Lives them all, or until several have failed. `progress` is told now and then how many were lived.
    pub fn run(&self, progress: impl Fn(u64) + Sync) -> Tally {
        let tally = Mutex::new(Tally::default());
        let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
        thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= self.lives {
                            return;
                        }
                        let lived = self.live(self.first.wrapping_add(number));
                        let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                        tally.enter(lived);
                        if tally.failures.len() >= FAILURES {
                            stop.store(true, Ordering::Relaxed);
                        }
                        progress(tally.lives);
                    }
                });
            }
        });
        let mut tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
        tally.failures.sort_by_key(|failure| failure.seed);
        tally
    }

    fn live(&self, seed: u64) -> Result<Life, Failure> {
        let life = live(seed, false)?;
        if self.twice {
            let again = live(seed, false)?;
            if again != life {
                return Err(Failure {
                    seed,
                    what: format!("it is another life the second time:\n{life:?}\n{again:?}"),
                });
            }
        }
        Ok(life)
    }
}

/// What many lives were like.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Tally {
    /// How many there were, those that failed included.
    pub lives: u64,
    /// How long they lasted together in virtual time.
    pub span: Duration,
    /// How often a task was polled.
    pub steps: u64,
    /// The longest that it took until everything was well again after the faults had ceased.
    pub longest_healing: Duration,
    /// The most steps that a minute without work took, for each app.
    pub most_idle_steps: u64,
    /// What happened to events and calls.
    pub counts: Counts,
    /// What happened on the network.
    pub network: Injected,
    /// What else was done.
    pub done: Done,
    /// What went wrong.
    pub failures: Vec<Failure>,
}

impl Tally {
    fn enter(&mut self, lived: Result<Life, Failure>) {
        self.lives += 1;
        match lived {
            Ok(life) => {
                self.span += life.span;
                self.steps += life.steps;
                self.longest_healing = self.longest_healing.max(life.healed_within);
                self.most_idle_steps = self.most_idle_steps.max(life.idle_steps);
                self.counts.add(&life.counts);
                self.network.add(&life.network);
                self.done.add(&life.done);
            }
            Err(failure) => self.failures.push(failure),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} lives, {} of them failed", self.lives, self.failures.len())?;
        writeln!(
            f,
            "  {:.1} hours of virtual time, {} steps; well again within {:.1} s; {} steps at most in a minute without work",
            self.span.as_secs_f64() / 3600.0,
            self.steps,
            self.longest_healing.as_secs_f64(),
            self.most_idle_steps
        )?;
        for (title, sums) in [
            ("between app and desktop", self.counts.list()),
            ("on the network", self.network.list()),
            ("elsewhere", self.done.list()),
        ] {
            let sums: Vec<String> = sums.into_iter().map(|(what, count)| format!("{what} {count}")).collect();
            writeln!(f, "  {title}: {}", sums.join(", "))?;
        }
        for failure in &self.failures {
            writeln!(f, "\n{failure}")?;
        }
        Ok(())
    }
}
