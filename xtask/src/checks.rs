//! What has to hold besides the tests.

use std::fs;
use std::thread::available_parallelism;

use crate::report::Report;
use crate::shell::{self, Failure};
use crate::trees;

pub(crate) fn run(report: &mut Report) {
    report.step("clippy", || {
        shell::run(shell::cargo_workspace("clippy").args(["--all-targets", "--", "--deny", "warnings"]))
    });
    report.step("formatting", || shell::run(shell::cargo("fmt").args(["--all", "--", "--check"])));
    report.step("documentation", || {
        shell::run(shell::cargo_workspace("doc").arg("--no-deps").env("RUSTDOCFLAGS", "--deny warnings"))
    });
    report.step("flipper-proto no_std", without_std);
    report.step("dependency trees", trees::check);
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
    // It is no member of the workspace, but what is checked are the workspace's versions of everything. Cargo strikes
    // out of the copy what is not needed there, which is why this build goes without `--locked` even in CI.
    let lock = shell::workspace().join("xtask/no-std-check/Cargo.lock");
    fs::copy(shell::workspace().join("Cargo.lock"), &lock).map_err(Failure::at(&lock))?;
    shell::run(shell::cargo("check").args([
        "--manifest-path",
        "xtask/no-std-check/Cargo.toml",
        "--target-dir",
        "target/no-std-check",
    ]))
}
