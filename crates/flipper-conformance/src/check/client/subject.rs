//! The client under test: a program that is run for every scenario, or one that a person runs.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::check::outcome::{Stop, Verdict};

/// How the client under test is run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// A person starts it, and it comes back by itself whenever it has lost its connection.
    ByHand,
    /// This program is run for every scenario, with these arguments before the flags that say where to connect.
    #[cfg(unix)]
    Shim {
        /// The program.
        program: PathBuf,
        /// Its own arguments.
        arguments: Vec<OsString>,
    },
}

/// What a shim is told of its scenario.
pub(super) struct Told<'a> {
    pub(super) host: &'a str,
    /// `--ports` or `--browser-port`, and its value.
    pub(super) ports: (&'static str, String),
    pub(super) directory: &'a Path,
    pub(super) scenario: &'a str,
    pub(super) app: &'a str,
    pub(super) app_id: &'a str,
}

#[cfg(not(unix))]
pub(super) use self::other::Running;
#[cfg(unix)]
pub(super) use self::unix::Running;

#[cfg(unix)]
mod unix {
    use std::process::Command;
    use std::time::Duration;

    use super::{OsString, Path, Stop, Told, Verdict};
    use crate::check::shim::NOT_IMPLEMENTED;
    use crate::official::process::{Fate, Process};

    /// How long a shim may take to end by itself once its standard input is closed, before it is told to end.
    const HANG_UP_PATIENCE: Duration = Duration::from_millis(500);
    /// How long it may then take, before it is killed.
    const END_PATIENCE: Duration = Duration::from_secs(2);
    /// How much of a shim's output a report shows.
    const SHOWN_LINES: usize = 12;

    /// A shim that was started.
    pub(in super::super) struct Running(Process);

    impl Running {
        pub(in super::super) fn start(program: &Path, arguments: &[OsString], told: &Told<'_>) -> Verdict<Self> {
            let mut command = Command::new(program);
            command
                .args(arguments)
                .args(["--host", told.host, told.ports.0, &told.ports.1, "--directory"])
                .arg(told.directory)
                .args(["--scenario", told.scenario, "--app", told.app, "--app-id", told.app_id]);
            let process = Process::spawn(&mut command, None);
            process.map(Self).map_err(|error| Stop::broken(&format!("{} to start", program.display()), error))
        }

        /// Fails if the shim has ended by itself, and skips the scenario if it does not implement it.
        pub(in super::super) fn check(&self) -> Verdict {
            let condition = self.0.watch().condition();
            let Fate::EndedByItself(status) = condition.fate else { return Ok(()) };
            if status.code() == Some(NOT_IMPLEMENTED.into()) {
                return Err(Stop::skipped(format!("the shim does not implement it (exit status {NOT_IMPLEMENTED})")));
            }
            let tail = condition.tail(SHOWN_LINES);
            Err(Stop::failed("the client runs", format!("it ended by itself: {status}, last output:{tail}")))
        }

        /// What it printed last, for a report.
        pub(in super::super) fn output(&self) -> String {
            self.0.watch().condition().tail(SHOWN_LINES).to_string()
        }

        pub(in super::super) fn stop(mut self) {
            self.0.hang_up(HANG_UP_PATIENCE);
            self.0.stop(END_PATIENCE);
        }
    }
}

#[cfg(not(unix))]
mod other {
    use super::Verdict;

    /// There are no shims on this system.
    pub(in super::super) enum Running {}

    impl Running {
        pub(in super::super) fn check(&self) -> Verdict {
            match *self {}
        }

        pub(in super::super) fn output(&self) -> String {
            match *self {}
        }

        pub(in super::super) fn stop(self) {
            match self {}
        }
    }
}
