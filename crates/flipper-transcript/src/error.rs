//! What can be wrong with a transcript.

use std::error::Error;
use std::fmt;

/// A line that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The name of the transcript.
    pub name: String,
    /// The number of the line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// It begins with nothing that has a meaning.
    UnknownLine(String),
    /// A word is not one of those that may stand there.
    UnknownWord {
        /// What it should name.
        what: &'static str,
        /// The word.
        word: String,
        /// What could stand there.
        known: &'static [&'static str],
    },
    /// Something is missing at the end.
    Missing(&'static str),
    /// Something is no number, or too large.
    BadNumber {
        /// What it should be.
        what: &'static str,
        /// What it is.
        word: String,
    },
    /// Words are left that have no meaning there.
    TooMuch(String),
    /// A set-up line stands after the first other one.
    LateSetup,
    /// A set-up line stands twice.
    SetTwice(&'static str),
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.flip:{}: {}", self.name, self.line, self.problem)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownLine(line) => write!(
                f,
                "{line:?} is no line of a transcript; it must begin with `app>`, `desk>`, `app<`, `desk<`, `app!`, \
                 `desk!`, `@` or `#`"
            ),
            Self::UnknownWord { what, word, known } => {
                write!(f, "{word:?} is no {what}; known are {}", known.join(", "))
            }
            Self::Missing(what) => write!(f, "{what} is missing at the end"),
            Self::BadNumber { what, word } => write!(f, "{word:?} is no {what}"),
            Self::TooMuch(rest) => write!(f, "{rest:?} has no meaning here; remove it"),
            Self::LateSetup => f.write_str("set-up must stand before everything else; move this line to the top"),
            Self::SetTwice(what) => write!(f, "{what} was set before; remove one of the two lines"),
        }
    }
}

impl Error for ParseError {}
