//! What failures mean to the protocol.

use std::io;

use flipper_pki::{PeerRefusal, classify, classify_io};
use flipper_proto::TlsFailure;
use rustls::{AlertDescription, CertificateError, Error, ExtendedKeyPurpose};

#[test]
fn certificate_errors_are_about_the_peer() {
    let of = |error| classify(&Error::InvalidCertificate(error));
    assert_eq!(of(CertificateError::UnknownIssuer), TlsFailure::UnknownCa);
    assert_eq!(of(CertificateError::Expired), TlsFailure::Expired);
    assert_eq!(of(CertificateError::NotValidYet), TlsFailure::NotYetValid);
    // A peer that lacks the key of a good certificate is no reason for a new exchange.
    assert!(matches!(of(CertificateError::BadSignature), TlsFailure::BadCertificate(_)));
}

#[test]
fn refusals_are_told_in_words() {
    let required = ExtendedKeyPurpose::ServerAuth;
    let purpose = CertificateError::InvalidPurposeContext { required, presented: Vec::new() };
    for (error, words) in [
        (PeerRefusal::OwnKey.into(), "its key is this side's own"),
        (PeerRefusal::RsaTooSmall { bits: 1024 }.into(), "its RSA key has 1024 bits; at least 2048 are needed"),
        (purpose, "it is not meant for server authentication"),
        (CertificateError::BadEncoding, "it cannot be read"),
        (CertificateError::BadSignature, "the peer does not hold its key"),
        (CertificateError::NotValidForName, "it is an app's where a desktop's is wanted, or the reverse"),
        (CertificateError::UnhandledCriticalExtension, "it has a critical extension that is not understood"),
    ] {
        let failure = classify(&Error::InvalidCertificate(error));
        assert_eq!(failure, TlsFailure::BadCertificate(words.into()));
    }
}

#[test]
fn alerts_about_certificates_are_about_ours() {
    for alert in [
        AlertDescription::BadCertificate,
        AlertDescription::UnsupportedCertificate,
        AlertDescription::CertificateRevoked,
        AlertDescription::CertificateExpired,
        AlertDescription::CertificateUnknown,
        AlertDescription::UnknownCA,
        AlertDescription::AccessDenied,
        AlertDescription::CertificateRequired,
    ] {
        let failure = classify(&Error::AlertReceived(alert));
        assert!(
            matches!(&failure, TlsFailure::PeerRefused(how) if how.as_str().contains(&format!("{alert:?}"))),
            "{failure:?}"
        );
    }
}

#[test]
fn the_rest_is_no_matter_of_certificates() {
    for error in [
        Error::AlertReceived(AlertDescription::HandshakeFailure),
        Error::AlertReceived(AlertDescription::ProtocolVersion),
        Error::DecryptError,
        Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType),
    ] {
        assert!(matches!(classify(&error), TlsFailure::Handshake(_)), "{error:?}");
    }
}

#[test]
fn streams_hide_tls_errors_in_io_errors() {
    let inner = Error::InvalidCertificate(CertificateError::UnknownIssuer);
    let error = io::Error::new(io::ErrorKind::InvalidData, inner);
    assert_eq!(classify_io(&error), Some(TlsFailure::UnknownCa));
    assert_eq!(classify_io(&io::ErrorKind::UnexpectedEof.into()), None);
    assert_eq!(classify_io(&io::Error::other("something else")), None);
}
