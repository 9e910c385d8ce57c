//! Who peers are, and whom they trust.

use std::sync::Arc;

use flipper_desktop::pki::{Authority, AuthorityConfig, PinnedCa, PrivateKey};
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub(crate) fn memory_authority() -> Authority {
    Authority::in_memory(AuthorityConfig::default()).unwrap()
}

/// Another desktop's. Its subject is the same.
pub(crate) fn foreign_authority() -> Authority {
    memory_authority()
}

/// A key, and a request about it.
pub(crate) struct Identity {
    key: String,
    pub(crate) csr: String,
}

impl Identity {
    pub(crate) fn of(app_id: &str) -> Self {
        let key = PrivateKey::generate().unwrap();
        Self { csr: key.certificate_request(app_id).unwrap(), key: key.to_pem() }
    }

    /// Under a name that no honest tool would ask for.
    pub(crate) fn posing_as(common_name: &str) -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, common_name);
        Self { csr: params.serialize_request(&key).unwrap().pem().unwrap(), key: key.serialize_pem() }
    }

    /// Connects as this app, with a certificate of `issuer`, to the desktop of `authority`.
    pub(crate) fn tls(&self, authority: &Authority, issuer: &Authority, device_id: &str) -> Arc<ClientConfig> {
        let signed = issuer.sign(&self.csr, device_id).unwrap();
        let certificate = CertificateDer::from_pem_slice(signed.certificate_pem.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap();
        Arc::new(trusting(authority).with_client_auth_cert(vec![certificate], key).unwrap())
    }

    /// Connects to the desktop of `authority` without any certificate.
    pub(crate) fn anonymous(authority: &Authority) -> Arc<ClientConfig> {
        Arc::new(trusting(authority).with_no_client_auth())
    }
}

fn trusting(authority: &Authority) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let ca = authority.chain().pop().unwrap();
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(PinnedCa::new(ca).unwrap()))
}
