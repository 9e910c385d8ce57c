//! TLS between two ends in memory.

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use flipper_pki::{PinnedCa, server_name};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::time_provider::TimeProvider;
use rustls::{
    ClientConfig, ClientConnection, Error, HandshakeKind, ServerConfig, ServerConnection, SupportedProtocolVersion,
};
use rustls_pki_types::CertificateDer;

use crate::support::openssl;

pub(crate) type Version = &'static SupportedProtocolVersion;

pub(crate) const VERSIONS: [Version; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];

/// How a connection went for each end, after both said something.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) app: Result<(), Error>,
    pub(crate) desktop: Result<(), Error>,
    /// The certificate that the desktop saw.
    pub(crate) app_certificate: Option<CertificateDer<'static>>,
    /// Whether an earlier session was resumed.
    pub(crate) resumed: bool,
    /// The certificates that the app saw.
    pub(crate) desktop_chain: Vec<CertificateDer<'static>>,
}

impl Outcome {
    #[track_caller]
    pub(crate) fn assert_connected(&self) {
        assert_eq!((&self.app, &self.desktop), (&Ok(()), &Ok(())));
    }

    /// What the app has against the desktop.
    #[track_caller]
    pub(crate) fn refused_by_app(self) -> Error {
        self.app.expect_err("the app should have refused the desktop")
    }

    /// What the desktop has against the app.
    #[track_caller]
    pub(crate) fn refused_by_desktop(self) -> Error {
        self.desktop.expect_err("the desktop should have refused the app")
    }
}

/// Connects, says something in each direction, and carries every alert to the other end.
pub(crate) fn connect(app: Arc<ClientConfig>, desktop: Arc<ServerConfig>) -> Outcome {
    let mut app = ClientConnection::new(app, server_name()).unwrap();
    let mut desktop = ServerConnection::new(desktop).unwrap();
    app.writer().write_all(b"GET /").unwrap();
    let (mut app_result, mut desktop_result) = (Ok(()), Ok(()));
    let mut heard = String::new();
    loop {
        let mut to_desktop = Vec::new();
        while app.wants_write() {
            app.write_tls(&mut to_desktop).unwrap();
        }
        if desktop_result.is_ok() {
            let mut input = &*to_desktop;
            while !input.is_empty() && desktop_result.is_ok() {
                desktop.read_tls(&mut input).unwrap();
                desktop_result = desktop.process_new_packets().map(drop);
            }
            let mut said = String::new();
            let _ = desktop.reader().read_to_string(&mut said);
            if !said.is_empty() && desktop_result.is_ok() {
                desktop.writer().write_all(said.as_bytes()).unwrap();
            }
        }
        let mut to_app = Vec::new();
        while desktop.wants_write() {
            desktop.write_tls(&mut to_app).unwrap();
        }
        if app_result.is_ok() {
            let mut input = &*to_app;
            while !input.is_empty() && app_result.is_ok() {
                app.read_tls(&mut input).unwrap();
                app_result = app.process_new_packets().map(drop);
            }
            let _ = app.reader().read_to_string(&mut heard);
        }
        if to_app.is_empty() && to_desktop.is_empty() {
            break;
        }
    }
    if app_result.is_ok() && desktop_result.is_ok() {
        assert_eq!(heard, "GET /", "both ends are content, but nothing came through");
    }
    Outcome {
        app: app_result,
        desktop: desktop_result,
        app_certificate: desktop.peer_certificates().map(|chain| chain[0].clone().into_owned()),
        resumed: app.handshake_kind() == Some(HandshakeKind::Resumed),
        desktop_chain: app.peer_certificates().unwrap_or_default().iter().map(|c| c.clone().into_owned()).collect(),
    }
}

/// An end that shows these certificates, whether they fit the key or not.
pub(crate) fn identity(chain: &[Vec<u8>], key_pem: &str) -> Arc<SingleCertAndKey> {
    let chain = chain.iter().map(|der| CertificateDer::from(der.clone())).collect();
    let key = rustls_pki_types::pem::PemObject::from_pem_slice(key_pem.as_bytes()).unwrap();
    let key = rustls::crypto::ring::default_provider().key_provider.load_private_key(key).unwrap();
    Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key)))
}

/// A desktop that shows this chain and takes every app that `trust` takes.
pub(crate) fn desktop(
    version: Version,
    chain: &[Vec<u8>],
    key_pem: &str,
    trust: PinnedCa,
    clock: Arc<dyn TimeProvider>,
) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_details(provider, clock)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_client_cert_verifier(Arc::new(trust))
        .with_cert_resolver(identity(chain, key_pem));
    Arc::new(config)
}

/// An app that shows this chain and takes every desktop that `trust` takes.
pub(crate) fn app(
    version: Version,
    chain: &[Vec<u8>],
    key_pem: &str,
    trust: PinnedCa,
    clock: Arc<dyn TimeProvider>,
) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_details(provider, clock)
        .with_protocol_versions(&[version])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(trust))
        .with_client_cert_resolver(identity(chain, key_pem));
    Arc::new(config)
}

/// The DER of a certificate in PEM, as a chain of one.
pub(crate) fn chain(certificates: &[&str]) -> Vec<Vec<u8>> {
    certificates.iter().map(|pem| openssl::der(pem)).collect()
}
