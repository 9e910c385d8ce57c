//! Reports as JSON. `docs/conformance.md` describes the fields; a change of their meaning is another `format`.

use serde::Serialize;

use super::{Line, Report, Summary};
use crate::check::outcome::Outcome;

const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    version: &'static str,
    side: &'a str,
    how: &'a str,
    ok: bool,
    summary: Sums,
    scenarios: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Sums {
    passed: usize,
    failed: usize,
    skipped: usize,
    expected_failures: usize,
    unexpected_passes: usize,
    unexpected_skips: usize,
}

#[derive(Serialize)]
struct Entry<'a> {
    name: &'static str,
    about: &'static str,
    reference: &'static str,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    came: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped_because: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_to_fail_because: Option<&'a str>,
    milliseconds: u128,
}

pub(super) fn write(report: &Report) -> String {
    let Summary { passed, failed, skipped, expected_failures, unexpected_passes, unexpected_skips } = report.summary();
    let document = Document {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION"),
        side: report.side,
        how: &report.how,
        ok: report.is_good(),
        summary: Sums { passed, failed, skipped, expected_failures, unexpected_passes, unexpected_skips },
        scenarios: report.lines.iter().map(entry).collect(),
    };
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"));
    text.push('\n');
    text
}

fn entry(line: &Line) -> Entry<'_> {
    let (expected, came, skipped_because) = match &line.outcome {
        Outcome::Passed => (None, None, None),
        Outcome::Failed(finding) => (Some(finding.expected.as_str()), Some(finding.came.as_str()), None),
        Outcome::Skipped(reason) => (None, None, Some(reason.as_str())),
    };
    Entry {
        name: line.scenario.name,
        about: line.scenario.about,
        reference: line.scenario.reference,
        verdict: line.verdict().name(),
        expected,
        came,
        skipped_because,
        expected_to_fail_because: line.expected_failure.as_deref(),
        milliseconds: line.took.as_millis(),
    }
}
