//! Its certificate exchange, and how it connects with what it gets.

use std::fs;
use std::net::TcpStream;
use std::sync::Arc;

use flipper_pki::{PinnedCa, PrivateKey};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use serde_json::{Value, json};
use tungstenite::Message;

use crate::{Client, Result};

impl Client {
    pub(crate) fn exchange(&mut self, port: u16) -> Result {
        let stream = TcpStream::connect((self.flags.host.as_str(), port))?;
        let device_id = if self.is("query/exchange") { "known" } else { "unknown" };
        let app = self.flags.app.replace(' ', "%20").split(['#', '&']).next().unwrap_or_default().to_owned();
        let target =
            format!("ws://localhost/?os=Linux&device=d&device_id={device_id}&app={app}&sdk_version=4&medium=1");
        let (mut socket, _) = tungstenite::client(target, stream).map_err(|error| error.to_string())?;
        if !self.is("exchange/app-csr") {
            fs::write(format!("{}app.csr", self.destination()), &self.csr)?;
        }
        socket.send(Message::text(self.request().to_string()))?;
        let answer = loop {
            match socket.read()? {
                Message::Text(text) => break serde_json::from_str::<Value>(&text)?,
                Message::Close(_) => return Err("closed".into()),
                _ => {}
            }
        };
        self.device_id = answer["deviceId"].as_str().ok_or("refused")?.to_owned();
        if self.is("exchange/acknowledgement") {
            socket.send(Message::text(json!({"method": "signCertificateAck", "isError": true}).to_string()))?;
        }
        socket.close(None)?;
        while socket.read().is_ok() {}
        Ok(())
    }

    fn request(&self) -> Value {
        let destination = self.destination();
        let mut request = json!({
            "method": "signCertificate", "csr": self.csr, "destination": destination, "medium": 1, "timestamp": 5,
            "logs": "none",
        });
        if self.is("exchange/request") {
            request["id"] = json!(1);
        }
        if self.is("exchange/destination") {
            request["destination"] = json!(destination.trim_end_matches('/'));
        }
        request
    }
}

pub(crate) fn tls(key: &PrivateKey, certificate: &str, ca: &str, gullible: bool) -> Result<Arc<ClientConfig>> {
    let provider = Arc::new(default_provider());
    let key = provider.key_provider.load_private_key(PrivateKeyDer::from_pem_slice(key.to_pem().as_bytes())?)?;
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes())?];
    let verifier: Arc<dyn ServerCertVerifier> =
        if gullible { Arc::new(Gullible) } else { Arc::new(PinnedCa::from_pem(ca.as_bytes())?) };
    Ok(Arc::new(
        ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key)))),
    ))
}

/// Trusts everybody.
#[derive(Debug)]
struct Gullible;

impl ServerCertVerifier for Gullible {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}
