//! Apps that are paired, and what they ask for.

use std::time::{SystemTime, UNIX_EPOCH};

use flipper_async::Runtime;
use flipper_desktop::pki::{PairedRequest, PairingLink, PairingSecret, Pairings};
use flipper_desktop::proto::{Medium, PairingProof, Query, WallTime};
use flipper_desktop::{Builder, Desktop, Ports};
use serde_json::{Value, json};

use super::{Identity, Rig, desktop};

pub(crate) const APP_ID: &str = "com.example.paired";
pub(crate) const DEVICE: &str = "Ann's board";

pub(crate) fn now() -> WallTime {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    WallTime::from_unix_millis(u64::try_from(now.as_millis()).unwrap())
}

/// A desktop of this builder, and the secret that it shares with an app.
pub(crate) async fn paired_with<R: Runtime>(builder: Builder) -> (Rig<R>, PairingSecret) {
    let pairings = Pairings::in_memory();
    let (_, secret) = pairings.create("board", None, now()).unwrap();
    (Rig::start(builder.pairings(pairings)).await, secret)
}

pub(crate) async fn paired<R: Runtime>() -> (Rig<R>, PairingSecret) {
    paired_with(desktop()).await
}

pub(crate) fn link(ports: Ports, secret: &PairingSecret) -> String {
    let (host, secret) = ("127.0.0.1".to_owned(), secret.clone());
    PairingLink { host, insecure_port: ports.insecure, secure_port: ports.secure, secret }.to_url()
}

pub(crate) fn link_to<R: Runtime>(desktop: &Desktop<R>, secret: &PairingSecret) -> String {
    link(desktop.ports(), secret)
}

/// A certificate request of an app that is paired, to be tampered with.
pub(crate) struct Asking {
    pub(crate) csr: String,
    pub(crate) device: String,
    pub(crate) medium: Medium,
    pub(crate) timestamp: WallTime,
    pub(crate) proof: PairingProof,
}

impl Asking {
    pub(crate) fn new(secret: &PairingSecret) -> Self {
        Self::at(secret, now())
    }

    pub(crate) fn at(secret: &PairingSecret, timestamp: WallTime) -> Self {
        let csr = Identity::of(APP_ID).csr;
        let request = PairedRequest { csr: &csr, device: DEVICE, medium: Medium::Www, timestamp };
        let proof = secret.prove(&request).unwrap();
        Self { csr, device: DEVICE.to_owned(), medium: Medium::Www, timestamp, proof }
    }

    pub(crate) fn query(&self) -> Query {
        let mut query = Query::new("Paired", "Linux", &*self.device, "unknown");
        query.app_id = Some(APP_ID.to_owned());
        query.medium = Some(self.medium);
        query
    }

    pub(crate) fn message(&self) -> Value {
        let Self { csr, medium, timestamp, proof, .. } = self;
        json!({
            "method": "signCertificate", "csr": csr, "destination": "/nowhere/", "medium": medium.number(),
            "timestamp": timestamp.as_unix_millis(), "pairing": proof,
        })
    }
}
