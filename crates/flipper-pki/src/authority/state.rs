//! The files of a desktop's CA.

use std::path::{Path, PathBuf};

use rustls_pki_types::CertificateDer;

use crate::authority::error::{AuthorityError, AuthorityErrorKind};
use crate::disk::{Disk, DiskError, LockGuard, TEMPORARY};
use crate::key::{KeyAlgorithm, PrivateKey};
use crate::pem;
use crate::verifier::PinnedCa;
use crate::x509::{self, Parsed};

const CA_KEY: &str = "ca.key";
const CA_CERTIFICATE: &str = "ca.crt";
const SERVER_KEY: &str = "server.key";
const SERVER_CERTIFICATE: &str = "server.crt";
const LOCK: &str = "lock";

/// No file of a CA is larger; real ones have 2 KiB.
const MAX_FILE: u64 = 64 * 1024;

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
        if let Some(text) = self.read(CA_KEY)? {
            let key =
                PrivateKey::from_pem(&text).map_err(|error| self.error(AuthorityErrorKind::BadKey(error), CA_KEY))?;
            self.disk.restrict(&self.path(CA_KEY))?;
            return Ok(key);
        }
        if self.read(CA_CERTIFICATE)?.is_some() {
            return Err(self.error(AuthorityErrorKind::MissingKey, CA_KEY));
        }
        self.create_key(CA_KEY)
    }

    /// Reads the key of the desktop's own certificate, or makes a new one: nobody pins that.
    pub(crate) fn load_or_create_server_key(&self) -> Result<PrivateKey, AuthorityError> {
        match self.read(SERVER_KEY)?.map(|text| PrivateKey::from_pem(&text)) {
            Some(Ok(key)) => {
                self.disk.restrict(&self.path(SERVER_KEY))?;
                Ok(key)
            }
            Some(Err(_)) | None => self.create_key(SERVER_KEY),
        }
    }

    /// Reads the CA's certificate; `None` if there is none that could be used.
    ///
    /// `ca` has the key and the subject that it must have.
    pub(crate) fn load_ca(&self, ca: &PinnedCa) -> Result<Option<CertificateDer<'static>>, AuthorityError> {
        let Some(certificate) = self.read_certificate(CA_CERTIFICATE)? else { return Ok(None) };
        let Ok(parsed) = Parsed::read(&certificate) else { return Ok(None) };
        if !ca.is_subject_of(&parsed) {
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
