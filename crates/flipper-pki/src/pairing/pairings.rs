//! The pairings of a desktop.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use flipper_proto::{Bundle, Excerpt, PairingProof, WallTime};

use super::file::{Place, Safety};
use super::proof::{PairedRequest, PairingSecret};
use super::record::{Record, Seen};
use crate::disk::{Disk, DiskAccess, DiskError, DiskFaults};

/// The pairings of a desktop, in the file `pairings.json` of its directory.
///
/// The file is read anew whenever it matters, and changed under the lock of the directory: what one process makes or
/// revokes, a desktop that runs knows from the next request on. It is replaced as a whole and readable by its owner
/// only. A file that cannot be read is put aside as `pairings.json.damaged`: nobody is paired then, which is the safe
/// way to be wrong.
///
/// Clones are the same pairings. Everything here may wait for the disk.
#[derive(Clone)]
pub struct Pairings(Arc<Place>);

/// What is known about a pairing, but for its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pairing {
    /// Its id.
    pub id: String,
    /// What a person calls it.
    pub name: String,
    /// When it was made.
    pub created: WallTime,
    /// When it ends by itself.
    pub expires: Option<WallTime>,
    /// When a certificate was last asked for with it.
    pub last_used: Option<WallTime>,
    /// How many certificate requests were taken.
    pub uses: u64,
    /// How many were refused because their proof was wrong, or came for a second time.
    pub failures: u64,
    /// Whether it can be used.
    pub state: PairingState,
}

/// Whether a pairing can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairingState {
    /// It can.
    Active,
    /// Its time is over.
    Expired,
    /// Somebody ended it.
    Revoked,
}

/// A certificate request whose proof is right.
#[derive(Clone, Debug)]
pub struct Paired {
    secret: PairingSecret,
    proof: PairingProof,
    csr: String,
    device: String,
    name: String,
}

impl Paired {
    /// What a person calls the pairing.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The pairing's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.proof.id
    }

    /// The device id that belongs to this app, see [`PairingSecret::device_id`]. `app` is the CN of its request.
    #[must_use]
    pub fn device_id(&self, app: &str) -> String {
        self.secret.device_id(app, &self.device)
    }

    /// Bundles certificates for the app, with the proof that they come from this desktop.
    #[must_use]
    pub fn bundle(&self, device_id: &str, ca: &str, certificate: &str) -> Bundle {
        self.secret.bundle(&self.proof, &self.csr, device_id, ca, certificate)
    }
}

impl Pairings {
    /// By how much the clock of an app may differ from the desktop's: 10 minutes.
    pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(10 * 60);

    /// How many pairings there can be. Revoked and expired ones make room for others.
    pub const MAX: usize = 256;

    /// How many requests of one pairing are taken within twice the tolerance.
    const MAX_SEEN: usize = 1_000;

    /// The most characters of a name.
    const MAX_NAME: usize = 64;

    fn tolerance() -> u64 {
        u64::try_from(Self::CLOCK_TOLERANCE.as_millis()).unwrap_or(u64::MAX)
    }

    /// The pairings in this directory, a desktop's. Nothing is read or written yet.
    #[must_use]
    pub fn open(dir: impl Into<PathBuf>) -> Self {
        Self(Arc::new(Place::directory(dir.into(), Disk::default())))
    }

    /// The pairings in this directory, on a disk that fails where `faults` says so.
    #[must_use]
    pub fn open_with_disk_faults(dir: impl Into<PathBuf>, faults: DiskFaults) -> Self {
        Self(Arc::new(Place::directory(dir.into(), Disk::with_faults(faults))))
    }

    /// Pairings that are gone with the process.
    #[must_use]
    pub fn in_memory() -> Self {
        Self(Arc::new(Place::memory()))
    }

    /// Makes a pairing. Its secret is told here and never again.
    ///
    /// # Errors
    /// [`PairingsError`].
    pub fn create(
        &self,
        name: &str,
        lifetime: Option<Duration>,
        now: WallTime,
    ) -> Result<(Pairing, PairingSecret), PairingsError> {
        let secret = PairingSecret::generate().ok_or(PairingsError::NoRandomness)?;
        let millis = now.as_unix_millis();
        let expires =
            lifetime.map(|lifetime| millis.saturating_add(u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX)));
        let name = name.chars().filter(|c| !c.is_control()).take(Self::MAX_NAME).collect();
        let record = Record::new(&secret, name, millis, expires);
        let pairing = Pairing::of(&record, millis);
        self.0.change(|content| {
            if content.pairings.len() >= Self::MAX {
                let over = |record: &Record| record.revoked.is_some() || record.has_expired(millis);
                let at = content.pairings.iter().position(over).ok_or(PairingsError::TooMany { max: Self::MAX })?;
                content.pairings.remove(at);
            }
            content.pairings.push(record);
            Ok(())
        })?;
        Ok((pairing, secret))
    }

    /// All pairings, the oldest first.
    ///
    /// # Errors
    /// [`PairingsError`].
    pub fn list(&self, now: WallTime) -> Result<Vec<Pairing>, PairingsError> {
        let turn = self.0.turn()?;
        let content = turn.read()?;
        Ok(content.pairings.iter().map(|record| Pairing::of(record, now.as_unix_millis())).collect())
    }

    /// Ends a pairing: no certificates are issued with it any more, and its secret is forgotten. Those that were issued
    /// stay valid. A pairing that was revoked before stays so.
    ///
    /// # Errors
    /// [`PairingsError::Unknown`], and those of the disk.
    pub fn revoke(&self, id: &str, now: WallTime) -> Result<Pairing, PairingsError> {
        let millis = now.as_unix_millis();
        self.0.change(|content| {
            let record = content.find(id).ok_or_else(|| PairingsError::Unknown(Excerpt::new(id)))?;
            record.revoke(millis);
            Ok(Pairing::of(record, millis))
        })
    }

    /// Where a file is that could not be read, if there ever was one.
    #[must_use]
    pub fn set_aside(&self) -> Option<PathBuf> {
        self.0.set_aside()
    }

    /// Whether a request may have a certificate. Each is taken once: the same proof is refused from then on.
    ///
    /// # Errors
    /// [`PairingRefusal`]. Wrong proofs are counted in the file.
    pub fn check(
        &self,
        request: &PairedRequest<'_>,
        proof: &PairingProof,
        now: WallTime,
    ) -> Result<Paired, PairingRefusal> {
        let millis = now.as_unix_millis();
        let mut turn = self.0.turn()?;
        let mut content = turn.read()?;
        let Some(record) = content.find(&proof.id) else {
            return Err(PairingRefusal::Unknown(Excerpt::new(&proof.id)));
        };
        if record.revoked.is_some() {
            return Err(PairingRefusal::Revoked(record.name.clone()));
        }
        let checked = record.check(request, proof, millis);
        if let Err(PairingRefusal::WrongProof | PairingRefusal::Replayed) = &checked {
            record.failures = record.failures.saturating_add(1);
            // The refusal is what matters; the figure is for people.
            let _uncounted = turn.write(content, Safety::None);
        } else if checked.is_ok() {
            // Whoever could send the request once more must not find that it was forgotten.
            turn.write(content, Safety::LossOfPower)?;
        }
        checked
    }
}

impl Record {
    /// Whether a request may have a certificate with this pairing, which is not revoked.
    fn check(&mut self, request: &PairedRequest<'_>, proof: &PairingProof, now: u64) -> Result<Paired, PairingRefusal> {
        // A file that a person changed may hold a secret that is none: nothing is right then.
        let secret = self.secret().filter(|secret| secret.accepts(request, proof));
        let secret = secret.ok_or(PairingRefusal::WrongProof)?;
        if self.has_expired(now) {
            return Err(PairingRefusal::Expired(self.name.clone()));
        }
        let (theirs, tolerance) = (request.timestamp.as_unix_millis(), Pairings::tolerance());
        if theirs.abs_diff(now) > tolerance {
            let apart = i64::try_from(theirs.abs_diff(now)).unwrap_or(i64::MAX);
            return Err(PairingRefusal::ClockSkew { millis: if theirs < now { -apart } else { apart } });
        }
        self.seen.retain(|seen| seen.until >= now);
        if self.seen.iter().any(|seen| seen.nonce == proof.nonce) {
            return Err(PairingRefusal::Replayed);
        }
        if self.seen.len() >= Pairings::MAX_SEEN {
            return Err(PairingRefusal::TooOften);
        }
        self.seen.push(Seen { nonce: proof.nonce.clone(), until: theirs.saturating_add(tolerance) });
        self.last_used = Some(now);
        self.uses = self.uses.saturating_add(1);
        Ok(Paired {
            secret,
            proof: proof.clone(),
            csr: request.csr.to_owned(),
            device: request.device.to_owned(),
            name: self.name.clone(),
        })
    }
}

impl Pairing {
    fn of(record: &Record, now: u64) -> Self {
        let state = if record.revoked.is_some() {
            PairingState::Revoked
        } else if record.has_expired(now) {
            PairingState::Expired
        } else {
            PairingState::Active
        };
        Self {
            id: record.id.clone(),
            name: record.name.clone(),
            created: WallTime::from_unix_millis(record.created),
            expires: record.expires.map(WallTime::from_unix_millis),
            last_used: record.last_used.map(WallTime::from_unix_millis),
            uses: record.uses,
            failures: record.failures,
            state,
        }
    }
}

impl fmt::Debug for Pairings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pairings").field(&self.0).finish()
    }
}

/// Why a request gets no certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PairingRefusal {
    /// There is no pairing of this id.
    Unknown(Excerpt),
    /// The proof was not made with the secret of the pairing, or for another request.
    WrongProof,
    /// The same request was taken before.
    Replayed,
    /// The pairing of this name was revoked.
    Revoked(String),
    /// The pairing of this name is over.
    Expired(String),
    /// The app's clock is too far off to tell a new request from an old one.
    ClockSkew {
        /// By how many milliseconds it is ahead of the desktop's; negative if it is behind.
        millis: i64,
    },
    /// More requests came with this pairing than any honest use brings.
    TooOften,
    /// The pairings cannot be read, or that the request was taken cannot be written down.
    Pairings(PairingsError),
}

impl fmt::Display for PairingRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(id) => write!(f, "this desktop knows no pairing {id}"),
            Self::WrongProof => f.write_str("the request was not made with the secret of the pairing that it names"),
            Self::Replayed => f.write_str("the same request was sent before"),
            // Whoever gave no proof is not told the name.
            Self::Revoked(_) => f.write_str("the pairing was revoked"),
            Self::Expired(name) => write!(f, "the pairing {name:?} has expired"),
            Self::ClockSkew { millis } => {
                let way = if *millis < 0 { "behind" } else { "ahead of" };
                let minutes = millis.unsigned_abs() / 60_000;
                write!(f, "the app's clock is {minutes} min {way} the desktop's; pairing needs clocks that agree")
            }
            Self::TooOften => f.write_str("certificates are asked for too often with this pairing"),
            Self::Pairings(error) => write!(f, "{error}"),
        }
    }
}

impl Error for PairingRefusal {}

impl From<PairingsError> for PairingRefusal {
    fn from(error: PairingsError) -> Self {
        Self::Pairings(error)
    }
}

/// Why pairings cannot be read or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PairingsError {
    /// The disk cannot be used.
    Disk {
        /// What was to be done.
        access: DiskAccess,
        /// Where.
        path: PathBuf,
        /// What kind of error it is.
        kind: io::ErrorKind,
        /// What the system said.
        text: String,
    },
    /// A later version wrote this file.
    Newer(PathBuf),
    /// There is no pairing of this id.
    Unknown(Excerpt),
    /// There are as many pairings as there can be.
    TooMany {
        /// The limit.
        max: usize,
    },
    /// The system has no random numbers.
    NoRandomness,
}

impl fmt::Display for PairingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk { access, path, text, .. } => write!(f, "cannot {access} {}: {text}", path.display()),
            Self::Newer(path) => {
                write!(
                    f,
                    "{} was written by a later version of Flipper; use that, or move the file away",
                    path.display()
                )
            }
            Self::Unknown(id) => write!(f, "there is no pairing {id}; `flipper pair list` shows those there are"),
            Self::TooMany { max } => {
                write!(f, "there are {max} pairings already; revoke one with `flipper pair revoke`")
            }
            Self::NoRandomness => f.write_str("the system has no random numbers to make a secret of"),
        }
    }
}

impl Error for PairingsError {}

impl From<DiskError> for PairingsError {
    fn from(error: DiskError) -> Self {
        let DiskError { access, path, kind, text } = error;
        Self::Disk { access, path, kind, text }
    }
}
