use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::process::{Condition, Fate};

/// How much of the desktop's output an error shows.
const SHOWN_LINES: usize = 25;

/// What went wrong with the official desktop or in a talk with it.
///
/// Where the desktop has ended by itself meanwhile, the message says so, with its exit status and its last output,
/// whatever it was that failed. `Debug` prints the same text as `Display`, because that is what a test that returns
/// this error shows.
pub struct Error {
    kind: Box<ErrorKind>,
    condition: Option<Box<Condition>>,
}

/// The kinds of [`Error`].
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The official desktop cannot be run here: what is missing.
    NotInstalled(String),
    /// The request to skip the tests with official peers cannot be granted: why.
    SkipRefused(String),
    /// The operating system refused something.
    Io {
        /// What was being done.
        doing: String,
        /// What the system said.
        source: io::Error,
    },
    /// The desktop is not running.
    NotRunning,
    /// The desktop could not be started because another program has this port of its.
    PortTaken(u16),
    /// Something did not happen in time.
    TimedOut {
        /// What was waited for.
        waiting_for: String,
        /// How long.
        after: Duration,
    },
    /// The desktop answered a command with an error.
    Refused {
        /// The command.
        command: String,
        /// What the desktop said, with its stack trace.
        message: String,
    },
    /// The UI socket could not be opened, or has been closed: why.
    Socket(String),
    /// The page in the browser could not be used so.
    Page {
        /// What was to be done.
        step: String,
        /// What Playwright said.
        why: String,
        /// The text that the page showed then.
        page: String,
        /// A picture of it.
        picture: PathBuf,
    },
    /// The desktop answered something that makes no sense here.
    Unexpected {
        /// What was asked.
        asked: String,
        /// What came.
        answer: String,
    },
}

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self { kind: Box::new(kind), condition: None }
    }

    pub(crate) fn io(doing: impl Into<String>, source: io::Error) -> Self {
        Self::new(ErrorKind::Io { doing: doing.into(), source })
    }

    /// Adds what is known of the desktop's process.
    pub(crate) fn with(mut self, condition: Condition) -> Self {
        self.condition = Some(Box::new(condition));
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// Whether the desktop had ended by itself when this happened.
    pub fn desktop_ended(&self) -> bool {
        self.condition.as_ref().is_some_and(|condition| matches!(condition.fate, Fate::EndedByItself(_)))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.kind {
            ErrorKind::NotInstalled(what) => {
                write!(f, "{what}; run `cargo xtask test`, which installs what these tests need")?
            }
            ErrorKind::SkipRefused(why) => f.write_str(why)?,
            ErrorKind::Io { doing, source } => write!(f, "{doing}: {source}")?,
            ErrorKind::NotRunning => f.write_str("the official desktop is not running")?,
            ErrorKind::PortTaken(port) => {
                write!(f, "another program has port {port} of the official desktop")?;
            }
            ErrorKind::TimedOut { waiting_for, after } => {
                write!(f, "waited {after:?} in vain for {waiting_for}")?;
            }
            ErrorKind::Refused { command, message } => {
                write!(f, "the official desktop refused `{command}`: {message}")?;
            }
            ErrorKind::Socket(why) => write!(f, "UI socket of the official desktop: {why}")?,
            ErrorKind::Page { step, why, page, picture } => {
                write!(f, "{step}: {why}\nthe page ({}):", picture.display())?;
                page.lines().try_for_each(|line| write!(f, "\n  | {line}"))?;
            }
            ErrorKind::Unexpected { asked, answer } => {
                write!(f, "strange answer to {asked}: {answer}")?;
            }
        }
        let Some(condition) = &self.condition else {
            return Ok(());
        };
        match condition.fate {
            Fate::Running => f.write_str("\nlast output of the official desktop:")?,
            Fate::Stopped => {
                f.write_str("\nthe official desktop had been stopped; its last output:")?;
            }
            Fate::EndedByItself(status) => write!(f, "\nthe official desktop ended by itself: {status}, last output:")?,
        }
        condition.tail(SHOWN_LINES).fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.kind {
            ErrorKind::Io { source, .. } => Some(source),
            ErrorKind::NotInstalled(_)
            | ErrorKind::SkipRefused(_)
            | ErrorKind::NotRunning
            | ErrorKind::PortTaken(_)
            | ErrorKind::TimedOut { .. }
            | ErrorKind::Refused { .. }
            | ErrorKind::Socket(_)
            | ErrorKind::Page { .. }
            | ErrorKind::Unexpected { .. } => None,
        }
    }
}
