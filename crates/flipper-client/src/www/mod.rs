//! Medium WWW: where certificates come from that a desktop has left somewhere for the app to get.

#[cfg(feature = "enabled")]
mod directory;
mod error;
#[cfg(all(feature = "enabled", feature = "www-http"))]
mod http;
#[cfg(all(feature = "enabled", feature = "www-object-store"))]
mod object_store;

#[cfg(feature = "enabled")]
pub use self::directory::DirectoryProvider;
pub use self::error::{FetchError, PlaceError};
#[cfg(all(feature = "enabled", feature = "www-http"))]
pub use self::http::{HttpPlace, HttpProvider};
#[cfg(all(feature = "enabled", feature = "www-object-store"))]
pub use self::object_store::{ObjectPlace, ObjectStoreProvider};

use flipper_proto::{Bundle, Excerpt};

/// Fetches the certificates of medium WWW.
///
/// In an app that is paired, what it fetches is used only if it proves to come from the desktop that the app is paired
/// with. In one that is not, the provider vouches for what it returns.
pub trait CertificateProvider: Send + Sync + 'static {
    /// Fetches the certificates for this device id, which is the word of whoever answered the exchange. It may block,
    /// for as long as the app is willing to wait for certificates.
    ///
    /// # Errors
    /// What went wrong, for people; it must hold no secret. After some errors it is tried again, see
    /// [`FetchError::is_transient`].
    fn fetch(&self, device_id: &str) -> Result<Certificates, FetchError>;
}

/// What a desktop made for an app.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Certificates {
    /// The desktop's CA, in PEM: the content of `sonarCA.crt`.
    pub ca: String,
    /// The app's certificate, in PEM: the content of `device.crt`.
    pub certificate: String,
    /// The proof that they come from a desktop that knows the secret of the pairing.
    pub proof: Option<String>,
}

impl Certificates {
    /// Certificates without a proof.
    #[must_use]
    pub fn new(ca: impl Into<String>, certificate: impl Into<String>) -> Self {
        Self { ca: ca.into(), certificate: certificate.into(), proof: None }
    }

    /// Reads what an uploader of this project's desktop uploads.
    ///
    /// # Errors
    /// [`FetchError::NotABundle`]. `place` is where it was found, for people.
    pub fn from_uploaded(content: &[u8], place: &str) -> Result<Self, FetchError> {
        let bundle = std::str::from_utf8(content).ok().and_then(Bundle::from_json);
        bundle.map(Self::from).ok_or_else(|| FetchError::NotABundle { place: Excerpt::new(place) })
    }
}

impl From<Bundle> for Certificates {
    fn from(bundle: Bundle) -> Self {
        Self { ca: bundle.ca, certificate: bundle.certificate, proof: bundle.proof }
    }
}

impl From<Certificates> for Bundle {
    fn from(certificates: Certificates) -> Self {
        Self { ca: certificates.ca, certificate: certificates.certificate, proof: certificates.proof }
    }
}

/// The largest bundle that is read. A real one has some 3 KiB.
const MAX_SIZE: u64 = 64 << 10;

/// The name of what a desktop uploads for this device id.
///
/// # Errors
/// [`FetchError::DeviceId`]: an id that could name something else than what was meant. A desktop's own have 32 digits.
#[cfg(feature = "enabled")]
fn object_name(device_id: &str) -> Result<String, FetchError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if device_id.is_empty() || device_id.len() > 128 || !device_id.bytes().all(plain) {
        return Err(FetchError::DeviceId(Excerpt::new(device_id)));
    }
    Ok(format!("{device_id}.json"))
}
