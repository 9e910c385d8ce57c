//! Reports as JUnit XML: a test suite for each group of scenarios.
//!
//! A failure that was expected counts as skipped, with its reason, since the format knows nothing better.

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::{Line, Report, Verdict};
use crate::check::outcome::Outcome;

pub(super) fn write(report: &Report) -> String {
    let mut suites: Vec<TestSuite> = Vec::new();
    for line in &report.lines {
        let (group, name) = line.scenario.name.split_once('/').unwrap_or(("", line.scenario.name));
        let mut case = TestCase::new(name, status(line));
        case.set_classname(format!("{}.{group}", report.side)).set_time(line.took);
        match suites.last_mut() {
            Some(suite) if suite.name.as_str() == group => {
                suite.add_test_case(case);
            }
            _ => {
                let mut suite = TestSuite::new(group);
                suite.add_test_case(case);
                suites.push(suite);
            }
        }
    }
    let mut document = quick_junit::Report::new(format!("flipper conformance {}", report.side));
    document.add_test_suites(suites);
    document.to_string().unwrap_or_else(|error| format!("<!-- {error} -->\n"))
}

fn status(line: &Line) -> TestCaseStatus {
    let failure = |kind: &str, message: &str, description: String| {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_type(kind).set_message(message).set_description(description);
        status
    };
    let skipped = |reason: &str| {
        let mut status = TestCaseStatus::skipped();
        status.set_message(reason);
        status
    };
    let because = line.expected_failure.as_deref().unwrap_or_default();
    match (&line.outcome, line.verdict()) {
        (Outcome::Failed(_), Verdict::ExpectedFailure) => skipped(&format!("fails as expected: {because}")),
        (Outcome::Failed(finding), _) => {
            let description = format!(
                "rule: {}\nexpected: {}\ncame: {}\nsee: {}",
                line.scenario.about, finding.expected, finding.came, line.scenario.reference
            );
            failure(Verdict::Failed.name(), &finding.came, description)
        }
        (Outcome::Passed, Verdict::UnexpectedPass) => failure(
            Verdict::UnexpectedPass.name(),
            "passes, and was expected to fail",
            format!("the expectation says: {because}"),
        ),
        (Outcome::Skipped(reason), Verdict::UnexpectedSkip) => failure(
            Verdict::UnexpectedSkip.name(),
            "could not be checked, and was expected to fail",
            format!("skipped: {reason}\nthe expectation says: {because}"),
        ),
        (Outcome::Passed, _) => TestCaseStatus::success(),
        (Outcome::Skipped(reason), _) => skipped(reason),
    }
}
