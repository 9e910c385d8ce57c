//! Reports for people.

use std::fmt::Write as _;

use super::{Line, Report, Verdict};
use crate::check::outcome::Outcome;

/// Writes the lines of a report for people.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    colours: bool,
}

/// Wide enough for every name.
const NAME_COLUMN: usize = 46;
const INDENT: usize = 10;

const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";

impl Text {
    /// Without colours.
    #[must_use]
    pub fn plain() -> Self {
        Self { colours: false }
    }

    /// With the colours of a terminal.
    #[must_use]
    pub fn coloured() -> Self {
        Self { colours: true }
    }

    /// One scenario: a line, and more of them where something is not as it should be.
    #[must_use]
    pub fn line(&self, line: &Line) -> String {
        let (word, colour) = match line.verdict() {
            Verdict::Passed => ("pass", GREEN),
            Verdict::Failed => ("FAIL", RED),
            Verdict::Skipped => ("skip", DIM),
            Verdict::ExpectedFailure => ("known", YELLOW),
            Verdict::UnexpectedPass => ("FIXED", RED),
            Verdict::UnexpectedSkip => ("STALE", RED),
        };
        let mut text = format!("{} {:<NAME_COLUMN$}", self.paint(colour, &format!("{word:>7}")), line.scenario.name);
        let beside = match (&line.outcome, &line.expected_failure) {
            (_, Some(reason)) => reason.as_str(),
            (Outcome::Skipped(reason), None) => reason.as_str(),
            (Outcome::Passed | Outcome::Failed(_), None) => "",
        };
        if beside.is_empty() {
            let _ = writeln!(text, " {:>9}", format!("{:.0} ms", line.took.as_secs_f64() * 1e3));
        } else {
            let _ = writeln!(text, " {}", plain(beside));
        }
        match (&line.outcome, line.verdict()) {
            (Outcome::Failed(finding), Verdict::Failed) => {
                self.detail(&mut text, "rule", line.scenario.about);
                self.detail(&mut text, "expected", &finding.expected);
                self.detail(&mut text, "came", &finding.came);
                self.detail(&mut text, "see", line.scenario.reference);
            }
            (_, Verdict::UnexpectedPass) => {
                self.detail(&mut text, "but", "it passes now; remove it from the expectations");
            }
            (Outcome::Skipped(reason), Verdict::UnexpectedSkip) => {
                let but = format!("it could not be checked ({reason}); expect it to be skipped, or not at all");
                self.detail(&mut text, "but", &but);
            }
            _ => {}
        }
        text
    }

    /// The last lines: the sums.
    #[must_use]
    pub fn end(&self, report: &Report) -> String {
        let sums = report.summary();
        let mut parts = Vec::new();
        for (count, what) in [
            (sums.passed, "passed"),
            (sums.failed, "failed"),
            (sums.expected_failures, "failed as expected"),
            (sums.unexpected_passes, "passed unexpectedly"),
            (sums.unexpected_skips, "skipped unexpectedly"),
            (sums.skipped, "skipped"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        let (verdict, colour) = if report.is_good() { ("ok", GREEN) } else { ("not as expected", RED) };
        format!("\n{}: {} ({})\n", self.paint(colour, verdict), parts.join(", "), report.how)
    }

    fn detail(&self, text: &mut String, what: &str, is: &str) {
        let mut label = format!("{what:<9}");
        for line in is.lines() {
            let _ = writeln!(text, "{:>INDENT$}{} {}", "", self.paint(DIM, &label), plain(line));
            label = format!("{:<9}", "");
        }
    }

    fn paint(&self, style: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// What was checked does not steer the terminal.
fn plain(text: &str) -> String {
    text.replace(char::is_control, " ")
}
