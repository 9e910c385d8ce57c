//! Who an app is: its key, its certificate request, and how it connects with what it was given for that.

use std::sync::Arc;

use flipper_pki::{Authority, PinnedCa};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SignatureAlgorithm, SigningKey as _};
use rustls::client::ResolvesClientCert;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, SupportedProtocolVersion};
use x509_cert::der::asn1::BitStringRef;
use x509_cert::der::{self, Encode as _, Reader as _, SliceReader};

use crate::check::asn1::{pem, sequence};
use crate::check::outcome::{Stop, Verdict};

/// The bundle id of every app that is played.
pub(super) const APP_ID: &str = "com.example.conformance";

/// A key, and a request to certify it.
pub(super) struct Identity {
    pub(super) key: KeyPair,
    pub(super) csr: String,
}

const MAKING: &str = "a certificate request to be made";

/// What a desktop has delivered.
#[derive(Clone)]
pub(super) struct Certificates {
    pub(super) ca_pem: String,
    pub(super) certificate_pem: String,
}

impl Identity {
    /// ECDSA P-256, with the bundle id as its name.
    pub(super) fn new() -> Verdict<Self> {
        Self::named(Some(APP_ID))
    }

    pub(super) fn named(common_name: Option<&str>) -> Verdict<Self> {
        Self::make(&rcgen::PKCS_ECDSA_P256_SHA256, common_name, |_| {})
    }

    pub(super) fn of_kind(algorithm: &'static SignatureAlgorithm) -> Verdict<Self> {
        Self::make(algorithm, Some(APP_ID), |_| {})
    }

    /// Asks for more than an app may have.
    pub(super) fn that_would_be_ca() -> Verdict<Self> {
        Self::make(&rcgen::PKCS_ECDSA_P256_SHA256, Some(APP_ID), |params| {
            params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        })
    }

    fn make(
        algorithm: &'static SignatureAlgorithm,
        common_name: Option<&str>,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Verdict<Self> {
        let make = || {
            let key = KeyPair::generate_for(algorithm)?;
            let mut params = CertificateParams::default();
            params.distinguished_name = DistinguishedName::new();
            for (kind, value) in [(DnType::CountryName, "US"), (DnType::OrganizationName, "Flipper")] {
                params.distinguished_name.push(kind, value);
            }
            if let Some(name) = common_name {
                params.distinguished_name.push(DnType::CommonName, name);
            }
            change(&mut params);
            let csr = pem("CERTIFICATE REQUEST", params.serialize_request(&key)?.der());
            Ok::<_, rcgen::Error>(Self { key, csr })
        };
        make().map_err(|error| Stop::broken(MAKING, error))
    }

    /// The same request with version field 1, as the official C++ client writes it.
    pub(super) fn with_version_1(mut self) -> Verdict<Self> {
        let (info, algorithm) = self.request_parts()?;
        let info = version_1(&info).map_err(|error| Stop::broken(MAKING, error))?;
        self.csr = signed(&info, &algorithm, &self.key)?;
        Ok(self)
    }

    /// The same request, signed by another key.
    pub(super) fn with_broken_signature(&self) -> Verdict<String> {
        let (info, algorithm) = self.request_parts()?;
        let other = KeyPair::generate().map_err(|error| Stop::broken(MAKING, error))?;
        signed(&info, &algorithm, &other)
    }

    fn request_parts(&self) -> Verdict<(Vec<u8>, Vec<u8>)> {
        let request = CertificateSigningRequestDer::from_pem_slice(self.csr.as_bytes());
        let request = request.map_err(|error| Stop::broken(MAKING, error))?;
        request_parts(&request).map_err(|error| Stop::broken(MAKING, error))
    }

    /// How to connect with a certificate, trusting the desktop that delivered it and no other.
    pub(super) fn tls(&self, certificates: &Certificates) -> Verdict<Arc<ClientConfig>> {
        self.tls_of(certificates, rustls::ALL_VERSIONS)
    }

    pub(super) fn tls_of(
        &self,
        certificates: &Certificates,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Verdict<Arc<ClientConfig>> {
        let make = || {
            let key = PrivateKeyDer::try_from(self.key.serialize_der())?;
            let key = default_provider().key_provider.load_private_key(key).map_err(|error| error.to_string())?;
            let chain = vec![certificate(&certificates.certificate_pem)?];
            // Not with_client_auth_cert(), which refuses certificates of version 1.
            let resolver = Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key)));
            client_config(&certificates.ca_pem, versions, Some(resolver))
        };
        make().map_err(|error: String| Stop::failed("certificates that can be used", error))
    }

    /// A certificate that another desktop has issued; the CA is still the one of the desktop under test.
    pub(super) fn certified_by(&self, issuer: &Authority, ca_pem: &str) -> Verdict<Certificates> {
        let signed = issuer.sign(&self.csr, "").map_err(|error| Stop::broken("a certificate to be issued", error))?;
        Ok(Certificates { ca_pem: ca_pem.to_owned(), certificate_pem: signed.certificate_pem })
    }

    /// A certificate that the app has issued to itself.
    pub(super) fn self_certified(&self, ca_pem: &str) -> Verdict<Certificates> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, APP_ID);
        let signed =
            params.self_signed(&self.key).map_err(|error| Stop::broken("a certificate to be issued", error))?;
        Ok(Certificates { ca_pem: ca_pem.to_owned(), certificate_pem: signed.pem() })
    }
}

/// How to connect without any certificate.
pub(super) fn anonymous_tls(ca_pem: &str) -> Verdict<Arc<ClientConfig>> {
    client_config(ca_pem, rustls::ALL_VERSIONS, None).map_err(|error| Stop::broken("a TLS configuration", error))
}

fn client_config(
    ca_pem: &str,
    versions: &[&'static SupportedProtocolVersion],
    resolver: Option<Arc<dyn ResolvesClientCert>>,
) -> Result<Arc<ClientConfig>, String> {
    let trust = PinnedCa::from_pem(ca_pem.as_bytes()).map_err(|error| error.to_string())?;
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(trust));
    Ok(Arc::new(match resolver {
        Some(resolver) => builder.with_client_cert_resolver(resolver),
        None => builder.with_no_client_auth(),
    }))
}

pub(super) fn certificate(pem: &str) -> Result<CertificateDer<'static>, String> {
    CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| error.to_string())
}

/// What is signed of a request, and the algorithm that it is signed with.
fn request_parts(request: &[u8]) -> der::Result<(Vec<u8>, Vec<u8>)> {
    SliceReader::new(request)?.sequence(|reader| {
        let parts = (reader.tlv_bytes()?.to_vec(), reader.tlv_bytes()?.to_vec());
        reader.drain(reader.remaining_len())?;
        der::Result::Ok(parts)
    })
}

fn version_1(info: &[u8]) -> der::Result<Vec<u8>> {
    SliceReader::new(info)?.sequence(|reader| {
        let _version = reader.tlv_bytes()?;
        let mut parts: Vec<&[u8]> = vec![&[2, 1, 1]];
        while !reader.is_finished() {
            parts.push(reader.tlv_bytes()?);
        }
        sequence(&parts)
    })
}

fn signed(info: &[u8], algorithm: &[u8], key: &KeyPair) -> Verdict<String> {
    let signature = key.sign(info).map_err(|error| Stop::broken(MAKING, error))?;
    let signature = BitStringRef::from_bytes(&signature).and_then(|bits| bits.to_der());
    let request = signature.and_then(|signature| sequence(&[info, algorithm, &signature]));
    Ok(pem("CERTIFICATE REQUEST", &request.map_err(|error| Stop::broken(MAKING, error))?))
}
