//! Running another program, for no longer than it may take.

use std::error::Error;
use std::ffi::OsStr;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use flipper_proto::Excerpt;

/// Why a program that the desktop ran was of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProgramError {
    /// It cannot be started.
    NotStarted {
        /// The program.
        program: PathBuf,
        /// What kind of error it is.
        kind: io::ErrorKind,
        /// What the system said.
        text: String,
    },
    /// It says that it failed.
    Failed {
        /// Its exit code; `None` if a signal ended it.
        code: Option<i32>,
        /// The last line that it printed.
        said: Excerpt,
    },
    /// It did not end in time, and was ended.
    TimedOut {
        /// How long that was.
        after: Duration,
    },
    /// It prints more than is read.
    TooMuchOutput {
        /// The limit in bytes.
        max: usize,
    },
    /// What it printed is not understood.
    NotUnderstood(Excerpt),
}

/// More than any of them has to say.
const MAX_OUTPUT: usize = 1 << 20;

/// How often a program that has said everything is looked at, whether it has ended.
const LINGER: Duration = Duration::from_millis(5);

/// Runs a program without a shell, and returns what it printed to standard output.
pub(super) fn run<I: AsRef<OsStr>>(
    program: &Path,
    args: impl IntoIterator<Item = I>,
    timeout: Duration,
) -> Result<String, ProgramError> {
    let until = Instant::now() + timeout;
    let not_started = |error: io::Error| ProgramError::NotStarted {
        program: program.to_owned(),
        kind: error.kind(),
        text: error.to_string(),
    };
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(not_started)?;
    let ended = attend(&mut child, until);
    if ended.is_err() {
        // It may have ended by itself at this very moment.
        let _ended = child.kill();
        let _ended = child.wait();
    }
    let (status, stdout, stderr) = ended.map_err(|trouble| match trouble {
        Trouble::Late => ProgramError::TimedOut { after: timeout },
        Trouble::TooMuch => ProgramError::TooMuchOutput { max: MAX_OUTPUT },
        Trouble::Io(error) => not_started(error),
    })?;
    if status.success() {
        return Ok(stdout);
    }
    // Tracebacks and the like have what matters at their end.
    let last = [&stderr, &stdout].into_iter().find_map(|text| text.lines().rev().find(|line| !line.trim().is_empty()));
    Err(ProgramError::Failed { code: status.code(), said: Excerpt::new(last.unwrap_or("nothing").trim()) })
}

enum Trouble {
    Late,
    TooMuch,
    Io(io::Error),
}

/// Waits until the program has said everything and has ended.
fn attend(child: &mut Child, until: Instant) -> Result<(ExitStatus, String, String), Trouble> {
    let (tell, told) = mpsc::channel();
    let listen = |pipe: Option<Box<dyn Read + Send>>, is_error: bool| {
        let tell = tell.clone();
        let read = move || {
            let mut bytes = Vec::new();
            let limit = u64::try_from(MAX_OUTPUT).unwrap_or(u64::MAX).saturating_add(1);
            let read = pipe.map_or(Ok(0), |pipe| pipe.take(limit).read_to_end(&mut bytes));
            let _given_up = tell.send((is_error, read.map(|_| bytes)));
        };
        thread::Builder::new().name("flipper-program".to_owned()).spawn(read).map_err(Trouble::Io)
    };
    listen(child.stdout.take().map(|pipe| Box::new(pipe) as _), false)?;
    listen(child.stderr.take().map(|pipe| Box::new(pipe) as _), true)?;
    let (mut stdout, mut stderr) = (String::new(), String::new());
    for _ in 0..2 {
        let left = until.saturating_duration_since(Instant::now());
        let (is_error, read) = told.recv_timeout(left).map_err(|_| Trouble::Late)?;
        let bytes = read.map_err(Trouble::Io)?;
        if bytes.len() > MAX_OUTPUT {
            return Err(Trouble::TooMuch);
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        *if is_error { &mut stderr } else { &mut stdout } = text;
    }
    loop {
        match child.try_wait().map_err(Trouble::Io)? {
            Some(status) => return Ok((status, stdout, stderr)),
            None if Instant::now() >= until => return Err(Trouble::Late),
            None => thread::sleep(LINGER),
        }
    }
}

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted { program, text, .. } => write!(f, "{} cannot be run: {text}", program.display()),
            Self::Failed { code: Some(code), said } => write!(f, "{} (exit code {code})", said.as_str()),
            Self::Failed { code: None, said } => write!(f, "{} (ended by a signal)", said.as_str()),
            Self::TimedOut { after } => write!(f, "it did not end within {:.1} s", after.as_secs_f64()),
            Self::TooMuchOutput { max } => write!(f, "it printed more than {max} bytes"),
            Self::NotUnderstood(printed) => write!(f, "it printed something unexpected: {printed:?}"),
        }
    }
}

impl Error for ProgramError {}
