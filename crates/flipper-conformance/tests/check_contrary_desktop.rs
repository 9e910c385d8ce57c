//! Every scenario for desktops can fail: one of two desktops that are none does not pass it.

mod check;

use std::collections::BTreeSet;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use flipper_conformance::check::desktop::{Check, Driver};
use flipper_conformance::check::{Format, Report, Verdict, desktop};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    DigitallySignedStruct, DistinguishedName, ServerConfig, ServerConnection, SignatureScheme, StreamOwned,
    client::danger::HandshakeSignatureValid,
};
use serde_json::{Value, json};
use tungstenite::Message;

use check::Result;

/// What is not answered within this time is not answered.
const PATIENCE: Duration = Duration::from_millis(300);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Lets everybody in, and says nothing.
    Mute,
    /// Lets everybody in, grants whatever is asked for and more, and says nothing in sessions.
    Generous,
}

#[test]
fn every_scenario_for_desktops_can_fail() -> Result {
    let mut passed: BTreeSet<_> = desktop::scenarios().iter().map(|scenario| scenario.name).collect();
    let mut reports = String::new();
    for manner in [Manner::Mute, Manner::Generous] {
        let report = run(manner)?;
        let lines = report.lines.iter().filter(|line| line.verdict() != Verdict::Failed);
        passed.retain(|name| lines.clone().any(|line| line.scenario.name == *name));
        reports.push_str(&report.write(Format::Text));
    }
    assert!(passed.is_empty(), "{passed:?}\n{reports}");
    Ok(())
}

fn run(manner: Manner) -> Result<Report> {
    let mut check = Check::of("127.0.0.1");
    let certificates = Certificates::new()?;
    check.insecure = listen(manner, None, &certificates)?;
    check.secure = listen(manner, Some(certificates.server_config()?), &certificates)?;
    check.browser = Some(listen(manner, None, &certificates)?);
    check.driver = Some(Box::new(NoDriver));
    check.dangerous = true;
    check.patience = PATIENCE;
    Ok(check.run(&mut |_| {})?)
}

/// Serves a port for as long as the test runs.
fn listen(manner: Manner, tls: Option<Arc<ServerConfig>>, certificates: &Certificates) -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port();
    let certificates = certificates.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (tls, certificates) = (tls.clone(), certificates.clone());
            thread::spawn(move || serve(stream, manner, tls, &certificates));
        }
    });
    Ok(port)
}

fn serve(stream: TcpStream, manner: Manner, tls: Option<Arc<ServerConfig>>, certificates: &Certificates) -> Option<()> {
    if let Some(config) = tls {
        let socket = tungstenite::accept(StreamOwned::new(ServerConnection::new(config).ok()?, stream)).ok()?;
        return keep_silent(socket);
    }
    let mut socket = tungstenite::accept(stream).ok()?;
    if manner == Manner::Mute {
        return keep_silent(socket);
    }
    loop {
        let message = match socket.read().ok()? {
            Message::Text(text) => serde_json::from_str::<Value>(&text).unwrap_or_default(),
            Message::Binary(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
            _ => continue,
        };
        if message["method"] == "signCertificate" {
            certificates.deliver(&message);
            socket.send(Message::text(r#"{"deviceId":""}"#)).ok()?;
        }
    }
}

/// Holds a connection, and never looks at it.
fn keep_silent<T>(held: T) -> Option<()> {
    thread::park();
    drop(held);
    Some(())
}

/// A CA whose certificates are all the same.
#[derive(Clone)]
struct Certificates {
    ca: String,
    server: CertificateDer<'static>,
    server_key: Vec<u8>,
}

impl Certificates {
    fn new() -> Result<Self> {
        let (ca_key, key) = (KeyPair::generate()?, KeyPair::generate()?);
        let mut ca_params = named("SonarCA");
        ca_params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = ca_params.self_signed(&ca_key)?.pem();
        let server = named("localhost").signed_by(&key, &Issuer::new(ca_params, &ca_key))?;
        Ok(Self { ca, server: server.der().clone(), server_key: key.serialize_der() })
    }

    fn deliver(&self, message: &Value) {
        let destination = message["destination"].as_str().unwrap_or("/nowhere/");
        // Everybody becomes a CA.
        for name in ["sonarCA.crt", "device.crt"] {
            let _ = fs::write(format!("{destination}{name}"), &self.ca);
        }
    }

    /// An old server, which shows one certificate and wants none.
    fn server_config(&self) -> Result<Arc<ServerConfig>> {
        let key = PrivateKeyDer::try_from(self.server_key.clone())?;
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS12])?
            .with_client_cert_verifier(Arc::new(Anybody))
            .with_single_cert(vec![self.server.clone()], key)?;
        Ok(Arc::new(config))
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// Takes every certificate, and none as well.
#[derive(Debug)]
struct Anybody;

impl ClientCertVerifier for Anybody {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> std::result::Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
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

/// Says yes to everything, and has nothing done.
struct NoDriver;

impl Driver for NoDriver {
    fn serves(&mut self, _: &str) -> std::result::Result<bool, String> {
        Ok(true)
    }

    fn init(&mut self, _: &str, _: &str) -> std::result::Result<(), String> {
        Ok(())
    }

    fn start_call(&mut self, _: &str, _: &str, _: &str, _: Value) -> std::result::Result<(), String> {
        Ok(())
    }

    fn finish_call(&mut self, _: Duration) -> std::result::Result<std::result::Result<Value, Value>, String> {
        Ok(Ok(json!({})))
    }

    fn event(&mut self, _: &str, _: &str, _: &str, _: Duration) -> std::result::Result<Value, String> {
        Ok(json!({}))
    }
}
