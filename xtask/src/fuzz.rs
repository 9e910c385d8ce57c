//! Running the fuzz targets.

use std::process::{Command, Stdio};

use crate::programs::{self, CXX};
use crate::report::Report;
use crate::shell::{self, Failure};

/// The version of cargo-fuzz that is installed where there is none.
const CARGO_FUZZ: &str = "cargo-fuzz@0.13.2";

/// Gives every target its committed inputs again, then fuzzes each for so many seconds. No targets means all.
pub(crate) fn run(report: &mut Report, seconds: u64, targets: &[String]) {
    let ready = report.step("programs", || programs::ensure(&[CXX])) && report.step("cargo-fuzz", install);
    if ready {
        report.step("fuzz targets", || {
            let mut command = Command::new("bash");
            command.current_dir(shell::workspace()).args(["fuzz/fuzz.sh", "run", "--seconds", &seconds.to_string()]);
            shell::run(command.args(targets))
        });
    }
}

fn install() -> Result<(), Failure> {
    let mut asked = shell::cargo("fuzz");
    asked.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if asked.status().is_ok_and(|status| status.success()) {
        eprintln!("up to date");
        return Ok(());
    }
    shell::run(shell::cargo("install").args(["--locked", CARGO_FUZZ]))
}
