//! How a command fails.

use std::fmt;
use std::io;
use std::process::ExitCode;

use crate::terminal::plain;

const NO_DESKTOP: u8 = 3;
const NOT_FOUND: u8 = 4;

/// One line for people, and a code for scripts.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    text: String,
}

impl Failure {
    /// What the command is for did not work.
    pub(crate) fn new(text: impl fmt::Display) -> Self {
        Self::with_code(1, text)
    }

    /// No desktop runs, or it has gone.
    pub(crate) fn no_desktop(text: impl fmt::Display) -> Self {
        Self::with_code(NO_DESKTOP, text)
    }

    /// There is no such app, plugin or file.
    pub(crate) fn not_found(text: impl fmt::Display) -> Self {
        Self::with_code(NOT_FOUND, text)
    }

    /// The app answered with an error.
    pub(crate) fn app_error(text: impl fmt::Display) -> Self {
        Self::with_code(5, text)
    }

    /// It took too long.
    pub(crate) fn timeout(text: impl fmt::Display) -> Self {
        Self::with_code(6, text)
    }

    /// The app is gone, does not keep up, or does not follow the protocol.
    pub(crate) fn app_gone(text: impl fmt::Display) -> Self {
        Self::with_code(7, text)
    }

    /// Whether no desktop runs.
    pub(crate) fn is_no_desktop(&self) -> bool {
        self.code == NO_DESKTOP
    }

    /// What people are told.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether what was asked for is not there, or not there any more.
    pub(crate) fn is_not_found(&self) -> bool {
        self.code == NOT_FOUND
    }

    fn with_code(code: u8, text: impl fmt::Display) -> Self {
        // A line is a line, whatever an app called itself or answered.
        let text = plain(&text.to_string());
        Self { code, text }
    }

    /// Says it, and gives the code.
    pub(crate) fn tell(&self) -> ExitCode {
        eprintln!("flipper: {}", self.text);
        self.code.into()
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error)
    }
}

/// Whether whoever reads the output has left, which is no failure.
pub(crate) fn is_over(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}
