//! The desktop's certificate authority.

mod error;
mod issue;
mod state;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use flipper_proto::WallTime;
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls_pki_types::{CertificateDer, UnixTime};

pub use self::error::{AuthorityError, AuthorityErrorKind};

use self::issue::{Ca, IssueError};
use self::state::Files;
use crate::binding::MAX_DEVICE_ID;
use crate::disk::{Disk, DiskFaults};
use crate::key::{KeyAlgorithm, PrivateKey};
use crate::request::{CertificateRequest, CsrError};
use crate::verifier::PinnedCa;
use crate::x509::{Parsed, Validity};
use crate::{pem, tls};

/// The CA of a desktop, and the certificate that the desktop itself shows.
///
/// The CA's key is made once and never changes: every app that exchanged certificates with the desktop
/// pins it. Its certificate and the desktop's are issued anew every 20 days, with the same keys, names
/// and key ids, so that nobody has to exchange again and the official Android SDK, which wants
/// everything that it is shown to be younger than 30 days, goes on working. The subject is the official
/// CA's, `C=US, ST=CA, L=Menlo Park, O=Sonar, CN=SonarCA`.
///
/// In its directory, `ca.key` and `ca.crt`, `server.key` and `server.crt` are written as a whole,
/// readable by their owner only, under a lock (`lock`) that keeps two desktops from making two CAs.
/// Everything but `ca.key` heals by itself: what is missing, empty or damaged is made again. A key and
/// a certificate of an official CA that are put there are adopted; the certificate is renewed at once,
/// as it is valid for 30 days only.
///
/// Clones share one CA. Configurations that it handed out show renewed certificates from the next
/// handshake on.
#[derive(Clone)]
pub struct Authority {
    shared: Arc<Shared>,
}

/// How an [`Authority`] works.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuthorityConfig {
    /// The clock that certificates are issued and verified by. Default: the system's.
    pub clock: Arc<dyn TimeProvider>,
    /// How long apps' certificates are valid. Default and most: a year. Apps renew them by themselves.
    pub client_validity: Duration,
    /// What kind of keys are made where there are none yet. Default: ECDSA P-256.
    pub key_algorithm: KeyAlgorithm,
    /// Makes accesses to the disk fail, for tests. Default: none.
    pub disk_faults: Option<DiskFaults>,
}

impl Default for AuthorityConfig {
    fn default() -> Self {
        Self {
            clock: tls::system_clock(),
            client_validity: issue::CLIENT_VALIDITY,
            key_algorithm: KeyAlgorithm::EcdsaP256,
            disk_faults: None,
        }
    }
}

/// What a desktop delivers to an app.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignedClient {
    /// The content of `device.crt`: the app's certificate, PEM.
    pub certificate_pem: String,
    /// The content of `sonarCA.crt`: the CA's certificate, PEM.
    pub ca_pem: String,
    /// Whom the certificate was issued to: the common name of the request.
    pub common_name: String,
    /// From when on the certificate is valid: 24 hours ago, for apps whose clock is behind.
    pub not_before: WallTime,
    /// Until when the certificate is valid.
    pub not_after: WallTime,
}

impl Authority {
    /// The CA in this directory, made there if there is none, by the system's clock.
    ///
    /// # Errors
    /// [`AuthorityError`] when the CA's key is damaged, missing beside its certificate, or does not fit
    /// it, and when the disk cannot be used.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, AuthorityError> {
        Self::open_with(dir, AuthorityConfig::default())
    }

    /// [`open`](Self::open) with a configuration.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(dir: impl AsRef<Path>, config: AuthorityConfig) -> Result<Self, AuthorityError> {
        let now = now(&config)?;
        let disk = config.disk_faults.clone().map_or_else(Disk::default, Disk::with_faults);
        let files = Files::new(dir.as_ref(), disk, config.key_algorithm);
        let _lock = files.lock()?;
        let key = files.load_or_create_ca_key()?;
        let server_key = files.load_or_create_server_key()?;
        let key_id = stored_key_id(&files, &key, now)?.unwrap_or_else(|| issue::new_key_id(&key));
        let keys = Keys { key, key_id, server_key };
        let chain = keys.load_or_issue(&files, now)?;
        Ok(Self::assemble(keys, chain, Some(files), config))
    }

    /// A CA that lives in memory only: for tests, and for desktops that keep nothing.
    ///
    /// # Errors
    /// [`AuthorityError`] when there is no clock or there are no random numbers.
    pub fn in_memory(config: AuthorityConfig) -> Result<Self, AuthorityError> {
        let cannot_sign = |_| AuthorityError::new(AuthorityErrorKind::CannotSign, Path::new(""));
        let key = PrivateKey::generate_as(config.key_algorithm).map_err(cannot_sign)?;
        let server_key = PrivateKey::generate_as(config.key_algorithm).map_err(cannot_sign)?;
        let key_id = issue::new_key_id(&key);
        let keys = Keys { key, key_id, server_key };
        let chain = keys.issue_chain(now(&config)?)?;
        Ok(Self::assemble(keys, chain, None, config))
    }

    fn assemble(keys: Keys, chain: Chain, files: Option<Files>, config: AuthorityConfig) -> Self {
        let chain = RwLock::new(Arc::new(chain));
        Self { shared: Arc::new(Shared { keys, chain, files, config }) }
    }

    /// Issues a certificate to the app that made this request.
    ///
    /// Of the request, only the key and the common name are used, see [`CertificateRequest`]. The
    /// certificate is X.509 version 3, no CA's, good for TLS clients only, and names the app and the
    /// device id, see [`Binding`](crate::Binding). `device_id` is the one that the app is answered.
    ///
    /// # Errors
    /// [`CsrError`] when the request is refused, or `device_id` has more than 256 bytes.
    pub fn sign(&self, csr_pem: &str, device_id: &str) -> Result<SignedClient, CsrError> {
        let request = CertificateRequest::from_pem(csr_pem)?;
        if device_id.len() > MAX_DEVICE_ID {
            return Err(CsrError::DeviceIdTooLong { size: device_id.len(), max: MAX_DEVICE_ID });
        }
        let Shared { keys, config, .. } = &*self.shared;
        let now = config.clock.current_time().ok_or(CsrError::CannotSign("it has no clock"))?;
        let validity = config.client_validity.min(issue::CLIENT_VALIDITY);
        let name = request.common_name();
        let certificate = keys
            .ca()
            .issue_client(request.key(), name, device_id, validity, now)
            .map_err(|error| CsrError::CannotSign(error.as_text()))?;
        let parsed = Parsed::read(&certificate).map_err(|_| CsrError::UnsupportedKey)?;
        // The key is encoded anew from its parts; should that ever change it, nobody must get it.
        if parsed.key() != *request.public_key() {
            return Err(CsrError::UnsupportedKey);
        }
        let (not_before, not_after) = parsed.validity().as_wall_times();
        Ok(SignedClient {
            certificate_pem: pem::encode("CERTIFICATE", &certificate),
            ca_pem: self.ca_pem(),
            common_name: name.to_owned(),
            not_before,
            not_after,
        })
    }

    /// The CA's current certificate, PEM: what `sonarCA.crt` holds.
    #[must_use]
    pub fn ca_pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.shared.chain_to_show().ca)
    }

    /// What the desktop shows in a handshake now: its own certificate and the CA's.
    #[must_use]
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.shared.chain_to_show().certified.cert.clone()
    }

    /// Renews the CA's certificate and the desktop's if they are more than 20 days old, and says
    /// whether they were. To be called once a day by a desktop that goes on running. Certificates that are
    /// not valid any more are never shown, whether this is called or not.
    ///
    /// # Errors
    /// [`AuthorityError`]; the old certificates stay in use then.
    pub fn renew_if_due(&self) -> Result<bool, AuthorityError> {
        let Shared { keys, chain, files, config } = &*self.shared;
        let now = now(config)?;
        if !self.shared.chain().is_due(now) {
            return Ok(false);
        }
        let renewed = match files {
            Some(files) => {
                let _lock = files.lock()?;
                // Another desktop with the same directory may have been faster.
                keys.load_or_issue(files, now)?
            }
            None => keys.issue_chain(now)?,
        };
        *chain.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(renewed);
        Ok(true)
    }

    /// How a desktop serves port 9088: TLS 1.3 or 1.2, demanding a certificate of this CA.
    ///
    /// Sessions are never resumed, so that every connection proves who it is.
    #[must_use]
    pub fn server_config(&self) -> Arc<ServerConfig> {
        // Nobody but the desktop itself has its key, so nobody else may show its certificate. That its own CA is its own
        // does not depend on the date.
        let trust = Arc::new(self.trust().always_valid().refusing_key(self.shared.keys.server_key.public_key()));
        let resolver = Arc::new(CurrentChain(self.clone()));
        tls::server_config_with(trust, resolver, Arc::clone(&self.shared.config.clock))
    }

    /// Trust in this CA, as the apps have it whom it delivers `sonarCA.crt` to.
    #[must_use]
    pub fn trust(&self) -> PinnedCa {
        self.shared.chain_to_show().trust.clone()
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("files", &self.shared.files)
            .field("chain", &self.shared.chain())
            .finish_non_exhaustive()
    }
}

struct Shared {
    keys: Keys,
    chain: RwLock<Arc<Chain>>,
    files: Option<Files>,
    config: AuthorityConfig,
}

impl Shared {
    fn chain(&self) -> Arc<Chain> {
        Arc::clone(&self.chain.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The chain to show now. One that is not valid at this moment gives way to a new one: the machine may have slept
    /// when it was to be renewed, or its clock was wrong when it was issued.
    ///
    /// Nothing is written, because a handshake must not wait for the disk; the next start finds the old one and issues
    /// another.
    fn chain_to_show(&self) -> Arc<Chain> {
        let chain = self.chain();
        let Some(now) = self.config.clock.current_time().filter(|now| !chain.is_valid(*now)) else { return chain };
        let Ok(issued) = self.keys.issue_chain(now).map(Arc::new) else { return chain };
        *self.chain.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&issued);
        issued
    }
}

/// What never changes.
struct Keys {
    key: PrivateKey,
    /// Official clients look for the issuer of a certificate by this, so it outlives the certificate.
    key_id: Vec<u8>,
    server_key: PrivateKey,
}

impl Keys {
    fn ca(&self) -> Ca<'_> {
        Ca::new(&self.key, &self.key_id)
    }

    /// The certificates on disk, if they are good and young; else new ones, written there.
    fn load_or_issue(&self, files: &Files, now: UnixTime) -> Result<Chain, AuthorityError> {
        let issued = self.issue_chain(now)?;
        let stored_ca = files.load_ca(&issued.trust)?;
        let stored_server = files.load_server(&issued.trust, &self.server_key)?;
        if let (Some(ca), Some(server)) = (stored_ca, stored_server)
            && let Some(stored) = Chain::new(ca, server, &self.server_key)
            && !stored.is_due(now)
        {
            return Ok(stored);
        }
        files.write_certificates(&issued.ca, &issued.certified.cert[0])?;
        Ok(issued)
    }

    fn issue_chain(&self, now: UnixTime) -> Result<Chain, AuthorityError> {
        let ca = self.ca().issue_ca(now)?;
        let server = self.ca().issue_server(&self.server_key, now)?;
        let chain = Chain::new(ca, server, &self.server_key);
        chain.ok_or(IssueError::Signing).map_err(AuthorityError::from)
    }
}

/// What is shown in handshakes.
#[derive(Debug)]
struct Chain {
    ca: CertificateDer<'static>,
    server: Validity,
    trust: PinnedCa,
    certified: Arc<CertifiedKey>,
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

    fn is_valid(&self, now: UnixTime) -> bool {
        let both = self.trust.validity().intersect(self.server);
        both.has_begun(now) && !both.has_ended(now)
    }

    fn is_due(&self, now: UnixTime) -> bool {
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

/// Shows every client the chain of the moment.
#[derive(Debug)]
struct CurrentChain(Authority);

impl ResolvesServerCert for CurrentChain {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.shared.chain_to_show().certified))
    }
}

/// The key id in the CA's certificate, if there is one that can be used.
fn stored_key_id(files: &Files, key: &PrivateKey, now: UnixTime) -> Result<Option<Vec<u8>>, AuthorityError> {
    // The id makes no difference to what is compared here.
    let expected = Ca::new(key, &[]).issue_ca(now)?;
    let expected = PinnedCa::new(expected).map_err(|_| IssueError::Signing)?;
    let stored = files.load_ca(&expected)?;
    Ok(stored.and_then(|stored| Parsed::read(&stored).ok()?.key_id().ok()?))
}

fn now(config: &AuthorityConfig) -> Result<UnixTime, AuthorityError> {
    Ok(config.clock.current_time().ok_or(IssueError::Clock)?)
}

impl IssueError {
    fn as_text(self) -> &'static str {
        match self {
            Self::Clock => "its clock is beyond all calendars",
            Self::Signing => "the operating system may have no random numbers",
        }
    }
}

impl From<IssueError> for AuthorityError {
    fn from(error: IssueError) -> Self {
        let kind = match error {
            IssueError::Clock => AuthorityErrorKind::NoClock,
            IssueError::Signing => AuthorityErrorKind::CannotSign,
        };
        Self::new(kind, Path::new(""))
    }
}
