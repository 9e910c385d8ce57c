//! Which scenarios are run, and what is made of their outcomes.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use glob_match::glob_match;

use super::expectations::{Expectations, ExpectationsError};
use super::outcome::Outcome;
use super::report::{Line, Report};
use super::scenario::Scenario;

/// Which scenarios to run: those whose name one of the globs matches, or all where there is no glob.
///
/// `*` stands for any part of a name but `/`, `**` for whole parts.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    globs: Vec<String>,
}

impl Selection {
    /// All scenarios.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// The scenarios that one of these globs matches.
    #[must_use]
    pub fn of(globs: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { globs: globs.into_iter().map(Into::into).collect() }
    }

    /// Whether a scenario is one of them.
    #[must_use]
    pub fn has(&self, scenario: &Scenario) -> bool {
        self.globs.is_empty() || self.globs.iter().any(|glob| glob_match(glob, scenario.name))
    }

    /// The first glob that matches nothing at all.
    fn useless(&self, scenarios: &[Scenario]) -> Option<&str> {
        self.globs
            .iter()
            .map(String::as_str)
            .find(|glob| !scenarios.iter().any(|scenario| glob_match(glob, scenario.name)))
    }
}

/// Is told of every line of the report as soon as it is known.
pub type Progress<'a> = &'a mut dyn FnMut(&Line);

/// Why nothing could be checked.
#[derive(Debug)]
#[non_exhaustive]
pub enum RunError {
    /// The expectations make no sense.
    Expectations(ExpectationsError),
    /// No scenario has a name like this.
    NothingSelected {
        /// The glob.
        glob: String,
    },
    /// Somebody listens there already.
    PortInUse {
        /// Where.
        address: std::net::SocketAddr,
    },
    /// The operating system refused something.
    Io {
        /// What was being done.
        doing: String,
        /// What the system said.
        source: io::Error,
    },
    /// This program cannot make what it needs.
    Unable {
        /// What.
        what: String,
    },
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expectations(error) => write!(f, "{error}"),
            Self::NothingSelected { glob } => {
                write!(f, "no scenario is called {glob:?}; `flipper conformance list` names them all")
            }
            Self::PortInUse { address } => write!(
                f,
                "{address} is in use, perhaps by a desktop; stop that, or choose other ports (0 is any that is free)"
            ),
            Self::Io { doing, source } => write!(f, "{doing}: {source}"),
            Self::Unable { what } => f.write_str(what),
        }
    }
}

impl Error for RunError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Expectations(error) => Some(error),
            Self::Io { source, .. } => Some(source),
            Self::NothingSelected { .. } | Self::PortInUse { .. } | Self::Unable { .. } => None,
        }
    }
}

impl From<ExpectationsError> for RunError {
    fn from(error: ExpectationsError) -> Self {
        Self::Expectations(error)
    }
}

impl RunError {
    /// The operating system refused something.
    pub fn io(doing: impl Into<String>, source: io::Error) -> Self {
        Self::Io { doing: doing.into(), source }
    }
}

/// Runs those of `scenarios` that are selected and not known to be of no use here.
pub(super) fn run_all(
    report: Report,
    scenarios: &[Scenario],
    selection: &Selection,
    expectations: &Expectations,
    progress: Progress<'_>,
    mut run: impl FnMut(usize) -> Result<Outcome, RunError>,
) -> Result<Report, RunError> {
    if let Some(glob) = selection.useless(scenarios) {
        return Err(RunError::NothingSelected { glob: glob.to_owned() });
    }
    expectations.check_against(scenarios)?;
    let mut report = report;
    for (index, scenario) in scenarios.iter().enumerate() {
        if !selection.has(scenario) {
            continue;
        }
        let begin = Instant::now();
        let (outcome, took) = match expectations.skip(scenario) {
            Some(reason) => (Outcome::Skipped(reason.to_owned()), Duration::ZERO),
            None => (run(index)?, begin.elapsed()),
        };
        let line = Line::new(*scenario, outcome, expectations.failure(scenario).map(str::to_owned), took);
        progress(&line);
        report.lines.push(line);
    }
    Ok(report)
}
