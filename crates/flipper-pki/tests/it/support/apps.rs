//! Apps with credentials.

use std::fs;
use std::path::Path;

use flipper_pki::{Authority, ConnectionConfig, CredentialStore, Credentials, Prepared, PrivateKey, client_config};
use flipper_proto::Medium;
use tempfile::TempDir;

use crate::support::clock::Clock;
use crate::support::handshake::{self, Outcome, VERSIONS, connect};
use crate::support::official::Ca;
use crate::support::openssl;
use crate::support::temp;

/// An app that keeps its credentials in a directory of its own.
pub(crate) struct App {
    _dir: TempDir,
    pub(crate) store: CredentialStore,
}

pub(crate) const APP_ID: &str = "com.example.bench";

impl App {
    pub(crate) fn new() -> Self {
        let dir = temp::dir();
        let store = CredentialStore::new(dir.path().join("sonar"));
        Self { _dir: dir, store }
    }

    /// An app that an official desktop with this CA has signed.
    pub(crate) fn of(ca: &Ca) -> (Self, Credentials) {
        let app = Self::new();
        let credentials = app.exchange(ca);
        (app, credentials)
    }

    /// A whole exchange with an official desktop, promoted at once.
    pub(crate) fn exchange(&self, ca: &Ca) -> Credentials {
        let prepared = self.store.begin(APP_ID).unwrap();
        deliver(&prepared, &ca.certificate, &ca.sign(&prepared.csr_pem));
        let credentials = self.store.complete(prepared.generation, &config()).unwrap();
        self.store.promote(prepared.generation).unwrap();
        credentials
    }

    /// A whole exchange with a desktop of this project, promoted at once.
    pub(crate) fn exchange_with(&self, authority: &Authority, device_id: &str) -> Credentials {
        let prepared = self.store.begin(APP_ID).unwrap();
        let signed = authority.sign(&prepared.csr_pem, device_id).unwrap();
        deliver(&prepared, &signed.ca_pem, &signed.certificate_pem);
        let config = ConnectionConfig { device_id: device_id.to_owned(), ..config() };
        let credentials = self.store.complete(prepared.generation, &config).unwrap();
        self.store.promote(prepared.generation).unwrap();
        credentials
    }

    /// Exchanges certificates with a desktop and connects to it, now.
    #[track_caller]
    pub(crate) fn meet(&self, authority: &Authority) {
        let credentials = self.exchange_with(authority, "");
        connect(client_config(&credentials), authority.server_config()).assert_connected();
    }

    /// Where the store has its directory.
    pub(crate) fn path(&self) -> &Path {
        self.store.dir()
    }
}

/// An app's certificate and its key, without the rest of an exchange.
pub(crate) struct Member {
    pub(crate) certificate: String,
    key: String,
}

impl Member {
    /// The app of this id, with a certificate of this desktop's.
    pub(crate) fn of(authority: &Authority, app_id: &str) -> Self {
        let key = PrivateKey::generate().unwrap();
        let signed = authority.sign(&key.certificate_request(app_id).unwrap(), "d").unwrap();
        Self { certificate: signed.certificate_pem, key: key.to_pem() }
    }

    /// Connects to a desktop, whatever CA that shows.
    pub(crate) fn connect(&self, desktop: &Authority, clock: &Clock) -> Outcome {
        let chain = handshake::chain(&[&self.certificate]);
        let app = handshake::app(VERSIONS[1], &chain, &self.key, desktop.trust(), clock.as_provider());
        connect(app, desktop.server_config())
    }
}

/// Writes the certificates as a desktop does: to the destination with the names appended.
pub(crate) fn deliver(prepared: &Prepared, ca: &str, certificate: &str) {
    fs::write(format!("{}sonarCA.crt", prepared.destination), ca).unwrap();
    fs::write(format!("{}device.crt", prepared.destination), certificate).unwrap();
}

/// What a desktop on the same machine answers.
pub(crate) fn config() -> ConnectionConfig {
    ConnectionConfig { device_id: String::new(), medium: Medium::FsAccess, os: None }
}

/// The directory of an official client: the five files, a PKCS#1 key.
pub(crate) fn write_flat(dir: &Path, ca: &Ca, key_pem: &str) {
    fs::create_dir_all(dir).unwrap();
    let request = openssl::request(key_pem, openssl::SUBJECT, &[]);
    let key = openssl::run(&["rsa", "-in", "k", "-traditional"], &[("k", key_pem.as_bytes())]);
    assert!(key.starts_with(b"-----BEGIN RSA PRIVATE KEY-----"));
    fs::write(dir.join("device.crt"), ca.sign(&request)).unwrap();
    fs::write(dir.join("app.csr"), request).unwrap();
    fs::write(dir.join("privateKey.pem"), key).unwrap();
    fs::write(dir.join("sonarCA.crt"), &ca.certificate).unwrap();
    fs::write(dir.join("connection_config.json"), r#"{"deviceId":"emulator-5554","medium":1}"#).unwrap();
}
