//! The project's own chores: `cargo xtask help` lists them.

#![forbid(unsafe_code)]

mod args;
mod bindings;
mod c;
mod c_library;
mod checks;
mod footprint;
mod fuzz;
mod matrix;
mod peers;
mod programs;
mod python;
mod report;
mod shell;
mod suite;
mod switched_off;
mod trees;

use std::env;
use std::process::ExitCode;

use args::{Chore, USAGE};
use report::Report;

/// The status of a command that was not understood or may not be given here, as `cargo` and `clap` have it.
const MISUSE: u8 = 2;

/// How long each fuzz target looks for something new where nothing is left out.
const FUZZ_SECONDS: u64 = 10;

fn main() -> ExitCode {
    let chore = match args::parse(env::args_os().skip(1), shell::in_ci()) {
        Ok(chore) => chore,
        Err(misuse) => {
            eprintln!("error: {misuse}\n\n{USAGE}");
            return ExitCode::from(MISUSE);
        }
    };
    let mut report = Report::default();
    match &chore {
        Chore::Help => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Chore::Test { skip_official } => suite::run(&mut report, skip_official.as_deref()),
        Chore::Matrix { skip_official } => suite::run_matrix(&mut report, skip_official.as_deref()),
        Chore::Programs => {
            bindings::build(&mut report);
        }
        Chore::Screenshots => suite::take_screenshots(&mut report),
        Chore::Sim { lives } => checks::simulate(&mut report, *lives),
        Chore::Fuzz { seconds, targets } => fuzz::run(&mut report, *seconds, targets),
        Chore::Header => c_library::write_header(&mut report),
        Chore::CLibrary { prefix, is_debug } => {
            report.step("library for C", || c_library::install(prefix, *is_debug));
        }
        Chore::Footprint => footprint::run(&mut report),
        Chore::Check => checks::run(&mut report),
        Chore::Ci { skip_official } => {
            suite::run(&mut report, skip_official.as_deref());
            fuzz::run(&mut report, FUZZ_SECONDS, &[]);
            checks::run(&mut report);
        }
    }
    report.print();
    if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
