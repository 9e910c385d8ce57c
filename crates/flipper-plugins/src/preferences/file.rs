//! Files that are there as a whole, whatever happens.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Replaces what is in a file: whoever reads it, even after the power went out, finds the old text or the new one.
pub(super) fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    // A link stays a link.
    let path = match fs::canonicalize(path) {
        Ok(path) => path,
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error),
    };
    let temporary = beside(&path);
    let written = write(&temporary, &path, text).and_then(|()| fs::rename(&temporary, &path));
    if let Err(error) = written {
        // It may not even have been made.
        let _nothing_to_remove = fs::remove_file(&temporary);
        return Err(error);
    }
    sync_directory(&path)
}

fn write(temporary: &Path, path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    // Settings are nobody else's business, unless the file says otherwise.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(temporary)?;
    if let Ok(existing) = fs::metadata(path) {
        file.set_permissions(existing.permissions())?;
    }
    file.write_all(text)?;
    file.sync_all()
}

/// A name in the same directory, which two processes do not share. Within this one, one writer at a time has it.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}

/// Makes the new name last.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(directory) if directory != Path::new("") => File::open(directory)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
