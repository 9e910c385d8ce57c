//! What a run found out, for people and for programs.

mod json;
mod junit;
mod text;

use std::time::Duration;

use super::outcome::Outcome;
use super::scenario::Scenario;

pub use self::text::Text;

/// Everything that a run found out.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The side under test: `client` or `desktop`.
    pub side: &'static str,
    /// How it was reached: `secure`, `browser`, or what was connected to.
    pub how: String,
    /// The scenarios that were selected, in the order in which they ran.
    pub lines: Vec<Line>,
}

/// One scenario of a report.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Line {
    /// The scenario.
    pub scenario: Scenario,
    /// What it found out.
    pub outcome: Outcome,
    /// Why it was expected to fail, if it was.
    pub expected_failure: Option<String>,
    /// How long it took.
    pub took: Duration,
}

/// What an outcome means, given what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It passed, as everything should.
    Passed,
    /// It failed.
    Failed,
    /// It could not say anything.
    Skipped,
    /// It failed, as was expected.
    ExpectedFailure,
    /// It passed, and was expected to fail: the expectation is out of date.
    UnexpectedPass,
    /// It could not say anything, and was expected to fail: the expectation is out of date.
    UnexpectedSkip,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Lines for people.
    Text,
    /// JSON, `"format": 1`.
    Json,
    /// JUnit XML, which many CI systems read.
    Junit,
}

/// How many scenarios had which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// [`Verdict::Passed`].
    pub passed: usize,
    /// [`Verdict::Failed`].
    pub failed: usize,
    /// [`Verdict::Skipped`].
    pub skipped: usize,
    /// [`Verdict::ExpectedFailure`].
    pub expected_failures: usize,
    /// [`Verdict::UnexpectedPass`].
    pub unexpected_passes: usize,
    /// [`Verdict::UnexpectedSkip`].
    pub unexpected_skips: usize,
}

impl Line {
    pub(super) fn new(scenario: Scenario, outcome: Outcome, expected_failure: Option<String>, took: Duration) -> Self {
        Self { scenario, outcome, expected_failure, took }
    }

    /// What the outcome means.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match (&self.outcome, &self.expected_failure) {
            (Outcome::Passed, None) => Verdict::Passed,
            (Outcome::Failed(_), None) => Verdict::Failed,
            (Outcome::Skipped(_), None) => Verdict::Skipped,
            (Outcome::Failed(_), Some(_)) => Verdict::ExpectedFailure,
            (Outcome::Passed, Some(_)) => Verdict::UnexpectedPass,
            (Outcome::Skipped(_), Some(_)) => Verdict::UnexpectedSkip,
        }
    }
}

impl Verdict {
    /// Whether the peer is as it was expected to be.
    #[must_use]
    pub fn is_good(self) -> bool {
        matches!(self, Self::Passed | Self::Skipped | Self::ExpectedFailure)
    }

    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::ExpectedFailure => "expected-failure",
            Self::UnexpectedPass => "unexpected-pass",
            Self::UnexpectedSkip => "unexpected-skip",
        }
    }
}

impl Report {
    pub(super) fn new(side: &'static str, how: impl Into<String>) -> Self {
        Self { side, how: how.into(), lines: Vec::new() }
    }

    /// Whether everything is as it was expected to be.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.lines.iter().all(|line| line.verdict().is_good())
    }

    /// How many scenarios had which verdict.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for line in &self.lines {
            let count = match line.verdict() {
                Verdict::Passed => &mut summary.passed,
                Verdict::Failed => &mut summary.failed,
                Verdict::Skipped => &mut summary.skipped,
                Verdict::ExpectedFailure => &mut summary.expected_failures,
                Verdict::UnexpectedPass => &mut summary.unexpected_passes,
                Verdict::UnexpectedSkip => &mut summary.unexpected_skips,
            };
            *count += 1;
        }
        summary
    }

    /// The whole report in this format, without colours.
    #[must_use]
    pub fn write(&self, format: Format) -> String {
        match format {
            Format::Text => {
                let text = Text::plain();
                let lines: String = self.lines.iter().map(|line| text.line(line)).collect();
                format!("{lines}{}", text.end(self))
            }
            Format::Json => json::write(self),
            Format::Junit => junit::write(self),
        }
    }
}
