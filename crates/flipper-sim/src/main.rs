//! The command that runs simulated lives.
#![forbid(unsafe_code)]

use std::env;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use flipper_sim::{Sweep, live};

/// Simulates apps and desktops in virtual time, under faults that follow from a seed.
#[derive(Parser)]
#[command(name = "flipper-sim", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Live so many lives, each with a seed of its own. With FLIPPER_SIM_SEED set, live that one alone and tell
    /// everything that happens in it.
    Lives {
        /// How many.
        #[arg(default_value_t = 1_000)]
        count: u64,
        /// The first seed.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// On how many threads.
        #[arg(long, default_value_t = 1)]
        threads: usize,
        /// Live each of them twice, to see whether it repeats itself.
        #[arg(long)]
        twice: bool,
    },
}

fn main() -> ExitCode {
    let Command::Lives { count, seed, threads, twice } = Arguments::parse().command;
    match env::var("FLIPPER_SIM_SEED").map(|seed| seed.parse()) {
        Err(_) => lives(&Sweep { first: seed, lives: count, threads, twice }),
        Ok(Ok(seed)) => one(seed),
        Ok(Err(_)) => {
            eprintln!("flipper-sim: FLIPPER_SIM_SEED must be a number");
            ExitCode::FAILURE
        }
    }
}

fn one(seed: u64) -> ExitCode {
    match live(seed, true) {
        Ok(life) => {
            println!("{life:#?}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("{failure}");
            ExitCode::FAILURE
        }
    }
}

/// How often it is told how far it is.
const EVERY: Duration = Duration::from_secs(20);

fn lives(sweep: &Sweep) -> ExitCode {
    let last = sweep.first.wrapping_add(sweep.lives.saturating_sub(1));
    println!("seeds {} to {last}, on {} threads", sweep.first, sweep.threads);
    let begin = Instant::now();
    let told = Mutex::new(begin);
    let tally = sweep.run(|lived| {
        let Ok(mut told) = told.lock() else { return };
        if told.elapsed() >= EVERY {
            *told = Instant::now();
            eprintln!("{lived} of {} after {:.0} s", sweep.lives, begin.elapsed().as_secs_f64());
        }
    });
    let seconds = begin.elapsed().as_secs_f64();
    print!("{tally}");
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let rate = tally.lives as f64 / seconds;
    println!("{seconds:.1} s, {rate:.0} lives/s");
    let Some(failure) = tally.failures.first() else { return ExitCode::SUCCESS };
    println!(
        "one of them alone, with everything that happens in it:\n  FLIPPER_SIM_SEED={} cargo run --release -p flipper-sim -- lives",
        failure.seed
    );
    ExitCode::FAILURE
}
