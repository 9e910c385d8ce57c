//! What proves, in an exchange of medium WWW, that app and desktop know the same pairing secret.
//!
//! The proofs are made and checked by whoever drives the state machines; here they are texts that travel. How they are
//! made is defined in the book's chapter on pairing.

use alloc::string::String;

use serde::{Deserialize, Serialize};

/// The member `pairing` of a certificate request: it comes from somebody who knows a pairing's secret, and is fresh.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairingProof {
    /// Which pairing.
    pub id: String,
    /// Random, and new with every request: base64url of 16 bytes.
    pub nonce: String,
    /// The proof: base64url of 32 bytes.
    pub proof: String,
}

/// The member `bundle` of the answer to a paired certificate request, and the content of what an uploader uploads: both
/// certificates, and the proof that they come from a desktop that knows the pairing's secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// The desktop's CA, in PEM.
    pub ca: String,
    /// The app's certificate, in PEM.
    pub certificate: String,
    /// The proof: base64url of 32 bytes. Without one, somebody else has to vouch for the certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
}

impl Bundle {
    /// Reads what an uploader uploaded.
    #[must_use]
    pub fn from_json(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// What an uploader uploads.
    #[must_use]
    pub fn to_json(&self) -> String {
        crate::wire::encode::to_json(self)
    }
}
