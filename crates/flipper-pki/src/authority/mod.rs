//! The desktop's certificate authority.

mod current;
mod error;
mod inspect;
mod issue;
mod replace;
mod revocation;
mod state;
mod trust;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use flipper_proto::WallTime;
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls_pki_types::{CertificateDer, UnixTime};

pub use self::error::{AuthorityError, AuthorityErrorKind};
pub use self::inspect::{CertificateFacts, Inspection, StoredCertificate};
pub use self::revocation::{BadRevocationTarget, Revocation, RevocationTarget};

use self::current::{Current, Keys};
use self::issue::IssueError;
use self::revocation::{MAX_REVOCATIONS, Revocations};
use self::state::{Files, Stamps};
use self::trust::AppTrust;
use crate::binding::MAX_DEVICE_ID;
use crate::disk::{Disk, DiskFaults};
use crate::key::{KeyAlgorithm, PrivateKey};
use crate::request::{CertificateRequest, CsrError};
use crate::verifier::PinnedCa;
use crate::x509::Parsed;
use crate::{pem, tls};

/// The CA of a desktop, and the certificate that the desktop itself shows.
///
/// The CA's key is made once and never changes but by [`rotate`](Self::rotate): every app that exchanged certificates
/// with the desktop pins it. Its certificate and the desktop's are issued anew every 20 days, with the same keys, names
/// and key ids, so that nobody has to exchange again and the official Android SDK, which wants
/// everything that it is shown to be younger than 30 days, goes on working. The subject is the official
/// CA's, `C=US, ST=CA, L=Menlo Park, O=Sonar, CN=SonarCA`.
///
/// In its directory, `ca.key` and `ca.crt`, `server.key` and `server.crt` are written as a whole,
/// readable by their owner only, under a lock (`lock`) that keeps two desktops from making two CAs.
/// Everything but `ca.key` and `revoked.json` heals by itself: what is missing, empty or damaged is made again. The CA of
/// an official desktop can be [adopted](AuthorityConfig::adopt).
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
    /// The directory of an official desktop's CA, usually `~/.flipper/certs`, whose key is to be this one's, so that the
    /// apps that trust it connect without a new exchange. What is in it is only read.
    ///
    /// The CA that there was before is treated as by [`Authority::rotate`]. Apps with certificates that the official
    /// desktop issued are let in, but those certificates bind nobody to an app or a device. Default: none.
    pub adopt: Option<PathBuf>,
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
            adopt: None,
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
        if let Some(official) = &config.adopt {
            replace::adopt(&files, official, now)?;
        }
        let current = Current::load(&files, now)?;
        let stamps = files.stamps()?;
        Ok(Self::assemble(current, Some((files, stamps)), config))
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
        Ok(Self::assemble(Current::new(keys, chain, Vec::new(), Revocations::default()), None, config))
    }

    fn assemble(current: Current, files: Option<(Files, Stamps)>, config: AuthorityConfig) -> Self {
        let (files, stamps) = files.unzip();
        let state = RwLock::new(State { current: Arc::new(current), stamps });
        Self { shared: Arc::new(Shared { state, refused_revoked: AtomicU64::new(0), files, config }) }
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
        // An app that is given certificates of a CA that is not in use any more would have to come again.
        self.shared.follow();
        let (current, config) = (self.shared.valid(), &self.shared.config);
        let now = config.clock.current_time().ok_or(CsrError::CannotSign("it has no clock"))?;
        let validity = config.client_validity.min(issue::CLIENT_VALIDITY);
        let name = request.common_name();
        let certificate = current
            .keys
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
            ca_pem: pem::encode("CERTIFICATE", &current.chain.ca),
            common_name: name.to_owned(),
            not_before,
            not_after,
        })
    }

    /// The CA's current certificate, PEM: what `sonarCA.crt` holds.
    #[must_use]
    pub fn ca_pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.shared.valid().chain.ca)
    }

    /// What the desktop shows in a handshake now: its own certificate and the CA's.
    #[must_use]
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.shared.valid().chain.certified.cert.clone()
    }

    /// Renews the CA's certificate and the desktop's if they are more than 20 days old, and says
    /// whether they were. To be called once a day by a desktop that goes on running. Certificates that are
    /// not valid any more are never shown, whether this is called or not.
    ///
    /// # Errors
    /// [`AuthorityError`]; the old certificates stay in use then.
    pub fn renew_if_due(&self) -> Result<bool, AuthorityError> {
        let Shared { files, config, .. } = &*self.shared;
        let now = now(config)?;
        let current = self.shared.current();
        if !current.chain.is_due(now) {
            return Ok(false);
        }
        match files {
            Some(files) => {
                let _lock = files.lock()?;
                // Another desktop with the same directory may have been faster.
                let loaded = Current::load(files, now)?;
                self.shared.replace(loaded, Some(files.stamps()?));
            }
            None => self.shared.replace(current.showing(current.keys.issue_chain(now)?), None),
        }
        Ok(true)
    }

    /// Replaces the CA's key: from now on, the desktop shows and issues certificates of a new CA.
    ///
    /// Apps notice at their next connection and exchange certificates again. What the CA issued so far is accepted from
    /// apps until it expires, unless it is [revoked](Self::revoke): its certificate is kept for that, and its key is not.
    /// A desktop of another process with the same directory follows at its next handshake. A crash on the way leaves
    /// the old CA or the new one, and never half of either.
    ///
    /// # Errors
    /// [`AuthorityError`]; where the disk failed in the middle, the next start finds either CA.
    pub fn rotate(&self) -> Result<(), AuthorityError> {
        let Shared { files, config, .. } = &*self.shared;
        let now = now(config)?;
        match files {
            Some(files) => {
                let _lock = files.lock()?;
                let loaded = replace::rotate(files, config.key_algorithm, now)?;
                self.shared.replace(loaded, Some(files.stamps()?));
            }
            None => {
                self.shared.replace(replace::rotate_in_memory(&self.shared.current(), config.key_algorithm, now)?, None)
            }
        }
        Ok(())
    }

    /// Refuses apps with these certificates from their next connection on. The revocation is forgotten when none of them
    /// could be valid any more.
    ///
    /// A desktop of another process with the same directory follows at its next handshake. Apps that are connected stay
    /// so.
    ///
    /// # Errors
    /// [`AuthorityError`]: a disk that cannot be used, or as many revocations as are remembered (256).
    pub fn revoke(&self, target: RevocationTarget) -> Result<Revocation, AuthorityError> {
        let Shared { files, config, .. } = &*self.shared;
        let now = now(config)?;
        match files {
            Some(files) => {
                let _lock = files.lock()?;
                let (revoked, revocation) = files
                    .load_revocations()?
                    .with(target, now)
                    .ok_or_else(|| files.too_many_revocations(MAX_REVOCATIONS))?;
                files.write_revocations(&revoked)?;
                self.shared.replace(Current::load(files, now)?, Some(files.stamps()?));
                Ok(revocation)
            }
            None => {
                let current = self.shared.current();
                let full = AuthorityErrorKind::TooManyRevocations { max: MAX_REVOCATIONS };
                let (revoked, revocation) =
                    current.revoked.with(target, now).ok_or_else(|| AuthorityError::new(full, Path::new("")))?;
                self.shared.replace(current.revoking(revoked), None);
                Ok(revocation)
            }
        }
    }

    /// How many handshakes were refused because of a revoked certificate.
    #[must_use]
    pub fn refused_revoked(&self) -> u64 {
        self.shared.refused_revoked.load(Ordering::Relaxed)
    }

    /// How a desktop serves port 9088: TLS 1.3 or 1.2, demanding a certificate that this CA or one before it issued.
    ///
    /// Sessions are never resumed, so that every connection proves who it is.
    #[must_use]
    pub fn server_config(&self) -> Arc<ServerConfig> {
        let trust = Arc::new(AppTrust::new(self.clone()));
        let resolver = Arc::new(CurrentChain(self.clone()));
        tls::server_config_with(trust, resolver, Arc::clone(&self.shared.config.clock))
    }

    /// Trust in this CA, as the apps have it whom it delivers `sonarCA.crt` to.
    #[must_use]
    pub fn trust(&self) -> PinnedCa {
        self.shared.valid().chain.trust.clone()
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("files", &self.shared.files)
            .field("chain", &self.shared.current().chain)
            .finish_non_exhaustive()
    }
}

struct Shared {
    state: RwLock<State>,
    refused_revoked: AtomicU64,
    files: Option<Files>,
    config: AuthorityConfig,
}

/// What is in use, and what the files were like that it was read from.
struct State {
    current: Arc<Current>,
    stamps: Option<Stamps>,
}

impl Shared {
    fn current(&self) -> Arc<Current> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner).current)
    }

    /// Both at once, so that nobody takes what was read before for what is there now.
    fn replace(&self, current: Current, stamps: Option<Stamps>) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = State { current: Arc::new(current), stamps };
    }

    /// Takes over what another process did to the files, such as `flipper certs`.
    ///
    /// Each handshake asks the disk no more than whether two files are still the same. One that is replaced just now, or
    /// cannot be used, changes nothing until the next handshake.
    fn follow(&self) {
        let Some(files) = &self.files else { return };
        let Ok(stamps) = files.stamps() else { return };
        if self.state.read().unwrap_or_else(PoisonError::into_inner).stamps == Some(stamps) {
            return;
        }
        let Some(now) = self.config.clock.current_time() else { return };
        if let Ok(Some(read)) = Current::read(files, now) {
            self.replace(read, Some(stamps));
        }
    }

    /// What is in use, with a chain that can be shown. One that is not valid at this moment gives way to a new one: the
    /// machine may have slept when it was to be renewed, or its clock was wrong when it was issued.
    ///
    /// Nothing is written, because a handshake must not wait for that; the next start finds the old one and issues
    /// another.
    fn valid(&self) -> Arc<Current> {
        let current = self.current();
        let invalid = self.config.clock.current_time().filter(|now| !current.chain.is_valid(*now));
        let Some(issued) = invalid.and_then(|now| current.keys.issue_chain(now).ok()) else { return current };
        let renewed = Arc::new(current.showing(issued));
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        // Meanwhile it may have become another CA.
        if Arc::ptr_eq(&state.current, &current) {
            state.current = renewed;
        }
        Arc::clone(&state.current)
    }
}

/// Shows every client the chain of the moment.
#[derive(Debug)]
struct CurrentChain(Authority);

impl ResolvesServerCert for CurrentChain {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.shared.follow();
        Some(Arc::clone(&self.0.shared.valid().chain.certified))
    }
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
