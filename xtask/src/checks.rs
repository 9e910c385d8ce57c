//! What has to hold besides the tests.

use std::thread::available_parallelism;

use crate::report::Report;
use crate::shell::{self, Failure};
use crate::{switched_off, trees};

/// The crates that are no members of the workspace.
const OUTSIDE: [&str; 4] = ["fuzz", "xtask/footprint", "xtask/no-std-check", "xtask/switched-off"];

pub(crate) fn run(report: &mut Report) {
    report.step("clippy", || {
        shell::run(shell::cargo_workspace("clippy").args([
            "--all-targets",
            "--all-features",
            "--",
            "--deny",
            "warnings",
        ]))
    });
    report.step("formatting", || {
        shell::run(shell::cargo("fmt").args(["--all", "--", "--check"]))?;
        for outside in OUTSIDE {
            let manifest = format!("{outside}/Cargo.toml");
            shell::run(shell::cargo("fmt").args(["--manifest-path", &manifest, "--", "--check"]))?;
        }
        Ok(())
    });
    report.step("documentation", || {
        let mut command = shell::cargo_workspace("doc");
        shell::run(command.args(["--no-deps", "--all-features"]).env("RUSTDOCFLAGS", "--deny warnings"))
    });
    report.step("flipper-proto no_std", without_std);
    report.step("dependency trees", trees::check);
    switched_off::run(report);
    report.step("flipper-sample without Flipper", || {
        let mut command = shell::cargo("check");
        shell::lock_in_ci(&mut command);
        shell::run(command.args(["--package", "flipper-sample", "--no-default-features"]))
    });
}

/// Leads many simulated lives; one that fails is told with its seed.
pub(crate) fn simulate(report: &mut Report, lives: u64) {
    report.step("simulated lives", || {
        let mut command = shell::cargo("run");
        shell::lock_in_ci(&mut command);
        let (lives, threads) = (lives.to_string(), available_parallelism().map_or(1, usize::from).to_string());
        command.args(["--release", "--package", "flipper-sim", "--", "lives", &lives, "--threads", &threads]);
        shell::run(&mut command)
    });
}

/// Builds the crate `no-std-check`, which says itself how it tells that `std` got in.
fn without_std() -> Result<(), Failure> {
    shell::share_lock("xtask/no-std-check")?;
    shell::run(shell::cargo("check").args([
        "--manifest-path",
        "xtask/no-std-check/Cargo.toml",
        "--target-dir",
        "target/no-std-check",
    ]))
}
