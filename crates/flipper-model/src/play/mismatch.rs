//! How a transcript and a machine differ.

use std::error::Error;
use std::fmt;

/// The machine did otherwise than the transcript says, or the transcript cannot be played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The name of the transcript.
    pub name: String,
    /// The number of the line.
    pub line: usize,
    /// What differs.
    pub what: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.flip:{}: {}", self.name, self.line, self.what)
    }
}

impl Error for Mismatch {}
