//! Whose certificates a scripted desktop shows and issues: this project's, or the official desktop's.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use flipper_client::Certificates;
use flipper_pki::{Authority, AuthorityConfig};
use rustls::ServerConfig;
use rustls::time_provider::TimeProvider;
use rustls_pki_types::UnixTime;

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

    /// A new CA of this project, by another clock than the machine's.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn at(clock: &Clock) -> Result<Self> {
        let mut config = AuthorityConfig::default();
        config.clock = Arc::new(clock.clone());
        Ok(Self::Ours(Authority::in_memory(config)?))
    }

    /// A new CA as the official desktop makes it, by the same means: the `openssl` command.
    ///
    /// # Errors
    /// When there is no such command, or it fails.
    pub fn official() -> Result<Self> {
        Ok(Self::Official(OfficialCa::new()?))
    }

    /// Issues the desktop's own certificates anew, if they are too old, or from the future.
    pub(super) fn renew(&self) -> Result<bool> {
        match self {
            Self::Ours(authority) => Ok(authority.renew_if_due()?),
            Self::Official(_) => Ok(false),
        }
    }

    pub(super) fn sign(&self, csr_pem: &str, device_id: &str) -> Result<Certificates> {
        match self {
            Self::Ours(authority) => {
                let signed = authority.sign(csr_pem, device_id)?;
                Ok(Certificates::new(signed.ca_pem, signed.certificate_pem))
            }
            Self::Official(ca) => Ok(Certificates::new(ca.certificate()?, ca.sign(csr_pem)?)),
        }
    }

    pub(super) fn server_config(&self) -> Result<Arc<ServerConfig>> {
        match self {
            Self::Ours(authority) => Ok(authority.server_config()),
            Self::Official(ca) => ca.server_config(),
        }
    }
}

/// The clock of a CA: the machine's, put forward or back. Clones are one clock.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// By how many seconds it is ahead.
    ahead: Arc<AtomicI64>,
}

impl Clock {
    /// A clock that is ahead by this many seconds, or behind.
    #[must_use]
    pub fn ahead_by(seconds: i64) -> Self {
        Self { ahead: Arc::new(AtomicI64::new(seconds)) }
    }

    /// Puts the clock right.
    pub fn put_right(&self) {
        self.put_ahead_by(0);
    }

    /// Puts the clock forward, or back, by this many seconds from what is right.
    pub fn put_ahead_by(&self, seconds: i64) {
        self.ahead.store(seconds, Ordering::SeqCst);
    }
}

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = UnixTime::now().as_secs().checked_add_signed(self.ahead.load(Ordering::SeqCst))?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

impl From<Authority> for Issuer {
    fn from(authority: Authority) -> Self {
        Self::Ours(authority)
    }
}
