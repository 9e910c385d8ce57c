//! Running the tests.

use std::fmt;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use crate::matrix::Matrix;
use crate::report::Report;
use crate::shell::{self, Failure};
use crate::{bindings, peers, programs, python};

/// Tells the tests with official peers why they are to be skipped; `flipper_conformance` reads it.
const SKIP_VARIABLE: &str = "FLIPPER_SKIP_OFFICIAL";

/// Runs all tests.
pub(crate) fn run(report: &mut Report, skip_official: Option<&str>) {
    // `--all-targets` leaves out the documentation's examples and cannot be combined with them.
    let all = [
        ("tests", cargo_test(&["--workspace", "--all-features", "--all-targets"])),
        ("documentation tests", cargo_test(&["--workspace", "--all-features", "--doc"])),
        ("Python tests", python::tests()),
    ];
    run_steps(report, skip_official, all);
    report.step("Python types", python::check_types);
}

/// Runs the scenarios of the conformance suite.
pub(crate) fn run_matrix(report: &mut Report, skip_official: Option<&str>) {
    let suite =
        ["--package", "flipper-conformance", "--package", "flipper-desktop", "--package", "flipper-sim", "--tests"];
    run_steps(report, skip_official, [("conformance", cargo_test(&suite))]);
}

/// Runs the tests in the official desktop's page and in our own, which then take the pictures of the documentation.
pub(crate) fn take_screenshots(report: &mut Report) {
    if ready_for_peers(report) {
        let mut command = shell::cargo("test");
        command
            .args(["--package", "flipper-sample", "--test", "official_ui", "--test", "page"])
            .env("FLIPPER_SCREENSHOTS", "1");
        report.step("screenshots", || shell::run(&mut command));
    }
}

fn ready_for_peers(report: &mut Report) -> bool {
    let wanted = [&programs::PEERS[..], programs::NETWORKS].concat();
    report.step("programs", || programs::ensure(&wanted))
        && report.step("official peers", peers::install)
        && report.step("python peers", python::install)
}

fn cargo_test(what: &[&str]) -> Command {
    let mut command = shell::cargo("test");
    shell::lock_in_ci(&mut command);
    command.arg("--no-fail-fast").args(what);
    command
}

fn run_steps<const N: usize>(report: &mut Report, skip_official: Option<&str>, steps: [(&'static str, Command); N]) {
    match skip_official {
        Some(reason) => report.note(format!("Tests with official peers were skipped: {reason}")),
        // They would fail one by one, for the reason that has just been given.
        None if !ready_for_peers(report) => return,
        None => {}
    }
    if !bindings::build(report) {
        return;
    }
    let mut results = Results { skip_official, ..Results::default() };
    for (name, mut command) in steps {
        command.env_remove(SKIP_VARIABLE);
        if let Some(reason) = skip_official {
            command.env(SKIP_VARIABLE, reason);
        }
        report.step(name, || run_counted(&mut command, &mut results));
    }
    let Results { counts, matrix, .. } = results;
    if !matrix.is_empty() {
        report.step("every cell", || match matrix.holes() {
            holes if holes.is_empty() => Ok(()),
            holes => Err(Failure::Said(format!("the conformance matrix has holes: {}", holes.join(", ")))),
        });
    }
    report.count_tests(counts);
    report.show_matrix(matrix);
}

/// What the tests' output tells.
#[derive(Default)]
struct Results<'a> {
    counts: Counts,
    matrix: Matrix,
    skip_official: Option<&'a str>,
}

impl Results<'_> {
    fn read(&mut self, line: &str) {
        self.counts.add(Counts::of_line(line));
        self.matrix.read(line, self.skip_official);
    }
}

/// Runs a test command, shows what it prints, and gathers the results in it.
fn run_counted(command: &mut Command, results: &mut Results<'_>) -> Result<(), Failure> {
    shell::announce(command);
    let mut child = match command.stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => return shell::finish(command, Err(error)),
    };
    if let Some(stdout) = child.stdout.take() {
        relay(stdout, results);
    }
    let status = child.wait();
    shell::finish(command, status)
}

fn relay(output: impl io::Read, results: &mut Results<'_>) {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    while matches!(output.read_until(b'\n', &mut line), Ok(1..)) {
        // Where nobody reads any more, the tests' verdict still counts.
        let _ = io::stdout().write_all(&line);
        results.read(&String::from_utf8_lossy(&line));
        line.clear();
    }
}

/// How many tests there were, by what became of them.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counts {
    passed: u32,
    failed: u32,
    ignored: u32,
}

impl Counts {
    /// Reads a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; …`. There are none in any other.
    fn of_line(line: &str) -> Self {
        let mut counts = Self::default();
        let Some((_, results)) = line.trim().strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        else {
            return counts;
        };
        for result in results.split("; ") {
            match result.split_once(' ').map(|(number, what)| (number.parse().unwrap_or(0), what)) {
                Some((number, "passed")) => counts.passed = number,
                Some((number, "failed")) => counts.failed = number,
                Some((number, "ignored")) => counts.ignored = number,
                _ => {}
            }
        }
        counts
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { passed, failed, ignored } = self;
        write!(f, "{passed} passed, {failed} failed, {ignored} skipped")
    }
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn results_are_read_and_added_up() {
        let mut counts = Counts::default();
        for line in [
            "running 3 tests",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n",
            "test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 4 filtered out; finished in 1.20s",
            "7 passed; 7 failed",
        ] {
            counts.add(Counts::of_line(line));
        }
        assert_eq!(counts.to_string(), "13 passed, 2 failed, 1 skipped");
    }
}
