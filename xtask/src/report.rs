//! What was done, and how it went.

use std::time::{Duration, Instant};

use crate::matrix::Matrix;
use crate::shell::Failure;
use crate::suite::Counts;

/// The steps of one chore. A step that fails does not keep the next from being tried: one run shows all that is wrong.
#[derive(Default)]
pub(crate) struct Report {
    steps: Vec<Step>,
    tests: Option<Counts>,
    matrix: Matrix,
    notes: Vec<String>,
}

struct Step {
    name: &'static str,
    took: Duration,
    failure: Option<Failure>,
}

impl Report {
    /// Carries out a step; tells whether it went well.
    pub(crate) fn step(&mut self, name: &'static str, step: impl FnOnce() -> Result<(), Failure>) -> bool {
        eprintln!("\n==> {name}");
        let start = Instant::now();
        let failure = step().err();
        if let Some(failure) = &failure {
            eprintln!("error: {failure}");
        }
        let went_well = failure.is_none();
        self.steps.push(Step { name, took: start.elapsed(), failure });
        went_well
    }

    /// Remembers how many tests there were.
    pub(crate) fn count_tests(&mut self, counts: Counts) {
        self.tests.get_or_insert_default().add(counts);
    }

    /// Keeps what became of the scenarios of the conformance suite.
    pub(crate) fn show_matrix(&mut self, matrix: Matrix) {
        self.matrix = matrix;
    }

    /// Something that the reader of the summary must know.
    pub(crate) fn note(&mut self, note: String) {
        eprintln!("{note}");
        self.notes.push(note);
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.steps.iter().all(|step| step.failure.is_none())
    }

    pub(crate) fn print(&self) {
        print!("{}", self.matrix);
        println!("\nSummary");
        for Step { name, took, failure } in &self.steps {
            let verdict = if failure.is_none() { "ok" } else { "FAILED" };
            println!("  {verdict:6}  {name:22} {:8.1} s", took.as_secs_f32());
            if let Some(failure) = failure {
                println!("          {failure}");
            }
        }
        for note in &self.notes {
            println!("  {note}");
        }
        if let Some(tests) = &self.tests {
            println!("{tests}");
        }
    }
}
