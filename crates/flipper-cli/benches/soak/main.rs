//! Whether a desktop lives: apps that never stop talking, observers that are fast, slow or gone, calls from all sides, and
//! processes that are killed at random, the desktop among them.
//!
//! `cargo bench -p flipper-cli --bench soak [-- MINUTES [SEED]]`, 30 by default. For two thirds of the time only apps are killed
//! and stopped; the desktop's memory and its open files are watched. Then the desktop is killed, too, over and over. It
//! exits with 1 if anything was lost that was acknowledged:
//!
//! - a call that ended in no answer, in two, or in the answer to another one;
//! - an event that is missing between two others of one session, though nobody said that events were dropped;
//! - a message that the desktop had said was in the recording, and that is not there after a kill;
//! - memory that keeps growing, or files that stay open when everybody has left.
#![forbid(unsafe_code)]

mod app;
mod callers;
mod chance;
mod desk;
mod fleet;
mod observers;
mod recording;
mod socket;
mod tally;
mod usage;

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use callers::Callers;
use chance::Chance;
use desk::Desk;
use fleet::Fleet;
use observers::Observers;
use tally::Tally;
use usage::Watch;

type Failed = Box<dyn Error + Send + Sync>;
type Result<T = ()> = std::result::Result<T, Failed>;

/// How long anything may take that has to happen at all.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is done, and for how long.
struct Plan {
    apps: usize,
    /// Only apps are killed.
    calm: Duration,
    /// The desktop is killed as well.
    storm: Duration,
    /// Between two things that are done to an app.
    app_pause: Duration,
    /// Between two kills of the desktop.
    desk_pause: Duration,
}

impl Plan {
    fn of_minutes(minutes: u64) -> Self {
        let whole = Duration::from_secs(minutes * 60);
        Self {
            apps: 12,
            calm: whole * 2 / 3,
            storm: whole / 3,
            app_pause: Duration::from_secs(2),
            desk_pause: Duration::from_secs(25),
        }
    }

    /// What `cargo test` runs: whether it works at all. Everything is done once.
    fn once() -> Self {
        let at_once = Duration::from_millis(1);
        Self { apps: 2, calm: at_once, storm: at_once, app_pause: at_once, desk_pause: at_once }
    }
}

fn main() -> ExitCode {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    if let [flag, rest @ ..] = &arguments[..]
        && flag == app::FLAG
    {
        return match app::run(rest) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("an app: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let asked = arguments.len();
    arguments.retain(|argument| argument != "--bench");
    let number = |at: usize| arguments.get(at).map(|text| text.parse::<u64>());
    let (minutes, seed) = match (number(0).transpose(), number(1).transpose()) {
        (Ok(minutes), Ok(seed)) => (minutes.unwrap_or(30), seed.unwrap_or(1)),
        _ => {
            eprintln!("give a number of minutes, and perhaps a seed");
            return ExitCode::FAILURE;
        }
    };
    let plan = if arguments.len() == asked { Plan::once() } else { Plan::of_minutes(minutes) };
    match soak(&plan, seed) {
        Ok(tally) => {
            print!("{tally}");
            if tally.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("the soak did not get to its end: {error}");
            ExitCode::FAILURE
        }
    }
}

fn soak(plan: &Plan, seed: u64) -> Result<Arc<Tally>> {
    let directory = TempDir::new()?;
    let mut chance = Chance::new(seed);
    let tally = Arc::new(Tally::default());
    let mut desk = Desk::start(directory.path())?;
    let observers = Observers::start(&desk, &tally);
    // Whatever is open and used by those who watch is no leak of those who come and go.
    let empty = desk.usage()?;
    let mut fleet = Fleet::start(plan.apps, directory.path(), desk.ports(), &tally)?;
    let callers = Callers::start(&desk, fleet.names(), &tally, seed);
    tally.await_calls(plan.apps as u64 * 20)?;

    let mut watch = Watch::default();
    let end = Instant::now() + plan.calm;
    loop {
        fleet.disturb(&mut chance)?;
        thread::sleep(plan.app_pause);
        watch.note(desk.usage()?);
        desk.check()?;
        if Instant::now() >= end {
            break;
        }
    }
    tally.await_calls(plan.apps as u64 * 20)?;
    callers.pause();
    fleet.stop_all()?;
    desk.await_apps(0)?;
    tally.set_usage(empty, &watch, desk.usage_when_quiet(empty.files)?);
    fleet.restart_all()?;
    callers.resume();

    let end = Instant::now() + plan.storm;
    let mut next_kill = Instant::now() + plan.desk_pause;
    loop {
        fleet.disturb(&mut chance)?;
        thread::sleep(plan.app_pause);
        if Instant::now() >= next_kill {
            let acknowledged = desk.recorded()?;
            let session = desk.end(chance.one_in(4))?;
            recording::check(desk.recording(), session, acknowledged, &tally)?;
            desk.restart()?;
            tally.count_restart();
            tally.await_calls(plan.apps as u64)?;
            next_kill = Instant::now() + plan.desk_pause;
            if Instant::now() >= end {
                break;
            }
        }
    }
    callers.stop();
    fleet.stop_all()?;
    observers.stop();
    let acknowledged = desk.recorded()?;
    let session = desk.end(true)?;
    recording::check(desk.recording(), session, acknowledged, &tally)?;
    Ok(tally)
}
