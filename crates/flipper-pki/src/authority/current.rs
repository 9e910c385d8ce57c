//! What a CA works with at the moment.

use std::sync::Arc;
use std::time::Duration;

use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, UnixTime};

use super::error::AuthorityError;
use super::issue::{self, Ca, IssueError};
use super::revocation::Revocations;
use super::state::{Files, Previous};
use crate::key::PrivateKey;
use crate::verifier::PinnedCa;
use crate::x509::{Parsed, Validity};

/// Keys, certificates, and whose certificates are accepted. Replaced as a whole.
#[derive(Clone, Debug)]
pub(super) struct Current {
    pub(super) keys: Arc<Keys>,
    pub(super) chain: Arc<Chain>,
    /// Trust in the CA itself, and in those before it.
    trusted: Arc<[PinnedCa]>,
    pub(super) revoked: Arc<Revocations>,
}

impl Current {
    pub(super) fn new(keys: Keys, chain: Chain, previous: Vec<PinnedCa>, revoked: Revocations) -> Self {
        // That its own CA is its own does not depend on the date. Nobody but the desktop itself has its key, so nobody
        // else may show its certificate.
        let trust = |ca: PinnedCa| ca.always_valid().refusing_key(keys.server_key.public_key());
        let mut trusted = vec![trust(chain.trust.clone())];
        trusted.extend(previous.into_iter().map(trust));
        Self { keys: Arc::new(keys), chain: Arc::new(chain), trusted: trusted.into(), revoked: Arc::new(revoked) }
    }

    /// What is on the disk, under its lock. Whatever is missing there is made, and what was interrupted is finished.
    pub(super) fn load(files: &Files, now: UnixTime) -> Result<Self, AuthorityError> {
        let previous = files.load_previous()?;
        let key = files.load_or_create_ca_key()?;
        let server_key = files.load_or_create_server_key()?;
        let key_id = stored_key_id(files, &key, &previous, now)?.unwrap_or_else(|| issue::new_key_id(&key));
        let keys = Keys { key, key_id, server_key };
        let chain = keys.load_or_issue(files, &previous, now)?;
        let revoked = files.load_revocations()?.pruned(now);
        let previous = files.tidy_previous(previous, &chain.trust, now)?;
        Ok(Self::new(keys, chain, previous, revoked))
    }

    /// What is on the disk, without its lock, and changing nothing. `None` if somebody is changing it, or it needs to be.
    pub(super) fn read(files: &Files, now: UnixTime) -> Result<Option<Self>, AuthorityError> {
        let (Some(key), Some(server_key)) = (files.load_ca_key()?, files.load_server_key()?) else { return Ok(None) };
        let previous = files.load_previous()?;
        let Some(key_id) = stored_key_id(files, &key, &previous, now)? else { return Ok(None) };
        let keys = Keys { key, key_id, server_key };
        let Some(chain) = keys.load(files, &previous, now)? else { return Ok(None) };
        let revoked = files.load_revocations()?.pruned(now);
        let previous = previous.into_iter().filter(|previous| !previous.is_over(&chain.trust, now));
        let previous = previous.map(|previous| previous.ca).collect();
        Ok(Some(Self::new(keys, chain, previous, revoked)))
    }

    /// Those whose certificates are accepted.
    pub(super) fn trusted(&self) -> &[PinnedCa] {
        &self.trusted
    }

    /// Those before the CA itself.
    pub(super) fn previous(&self) -> &[PinnedCa] {
        self.trusted.get(1..).unwrap_or_default()
    }

    /// The same with this chain, of the same keys.
    pub(super) fn showing(&self, chain: Chain) -> Self {
        Self { chain: Arc::new(chain), ..self.clone() }
    }

    /// The same with these revocations.
    pub(super) fn revoking(&self, revoked: Revocations) -> Self {
        Self { revoked: Arc::new(revoked), ..self.clone() }
    }
}

/// What lasts longer than certificates.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) key: PrivateKey,
    /// Official clients look for the issuer of a certificate by this, so it outlives the certificate.
    pub(super) key_id: Vec<u8>,
    pub(super) server_key: PrivateKey,
}

impl Keys {
    pub(super) fn ca(&self) -> Ca<'_> {
        Ca::new(&self.key, &self.key_id)
    }

    /// The certificates on disk, if they are good and young; else new ones, written there.
    fn load_or_issue(&self, files: &Files, previous: &[Previous], now: UnixTime) -> Result<Chain, AuthorityError> {
        if let Some(stored) = self.load(files, previous, now)?
            && !stored.is_due(now)
        {
            return Ok(stored);
        }
        let issued = self.issue_chain(now)?;
        files.write_certificates(&issued.ca, &issued.certified.cert[0])?;
        Ok(issued)
    }

    /// The certificates on disk, if they are good.
    fn load(&self, files: &Files, previous: &[Previous], now: UnixTime) -> Result<Option<Chain>, AuthorityError> {
        let issued = self.issue_chain(now)?;
        let stored_ca = files.load_ca(&issued.trust, previous)?;
        let stored_server = files.load_server(&issued.trust, &self.server_key)?;
        Ok(stored_ca.zip(stored_server).and_then(|(ca, server)| Chain::new(ca, server, &self.server_key)))
    }

    pub(super) fn issue_chain(&self, now: UnixTime) -> Result<Chain, AuthorityError> {
        let ca = self.ca().issue_ca(now)?;
        let server = self.ca().issue_server(&self.server_key, now)?;
        let chain = Chain::new(ca, server, &self.server_key);
        chain.ok_or(IssueError::Signing).map_err(AuthorityError::from)
    }
}

/// What is shown in handshakes.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) ca: CertificateDer<'static>,
    server: Validity,
    pub(super) trust: PinnedCa,
    pub(super) certified: Arc<CertifiedKey>,
}

impl Chain {
    /// `None` if the certificates are not what they should be.
    fn new(ca: CertificateDer<'static>, server: CertificateDer<'static>, key: &PrivateKey) -> Option<Self> {
        let validity = Parsed::read(&server).ok()?.validity();
        let trust = PinnedCa::new(ca.clone()).ok()?;
        // Exactly these two: the official Android SDK counts them.
        let certified = Arc::new(CertifiedKey::new(vec![server, ca.clone()], key.signer()));
        Some(Self { ca, server: validity, trust, certified })
    }

    pub(super) fn is_valid(&self, now: UnixTime) -> bool {
        let both = self.trust.validity().intersect(self.server);
        both.has_begun(now) && !both.has_ended(now)
    }

    pub(super) fn is_due(&self, now: UnixTime) -> bool {
        is_due(self.trust.validity(), issue::CA_VALIDITY, now) || is_due(self.server, issue::SERVER_VALIDITY, now)
    }
}

/// Whether a certificate that is usually valid for `usual` is to be renewed.
///
/// Because of its age; because it lies in the future, after the clock was put right; or because less
/// than half of its time is left, as with the 30 days of an adopted CA.
fn is_due(validity: Validity, usual: Duration, now: UnixTime) -> bool {
    let youth = (issue::BACKDATED_BY + issue::RENEW_AFTER).as_secs();
    let left = validity.not_after.saturating_sub(now.as_secs());
    now.as_secs() >= validity.not_before.saturating_add(youth) || !validity.has_begun(now) || left < usual.as_secs() / 2
}

/// The key id in the CA's certificate, or in one that an adoption has laid aside, if there is one that can be used.
fn stored_key_id(
    files: &Files,
    key: &PrivateKey,
    previous: &[Previous],
    now: UnixTime,
) -> Result<Option<Vec<u8>>, AuthorityError> {
    // The id makes no difference to what is compared here.
    let expected = Ca::new(key, &[]).issue_ca(now)?;
    let expected = PinnedCa::new(expected).map_err(|_| IssueError::Signing)?;
    let laid_aside = || previous.iter().find(|previous| previous.is_of(&expected));
    let stored = match files.load_ca(&expected, previous)? {
        Some(stored) => Some(stored),
        None => laid_aside().map(|previous| previous.ca.certificate().clone()),
    };
    Ok(stored.and_then(|stored| Parsed::read(&stored).ok()?.key_id().ok()?))
}
