//! Whose certificates a scripted desktop shows and issues: this project's, or the official desktop's.

use std::sync::Arc;

use flipper_client::Certificates;
use flipper_pki::{Authority, AuthorityConfig};
use rustls::ServerConfig;

use super::official_ca::OfficialCa;
use crate::Result;

/// A CA, and what it issued to the desktop itself.
#[derive(Debug)]
pub enum Issuer {
    /// This project's.
    Ours(Authority),
    /// The official desktop's.
    Official(OfficialCa),
}

impl Issuer {
    /// A new CA of this project, in memory.
    ///
    /// # Errors
    /// When there is no clock, or there are no random numbers.
    pub fn new() -> Result<Self> {
        Ok(Self::Ours(Authority::in_memory(AuthorityConfig::default())?))
    }

    /// A new CA as the official desktop makes it, by the same means: the `openssl` command.
    ///
    /// # Errors
    /// When there is no such command, or it fails.
    pub fn official() -> Result<Self> {
        Ok(Self::Official(OfficialCa::new()?))
    }

    pub(super) fn sign(&self, csr_pem: &str, device_id: &str) -> Result<Certificates> {
        match self {
            Self::Ours(authority) => {
                let signed = authority.sign(csr_pem, device_id)?;
                Ok(Certificates { ca: signed.ca_pem, certificate: signed.certificate_pem })
            }
            Self::Official(ca) => Ok(Certificates { ca: ca.certificate()?, certificate: ca.sign(csr_pem)? }),
        }
    }

    pub(super) fn server_config(&self) -> Result<Arc<ServerConfig>> {
        match self {
            Self::Ours(authority) => Ok(authority.server_config()),
            Self::Official(ca) => ca.server_config(),
        }
    }
}

impl From<Authority> for Issuer {
    fn from(authority: Authority) -> Self {
        Self::Ours(authority)
    }
}
