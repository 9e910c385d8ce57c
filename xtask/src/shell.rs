//! Running other programs.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

/// Why a step failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A program could not be started.
    Start { command: String, source: io::Error },
    /// A program has said what is wrong, on its own output.
    Status { command: String, status: ExitStatus },
    /// A file could not be read or written.
    File { path: PathBuf, source: io::Error },
    /// Anything else, in words.
    Said(String),
}

impl Failure {
    /// For `map_err` on file operations.
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { path: path.to_owned(), source }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start { command, source } => write!(f, "cannot start `{command}`: {source}"),
            Self::Status { command, status } => write!(f, "`{command}`: {status}"),
            Self::File { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Said(what) => f.write_str(what),
        }
    }
}

/// Whether this runs in continuous integration, where nothing may be left out.
pub(crate) fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|ci| !["", "0", "false"].contains(&ci.to_string_lossy().as_ref()))
}

/// The root of the workspace.
pub(crate) fn workspace() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// The `cargo` that runs this, at the root of the workspace.
pub(crate) fn cargo(subcommand: &str) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.current_dir(workspace()).arg(subcommand);
    command
}

/// As [`cargo`], for all crates of the workspace.
pub(crate) fn cargo_workspace(subcommand: &str) -> Command {
    let mut command = cargo(subcommand);
    command.arg("--workspace");
    lock_in_ci(&mut command);
    command
}

/// In CI, what is tested is what is committed.
pub(crate) fn lock_in_ci(command: &mut Command) {
    if in_ci() {
        command.arg("--locked");
    }
}

/// Gives a crate outside the workspace the workspace's versions of everything, which are what is checked.
///
/// Cargo strikes out of the copy what is not needed there, which is why nothing is built there with `--locked`, not even
/// in CI.
pub(crate) fn share_lock(folder: &str) -> Result<(), Failure> {
    let lock = workspace().join(folder).join("Cargo.lock");
    fs::copy(workspace().join("Cargo.lock"), &lock).map(drop).map_err(Failure::at(&lock))
}

/// Shows a command and runs it; it prints where this program prints.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    announce(command);
    let status = command.status();
    finish(command, status)
}

/// Prints what is run, as one could type it.
pub(crate) fn announce(command: &Command) {
    eprintln!("$ {}", words(command));
}

/// Turns the end of a command into the result of a step.
pub(crate) fn finish(command: &Command, status: io::Result<ExitStatus>) -> Result<(), Failure> {
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::Status { command: words(command), status }),
        Err(source) => Err(Failure::Start { command: words(command), source }),
    }
}

fn words(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let mut words = program.to_string_lossy().into_owned();
    for arg in command.get_args() {
        words.push(' ');
        words.push_str(&arg.to_string_lossy());
    }
    words
}
