//! Whom a desktop lets in.

use std::sync::atomic::Ordering;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};

use super::Authority;
use crate::verifier::PinnedCa;

/// Trust in what the CA issued, and what those before it did, as long as nobody revoked it.
#[derive(Debug)]
pub(super) struct AppTrust {
    authority: Authority,
    hints: Vec<DistinguishedName>,
    /// Checks signatures, which has nothing to do with which CA it is.
    any: PinnedCa,
}

impl AppTrust {
    pub(super) fn new(authority: Authority) -> Self {
        let any = authority.trust();
        Self { hints: any.root_hint_subjects().to_vec(), any, authority }
    }
}

impl ClientCertVerifier for AppTrust {
    /// All of them have one name.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let shared = &self.authority.shared;
        let current = shared.current();
        let unknown = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let mut verdict = Err(unknown.clone());
        for ca in current.trusted() {
            verdict = ca.verify_client_cert(end_entity, intermediates, now);
            if verdict.as_ref().err() != Some(&unknown) {
                break;
            }
        }
        let verified = verdict?;
        if current.revoked.cover(end_entity) {
            shared.refused_revoked.fetch_add(1, Ordering::Relaxed);
            return Err(CertificateError::Revoked.into());
        }
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        ClientCertVerifier::verify_tls12_signature(&self.any, message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        ClientCertVerifier::verify_tls13_signature(&self.any, message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ClientCertVerifier::supported_verify_schemes(&self.any)
    }
}
