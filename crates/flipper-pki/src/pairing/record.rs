//! The file of a desktop's pairings.

use serde::{Deserialize, Serialize};

use super::proof::PairingSecret;

/// What the file holds.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Content {
    version: u32,
    pub(super) pairings: Vec<Record>,
}

/// A pairing in the file. Times are in Unix milliseconds.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) name: String,
    /// Nothing once the pairing is revoked: a secret that is of no use is not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    pub(super) created: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last_used: Option<u64>,
    #[serde(default)]
    pub(super) uses: u64,
    #[serde(default)]
    pub(super) failures: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) revoked: Option<u64>,
    /// The requests that were taken and could be sent once more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) seen: Vec<Seen>,
}

/// A request that was taken.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Seen {
    pub(super) nonce: String,
    /// From when on its own timestamp gives it away.
    pub(super) until: u64,
}

/// Why a file cannot be read as what it should be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    Damaged,
    /// A later version wrote it.
    Newer,
}

const VERSION: u32 = 1;

impl Default for Content {
    fn default() -> Self {
        Self { version: VERSION, pairings: Vec::new() }
    }
}

impl Content {
    pub(super) fn of_json(json: &[u8]) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        let Head { version } = serde_json::from_slice(json).map_err(|_| Unreadable::Damaged)?;
        if version > VERSION {
            return Err(Unreadable::Newer);
        }
        serde_json::from_slice(json).map_err(|_| Unreadable::Damaged)
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec_pretty(self).unwrap_or_default();
        json.push(b'\n');
        json
    }

    pub(super) fn find(&mut self, id: &str) -> Option<&mut Record> {
        self.pairings.iter_mut().find(|record| record.id == id)
    }
}

impl Record {
    pub(super) fn new(secret: &PairingSecret, name: String, created: u64, expires: Option<u64>) -> Self {
        Self {
            id: secret.id(),
            name,
            secret: Some(secret.to_base64url()),
            created,
            expires,
            last_used: None,
            uses: 0,
            failures: 0,
            revoked: None,
            seen: Vec::new(),
        }
    }

    pub(super) fn secret(&self) -> Option<PairingSecret> {
        self.secret.as_deref().and_then(PairingSecret::from_base64url)
    }

    pub(super) fn revoke(&mut self, now: u64) {
        self.secret = None;
        self.seen.clear();
        self.revoked.get_or_insert(now);
    }

    pub(super) fn has_expired(&self, now: u64) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}
