//! Certificates in a directory that apps can read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use flipper_proto::{Bundle, Excerpt};

use super::{CertificateUploader, PlaceError, UploadError, object_name};

/// Writes certificates into a directory that apps read with their `DirectoryProvider`, such as a network drive or a
/// folder that is synchronised. The directory must be there; files are replaced as a whole.
#[derive(Clone, Debug)]
pub struct DirectoryUploader(PathBuf);

impl DirectoryUploader {
    /// Writes into this directory.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self(directory.into())
    }
}

impl CertificateUploader for DirectoryUploader {
    fn upload(&self, device_id: &str, bundle: &Bundle) -> Result<(), UploadError> {
        let path = self.0.join(object_name(device_id));
        let written = replace(&path, bundle.to_json().as_bytes());
        written.map_err(|error| PlaceError::Unreachable {
            place: Excerpt::new(&path.display().to_string()),
            why: Excerpt::new(&error.to_string()),
        })?;
        Ok(())
    }
}

/// Others have to read the file, so that it is as open as the umask leaves it.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let random = getrandom::u64().map_err(io::Error::other)?;
    let temporary = path.with_file_name(format!(".flipper-{random:016x}"));
    let write = |mut file: File| {
        file.write_all(content)?;
        file.sync_all()
    };
    let file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
    let written = write(file).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The error that brought this about is the one that is told.
        let _lost = fs::remove_file(&temporary);
    }
    written
}
