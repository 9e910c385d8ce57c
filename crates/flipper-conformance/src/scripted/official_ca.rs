//! The certificates of the official desktop, made by the same commands.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use flipper_pki::PinnedCa;
use rustls::ServerConfig;
use rustls::server::NoServerSessionStorage;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;

use crate::Result;

/// A CA as the official desktop makes it: RSA 2048, and every certificate but its own of X.509 version 1, without a
/// subjectAltName or any other extension.
#[derive(Debug)]
pub struct OfficialCa {
    dir: TempDir,
}

const CA_SUBJECT: &str = "/C=US/ST=CA/L=Menlo Park/O=Sonar/CN=SonarCA";
const SERVER_SUBJECT: &str = "/C=US/ST=CA/L=Menlo Park/O=Sonar/CN=localhost";

impl OfficialCa {
    pub(super) fn new() -> Result<Self> {
        let ca = Self { dir: TempDir::new()? };
        ca.openssl(&["genrsa", "-out", "ca.key", "2048"])?;
        ca.openssl(&["req", "-new", "-x509", "-subj", CA_SUBJECT, "-key", "ca.key", "-out", "ca.crt", "-days", "30"])?;
        ca.openssl(&["genrsa", "-out", "server.key", "2048"])?;
        ca.openssl(&["req", "-new", "-key", "server.key", "-out", "server.csr", "-subj", SERVER_SUBJECT])?;
        ca.issue("server.csr", "server.crt")?;
        let told = ca.openssl(&["x509", "-in", "server.crt", "-noout", "-text"])?;
        // What this is all about: should an OpenSSL ever write another version, the test must not pass because of it.
        if !told.contains("Version: 1 (0x0)") {
            return Err(format!("this openssl does not issue certificates of version 1: {told}").into());
        }
        Ok(ca)
    }

    /// The CA's certificate, PEM.
    pub(super) fn certificate(&self) -> Result<String> {
        self.read("ca.crt")
    }

    /// Issues a certificate to an app, PEM.
    pub(super) fn sign(&self, csr_pem: &str) -> Result<String> {
        fs::write(self.path("app.csr"), csr_pem)?;
        self.issue("app.csr", "device.crt")?;
        self.read("device.crt")
    }

    /// Puts what an official client keeps after an exchange into a directory: the flat files, and the key in the form
    /// of the time.
    pub(super) fn provision(&self, directory: &std::path::Path, subject: &str, config: &str) -> Result {
        self.openssl(&["genrsa", "-traditional", "-out", "app.key", "2048"])?;
        self.openssl(&["req", "-new", "-key", "app.key", "-out", "app.csr", "-subj", subject])?;
        self.issue("app.csr", "device.crt")?;
        for (from, to) in [
            ("app.csr", "app.csr"),
            ("app.key", "privateKey.pem"),
            ("ca.crt", "sonarCA.crt"),
            ("device.crt", "device.crt"),
        ] {
            fs::copy(self.path(from), directory.join(to))?;
        }
        Ok(fs::write(directory.join("connection_config.json"), config)?)
    }

    /// How the official desktop serves port 9088: its own certificate alone, and none but its own CA's from apps.
    pub(super) fn server_config(&self) -> Result<Arc<ServerConfig>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::from_pem_slice(self.read("server.key")?.as_bytes())?;
        let signer = provider.key_provider.load_private_key(key)?;
        let certificate = CertificateDer::from_pem_slice(self.read("server.crt")?.as_bytes())?;
        let trust = PinnedCa::from_pem(self.certificate()?.as_bytes())?;
        let shown = SingleCertAndKey::from(CertifiedKey::new(vec![certificate], signer));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(Arc::new(trust))
            .with_cert_resolver(Arc::new(shown));
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Arc::new(config))
    }

    fn issue(&self, request: &str, certificate: &str) -> Result {
        let arguments = ["x509", "-req", "-in", request, "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"];
        self.openssl(&[&arguments[..], &["-CAserial", "server.srl", "-out", certificate]].concat()).map(drop)
    }

    fn openssl(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new("openssl")
            .args(arguments)
            .current_dir(&self.dir)
            .output()
            .map_err(|error| format!("the command openssl, which this scenario needs, does not run: {error}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("openssl {arguments:?}: {said}").into());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    fn read(&self, name: &str) -> Result<String> {
        Ok(fs::read_to_string(self.path(name))?)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}
