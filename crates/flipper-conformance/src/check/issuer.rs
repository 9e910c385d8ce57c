//! The certificates of a desktop that is played: this project's, or such as the official desktop issues.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use flipper_pki::{Authority, AuthorityConfig, CertificateRequest, PinnedCa, PrivateKey};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer as RcgenIssuer, KeyPair,
    PublicKeyData as _, SigningKey as _,
};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use time::OffsetDateTime;
use x509_cert::der::asn1::BitStringRef;
use x509_cert::der::{self, Encode as _, Header, Reader as _, SliceReader};

use super::asn1::{pem, sequence};

/// A desktop's CA, with the desktop's own certificate.
#[derive(Clone)]
pub(super) enum Issuer {
    /// As this project's desktop has it.
    Ours(Authority),
    /// As the official desktop has it.
    Official(Arc<Official>),
}

/// What is delivered to a client.
pub(super) struct Issued {
    pub(super) ca_pem: String,
    pub(super) certificate_pem: String,
}

impl Issuer {
    pub(super) fn ours() -> Result<Self, String> {
        Authority::in_memory(AuthorityConfig::default()).map(Self::Ours).map_err(|error| error.to_string())
    }

    /// The CA in a directory, made there if there is none.
    pub(super) fn kept_in(directory: &Path) -> Result<Self, String> {
        Authority::open(directory).map(Self::Ours).map_err(|error| error.to_string())
    }

    /// Certificates of X.509 version 1 without any extensions, but for the CA's own.
    pub(super) fn official() -> Result<Self, String> {
        Official::new().map(|official| Self::Official(Arc::new(official))).map_err(|error| error.to_string())
    }

    /// The same CA, and a certificate of the desktop's own that has expired.
    pub(super) fn expired(&self) -> Result<Self, String> {
        let Self::Official(official) = self else {
            return Err("only official certificates can be made to expire".to_owned());
        };
        official
            .with_server(Validity::Past)
            .map(|official| Self::Official(Arc::new(official)))
            .map_err(|error| error.to_string())
    }

    pub(super) fn sign(
        &self,
        request: &CertificateRequest,
        request_pem: &str,
        device_id: &str,
    ) -> Result<Issued, String> {
        match self {
            Self::Ours(authority) => {
                let signed = authority.sign(request_pem, device_id).map_err(|error| error.to_string())?;
                Ok(Issued { ca_pem: signed.ca_pem, certificate_pem: signed.certificate_pem })
            }
            Self::Official(official) => official.sign(request).map_err(|error| error.to_string()),
        }
    }

    /// How the port of the sessions is served.
    pub(super) fn server_config(&self) -> Result<Arc<ServerConfig>, String> {
        match self {
            Self::Ours(authority) => Ok(authority.server_config()),
            Self::Official(official) => official.server_config(),
        }
    }

    /// As [`server_config`](Self::server_config), but the certificate that is shown is one that this CA issued to an app.
    pub(super) fn posing_app(&self) -> Result<Arc<ServerConfig>, String> {
        let key = PrivateKey::generate().map_err(|error| error.to_string())?;
        let request_pem = key.certificate_request("com.example.other").map_err(|error| error.to_string())?;
        let request = CertificateRequest::from_pem(&request_pem).map_err(|error| error.to_string())?;
        let issued = self.sign(&request, &request_pem, "")?;
        let read = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| error.to_string());
        let chain = vec![read(&issued.certificate_pem)?, read(&issued.ca_pem)?];
        let trust = PinnedCa::from_pem(issued.ca_pem.as_bytes()).map_err(|error| error.to_string())?;
        let key = PrivateKeyDer::from_pem_slice(key.to_pem().as_bytes()).map_err(|error| error.to_string())?;
        server_config(trust, chain, key)
    }
}

/// The CA of an official desktop, as far as it can be made without RSA keys.
pub(super) struct Official {
    ca: CertificateDer<'static>,
    ca_key: Arc<KeyPair>,
    server: CertificateDer<'static>,
    server_key: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Validity {
    Now,
    Past,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// `openssl` gives this where nothing else is said.
const VALID_FOR: Duration = DAY.saturating_mul(30);

impl Official {
    fn new() -> Result<Self, rcgen::Error> {
        let ca_key = Arc::new(KeyPair::generate()?);
        let ca = ca_params().self_signed(&*ca_key)?.der().clone();
        // Without a certificate of its own for a moment.
        Self { server: ca.clone(), server_key: Vec::new(), ca, ca_key }.with_server(Validity::Now)
    }

    fn with_server(&self, validity: Validity) -> Result<Self, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, "localhost");
        let server = self.issue(name, validity, &key.subject_public_key_info())?;
        Ok(Self { ca: self.ca.clone(), ca_key: Arc::clone(&self.ca_key), server, server_key: key.serialize_der() })
    }

    fn sign(&self, request: &CertificateRequest) -> Result<Issued, rcgen::Error> {
        let name = subject("Flipper", request.common_name());
        let certificate = self.issue(name, Validity::Now, request.public_key())?;
        Ok(Issued { ca_pem: pem("CERTIFICATE", &self.ca), certificate_pem: pem("CERTIFICATE", &certificate) })
    }

    /// A certificate of version 1: one of version 3 about another key, less what version 1 does not have.
    fn issue(
        &self,
        name: DistinguishedName,
        validity: Validity,
        key: &[u8],
    ) -> Result<CertificateDer<'static>, rcgen::Error> {
        let malformed = |_| rcgen::Error::CouldNotParseCertificate;
        let stand_in = KeyPair::generate()?;
        let certificate = params(name, validity).signed_by(&stand_in, &RcgenIssuer::new(ca_params(), &*self.ca_key))?;
        let (message, algorithm) = version_1(certificate.der(), key).map_err(malformed)?;
        let signature = self.ca_key.sign(&message)?;
        let signature = BitStringRef::from_bytes(&signature).and_then(|bits| bits.to_der()).map_err(malformed)?;
        Ok(sequence(&[&message, &algorithm, &signature]).map_err(malformed)?.into())
    }

    fn server_config(&self) -> Result<Arc<ServerConfig>, String> {
        let trust = PinnedCa::new(self.ca.clone()).map_err(|error| error.to_string())?;
        let key = PrivateKeyDer::try_from(self.server_key.clone())?;
        server_config(trust, vec![self.server.clone(), self.ca.clone()], key)
    }
}

/// What is signed of a certificate with the version and the extensions taken out and another key put in, and the
/// algorithm that it is signed with.
fn version_1(certificate: &[u8], key: &[u8]) -> der::Result<(Vec<u8>, Vec<u8>)> {
    SliceReader::new(certificate)?.sequence(|reader| {
        let fields = reader.sequence(|fields| {
            if Header::peek(fields)?.tag().is_context_specific() {
                fields.tlv_bytes()?;
            }
            let [serial, algorithm, issuer, validity, subject] = [
                fields.tlv_bytes()?,
                fields.tlv_bytes()?,
                fields.tlv_bytes()?,
                fields.tlv_bytes()?,
                fields.tlv_bytes()?,
            ];
            fields.drain(fields.remaining_len())?;
            der::Result::Ok([serial, algorithm, issuer, validity, subject])
        })?;
        let algorithm = reader.tlv_bytes()?.to_vec();
        reader.drain(reader.remaining_len())?;
        let [serial, inner, issuer, validity, subject] = fields;
        Ok((sequence(&[serial, inner, issuer, validity, subject, key])?, algorithm))
    })
}

fn ca_params() -> CertificateParams {
    let mut params = params(subject("Sonar", "SonarCA"), Validity::Now);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn params(name: DistinguishedName, validity: Validity) -> CertificateParams {
    let now = OffsetDateTime::from(SystemTime::now());
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    (params.not_before, params.not_after) = match validity {
        Validity::Now => (now - DAY, now + VALID_FOR),
        Validity::Past => (now - VALID_FOR, now - DAY),
    };
    params
}

fn subject(organization: &str, common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CountryName, "US");
    name.push(DnType::StateOrProvinceName, "CA");
    name.push(DnType::LocalityName, "Menlo Park");
    name.push(DnType::OrganizationName, organization);
    name.push(DnType::CommonName, common_name);
    name
}

/// A server that shows this chain and wants a certificate of the CA.
fn server_config(
    trust: PinnedCa,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, String> {
    let provider = Arc::new(default_provider());
    let key = provider.key_provider.load_private_key(key).map_err(|error| error.to_string())?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_client_cert_verifier(Arc::new(trust))
        // Not with_single_cert(), which refuses version 1.
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key))));
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}
