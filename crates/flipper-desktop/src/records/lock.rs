//! One recorder for each file.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use super::error::RecordError;

/// Held by whoever records into a file, in whichever process. It goes with the process, however that ends.
///
/// It is a file of its own beside the recording: SQLite's own locks would go as soon as anybody in this process closed
/// the recording.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    pub(super) fn take(recording: &Path) -> Result<Self, RecordError> {
        let mut name = recording.as_os_str().to_owned();
        name.push("-lock");
        let path = PathBuf::from(name);
        loop {
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
            let file = file.map_err(|error| RecordError::io(&path, &error))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(RecordError::InUse { path: recording.to_owned() }),
                Err(TryLockError::Error(error)) => return Err(RecordError::io(&path, &error)),
            }
            // Its last holder may have removed it before it let it go.
            if is_still_there(&file, &path) {
                return Ok(Self { file, path });
            }
        }
    }
}

#[cfg(unix)]
fn is_still_there(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), fs::metadata(path)) {
        (Ok(held), Ok(named)) => identity(held) == identity(named),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_still_there(_: &File, _: &Path) -> bool {
    true
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is held, so that nobody removes the file of another. Where that cannot be told, it stays.
        if cfg!(unix) {
            let _stays = fs::remove_file(&self.path);
        }
        let _with_the_file = self.file.unlock();
    }
}
