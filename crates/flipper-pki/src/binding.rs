//! Whom a client certificate was issued to.

use std::error::Error;
use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rustls_pki_types::CertificateDer;
use x509_cert::ext::pkix::name::GeneralName;

use crate::x509::{Malformed, Parsed};

/// Whom a client certificate was issued to: the app, and the device id that it was answered.
///
/// An [`Authority`](crate::Authority) writes both into the certificate, as a URI among the subject's
/// alternative names:
///
/// ```text
/// flipper:client?app=com.example.app&device=emulator-5554
/// ```
///
/// Both values are UTF-8, percent-encoded but for `A-Z a-z 0-9 - . _ ~` (RFC 3986, unreserved), so
/// that the URI is ASCII whatever the device is called. `app` is the common name once more; `device`
/// may be empty, which means the desktop's own host. A reader skips keys that it does not know.
///
/// The official desktop writes nothing of the kind: a certificate of its CA is
/// [`Unbound`](Binding::Unbound), and anybody who holds one can claim to be any app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Binding {
    /// The certificate names the app and its device.
    Bound {
        /// The app's id, or [`SHARED_COMMON_NAME`](crate::SHARED_COMMON_NAME) where it has none that
        /// can stand in a certificate.
        app: String,
        /// The device id that the desktop answered in the exchange. May be empty.
        device_id: String,
    },
    /// The certificate says nothing that could be compared.
    Unbound {
        /// The common name, if there is exactly one: worth showing, proof of nothing.
        common_name: Option<String>,
    },
}

impl Binding {
    /// Reads the binding from a client's certificate, which the TLS handshake has verified already.
    ///
    /// # Errors
    /// [`BindingError`] when the certificate cannot be read, or has a binding that cannot be
    /// understood or contradicts its subject: such a client must be refused, not taken for unbound.
    pub fn of_certificate(certificate: &CertificateDer<'_>) -> Result<Self, BindingError> {
        let parsed = Parsed::read(certificate)?;
        let mut common_names = parsed.common_names();
        let common_name = common_names.pop().filter(|_| common_names.is_empty());
        let names = parsed.alternative_names()?;
        let mut uris = names.iter().flat_map(|names| &names.0).filter_map(uri);
        let Some(uri) = uris.next() else {
            return Ok(Self::Unbound { common_name });
        };
        let (app, device_id) = parse_uri(uri).ok_or(BindingError::Uri)?;
        if uris.next().is_some() || common_name.as_deref() != Some(&*app) {
            return Err(BindingError::Uri);
        }
        Ok(Self::Bound { app, device_id })
    }
}

/// Why a certificate's binding cannot be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BindingError {
    /// The certificate cannot be read.
    Certificate,
    /// The URI is not understood, not the only one, or names another app than the subject does.
    Uri,
}

impl fmt::Display for BindingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate => "the client's certificate cannot be read",
            Self::Uri => "the client's certificate does not say clearly whom it was issued to",
        })
    }
}

impl Error for BindingError {}

impl From<Malformed> for BindingError {
    fn from(_: Malformed) -> Self {
        Self::Certificate
    }
}

/// The largest device id that fits, in bytes of UTF-8. Real ones are serial numbers and UUIDs.
pub(crate) const MAX_DEVICE_ID: usize = 256;

const SCHEME: &str = "flipper:";
const CLIENT: &str = "flipper:client?";
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The URI that binds a certificate to an app and a device.
pub(crate) fn client_uri(app: &str, device_id: &str) -> String {
    let app = utf8_percent_encode(app, RESERVED);
    let device_id = utf8_percent_encode(device_id, RESERVED);
    format!("{CLIENT}app={app}&device={device_id}")
}

/// The text of a name that is a URI of this project.
fn uri(name: &GeneralName) -> Option<&str> {
    if let GeneralName::UniformResourceIdentifier(uri) = name {
        Some(uri.as_str()).filter(|uri| uri.starts_with(SCHEME))
    } else {
        None
    }
}

fn parse_uri(uri: &str) -> Option<(String, String)> {
    let (mut app, mut device_id) = (None, None);
    for field in uri.strip_prefix(CLIENT)?.split('&') {
        let (key, value) = field.split_once('=')?;
        let value = percent_decode_str(value).decode_utf8().ok()?.into_owned();
        let slot = match key {
            "app" => &mut app,
            "device" => &mut device_id,
            _ => continue,
        };
        if slot.replace(value).is_some() {
            return None;
        }
    }
    Some((app?, device_id?))
}
