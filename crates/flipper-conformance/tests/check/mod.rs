//! What the tests of the conformance program share.

#![allow(dead_code, reason = "every test file uses another part of it")]

use std::io::{self, Write as _};

use flipper_conformance::check::{Format, Outcome, Report, Verdict};

pub(crate) use flipper_conformance::Result;

/// Fails with the whole report in words, unless everything is as it was expected to be.
pub(crate) fn assert_good(report: &Report) {
    assert!(report.is_good(), "\n{}", report.write(Format::Text));
    assert!(report.summary().passed > 0, "nothing was checked");
}

/// Prints a line for each scenario, which `cargo xtask` reads: a cell of the conformance matrix.
///
/// They go past what keeps the output of tests back.
pub(crate) fn show_column(column: &str, report: &Report) -> Result {
    let mut cells = String::from("\n");
    for line in &report.lines {
        let verdict = match (line.verdict(), &line.outcome, &line.expected_failure) {
            (Verdict::Passed, ..) => "ok".to_owned(),
            (Verdict::Skipped, Outcome::Skipped(why), _) => format!("ignored, {why}"),
            (Verdict::ExpectedFailure, _, Some(why)) => format!("ignored, {why}"),
            _ => "FAILED".to_owned(),
        };
        cells += &format!("cell {column}::outside::{} ... {verdict}\n", line.scenario.name);
    }
    Ok(io::stdout().write_all(cells.as_bytes())?)
}
