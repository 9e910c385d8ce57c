//! Medium WWW: certificates for apps that are paired with this desktop, wherever they run.

mod directory;
mod error;
#[cfg(feature = "www-http")]
mod http;
#[cfg(feature = "www-object-store")]
mod object_store;

pub use self::directory::DirectoryUploader;
pub use self::error::{PlaceError, UploadError};
#[cfg(feature = "www-http")]
pub use self::http::HttpUploader;
#[cfg(feature = "www-object-store")]
pub use self::object_store::ObjectStoreUploader;
#[cfg(feature = "www-http")]
pub use flipper_client::HttpPlace;
#[cfg(feature = "www-object-store")]
pub use flipper_client::ObjectPlace;

use std::path::PathBuf;

use flipper_pki::{Paired, PairedRequest, PairingRefusal, Pairings};
use flipper_proto::desktop::{ExchangeRequest, Verdict};
use flipper_proto::{Bundle, Medium, WallTime};

use crate::builder::Builder;
use crate::exchange::{Deliverer, Delivery, DeliveryError, Issued};

/// Leaves the certificates of medium WWW where apps get them.
///
/// What it uploads is public; it carries the proof that it comes from this desktop, so that whoever runs the place can
/// withhold certificates, but not replace them.
pub trait CertificateUploader: Send + Sync + 'static {
    /// Uploads a bundle for the app that was answered this device id, in place of an older one. It may block, for a few
    /// seconds: the app waits. The certificate providers of this project expect the [JSON](Bundle::to_json) of the bundle
    /// under the name `<device id>.json`.
    ///
    /// # Errors
    /// [`UploadError`]; the app is told that it failed, but not how.
    fn upload(&self, device_id: &str, bundle: &Bundle) -> Result<(), UploadError>;
}

/// What a desktop is told about medium WWW.
pub(crate) struct Www {
    pairings: Option<Pairings>,
    uploaders: Vec<Box<dyn CertificateUploader>>,
    in_band: bool,
}

impl Www {
    pub(crate) fn new() -> Self {
        Self { pairings: None, uploaders: Vec::new(), in_band: true }
    }

    /// The pairings, which are in the desktop's directory unless others were given, and the deliverer for those who have
    /// one.
    pub(crate) fn split(self, directory: Option<PathBuf>) -> (Pairings, PairedApps) {
        let pairings = self.pairings.unwrap_or_else(|| directory.map_or_else(Pairings::in_memory, Pairings::open));
        let in_band = self.in_band || self.uploaders.is_empty();
        (pairings, PairedApps { uploaders: self.uploaders, in_band })
    }
}

impl Builder {
    /// The apps that this desktop is paired with. Default: those in the file `pairings.json` of its
    /// [state directory](Self::state_directory), where `flipper pair` writes them; a desktop without such a directory
    /// has pairings of its own, which are gone with it.
    pub fn pairings(mut self, pairings: Pairings) -> Self {
        self.www.pairings = Some(pairings);
        self
    }

    /// Adds a place where paired apps get their certificates. All of them are uploaded to, before the app is answered.
    pub fn certificate_uploader(mut self, uploader: impl CertificateUploader) -> Self {
        self.www.uploaders.push(Box::new(uploader));
        self
    }

    /// Whether the answer to a paired app carries its certificates, so that nothing need be uploaded. Default: yes. A
    /// desktop without an [uploader](Self::certificate_uploader) does so in any case.
    pub fn in_band_certificates(mut self, in_band: bool) -> Self {
        self.www.in_band = in_band;
        self
    }
}

/// Serves apps that are paired with this desktop.
pub(crate) struct PairedApps {
    uploaders: Vec<Box<dyn CertificateUploader>>,
    in_band: bool,
}

impl Deliverer for PairedApps {
    fn deliver(&self, delivery: &Delivery<'_>) -> Result<Option<Issued>, DeliveryError> {
        if delivery.request().medium != Medium::Www {
            return Ok(None);
        }
        let paired = delivery.paired().ok_or(DeliveryError::PairingRequired)?;
        let issued = delivery.sign(&paired.device_id(delivery.csr().common_name()))?;
        let bundle = paired.bundle(issued.device_id(), issued.ca_pem(), issued.certificate_pem());
        for uploader in &self.uploaders {
            uploader.upload(issued.device_id(), &bundle).map_err(DeliveryError::Upload)?;
        }
        Ok(Some(if self.in_band { issued.with_bundle(bundle) } else { issued }))
    }
}

/// Whether a request comes from an app that is paired; `None` where it does not say so, or where it is of no matter.
pub(crate) fn check(
    pairings: &Pairings,
    request: &ExchangeRequest,
    now: WallTime,
) -> Option<Result<Paired, PairingRefusal>> {
    let proof = request.pairing.as_ref().filter(|_| request.medium == Medium::Www)?;
    let paired = PairedRequest {
        csr: &request.csr,
        device: &request.query.device,
        medium: request.medium,
        // No proof is ever made for a request that names no time.
        timestamp: request.timestamp.unwrap_or_default(),
    };
    Some(pairings.check(&paired, proof, now))
}

/// What was found out about a proof; `None` where nobody looked at it.
pub(crate) fn verdict(checked: &Result<Paired, PairingRefusal>) -> Option<Verdict> {
    match checked {
        Err(PairingRefusal::Unknown(_)) => Some(Verdict::Unknown),
        Err(PairingRefusal::WrongProof | PairingRefusal::Replayed) => Some(Verdict::Wrong),
        Ok(_) | Err(PairingRefusal::Expired(_) | PairingRefusal::ClockSkew { .. } | PairingRefusal::TooOften) => {
            Some(Verdict::Right)
        }
        Err(_) => None,
    }
}

/// The name of what is uploaded for this device id.
fn object_name(device_id: &str) -> String {
    format!("{device_id}.json")
}
