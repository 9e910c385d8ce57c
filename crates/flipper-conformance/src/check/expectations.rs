//! What is known of a peer beforehand.

use std::error::Error;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use glob_match::glob_match;
use serde::Deserialize;

use super::scenario::Scenario;

/// The known deviations of a peer: which scenarios it fails, and which are not to be run, each with a reason.
///
/// Whatever else happens is unexpected, a scenario that passes although it is said to fail included: so every change of
/// the peer shows.
#[derive(Clone, Debug, Default)]
pub struct Expectations {
    entries: Vec<Entry>,
    file: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    scenario: String,
    outcome: ExpectedOutcome,
    #[serde(default)]
    reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ExpectedOutcome {
    Fail,
    Skip,
}

impl Expectations {
    /// Nothing is known: every scenario is to pass.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads a file: a JSON list of `{"scenario": glob, "outcome": "fail" or "skip", "reason": text}`.
    ///
    /// # Errors
    /// [`ExpectationsError`], naming the file: it cannot be read, is not of this form, or gives no reason.
    pub fn read(file: impl Into<PathBuf>) -> Result<Self, ExpectationsError> {
        let file = file.into();
        match fs::read_to_string(&file) {
            Ok(text) => Self::parse(&text, &file),
            Err(source) => Err(ExpectationsError { file, fault: Fault::Unreadable(source) }),
        }
    }

    /// Reads the content of a file; its name is for errors only.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(text: &str, file: &Path) -> Result<Self, ExpectationsError> {
        let faulty = |fault| ExpectationsError { file: file.to_owned(), fault };
        let entries: Vec<Entry> = serde_json::from_str(text).map_err(|error| faulty(Fault::Malformed(error)))?;
        if let Some(entry) = entries.iter().find(|entry| entry.reason.trim().is_empty()) {
            return Err(faulty(Fault::NoReason(entry.scenario.clone())));
        }
        Ok(Self { entries, file: file.to_owned() })
    }

    /// Makes sure that every entry is about some scenario, and every scenario in one entry at most.
    pub(super) fn check_against(&self, scenarios: &[Scenario]) -> Result<(), ExpectationsError> {
        let faulty = |fault| Err(ExpectationsError { file: self.file.clone(), fault });
        for entry in &self.entries {
            if !scenarios.iter().any(|scenario| entry.matches(scenario)) {
                return faulty(Fault::MatchesNothing(entry.scenario.clone()));
            }
        }
        for scenario in scenarios {
            let mut matching = self.entries.iter().filter(|entry| entry.matches(scenario));
            if let (Some(one), Some(other)) = (matching.next(), matching.next()) {
                return faulty(Fault::Ambiguous {
                    scenario: scenario.name,
                    globs: [one.scenario.clone(), other.scenario.clone()],
                });
            }
        }
        Ok(())
    }

    /// The reason why a scenario fails.
    pub(super) fn failure(&self, scenario: &Scenario) -> Option<&str> {
        self.reason(scenario, ExpectedOutcome::Fail)
    }

    /// The reason why a scenario is not to be run.
    pub(super) fn skip(&self, scenario: &Scenario) -> Option<&str> {
        self.reason(scenario, ExpectedOutcome::Skip)
    }

    fn reason(&self, scenario: &Scenario, outcome: ExpectedOutcome) -> Option<&str> {
        let entry = self.entries.iter().find(|entry| entry.outcome == outcome && entry.matches(scenario))?;
        Some(&entry.reason)
    }
}

impl Entry {
    fn matches(&self, scenario: &Scenario) -> bool {
        glob_match(&self.scenario, scenario.name)
    }
}

/// Why expectations cannot be used.
#[derive(Debug)]
pub struct ExpectationsError {
    file: PathBuf,
    fault: Fault,
}

#[derive(Debug)]
enum Fault {
    Unreadable(io::Error),
    Malformed(serde_json::Error),
    NoReason(String),
    MatchesNothing(String),
    Ambiguous { scenario: &'static str, globs: [String; 2] },
}

impl fmt::Display for ExpectationsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expectations in {}: ", self.file.display())?;
        match &self.fault {
            Fault::Unreadable(error) => write!(f, "{error}"),
            Fault::Malformed(error) => write!(
                f,
                "{error}; give a JSON list of {{\"scenario\": glob, \"outcome\": \"fail\" or \"skip\", \"reason\": text}}"
            ),
            Fault::NoReason(scenario) => write!(f, "{scenario:?} has no reason; say why it is expected"),
            Fault::MatchesNothing(scenario) => {
                write!(f, "{scenario:?} matches no scenario; `flipper conformance list` names them all")
            }
            Fault::Ambiguous { scenario, globs: [one, other] } => {
                write!(f, "{scenario} is matched by {one:?} and by {other:?}; keep one of them")
            }
        }
    }
}

impl Error for ExpectationsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.fault {
            Fault::Unreadable(error) => Some(error),
            Fault::Malformed(error) => Some(error),
            Fault::NoReason(_) | Fault::MatchesNothing(_) | Fault::Ambiguous { .. } => None,
        }
    }
}
