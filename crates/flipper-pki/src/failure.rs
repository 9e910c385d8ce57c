//! What a failed handshake means to the protocol.

use std::io;

use flipper_proto::{Excerpt, TlsFailure};
use rustls::{AlertDescription, CertificateError, Error, OtherError};

/// What this TLS error means to the protocol core, which decides by it whether stored certificates are
/// still good for anything.
///
/// An alert that is about a certificate is about this side's own: the peer has seen no other. So
/// `certificate_expired` is [`PeerRefused`](TlsFailure::PeerRefused) and not
/// [`Expired`](TlsFailure::Expired), which speaks of the peer's.
#[must_use]
pub fn classify(error: &Error) -> TlsFailure {
    if let Error::InvalidCertificate(fault) = error {
        classify_certificate(fault)
    } else if let Error::AlertReceived(alert) = error
        && is_about_certificate(*alert)
    {
        TlsFailure::PeerRefused(Excerpt::new(&format!("alert {alert:?}")))
    } else {
        TlsFailure::Handshake(Excerpt::new(&error.to_string()))
    }
}

/// [`classify`] for the TLS error in an IO error, as streams over rustls report it; `None` if it holds
/// no such thing.
#[must_use]
pub fn classify_io(error: &io::Error) -> Option<TlsFailure> {
    let inner = error.get_ref()?;
    inner.downcast_ref().map(classify)
}

fn classify_certificate(fault: &CertificateError) -> TlsFailure {
    if *fault == CertificateError::UnknownIssuer {
        TlsFailure::UnknownCa
    } else if matches!(fault, CertificateError::Expired | CertificateError::ExpiredContext { .. }) {
        TlsFailure::Expired
    } else if matches!(fault, CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) {
        TlsFailure::NotYetValid
    } else {
        TlsFailure::BadCertificate(Excerpt::new(&in_words(fault)))
    }
}

/// rustls prints most of its certificate errors as the names of their variants.
fn in_words(fault: &CertificateError) -> String {
    if let CertificateError::Other(OtherError(reason)) = fault {
        reason.to_string()
    } else if let CertificateError::InvalidPurposeContext { required, .. } = fault {
        format!("it is not meant for {required}")
    } else if *fault == CertificateError::BadEncoding {
        "it cannot be read".to_owned()
    } else if *fault == CertificateError::Revoked {
        "it was revoked".to_owned()
    } else if *fault == CertificateError::BadSignature {
        "the peer does not hold its key".to_owned()
    } else if *fault == CertificateError::NotValidForName {
        "it is an app's where a desktop's is wanted, or the reverse".to_owned()
    } else if *fault == CertificateError::UnhandledCriticalExtension {
        "it has a critical extension that is not understood".to_owned()
    } else {
        fault.to_string()
    }
}

fn is_about_certificate(alert: AlertDescription) -> bool {
    [
        AlertDescription::NoCertificate,
        AlertDescription::BadCertificate,
        AlertDescription::UnsupportedCertificate,
        AlertDescription::CertificateRevoked,
        AlertDescription::CertificateExpired,
        AlertDescription::CertificateUnknown,
        AlertDescription::UnknownCA,
        AlertDescription::AccessDenied,
        AlertDescription::CertificateRequired,
    ]
    .contains(&alert)
}
