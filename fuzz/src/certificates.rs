//! Certificates and requests, made and judged apart from the code under test.

use std::sync::LazyLock;

use flipper_pki::{Authority, AuthorityConfig};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use webpki::{ALL_VERIFICATION_ALGS, RawPublicKeyEntity};
use x509_cert::certificate::Certificate;
use x509_cert::der::oid::db::rfc4519::COMMON_NAME;
use x509_cert::der::oid::db::rfc5280::ID_KP_CLIENT_AUTH;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage};

/// A desktop's CA, the same for all inputs of one run.
pub fn authority() -> &'static Authority {
    static AUTHORITY: LazyLock<Authority> =
        LazyLock::new(|| Authority::in_memory(AuthorityConfig::default()).expect("a clock and random numbers"));
    &AUTHORITY
}

/// A certificate request with this subject and these attributes, whatever they are, under a good signature of its own
/// key: what a fuzzer would never find.
pub fn signed_request(version: &[u8], subject: &[u8], attributes: &[u8]) -> Vec<u8> {
    const ED25519: [u8; 7] = [0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];
    static KEY: LazyLock<Ed25519KeyPair> =
        LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("any 32 bytes are a key"));

    let public = bit_string(KEY.public_key().as_ref());
    let spki = tlv(0x30, &[&ED25519, &public]);
    let info = tlv(0x30, &[&tlv(0x02, &[version]), subject, &spki, attributes]);
    let signature = bit_string(KEY.sign(&info).as_ref());
    tlv(0x30, &[&info, &ED25519, &signature])
}

fn bit_string(bytes: &[u8]) -> Vec<u8> {
    tlv(0x03, &[&[0], bytes])
}

/// DER: a tag, a length, and the parts one after the other.
pub fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut der = vec![tag];
    match content.len() {
        short @ 0..0x80 => der.push(u8::try_from(short).expect("it is short")),
        long => {
            der.push(0x84);
            der.extend(u32::try_from(long).expect("inputs are small").to_be_bytes());
            // DER wants the shortest form.
            let zeros = der[2..6].iter().take_while(|byte| **byte == 0).count();
            der.drain(2..2 + zeros);
            der[1] = 0x84 - u8::try_from(zeros).expect("there are four bytes");
        }
    }
    der.extend(content);
    der
}

/// A certificate, read by another parser than this project's own.
pub struct Judged {
    der: Vec<u8>,
    certificate: Certificate,
}

impl Judged {
    pub fn from_pem(pem: &[u8]) -> Self {
        let der = CertificateDer::from_pem_slice(pem).expect("a certificate in PEM").to_vec();
        let certificate = Certificate::from_der(&der).expect("a certificate");
        Self { der, certificate }
    }

    pub fn der(&self) -> CertificateDer<'_> {
        CertificateDer::from(&*self.der)
    }

    pub fn key(&self) -> SubjectPublicKeyInfoDer<'static> {
        let spki = self.certificate.tbs_certificate().subject_public_key_info().to_der();
        SubjectPublicKeyInfoDer::from(spki.expect("what was read can be written"))
    }

    pub fn is_ca(&self) -> Option<bool> {
        let constraints = self.certificate.tbs_certificate().get_extension::<BasicConstraints>();
        constraints.expect("readable extensions").map(|(_, constraints)| constraints.ca)
    }

    /// Whether it is good for TLS clients, and for nothing else.
    pub fn is_for_clients_only(&self) -> bool {
        let purposes = self.certificate.tbs_certificate().get_extension::<ExtendedKeyUsage>();
        purposes.expect("readable extensions").is_some_and(|(_, purposes)| purposes.0 == [ID_KP_CLIENT_AUTH])
    }

    pub fn common_names(&self) -> Vec<String> {
        let subject = self.certificate.tbs_certificate().subject();
        let names = subject.iter().filter(|attribute| attribute.oid == COMMON_NAME);
        names.map(|name| String::from_utf8_lossy(name.value.value()).into_owned()).collect()
    }

    /// Whether the other certificate's key signed this one.
    pub fn is_issued_by(&self, issuer: &Self) -> bool {
        let (ours, theirs) = (&self.certificate, &issuer.certificate);
        if ours.tbs_certificate().issuer() != theirs.tbs_certificate().subject() {
            return false;
        }
        let key = issuer.key();
        let Ok(key) = RawPublicKeyEntity::try_from(&key) else { return false };
        let message = ours.tbs_certificate().to_der().expect("what was read can be written");
        let signature = ours.signature().as_bytes().expect("a signature of whole bytes");
        ALL_VERIFICATION_ALGS.iter().any(|algorithm| key.verify_signature(*algorithm, &message, signature).is_ok())
    }
}
