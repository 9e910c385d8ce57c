//! What comes of a scenario.

/// What a scenario found out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The peer does what it should.
    Passed,
    /// It does not.
    Failed(Finding),
    /// The scenario could not say anything, for this reason.
    Skipped(String),
}

/// Why a scenario failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What should have happened.
    pub expected: String,
    /// What happened instead.
    pub came: String,
}

/// How a scenario ends, with `?` at every step.
pub(super) type Verdict<T = ()> = Result<T, Stop>;

/// Why a scenario goes no further.
#[derive(Clone, Debug)]
pub(super) enum Stop {
    Failed(Finding),
    Skipped(String),
}

impl Stop {
    pub(super) fn failed(expected: impl Into<String>, came: impl Into<String>) -> Self {
        Self::Failed(Finding { expected: expected.into(), came: came.into() })
    }

    /// Something of this program's own went wrong, such as a file that could not be written.
    pub(super) fn broken(doing: &str, error: impl std::fmt::Display) -> Self {
        Self::failed(doing, error.to_string())
    }

    pub(super) fn skipped(reason: impl Into<String>) -> Self {
        Self::Skipped(reason.into())
    }
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Ok(()) => Self::Passed,
            Err(Stop::Failed(finding)) => Self::Failed(finding),
            Err(Stop::Skipped(reason)) => Self::Skipped(reason),
        }
    }
}

/// Goes on if a value is what it should be; `what` says where it stands.
pub(super) fn expect_eq<T: PartialEq + std::fmt::Debug>(what: &str, came: &T, expected: &T) -> Verdict {
    if came == expected {
        return Ok(());
    }
    Err(Stop::failed(format!("{what}: {}", excerpt(&format!("{expected:?}"))), excerpt(&format!("{came:?}"))))
}

/// Goes on if something holds.
pub(super) fn expect(holds: bool, expected: impl Into<String>, came: impl Into<String>) -> Verdict {
    if holds { Ok(()) } else { Err(Stop::failed(expected, came)) }
}

/// As much of a peer's text as a person wants to read.
pub(super) fn excerpt(text: &str) -> String {
    const SHOWN: usize = 400;
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
    }
}
