//! One desktop for each state directory.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant as Moment};

use crate::error::StartError;

/// Locked for as long as a desktop runs, and holding its process id. The system takes the lock back however the process
/// ends; the file stays, because whoever removed it could remove what another process has just locked.
const FILE: &str = "instance";

/// How long to wait for a lock that is held: somebody may just be looking whether it is.
const PATIENCE: Duration = Duration::from_millis(500);
const POLL: Duration = Duration::from_millis(10);

/// The right to be the desktop of a state directory, until it is dropped.
#[derive(Debug)]
pub(crate) struct Instance {
    _file: File,
}

/// The process that holds a state directory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InstanceHolder {
    /// Its process id, if it can be read.
    pub pid: Option<u32>,
}

impl Instance {
    /// Makes the directory if need be, and takes the place. This may block on the disk.
    ///
    /// A file system that cannot lock keeps nobody out.
    pub(crate) fn take(directory: &Path) -> Result<Self, StartError> {
        let failed = |doing, path: &Path, error: &io::Error| StartError::State {
            doing,
            path: path.to_owned(),
            kind: error.kind(),
            text: error.to_string(),
        };
        make(directory).map_err(|error| failed("make the directory", directory, &error))?;
        let path = directory.join(FILE);
        let mut file = open(&path).map_err(|error| failed("open", &path, &error))?;
        let deadline = Moment::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => break,
                Err(TryLockError::Error(error)) => return Err(failed("lock", &path, &error)),
                Err(TryLockError::WouldBlock) if Moment::now() < deadline => thread::sleep(POLL),
                Err(TryLockError::WouldBlock) => {
                    return Err(StartError::AlreadyRunning { pid: read_pid(&path), directory: directory.to_owned() });
                }
            }
        }
        let pid = format!("{}\n", std::process::id());
        let written = file.set_len(0).and_then(|()| file.write_all(pid.as_bytes()));
        written.map_err(|error| failed("write", &path, &error))?;
        Ok(Self { _file: file })
    }
}

/// The desktop that runs with this state directory, if one does. Nothing is changed by looking.
///
/// # Errors
/// What the system has against looking.
pub fn find_instance_holder(directory: &Path) -> io::Result<Option<InstanceHolder>> {
    let path = directory.join(FILE);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(InstanceHolder { pid: read_pid(&path) })),
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn read_pid(path: &PathBuf) -> Option<u32> {
    fs::read_to_string(path).ok()?.trim_end().parse().ok()
}

fn make(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(directory)
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
