//! What a client needs to connect securely.

use std::sync::Arc;

use flipper_proto::{Generation, Medium, WallTime};
use rustls::sign::CertifiedKey;

use crate::verifier::PinnedCa;

/// Everything that a client needs to connect securely: who it is, and whom it trusts.
///
/// Made by a [`CredentialStore`](crate::CredentialStore), which has checked that the parts fit each
/// other. They may have expired: what to do then is for the caller to say.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Credentials {
    /// Which generation these are; 0 is the flat directory of an official client.
    pub generation: Generation,
    /// The certificate request that the certificate was issued for, for the key `csr` of the query.
    pub csr_pem: String,
    /// Where the desktop finds `app.csr`, for the key `csr_path` of the query: absolute, with the
    /// trailing separator that the desktop's concatenation of paths needs.
    pub csr_path: String,
    /// The id that the desktop answered. May be empty.
    pub device_id: String,
    /// The medium of the exchange.
    pub medium: Medium,
    /// The os that the desktop accepted in the exchange, where that is not the real one.
    pub os: Option<String>,
    /// From when on the certificates are valid: the later of the client's and the CA's.
    pub not_before: WallTime,
    /// Until when the certificates are valid: the earlier of the client's and the CA's.
    pub not_after: WallTime,
    pub(crate) identity: Arc<CertifiedKey>,
    pub(crate) trust: Arc<PinnedCa>,
}

/// What is remembered of an exchange beside the certificates: `connection_config.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionConfig {
    /// The id that the desktop answered. May be empty.
    pub device_id: String,
    /// The medium of the exchange.
    pub medium: Medium,
    /// The os that the desktop accepted, where that is not the real one. The key `os` is this
    /// project's own; official clients ignore it.
    pub os: Option<String>,
}
