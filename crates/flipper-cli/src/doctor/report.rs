//! What was found.

use serde::Serialize;

use super::handshake::Step;
use crate::terminal::plain;

/// Everything that was looked at, in order.
#[derive(Serialize)]
pub(super) struct Report {
    version: &'static str,
    os: &'static str,
    checks: Vec<Check>,
    verdict: Verdict,
}

/// One thing that was looked at.
#[derive(Serialize)]
struct Check {
    name: String,
    status: Status,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    /// Worth knowing; an app gets in all the same.
    Warning,
    Failed,
    /// Not looked at, because something before it failed or is not there.
    Skipped,
}

/// Whether an app gets in, and if not, where it is stuck.
#[derive(Serialize)]
struct Verdict {
    /// `None` if it gets in.
    stuck_in: Option<Step>,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Report {
    pub(super) fn new() -> Self {
        let verdict = Verdict { stuck_in: None, text: "an app gets in".to_owned(), advice: None };
        Self { version: env!("CARGO_PKG_VERSION"), os: std::env::consts::OS, checks: Vec::new(), verdict }
    }

    pub(super) fn ok(&mut self, name: impl Into<String>, found: impl Into<String>) {
        self.add(name, Status::Ok, found, None);
    }

    pub(super) fn warn(&mut self, name: impl Into<String>, found: impl Into<String>, advice: impl Into<String>) {
        self.add(name, Status::Warning, found, Some(advice.into()));
    }

    pub(super) fn fail(&mut self, name: impl Into<String>, found: impl Into<String>, advice: impl Into<String>) {
        self.add(name, Status::Failed, found, Some(advice.into()));
    }

    pub(super) fn skip(&mut self, name: impl Into<String>, why: impl Into<String>) {
        self.add(name, Status::Skipped, why, None);
    }

    /// A step of the handshake that an app does not get past.
    pub(super) fn stuck(&mut self, step: Step, found: &str, advice: &str) {
        self.fail(step.name(), found, advice);
        let text = format!("an app is stuck {}: {found}", step.where_it_is_stuck());
        self.verdict = Verdict { stuck_in: Some(step), text, advice: Some(advice.to_owned()) };
    }

    fn add(&mut self, name: impl Into<String>, status: Status, found: impl Into<String>, advice: Option<String>) {
        self.checks.push(Check { name: name.into(), status, found: found.into(), advice });
    }

    pub(super) fn is_well(&self) -> bool {
        self.checks.iter().all(|check| check.status != Status::Failed)
    }

    pub(super) fn print(&self) {
        let width = self.checks.iter().map(|check| check.name.len()).max().unwrap_or_default();
        for Check { name, status, found, advice } in &self.checks {
            println!("{:<8} {:<width$}  {}", status.word(), plain(name), plain(found));
            if let Some(advice) = advice {
                println!("{:<8} {:<width$}  -> {}", "", "", plain(advice));
            }
        }
        println!();
        println!("{}", plain(&self.verdict.text));
        if let Some(advice) = &self.verdict.advice {
            println!("-> {}", plain(advice));
        }
    }
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Skipped => "-",
        }
    }
}
