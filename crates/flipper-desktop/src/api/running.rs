//! How a desktop that runs is found.

use std::error::Error;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::token::Token;
use crate::json::Ports;

/// Says where the desktop is. Anybody may read it.
const PLACE: &str = "desktop.json";

/// Holds the token. Only the owner may read it.
const TOKEN: &str = "token";

/// A desktop that runs, as it says in the directory of its files: all that a program needs to use its API.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RunningDesktop {
    /// Its process.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// When its API was started, in milliseconds since 1970.
    pub started_at: u64,
    /// The addresses that its API listens on.
    pub addresses: Vec<IpAddr>,
    /// Where apps on other machines reach the desktop; empty if it listens on loopback only.
    pub app_addresses: Vec<IpAddr>,
    /// Its ports.
    pub ports: Ports,
    /// What opens its API.
    pub token: Token,
}

/// What the file says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) pid: u32,
    pub(super) version: String,
    pub(super) started_at: u64,
    pub(super) addresses: Vec<IpAddr>,
    /// Where apps on other machines reach the desktop, if anywhere: what `flipper pair` puts into its link.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) app_addresses: Vec<IpAddr>,
    pub(super) ports: Ports,
}

impl RunningDesktop {
    /// Finds the desktop whose files are in this directory, the one that [`Builder::state_directory`] names.
    ///
    /// [`Builder::state_directory`]: crate::Builder::state_directory
    ///
    /// # Errors
    /// [`RunningError`]: there is none, or what it left cannot be read.
    pub fn read(directory: &Path) -> Result<Self, RunningError> {
        let path = directory.join(PLACE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(RunningError::NotRunning { directory: directory.to_owned() });
            }
            Err(error) => return Err(RunningError::unreadable(path, &error)),
        };
        let place: Place = serde_json::from_str(&text)
            .map_err(|error| RunningError::Unreadable { path: path.clone(), text: error.to_string() })?;
        if !is_alive(place.pid) {
            return Err(RunningError::Stale { path, pid: place.pid });
        }
        let path = directory.join(TOKEN);
        let text = fs::read_to_string(&path).map_err(|error| RunningError::unreadable(path.clone(), &error))?;
        let no_token = || RunningError::Unreadable { path, text: "it holds no token".to_owned() };
        let token = Token::parse(&text).ok_or_else(no_token)?;
        let Place { pid, version, started_at, addresses, app_addresses, ports } = place;
        Ok(Self { pid, version, started_at, addresses, app_addresses, ports, token })
    }

    /// Where to connect to: the first of its addresses, or loopback if it listens on all.
    #[must_use]
    pub fn api_address(&self) -> SocketAddr {
        let address = match self.addresses.first() {
            Some(IpAddr::V4(address)) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            Some(IpAddr::V6(address)) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            Some(address) => *address,
            None => Ipv4Addr::LOCALHOST.into(),
        };
        SocketAddr::new(address, self.ports.ui)
    }
}

#[cfg(unix)]
fn is_alive(pid: u32) -> bool {
    use rustix::process::{Pid, test_kill_process};

    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    // A process of somebody else is alive, though it may not be sent a signal.
    test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
}

/// The system does not tell without ado. Who connects will find out.
#[cfg(not(unix))]
fn is_alive(_pid: u32) -> bool {
    true
}

/// Why no running desktop was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunningError {
    /// No desktop that has an API runs on this directory.
    NotRunning {
        /// The directory.
        directory: PathBuf,
    },
    /// The desktop that wrote the file is gone, and could not clean up.
    Stale {
        /// The file.
        path: PathBuf,
        /// The process that wrote it.
        pid: u32,
    },
    /// A file is there, and cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        text: String,
    },
}

impl RunningError {
    fn unreadable(path: PathBuf, error: &io::Error) -> Self {
        Self::Unreadable { path, text: error.to_string() }
    }
}

impl fmt::Display for RunningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRunning { directory } => write!(
                f,
                "no desktop runs on {}; start one with `flipper desktop`, or name the state directory of the one that runs",
                directory.display()
            ),
            Self::Stale { path, pid } => write!(
                f,
                "no desktop runs: process {pid}, which wrote {}, is gone; start one with `flipper desktop`",
                path.display()
            ),
            Self::Unreadable { path, text } => write!(
                f,
                "{} cannot be read: {text}; run this as the user who started the desktop, or start it again",
                path.display()
            ),
        }
    }
}

impl Error for RunningError {}

/// The files of a desktop that runs. They are removed when this is dropped, unless they are those of another one by then.
pub(super) struct Files {
    written: Vec<(PathBuf, String)>,
}

/// A file that could not be written.
pub(super) struct WriteError {
    pub(super) path: PathBuf,
    pub(super) error: io::Error,
}

impl Files {
    /// Writes them. Who finds the place finds the token as well.
    pub(super) fn write(directory: &Path, place: &Place, token: &Token) -> Result<Self, WriteError> {
        let failed = |path: &Path, error| WriteError { path: path.to_owned(), error };
        fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
        let mut files = Self { written: Vec::new() };
        let json = serde_json::to_string(place).unwrap_or_default();
        for (name, line, mode) in [(TOKEN, token.as_str(), 0o600), (PLACE, &json, 0o644)] {
            let (path, content) = (directory.join(name), format!("{line}\n"));
            replace(&path, &content, mode).map_err(|error| failed(&path, error))?;
            files.written.push((path, content));
        }
        Ok(files)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // The place goes before the token.
        for (path, content) in self.written.iter().rev() {
            if fs::read_to_string(path).is_ok_and(|there| there == *content)
                && let Err(error) = fs::remove_file(path)
            {
                tracing::debug!("{} stays: {error}", path.display());
            }
        }
    }
}

/// Makes this the content of a file, at once.
pub(super) fn replace(path: &Path, content: &str, mode: u32) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let temporary = PathBuf::from(temporary);
    // What a desktop left that was killed in the middle.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let written = options.open(&temporary).and_then(|mut file| file.write_all(content.as_bytes()));
    let renamed = written.and_then(|()| fs::rename(&temporary, path));
    if renamed.is_err() {
        // The first error is the one to tell.
        let _gone = fs::remove_file(&temporary);
    }
    renamed
}
