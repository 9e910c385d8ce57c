//! Medium FS_ACCESS on the desktop's own machine.

use std::path::{Path, PathBuf};

use flipper_pki::CertificateRequest;
use flipper_proto::{Excerpt, Medium};

use super::deliverer::{Deliverer, Delivery, Issued};
use super::error::DeliveryError;
use super::folder::{Folder, Found, Owner, ReadError};

/// Writes certificates into the directory of an app that runs on this machine: `sonarCA.crt` and `device.crt` in the
/// destination that the app named.
///
/// The destination is the word of whoever connects, so it has to be proven: it must hold, as a regular file `app.csr`,
/// the very request that was sent. Official apps keep it there, and nobody can put it where he cannot write. The check
/// and the writing go through one open directory, so that it cannot be another one by then. Both files are written
/// under a temporary name, synced and renamed; whatever stood in their place is replaced, not followed.
///
/// App and desktop are expected to run as the same user: the files can be read and written by their owner alone (0600).
/// Where `app.csr` belongs to another user they are given to that one, which only a desktop that runs as root can do.
#[derive(Clone, Copy, Debug)]
pub struct PlainFiles {
    require_proof: bool,
}

impl PlainFiles {
    /// The files of an app, if it proves that they are its own.
    #[must_use]
    pub fn new() -> Self {
        Self { require_proof: true }
    }

    /// Whether the proof is needed. Default: yes.
    ///
    /// Without it, every program that can connect may have two files of these names written, or replaced, in any
    /// directory that the desktop's user can write to. Clients that were made from the documentation alone may need
    /// that: it does not mention `app.csr`.
    #[must_use]
    pub fn require_proof(mut self, required: bool) -> Self {
        self.require_proof = required;
        self
    }

    /// Whether the folder is the asker's, and who is to own what is written there.
    fn check(self, folder: &Folder, delivery: &Delivery<'_>) -> Result<Option<Owner>, DeliveryError> {
        if !self.require_proof {
            return Ok(None);
        }
        let path = folder.path(PROOF);
        let Found { content, owner } = match folder.read(PROOF, CertificateRequest::MAX_SIZE) {
            Ok(found) => found,
            Err(ReadError::Missing) => return Err(DeliveryError::ProofMissing { path }),
            Err(ReadError::NotAFile) => return Err(DeliveryError::ProofNotAFile { path }),
            Err(ReadError::TooLarge) => return Err(DeliveryError::ProofDiffers { path }),
            Err(ReadError::Io(error)) => {
                return Err(DeliveryError::ProofUnreadable { path, kind: error.kind(), text: error.to_string() });
            }
        };
        if delivery.is_proof(&content) { Ok(owner) } else { Err(DeliveryError::ProofDiffers { path }) }
    }

    /// Delivers into the destination, to whoever has proven that it is his, with a certificate for this device.
    pub(super) fn deliver_as(self, delivery: &Delivery<'_>, device_id: &str) -> Result<Issued, DeliveryError> {
        let destination = PathBuf::from(&delivery.request().destination);
        if !destination.is_absolute() {
            return Err(DeliveryError::DestinationNotAbsolute(Excerpt::new(&delivery.request().destination)));
        }
        let folder = Folder::open(destination.clone()).map_err(|error| DeliveryError::Destination {
            path: destination,
            kind: error.kind(),
            text: error.to_string(),
        })?;
        let owner = self.check(&folder, delivery)?;
        let issued = delivery.sign(device_id)?;
        let failed = |path: &Path, error: std::io::Error| DeliveryError::Write {
            path: path.to_owned(),
            kind: error.kind(),
            text: error.to_string(),
        };
        // Neither of them takes its place before both are on the disk.
        let ca = folder.stage(CA, issued.ca_pem().as_bytes(), owner);
        let ca = ca.map_err(|error| failed(&folder.path(CA), error))?;
        let certificate = folder.stage(CERTIFICATE, issued.certificate_pem().as_bytes(), owner);
        let certificate = certificate.map_err(|error| failed(&folder.path(CERTIFICATE), error))?;
        ca.commit().map_err(|error| failed(&folder.path(CA), error))?;
        certificate.commit().map_err(|error| failed(&folder.path(CERTIFICATE), error))?;
        Ok(issued)
    }
}

impl Default for PlainFiles {
    fn default() -> Self {
        Self::new()
    }
}

const PROOF: &str = "app.csr";
const CA: &str = "sonarCA.crt";
const CERTIFICATE: &str = "device.crt";

/// The machine that the desktop itself runs on, as the official desktop answers.
pub(super) const THIS_MACHINE: &str = "";

impl Deliverer for PlainFiles {
    fn deliver(&self, delivery: &Delivery<'_>) -> Result<Option<Issued>, DeliveryError> {
        let request = delivery.request();
        // Their files are elsewhere, even where their paths look like some of this machine.
        let elsewhere = ["Android", "iOS"].contains(&request.query.os.as_str());
        if request.medium != Medium::FsAccess || elsewhere {
            return Ok(None);
        }
        self.deliver_as(delivery, THIS_MACHINE).map(Some)
    }
}
