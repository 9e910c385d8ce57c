//! Every access of this crate to the disk.
//!
//! What is written is whole or not there: a temporary file, renamed over the old one; and it is synced, with its
//! directory, before anything depends on it. Files are readable by their owner only, whatever the umask.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::crypto;

/// How long a lock is waited for. Its holder writes a few small files.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);
const LOCK_POLL: Duration = Duration::from_millis(10);

/// The disk, or a disk that fails at will.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    faults: Option<DiskFaults>,
}

impl Disk {
    pub(crate) fn with_faults(faults: DiskFaults) -> Self {
        Self { faults: Some(faults) }
    }

    /// The content of a regular file of at most `max` bytes.
    pub(crate) fn read(&self, path: &Path, max: u64) -> Result<Vec<u8>, DiskError> {
        self.access(DiskAccess::Read, path, || {
            // Asked before it is opened: opening a FIFO that nobody writes to would wait for ever.
            if !fs::metadata(path)?.is_file() {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
            }
            let mut content = Vec::new();
            File::open(path)?.take(max.saturating_add(1)).read_to_end(&mut content)?;
            if content.len() as u64 > max {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            Ok(content)
        })
    }

    /// Makes `content` the content of the file, at once and for good.
    pub(crate) fn write(&self, path: &Path, content: &[u8]) -> Result<(), DiskError> {
        self.replace(path, content, |temporary| self.sync(temporary))?;
        self.sync_parent(path)
    }

    /// Makes `content` the content of the file, at once; a loss of power may take it away until it is
    /// [synced](Self::sync).
    pub(crate) fn write_unsynced(&self, path: &Path, content: &[u8]) -> Result<(), DiskError> {
        self.replace(path, content, |_| Ok(()))
    }

    fn replace(
        &self,
        path: &Path,
        content: &[u8],
        before_rename: impl FnOnce(&Path) -> Result<(), DiskError>,
    ) -> Result<(), DiskError> {
        let temporary = temporary_beside(path);
        let written = self
            .write_new(&temporary, content)
            .and_then(|()| before_rename(&temporary))
            .and_then(|()| self.access(DiskAccess::Rename, path, || fs::rename(&temporary, path)));
        if written.is_err() {
            // The first error is the one to tell; a leftover is swept away later.
            let _ = self.access(DiskAccess::Remove, &temporary, || fs::remove_file(&temporary));
        }
        // The temporary name would tell nobody what could not be written.
        written.map_err(|error| DiskError { path: path.to_owned(), ..error })
    }

    fn write_new(&self, path: &Path, content: &[u8]) -> Result<(), DiskError> {
        let mut file = self.access(DiskAccess::Create, path, || {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, FILE_MODE);
            options.open(path)
        })?;
        self.access(DiskAccess::Write, path, || {
            // The umask may have taken bits away that the owner needs.
            restrict(path, FILE_MODE)?;
            file.write_all(content)
        })
    }

    /// Makes the content of a file survive a loss of power.
    pub(crate) fn sync(&self, path: &Path) -> Result<(), DiskError> {
        // Windows syncs only what may be written.
        self.access(DiskAccess::Sync, path, || OpenOptions::new().write(true).open(path)?.sync_all())
    }

    /// Makes a directory that was not there; that it was is an error.
    pub(crate) fn create_dir(&self, path: &Path) -> Result<(), DiskError> {
        self.access(DiskAccess::CreateDir, path, || {
            dir_builder().create(path)?;
            restrict(path, DIR_MODE)
        })
    }

    /// Makes a directory and those above it, as far as they are not there.
    pub(crate) fn create_dir_all(&self, path: &Path) -> Result<(), DiskError> {
        self.access(DiskAccess::CreateDir, path, || {
            if path.is_dir() {
                return Ok(());
            }
            dir_builder().recursive(true).create(path)?;
            restrict(path, DIR_MODE)
        })
    }

    /// Takes from everybody but its owner the right to read or write a file.
    pub(crate) fn restrict(&self, path: &Path) -> Result<(), DiskError> {
        self.access(DiskAccess::Write, path, || restrict(path, FILE_MODE))
    }

    /// The names in a directory, in no order.
    pub(crate) fn list(&self, path: &Path) -> Result<Vec<OsString>, DiskError> {
        self.access(DiskAccess::List, path, || {
            fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.file_name())).collect()
        })
    }

    /// How long ago the file or directory was last changed; zero if that lies in the future.
    pub(crate) fn age(&self, path: &Path) -> Result<Duration, DiskError> {
        self.access(DiskAccess::Read, path, || {
            let modified = fs::symlink_metadata(path)?.modified()?;
            Ok(SystemTime::now().duration_since(modified).unwrap_or_default())
        })
    }

    /// What tells whether a file was replaced meanwhile; `None` if there is none.
    pub(crate) fn stamp(&self, path: &Path) -> Result<Option<Stamp>, DiskError> {
        self.access(DiskAccess::Read, path, || match fs::metadata(path) {
            Ok(found) => Ok(Some(Stamp::of(&found))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
    }

    /// What is at the path, if anything is.
    pub(crate) fn kind(&self, path: &Path) -> Result<Option<Kind>, DiskError> {
        self.access(DiskAccess::Read, path, || match fs::metadata(path) {
            Ok(found) if found.is_dir() => Ok(Some(Kind::Directory)),
            Ok(_) => Ok(Some(Kind::Other)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
    }

    /// Removes a directory and all that is in it; that it is not there is no error.
    pub(crate) fn remove_dir_all(&self, path: &Path) -> Result<(), DiskError> {
        self.access(DiskAccess::Remove, path, || ignore_missing(fs::remove_dir_all(path)))
    }

    /// Removes a file; that it is not there is no error.
    pub(crate) fn remove_file(&self, path: &Path) -> Result<(), DiskError> {
        self.access(DiskAccess::Remove, path, || ignore_missing(fs::remove_file(path)))
    }

    /// Takes the lock that the file stands for, until the guard is dropped or the process ends.
    ///
    /// A file system that cannot lock gives none: one desktop alone works there as well.
    pub(crate) fn lock(&self, path: &Path) -> Result<LockGuard, DiskError> {
        self.access(DiskAccess::Lock, path, || {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(false);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, FILE_MODE);
            let file = options.open(path)?;
            let deadline = Instant::now() + LOCK_PATIENCE;
            loop {
                match file.try_lock() {
                    Ok(()) => return Ok(LockGuard { _file: file }),
                    Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                        return Ok(LockGuard { _file: file });
                    }
                    Err(TryLockError::Error(error)) => return Err(error),
                    Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                        thread::sleep(LOCK_POLL);
                    }
                    Err(TryLockError::WouldBlock) => {
                        return Err(io::Error::new(io::ErrorKind::TimedOut, "another process holds the lock"));
                    }
                }
            }
        })
    }

    /// Makes a new name in a directory survive a loss of power.
    pub(crate) fn sync_parent(&self, path: &Path) -> Result<(), DiskError> {
        let Some(parent) = path.parent() else { return Ok(()) };
        self.access(DiskAccess::SyncDir, parent, || {
            // Only Unix lets a directory be opened as a file.
            if cfg!(unix) { File::open(parent)?.sync_all() } else { Ok(()) }
        })
    }

    fn access<T>(&self, access: DiskAccess, path: &Path, run: impl FnOnce() -> io::Result<T>) -> Result<T, DiskError> {
        let allowed = self.faults.as_ref().map_or(Ok(()), |faults| (faults.0)(access, path));
        allowed.and_then(|()| run()).map_err(|error| DiskError::new(access, path, &error))
    }
}

/// Which file it is, and when it was last written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
    /// Files that are replaced by renaming have another number each time, however fast that goes.
    #[cfg(unix)]
    inode: u64,
}

impl Stamp {
    fn of(found: &fs::Metadata) -> Self {
        Self {
            modified: found.modified().ok(),
            size: found.len(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(found),
        }
    }
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Directory,
    Other,
}

/// Holds a lock for as long as it lives.
#[derive(Debug)]
pub(crate) struct LockGuard {
    _file: File,
}

/// Decides before each access to the disk whether it fails, to test what a bad disk does.
///
/// The function is told what is about to happen and where; the error that it returns takes the place
/// of the access. A store or authority that was given none uses the disk as it is.
#[derive(Clone)]
pub struct DiskFaults(Arc<Decide>);

type Decide = dyn Fn(DiskAccess, &Path) -> io::Result<()> + Send + Sync;

impl DiskFaults {
    /// Asks `decide` before each access. It may be called from several threads.
    pub fn new(decide: impl Fn(DiskAccess, &Path) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self(Arc::new(decide))
    }
}

impl fmt::Debug for DiskFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DiskFaults(..)")
    }
}

/// A step that touches the disk, each of which can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DiskAccess {
    /// Reading a file, or what is known about it.
    Read,
    /// Listing a directory.
    List,
    /// Making a directory.
    CreateDir,
    /// Making a file, which is temporary until it is renamed.
    Create,
    /// Writing a file, or changing its mode.
    Write,
    /// Waiting until a file is on the disk.
    Sync,
    /// Giving a finished file its name, in place of an older one.
    Rename,
    /// Waiting until the names in a directory are on the disk.
    SyncDir,
    /// Removing a file or directory.
    Remove,
    /// Taking a lock.
    Lock,
}

impl fmt::Display for DiskAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::List => "list",
            Self::CreateDir => "make the directory",
            Self::Create => "make",
            Self::Write => "write",
            Self::Sync | Self::SyncDir => "sync",
            Self::Rename => "replace",
            Self::Remove => "remove",
            Self::Lock => "lock",
        })
    }
}

/// What went wrong, where, in a form that can be kept and compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DiskError {
    pub(crate) access: DiskAccess,
    pub(crate) path: PathBuf,
    pub(crate) kind: io::ErrorKind,
    pub(crate) text: String,
}

impl DiskError {
    fn new(access: DiskAccess, path: &Path, error: &io::Error) -> Self {
        Self { access, path: path.to_owned(), kind: error.kind(), text: error.to_string() }
    }

    pub(crate) fn is_missing(&self) -> bool {
        self.kind == io::ErrorKind::NotFound
    }
}

/// How the names of temporary files begin. One that a crash left over is of no use to anybody.
pub(crate) const TEMPORARY: &str = ".tmp-";

/// A name beside `path` that neither another thread, nor another process, nor an earlier process of
/// the same number uses: in a container every run of an app is process 1.
fn temporary_beside(path: &Path) -> PathBuf {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let random = crypto::random_bytes().map_or(0, u64::from_ne_bytes);
    path.with_file_name(format!("{TEMPORARY}{random:016x}-{count}"))
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

const FILE_MODE: u32 = 0o600;
const DIR_MODE: u32 = 0o700;

fn dir_builder() -> DirBuilder {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "other systems have no modes"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, DIR_MODE);
    builder
}

#[cfg(unix)]
fn restrict(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn restrict(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}
