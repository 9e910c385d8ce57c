//! Certificates in a directory that app and desktop share.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::PathBuf;

use flipper_proto::Excerpt;

use super::{CertificateProvider, Certificates, FetchError, MAX_SIZE, PlaceError, object_name};

/// Fetches certificates from a directory that the desktop's `DirectoryUploader` writes to, such as a network drive or a
/// folder that is synchronised.
#[derive(Clone, Debug)]
pub struct DirectoryProvider(PathBuf);

impl DirectoryProvider {
    /// Certificates lie in this directory.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self(directory.into())
    }
}

impl CertificateProvider for DirectoryProvider {
    fn fetch(&self, device_id: &str) -> Result<Certificates, FetchError> {
        let path = self.0.join(object_name(device_id)?);
        let place = path.display().to_string();
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => PlaceError::Missing { place: Excerpt::new(&place) },
            _ => PlaceError::Unreachable { place: Excerpt::new(&place), why: Excerpt::new(&error.to_string()) },
        };
        // Asked before it is opened: opening a FIFO that nobody writes to would wait for ever.
        if !fs::metadata(&path).map_err(failed)?.is_file() {
            return Err(FetchError::NotABundle { place: Excerpt::new(&place) });
        }
        let mut content = Vec::new();
        File::open(&path).map_err(failed)?.take(MAX_SIZE + 1).read_to_end(&mut content).map_err(failed)?;
        if content.len() as u64 > MAX_SIZE {
            return Err(PlaceError::TooLarge { place: Excerpt::new(&place) }.into());
        }
        Certificates::from_uploaded(&content, &place)
    }
}
