//! The files of a desktop's CA.

use std::path::{Path, PathBuf};

use rustls_pki_types::{CertificateDer, UnixTime};

use crate::authority::error::{AuthorityError, AuthorityErrorKind};
use crate::authority::issue;
use crate::authority::revocation::Revocations;
use crate::disk::{Disk, DiskError, LockGuard, Stamp, TEMPORARY};
use crate::key::{KeyAlgorithm, PrivateKey};
use crate::pem;
use crate::verifier::PinnedCa;
use crate::x509::{self, Parsed};

const CA_KEY: &str = "ca.key";
const CA_CERTIFICATE: &str = "ca.crt";
const SERVER_KEY: &str = "server.key";
const SERVER_CERTIFICATE: &str = "server.crt";
const REVOKED: &str = "revoked.json";
const LOCK: &str = "lock";

/// `previous-<until>-<fingerprint>.crt`: the certificate of a CA before this one, and until when, in seconds since the
/// Unix epoch, what it issued can be valid. Its key is gone: nobody has to issue anything in its name any more, and what
/// is not kept cannot be stolen.
const PREVIOUS: (&str, &str) = ("previous-", ".crt");

/// No file of a CA is larger; real ones have 2 KiB.
const MAX_FILE: u64 = 64 * 1024;

/// A CA before the one in use.
#[derive(Debug)]
pub(crate) struct Previous {
    pub(crate) ca: PinnedCa,
    /// Until when what it issued can be valid, in seconds since the Unix epoch.
    pub(crate) until: u64,
    name: String,
}

impl Previous {
    /// Whether it is this CA.
    pub(crate) fn is_of(&self, ca: &PinnedCa) -> bool {
        Parsed::read(self.ca.certificate()).is_ok_and(|parsed| ca.is_subject_of(&parsed))
    }

    /// Whether there is nothing left to keep it for: it is the CA in use after all, or all that it issued has expired.
    pub(crate) fn is_over(&self, in_use: &PinnedCa, now: UnixTime) -> bool {
        self.until < now.as_secs() || self.is_of(in_use)
    }
}

/// What tells whether another process changed the CA.
pub(crate) type Stamps = (Option<Stamp>, Option<Stamp>);

/// The directory of a CA.
#[derive(Debug)]
pub(crate) struct Files {
    dir: PathBuf,
    disk: Disk,
    /// The kind of keys that are made.
    algorithm: KeyAlgorithm,
}

impl Files {
    pub(crate) fn new(dir: &Path, disk: Disk, algorithm: KeyAlgorithm) -> Self {
        Self { dir: dir.to_owned(), disk, algorithm }
    }

    /// Makes the directory if need be and keeps other processes out until the guard is dropped.
    pub(crate) fn lock(&self) -> Result<LockGuard, AuthorityError> {
        self.disk.create_dir_all(&self.dir)?;
        let guard = self.disk.lock(&self.path(LOCK))?;
        // Nobody else is writing now, so these are what a crash left behind.
        for name in self.disk.list(&self.dir)? {
            if name.to_string_lossy().starts_with(TEMPORARY) {
                self.disk.remove_file(&self.dir.join(name))?;
            }
        }
        Ok(guard)
    }

    /// Reads the CA's key, or makes one where there never was any.
    ///
    /// Whatever else happened to the key is for a person to decide: every app pins it.
    pub(crate) fn load_or_create_ca_key(&self) -> Result<PrivateKey, AuthorityError> {
        if let Some(key) = self.load_ca_key()? {
            self.disk.restrict(&self.path(CA_KEY))?;
            return Ok(key);
        }
        self.create_key(CA_KEY)
    }

    /// Reads the CA's key; `None` if there is no CA.
    pub(crate) fn load_ca_key(&self) -> Result<Option<PrivateKey>, AuthorityError> {
        if let Some(text) = self.read(CA_KEY)? {
            let key = PrivateKey::from_pem(&text);
            return key.map(Some).map_err(|error| self.error(AuthorityErrorKind::BadKey(error), CA_KEY));
        }
        if self.read(CA_CERTIFICATE)?.is_some() {
            return Err(self.error(AuthorityErrorKind::MissingKey, CA_KEY));
        }
        Ok(None)
    }

    pub(crate) fn write_ca_key(&self, key: &PrivateKey) -> Result<(), AuthorityError> {
        self.write(CA_KEY, &key.to_pem())
    }

    /// Reads the key of the desktop's own certificate, or makes a new one: nobody pins that.
    pub(crate) fn load_or_create_server_key(&self) -> Result<PrivateKey, AuthorityError> {
        let Some(key) = self.load_server_key()? else { return self.create_key(SERVER_KEY) };
        self.disk.restrict(&self.path(SERVER_KEY))?;
        Ok(key)
    }

    /// Reads the key of the desktop's own certificate; `None` if there is none that could be used.
    pub(crate) fn load_server_key(&self) -> Result<Option<PrivateKey>, AuthorityError> {
        Ok(self.read(SERVER_KEY)?.and_then(|text| PrivateKey::from_pem(&text).ok()))
    }

    /// Reads the CA's certificate; `None` if there is none that could be used.
    ///
    /// `ca` has the key and the subject that it must have. That of a CA before it shows that its replacement was
    /// interrupted.
    pub(crate) fn load_ca(
        &self,
        ca: &PinnedCa,
        previous: &[Previous],
    ) -> Result<Option<CertificateDer<'static>>, AuthorityError> {
        let Some(certificate) = self.read_certificate(CA_CERTIFICATE)? else { return Ok(None) };
        let Ok(parsed) = Parsed::read(&certificate) else { return Ok(None) };
        if !ca.is_subject_of(&parsed) {
            if previous.iter().any(|previous| previous.ca.is_subject_of(&parsed)) {
                return Ok(None);
            }
            return Err(self.error(AuthorityErrorKind::ForeignCertificate, CA_CERTIFICATE));
        }
        let is_usable = ca.has_issued(&parsed) && parsed.is_ca() == Ok(Some(true));
        Ok(is_usable.then_some(certificate))
    }

    /// Reads the desktop's own certificate; `None` if there is none that `ca` issued for `key`.
    pub(crate) fn load_server(
        &self,
        ca: &PinnedCa,
        key: &PrivateKey,
    ) -> Result<Option<CertificateDer<'static>>, AuthorityError> {
        let Some(certificate) = self.read_certificate(SERVER_CERTIFICATE)? else {
            return Ok(None);
        };
        let is_usable =
            Parsed::read(&certificate).is_ok_and(|parsed| ca.has_issued(&parsed) && parsed.key() == *key.public_key());
        Ok(is_usable.then_some(certificate))
    }

    pub(crate) fn write_certificates(
        &self,
        ca: &CertificateDer<'_>,
        server: &CertificateDer<'_>,
    ) -> Result<(), AuthorityError> {
        self.write(CA_CERTIFICATE, &pem::encode("CERTIFICATE", ca))?;
        self.write(SERVER_CERTIFICATE, &pem::encode("CERTIFICATE", server))
    }

    /// The CAs before the one in use. One that cannot be read is none: its apps have to exchange certificates again.
    pub(crate) fn load_previous(&self) -> Result<Vec<Previous>, AuthorityError> {
        let mut names: Vec<String> =
            self.disk.list(&self.dir)?.into_iter().filter_map(|name| name.into_string().ok()).collect();
        names.sort_unstable();
        let mut previous = Vec::new();
        for name in names {
            let Some(until) = previous_until(&name) else { continue };
            let certificate = self.read_certificate(&name)?;
            if let Some(ca) = certificate.and_then(|certificate| PinnedCa::new(certificate).ok()) {
                previous.push(Previous { ca, until, name });
            }
        }
        Ok(previous)
    }

    /// Lays the certificate of a CA aside whose place another one takes.
    pub(crate) fn keep_previous(&self, ca: &CertificateDer<'_>, now: UnixTime) -> Result<(), AuthorityError> {
        let until = now.as_secs().saturating_add(issue::CLIENT_VALIDITY.as_secs());
        let (before, after) = PREVIOUS;
        let name = format!("{before}{until}-{:.16}{after}", x509::fingerprint(ca));
        self.write(&name, &pem::encode("CERTIFICATE", ca))
    }

    /// Removes what there is no use for any more, and returns the rest.
    pub(crate) fn tidy_previous(
        &self,
        previous: Vec<Previous>,
        in_use: &PinnedCa,
        now: UnixTime,
    ) -> Result<Vec<PinnedCa>, AuthorityError> {
        let mut kept = Vec::new();
        for previous in previous {
            if previous.is_over(in_use, now) {
                self.disk.remove_file(&self.path(&previous.name))?;
            } else {
                kept.push(previous.ca);
            }
        }
        Ok(kept)
    }

    /// Reads the certificates that are revoked.
    ///
    /// A damaged list is for a person to decide about: without it, those are let in that must not be.
    pub(crate) fn load_revocations(&self) -> Result<Revocations, AuthorityError> {
        let Some(json) = self.read(REVOKED)? else { return Ok(Revocations::default()) };
        Revocations::from_json(&json).ok_or_else(|| self.error(AuthorityErrorKind::BadRevocations, REVOKED))
    }

    pub(crate) fn write_revocations(&self, revocations: &Revocations) -> Result<(), AuthorityError> {
        self.write(REVOKED, &revocations.to_json())
    }

    /// The error of a list that is full.
    pub(crate) fn too_many_revocations(&self, max: usize) -> AuthorityError {
        self.error(AuthorityErrorKind::TooManyRevocations { max }, REVOKED)
    }

    /// What changes when another process replaces the CA, renews its certificate, or revokes one.
    pub(crate) fn stamps(&self) -> Result<Stamps, AuthorityError> {
        Ok((self.disk.stamp(&self.path(CA_CERTIFICATE))?, self.disk.stamp(&self.path(REVOKED))?))
    }

    /// Reads the CA's own certificate and the desktop's, whatever they are about; the inner `None` is one that is damaged.
    pub(crate) fn stored_certificates(&self) -> Result<[Option<Option<CertificateDer<'static>>>; 2], AuthorityError> {
        let parse = |text: Vec<u8>| x509::certificate_from_pem(&text).ok();
        Ok([self.read(CA_CERTIFICATE)?.map(parse), self.read(SERVER_CERTIFICATE)?.map(parse)])
    }

    /// Whether there is a directory at all.
    pub(crate) fn is_there(&self) -> Result<bool, AuthorityError> {
        Ok(self.disk.kind(&self.dir)?.is_some())
    }

    /// The key and the certificate of the official desktop's CA in this directory, which is only read.
    pub(crate) fn read_official(dir: &Path) -> Result<(PrivateKey, CertificateDer<'static>), AuthorityError> {
        let official = Self::new(dir, Disk::default(), KeyAlgorithm::EcdsaP256);
        let nothing = |name| official.error(AuthorityErrorKind::NothingToAdopt, name);
        let key = official.read(CA_KEY)?.ok_or_else(|| nothing(CA_KEY))?;
        let key = PrivateKey::from_pem(&key)
            .map_err(|error| official.error(AuthorityErrorKind::CannotAdopt(error), CA_KEY))?;
        let certificate = official.read(CA_CERTIFICATE)?.ok_or_else(|| nothing(CA_CERTIFICATE))?;
        let unfit = || official.error(AuthorityErrorKind::CannotAdoptCertificate, CA_CERTIFICATE);
        let certificate = x509::certificate_from_pem(&certificate).map_err(|_| unfit())?;
        let pinned = PinnedCa::new(certificate.clone()).map_err(|_| unfit())?;
        if pinned.is_of_key(key.public_key()) { Ok((key, certificate)) } else { Err(unfit()) }
    }

    fn create_key(&self, name: &str) -> Result<PrivateKey, AuthorityError> {
        let key = PrivateKey::generate_as(self.algorithm);
        let key = key.map_err(|_| self.error(AuthorityErrorKind::CannotSign, name))?;
        self.write(name, &key.to_pem())?;
        Ok(key)
    }

    fn read_certificate(&self, name: &str) -> Result<Option<CertificateDer<'static>>, AuthorityError> {
        Ok(self.read(name)?.and_then(|text| x509::certificate_from_pem(&text).ok()))
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, AuthorityError> {
        match self.disk.read(&self.path(name), MAX_FILE) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.is_missing() => Ok(None),
            // Too large is as good as garbage: its reader says what to do about that.
            Err(DiskError { kind: std::io::ErrorKind::FileTooLarge, .. }) => Ok(Some(Vec::new())),
            Err(error) => Err(error.into()),
        }
    }

    fn write(&self, name: &str, content: &str) -> Result<(), AuthorityError> {
        Ok(self.disk.write(&self.path(name), content.as_bytes())?)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn error(&self, kind: AuthorityErrorKind, name: &str) -> AuthorityError {
        AuthorityError::new(kind, &self.path(name))
    }
}

/// Until when what a CA issued can be valid whose certificate was laid aside under this name.
fn previous_until(name: &str) -> Option<u64> {
    let (before, after) = PREVIOUS;
    let (until, _) = name.strip_prefix(before)?.strip_suffix(after)?.split_once('-')?;
    until.parse().ok()
}
