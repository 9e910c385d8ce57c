//! Trust in one CA and nothing else.

use std::fmt;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, ExtendedKeyPurpose, PeerMisbehaved, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use webpki::RawPublicKeyEntity;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::oid::db::rfc5280::{ID_KP_CLIENT_AUTH, ID_KP_SERVER_AUTH};
use x509_cert::ext::pkix::name::GeneralName;

use crate::crypto::{self, SignatureFault};
use crate::key::{PublicKey, PublicKeyFault};
use crate::name;
use crate::refusal::{PeerRefusal, PinError};
use crate::x509::{self, Parsed, Validity};

/// Trust in exactly one CA, known by its key and its subject: the one that a certificate exchange
/// delivered.
///
/// Verifies desktops for an app, and apps for a desktop. The stock verifiers cannot do it, because the
/// official desktop issues certificates of X.509 version 1, without extensions, to both sides. What is
/// demanded of a peer's certificate instead:
///
/// - The chain is the certificate, alone or followed by the CA. Its issuer is the pinned CA's name,
///   and the pinned key made its signature.
/// - It is valid now, and so is the CA: the pinned certificate of the CA, or a newer one of the same
///   key and subject that the peer presents. A desktop can so renew its CA's certificate without a
///   new exchange with every app.
/// - It is no CA's; if it is limited to purposes, its role in the handshake is one of them; it has no
///   critical extension that is not understood; versions 1 and 2 have no extensions at all.
/// - Its key is ECDSA P-256 or P-384, Ed25519, or RSA of at least 2048 bits, and is not
///   [refused](Self::refusing_key).
/// - A desktop's has the common name `localhost` where it has no alternative names; an app's must not
///   have it. Version 1 knows no purposes, so this is what keeps the apps of an official CA from
///   posing as the desktop, and the desktop's certificate from posing as an app.
///
/// Names of hosts are not compared: the pin is the identity, and a desktop is reached as `localhost`,
/// `10.0.2.2` or by an address that no certificate foresaw.
#[derive(Clone)]
pub struct PinnedCa {
    certificate: CertificateDer<'static>,
    subject: Vec<u8>,
    key: SubjectPublicKeyInfoDer<'static>,
    validity: Validity,
    refused: Vec<SubjectPublicKeyInfoDer<'static>>,
    hints: Vec<DistinguishedName>,
}

impl PinnedCa {
    /// Pins the first certificate in `pem`. Whether it is valid now is asked at each handshake.
    ///
    /// # Errors
    /// [`PinError`] when there is no certificate, or not a CA's own.
    pub fn from_pem(pem: &[u8]) -> Result<Self, PinError> {
        let certificate = x509::certificate_from_pem(pem).map_err(|_| PinError::Unreadable)?;
        Self::new(certificate)
    }

    /// Pins this certificate.
    ///
    /// # Errors
    /// [`PinError`] when it cannot be read, or is not a CA's own.
    pub fn new(certificate: CertificateDer<'static>) -> Result<Self, PinError> {
        let parsed = Parsed::read(&certificate).map_err(|_| PinError::Unreadable)?;
        let subject = parsed.subject().to_vec();
        let key = PublicKey::from_spki(&parsed.key())?.spki().clone();
        if parsed.issuer() != subject || !may_be_ca(&parsed) {
            return Err(PinError::NotACa);
        }
        parsed.verify_signed_by(&key)?;
        let validity = parsed.validity();
        let hints = vec![DistinguishedName::from(subject.clone())];
        Ok(Self { certificate, subject, key, validity, refused: Vec::new(), hints })
    }

    /// The same trust, except in peers that hold this key.
    ///
    /// To be told one's own: a peer must not be able to play back the certificate that it was shown.
    #[must_use]
    pub fn refusing_key(mut self, key: &SubjectPublicKeyInfoDer<'_>) -> Self {
        self.refused.push(key.clone().into_owned());
        self
    }

    /// The same trust, whatever the date: for the CA itself.
    pub(crate) fn always_valid(mut self) -> Self {
        self.validity = Validity { not_before: 0, not_after: u64::MAX };
        self
    }

    /// The pinned certificate.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// When the pinned certificate is valid.
    pub(crate) fn validity(&self) -> Validity {
        self.validity
    }

    /// Whether this is the CA's key.
    pub(crate) fn is_of_key(&self, key: &SubjectPublicKeyInfoDer<'_>) -> bool {
        self.key == *key
    }

    /// Whether this is a certificate about the CA: its key and its subject.
    pub(crate) fn is_subject_of(&self, certificate: &Parsed<'_>) -> bool {
        certificate.subject() == self.subject && certificate.key() == self.key
    }

    /// Whether the CA issued this certificate, be it valid now or not.
    pub(crate) fn has_issued(&self, certificate: &Parsed<'_>) -> bool {
        certificate.issuer() == self.subject && certificate.verify_signed_by(&self.key).is_ok()
    }

    /// Checks everything about a chain but that its sender holds the key.
    fn verify(
        &self,
        certificate: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        role: Role,
        now: UnixTime,
    ) -> Result<(), CertificateError> {
        let leaf = Parsed::read(certificate).map_err(|_| CertificateError::BadEncoding)?;
        // Trust comes first: what an untrusted certificate says about itself, such as that it has
        // expired, must not decide what this side does next.
        if leaf.issuer() != self.subject {
            return Err(CertificateError::UnknownIssuer);
        }
        match leaf.verify_signed_by(&self.key) {
            Ok(()) => {}
            Err(SignatureFault::Invalid) => return Err(CertificateError::UnknownIssuer),
            Err(SignatureFault::Unsupported) => return Err(PeerRefusal::Signature.into()),
        }
        let renewed = self.renewed_validity(rest)?;
        check_time(leaf.validity(), now)?;
        check_time(self.validity, now).or_else(|error| match renewed {
            Some(renewed) => check_time(renewed, now),
            None => Err(error),
        })?;
        check_role(&leaf, role)?;
        self.check_key(&leaf)
    }

    /// The validity of the CA's certificate, if the peer presents one that is not the pinned one.
    fn renewed_validity(&self, rest: &[CertificateDer<'_>]) -> Result<Option<Validity>, CertificateError> {
        let presented = match rest {
            [] => return Ok(None),
            [presented] if *presented == self.certificate => return Ok(None),
            [presented] => presented,
            _ => return Err(PeerRefusal::Chain.into()),
        };
        let presented = Parsed::read(presented).map_err(|_| CertificateError::BadEncoding)?;
        let is_ca = self.is_subject_of(&presented) && may_be_ca(&presented);
        if is_ca && self.has_issued(&presented) {
            Ok(Some(presented.validity()))
        } else {
            Err(PeerRefusal::Chain.into())
        }
    }

    fn check_key(&self, leaf: &Parsed<'_>) -> Result<(), CertificateError> {
        let key = PublicKey::from_spki(&leaf.key()).map_err(|fault| match fault {
            PublicKeyFault::RsaTooSmall { bits } => PeerRefusal::RsaTooSmall { bits },
            PublicKeyFault::Unsupported => PeerRefusal::UnsupportedKey,
        })?;
        if self.refused.contains(key.spki()) {
            return Err(PeerRefusal::OwnKey.into());
        }
        Ok(())
    }
}

impl fmt::Debug for PinnedCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PinnedCa").field("validity", &self.validity).finish_non_exhaustive()
    }
}

impl ServerCertVerifier for PinnedCa {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.verify(end_entity, intermediates, Role::Desktop, now)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        algorithms().supported_schemes()
    }
}

impl ClientCertVerifier for PinnedCa {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.verify(end_entity, intermediates, Role::App, now)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        algorithms().supported_schemes()
    }
}

/// Who the peer claims to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Desktop,
    App,
}

impl Role {
    fn purpose(self) -> (ObjectIdentifier, ExtendedKeyPurpose) {
        match self {
            Self::Desktop => (ID_KP_SERVER_AUTH, ExtendedKeyPurpose::ServerAuth),
            Self::App => (ID_KP_CLIENT_AUTH, ExtendedKeyPurpose::ClientAuth),
        }
    }
}

fn check_time(validity: Validity, now: UnixTime) -> Result<(), CertificateError> {
    let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    if !validity.has_begun(now) {
        let not_before = at(validity.not_before);
        return Err(CertificateError::NotValidYetContext { time: now, not_before });
    }
    if validity.has_ended(now) {
        let not_after = at(validity.not_after);
        return Err(CertificateError::ExpiredContext { time: now, not_after });
    }
    Ok(())
}

/// Checks that a certificate of the CA is good for the role that its holder plays.
fn check_role(leaf: &Parsed<'_>, role: Role) -> Result<(), CertificateError> {
    let bad = |_| CertificateError::BadEncoding;
    if leaf.has_unknown_critical_extension() {
        return Err(CertificateError::UnhandledCriticalExtension);
    }
    if leaf.is_ca().map_err(bad)? == Some(true) {
        return Err(PeerRefusal::IsCa.into());
    }
    let (purpose, required) = role.purpose();
    let purposes = leaf.purposes().map_err(bad)?;
    let serves = purposes.as_ref().is_none_or(|purposes| purposes.contains(&purpose));
    if !serves || !leaf.allows_signing().map_err(bad)? {
        let presented = purposes.iter().flatten().map(purpose_of).collect();
        return Err(CertificateError::InvalidPurposeContext { required, presented });
    }
    let is_named_desktop = leaf.common_names() == [name::SERVER];
    let is_desktop = match leaf.alternative_names().map_err(bad)? {
        Some(names) => names.0.iter().any(is_host),
        None => is_named_desktop,
    };
    let fits = match role {
        Role::Desktop => is_desktop,
        Role::App => !is_named_desktop,
    };
    if fits { Ok(()) } else { Err(CertificateError::NotValidForName) }
}

/// A purpose, as rustls names them in errors.
fn purpose_of(oid: &ObjectIdentifier) -> ExtendedKeyPurpose {
    match *oid {
        ID_KP_SERVER_AUTH => ExtendedKeyPurpose::ServerAuth,
        ID_KP_CLIENT_AUTH => ExtendedKeyPurpose::ClientAuth,
        _ => ExtendedKeyPurpose::Other(oid.arcs().map(|arc| arc as usize).collect()),
    }
}

/// Whether an alternative name is one that a desktop can have, as opposed to an app.
fn is_host(name: &GeneralName) -> bool {
    matches!(name, GeneralName::DnsName(_) | GeneralName::IpAddress(_))
}

/// Whether nothing in the certificate speaks against its being a CA's.
fn may_be_ca(certificate: &Parsed<'_>) -> bool {
    certificate.is_ca().is_ok_and(|is_ca| is_ca != Some(false)) && !certificate.has_unknown_critical_extension()
}

fn algorithms() -> WebPkiSupportedAlgorithms {
    crypto::provider().signature_verification_algorithms
}

/// What `rustls::crypto::verify_tls12_signature` does, for certificates of any version.
fn verify_tls12(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    dss: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, rustls::Error> {
    let parsed = Parsed::read(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let key = parsed.key();
    let key = RawPublicKeyEntity::try_from(&key).map_err(|_| CertificateError::BadEncoding)?;
    let mapping = algorithms().mapping;
    let (_, candidates) = mapping
        .iter()
        .find(|(scheme, _)| *scheme == dss.scheme)
        .ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
    // In TLS 1.2 a scheme names the hash and not the curve: the one that fits the key decides.
    for candidate in candidates.iter() {
        match key.verify_signature(*candidate, message, dss.signature()) {
            Ok(()) => return Ok(HandshakeSignatureValid::assertion()),
            Err(webpki::Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)) => {}
            Err(_) => break,
        }
    }
    Err(CertificateError::BadSignature.into())
}

fn verify_tls13(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    dss: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, rustls::Error> {
    let parsed = Parsed::read(certificate).map_err(|_| CertificateError::BadEncoding)?;
    verify_tls13_signature_with_raw_key(message, &parsed.key(), dss, &algorithms())
}
