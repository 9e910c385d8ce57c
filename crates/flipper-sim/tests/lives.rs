//! Lives under faults: two thousand of them, and some twice.
//!
//! `FLIPPER_SIM_SEED` has these tests live that one alone, and tell everything that happens in it.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that fails panics")]

use std::env;
use std::thread;

use flipper_sim::{Sweep, live};

/// What is lived in every build. The command `flipper-sim lives` lives as many more as there is time for.
const LIVES: u64 = 2_000;

/// The seed that somebody wants to look at.
fn wanted() -> Option<u64> {
    env::var("FLIPPER_SIM_SEED").ok().map(|seed| seed.parse().expect("FLIPPER_SIM_SEED must be a number"))
}

fn sweep(lives: u64, twice: bool) {
    if let Some(seed) = wanted() {
        println!("{:#?}", live(seed, true).unwrap());
        return;
    }
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let tally = Sweep { first: 1, lives, threads, twice }.run(|_| {});
    println!("{tally}");
    assert!(tally.failures.is_empty(), "{tally}");
    assert_eq!(tally.lives, lives);
    if !twice {
        assert_everything_happened(&tally);
    }
}

/// Lives in which nothing happens prove nothing.
fn assert_everything_happened(tally: &flipper_sim::Tally) {
    let flipper_sim::Tally { counts, network, done, .. } = tally;
    let happened = [
        counts.sessions,
        counts.exchanges,
        counts.refused_exchanges,
        counts.received,
        counts.dropped,
        counts.left_waiting,
        counts.lost_in_flight,
        counts.answered,
        counts.failed,
        network.refused,
        network.lost,
        network.resets,
        network.ends,
        network.silences,
        network.stalls,
        network.dribbles,
        network.coalesced,
        network.delays,
        done.app_restarts,
        done.app_crashes,
        done.desktop_restarts,
        done.desktop_crashes,
        done.desktop_replacements,
        done.freezes,
        done.clock_jumps,
        done.disk_errors,
    ];
    assert!(happened.iter().all(|count| *count > 0), "{tally}");
}

mod simulator {
    use super::{LIVES, sweep};

    #[test]
    fn lives_under_faults_go_well() {
        sweep(LIVES, false);
    }

    #[test]
    fn a_life_repeats_itself() {
        sweep(100, true);
    }
}
