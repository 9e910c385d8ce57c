//! Whole lives of apps and desktops, each of which follows from a number.
//!
//! A life begins with a desktop and an app, or two. While the network, the disks, the clocks and the processes fail in
//! ways that the seed decides, plugins come and go, events and calls are sent, and either side stops, crashes or sleeps.
//! Then the faults cease, and everything has to go well again: see [`live`] for what exactly that means.

mod app;
mod authority;
mod check;
mod desk;
mod disk;
mod ledger;
mod script;
mod weather;
mod world;

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use futures_util::future::{join, join_all};

pub use self::ledger::Counts;
pub use self::world::Done;

use self::script::{Ambush, ambush, timetable};
use self::weather::Weather;
use self::world::World;
use crate::net::Injected;
use crate::rng::Rng;
use crate::sim::{Config, Sim};

/// What a life was like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Life {
    /// See [`Sim::digest`]: the same for every run of one seed.
    pub digest: u64,
    /// How often a task was polled.
    pub steps: u64,
    /// How long it lasted in virtual time.
    pub span: Duration,
    /// How long it took until everything worked again after the faults had ceased.
    pub healed_within: Duration,
    /// How many steps a minute without any work took, for each app.
    pub idle_steps: u64,
    /// What happened to events and calls.
    pub counts: Counts,
    /// What happened on the network.
    pub network: Injected,
    /// What else was done to it.
    pub done: Done,
}

/// Why a life was not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which life.
    pub seed: u64,
    /// What was wrong.
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FLIPPER_SIM_SEED={}: {}", self.seed, self.what)
    }
}

impl Error for Failure {}

/// Lives one life; with `tell`, everything that happens is printed on standard error.
///
/// Once the faults have ceased,
/// - every app has a session again within its longest backoff, or three of them if its credentials had become useless;
/// - both ends agree who is connected, which plugins there are, and which of them are initialised;
/// - every plugin answers calls, and its events arrive;
/// - a minute without work takes next to no steps;
/// - stopping ends every task and closes every connection.
///
/// And over the whole life,
/// - no event arrives twice, damaged, or before an older one, and none is missing but between two sessions or where the
///   app has counted that it gave way to another;
/// - every call ends once: with the right answer, or with an error that says what happened;
/// - plugins are told in turns that they are connected, and that they are not;
/// - neither side ever finds the other's messages wrong;
/// - private keys are nowhere but in the directories of generations, where their owner alone can read them;
/// - nothing panics, deadlocks or spins.
///
/// # Errors
/// [`Failure`], with everything that was wrong.
pub fn live(seed: u64, tell: bool) -> Result<Life, Failure> {
    let lived = catch_unwind(AssertUnwindSafe(|| live_once(seed, tell)));
    lived.unwrap_or_else(|panic| Err(format!("panicked: {}", text_of(&*panic)))).map_err(|what| Failure { seed, what })
}

fn live_once(seed: u64, tell: bool) -> Result<Life, String> {
    let mut rng = Rng::new(seed);
    let longest_work = Duration::from_millis(*rng.choose(&[0, 2, 50]).unwrap_or(&0));
    let sim = Sim::with(rng.number(), Config { longest_work, ..Config::default() });
    if tell {
        sim.tell();
    }
    let until = Duration::from_millis(rng.within(2_000..=60_000));
    let large = rng.percent(3);
    let weather = Weather::new(&mut rng, until, large);
    sim.plan(move |dial, rng| weather.plan(dial, rng));
    let world = World::new(&sim, &mut rng, until, large)?;
    let table = timetable(&mut rng, until);
    let ambushes: Vec<Option<Ambush>> = world.apps.iter().map(|_| ambush(&mut rng)).collect();
    let desktop_late = rng.percent(30).then(|| rng.span(Duration::ZERO, until / 2));

    let lived = sim.run(async {
        let mut life = Life::default();
        world.rough_time(table, ambushes, desktop_late).await;
        world.calm().await;
        life.healed_within = world.expect_sessions().await?;
        world.expect_service().await?;
        life.idle_steps = world.expect_rest().await? / world.apps.len() as u64;
        world.expect_end().await?;
        Ok::<_, String>(life)
    });
    let ended = lived.map_err(|stuck| stuck.to_string()).and_then(|life| life);
    let verdict = world.ledger.verdict();
    let mut life = match (ended, verdict) {
        (Ok(life), Ok(())) => life,
        (Ok(_), Err(wrong)) | (Err(wrong), Ok(())) => return Err(wrong),
        (Err(end), Err(wrong)) => return Err(format!("{wrong}\n{end}")),
    };
    world.ledger.settle();
    world.ledger.verdict()?;
    life.digest = sim.digest();
    life.steps = sim.steps();
    life.span = sim.now();
    life.counts = world.ledger.counts();
    life.network = sim.injected();
    life.done = world.done.get();
    life.done.disk_errors = world.apps.iter().map(|app| app.borrow().disk.failed()).sum::<u64>();
    life.done.disk_errors += world.authority.disk.failed();
    Ok(life)
}

impl World<'_> {
    /// Everything that can go wrong does.
    async fn rough_time(
        &self,
        table: Vec<(Duration, script::Action)>,
        ambushes: Vec<Option<Ambush>>,
        late: Option<Duration>,
    ) {
        let script = async {
            for app in &self.apps {
                self.start_app(app);
            }
            if let Some(late) = late {
                self.script.sleep(late).await;
            }
            self.start_desktop_if_none().await;
            for (at, action) in table {
                self.script.sleep(at.saturating_sub(self.sim.now())).await;
                self.act(action).await;
            }
            self.script.sleep(self.until.saturating_sub(self.sim.now())).await;
        };
        let lurking = join_all(self.apps.iter().zip(ambushes).map(|(app, ambush)| async move {
            let Some(ambush) = ambush else { return };
            let signal = app.borrow().steps.clone();
            for _ in 0..ambush.steps {
                let step = signal.listen();
                if self.script.within(self.until.saturating_sub(self.sim.now()), step).await.is_none() {
                    return;
                }
            }
            self.script.sleep(ambush.after).await;
            self.act(ambush.action).await;
        }));
        join(script, lurking).await;
    }

    /// The faults cease.
    async fn calm(&self) {
        self.script.note(format_args!("all is well from now on"));
        self.well.set(true);
        for app in &self.apps {
            {
                let app = app.borrow();
                app.disk.heal();
                self.authority.disk.heal();
                app.calendar.set_to(&self.desk_calendar);
            }
            self.start_app(app);
        }
        self.start_desktop_if_none().await;
        // What was still to end has ended by then.
        self.script.sleep(Duration::from_millis(100)).await;
    }
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("with something that is no text")
}
