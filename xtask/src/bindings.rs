//! Building the programs in other languages that the conformance suite runs as apps: `target/programs/NAME`.

use crate::report::Report;
use crate::shell::Failure;
use crate::{c, python};

type Step = fn() -> Result<(), Failure>;

/// A step for each language, and what it is called in the summary.
const STEPS: &[(&str, Step)] = &[("C programs", c::build), ("Python package", python::build)];

/// Builds all of them; tells whether that went well.
pub(crate) fn build(report: &mut Report) -> bool {
    STEPS.iter().fold(true, |went_well, (name, step)| report.step(name, step) && went_well)
}
