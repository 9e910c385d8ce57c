//! One generation of credentials: the five files of one directory.

use std::path::PathBuf;
use std::sync::Arc;

use flipper_proto::{Generation, Medium};
use rustls::sign::CertifiedKey;
use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};

use crate::disk::{Disk, DiskError};
use crate::key::PrivateKey;
use crate::store::credentials::{ConnectionConfig, Credentials};
use crate::store::error::{StoreError, StoreErrorKind};
use crate::verifier::PinnedCa;
use crate::x509::{self, Parsed};

/// The names of the files, the official clients' own.
pub(crate) const REQUEST: &str = "app.csr";
pub(crate) const KEY: &str = "privateKey.pem";
pub(crate) const CA: &str = "sonarCA.crt";
pub(crate) const CERTIFICATE: &str = "device.crt";
pub(crate) const CONFIG: &str = "connection_config.json";

/// All of them.
const FILES: [&str; 5] = [CONFIG, KEY, REQUEST, CA, CERTIFICATE];

/// No file of a generation is larger; real ones have a few KiB.
const MAX_FILE: u64 = 64 * 1024;

/// The directory of one generation.
pub(crate) struct Folder<'a> {
    pub(crate) disk: &'a Disk,
    pub(crate) path: PathBuf,
    pub(crate) generation: Generation,
}

impl Folder<'_> {
    /// Reads the whole generation and checks that its parts fit each other.
    pub(crate) fn load(&self) -> Result<Credentials, StoreError> {
        let config = parse_config(&self.read(CONFIG)?).ok_or_else(|| self.bad_config())?;
        self.credentials(config)
    }

    /// The credentials that the files make together with `config`.
    pub(crate) fn credentials(&self, config: ConnectionConfig) -> Result<Credentials, StoreError> {
        let csr_pem = self.read_request()?;
        let key =
            PrivateKey::from_pem(&self.read(KEY)?).map_err(|error| self.error(StoreErrorKind::BadKey(error), KEY))?;
        let trust = PinnedCa::from_pem(&self.read(CA)?)
            .map_err(|error| self.error(StoreErrorKind::BadCa(error), CA))?
            .refusing_key(key.public_key());
        let certificate = x509::certificate_from_pem(&self.read(CERTIFICATE)?)
            .map_err(|_| self.error(StoreErrorKind::BadCertificate, CERTIFICATE))?;
        let parsed = Parsed::read(&certificate).map_err(|_| self.error(StoreErrorKind::BadCertificate, CERTIFICATE))?;
        // rustls would compare the keys with webpki, which cannot read certificates of version 1.
        if parsed.key() != *key.public_key() {
            return Err(self.error(StoreErrorKind::KeyMismatch, CERTIFICATE));
        }
        if !trust.has_issued(&parsed) {
            return Err(self.error(StoreErrorKind::NotIssuedByCa, CERTIFICATE));
        }
        let (not_before, not_after) = parsed.validity().intersect(trust.validity()).as_wall_times();
        Ok(Credentials {
            generation: self.generation,
            csr_pem,
            csr_path: self.as_told()?,
            device_id: config.device_id,
            medium: config.medium,
            os: config.os,
            not_before,
            not_after,
            identity: Arc::new(CertifiedKey::new(vec![certificate], key.signer())),
            trust: Arc::new(trust),
        })
    }

    /// Writes the key and the request of a new generation.
    pub(crate) fn write_key(&self, key: &PrivateKey, csr_pem: &str) -> Result<(), StoreError> {
        self.write(KEY, key.to_pem().as_bytes())?;
        self.write(REQUEST, csr_pem.as_bytes())
    }

    /// Writes what makes a generation complete.
    pub(crate) fn write_config(&self, config: &ConnectionConfig) -> Result<(), StoreError> {
        let json = serde_json::to_vec(&StoredConfig {
            device_id: config.device_id.clone(),
            medium: u64::from(config.medium.number()),
            os: config.os.clone(),
        });
        self.write(CONFIG, &json.map_err(|_| self.bad_config())?)
    }

    /// Takes possession of what a desktop wrote: others may have been able to read it, or may own it.
    pub(crate) fn adopt_certificates(&self) -> Result<(), StoreError> {
        let (ca, certificate) = (self.read(CA), self.read(CERTIFICATE));
        let missing = |file: &Result<Vec<u8>, StoreError>| matches!(file, Err(error) if *error.kind() == StoreErrorKind::MissingFile);
        if missing(&ca) && missing(&certificate) {
            return Err(StoreError::new(StoreErrorKind::NotDelivered, &self.path));
        }
        self.write_certificates(&ca?, &certificate?)
    }

    pub(crate) fn write_certificates(&self, ca: &[u8], certificate: &[u8]) -> Result<(), StoreError> {
        self.write(CA, ca)?;
        self.write(CERTIFICATE, certificate)
    }

    /// Makes a complete generation survive a loss of power.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        for name in FILES {
            self.disk.sync(&self.path.join(name))?;
        }
        self.disk.sync_parent(&self.path.join(CONFIG))?;
        Ok(self.disk.sync_parent(&self.path)?)
    }

    pub(crate) fn is_complete(&self) -> Result<bool, StoreError> {
        Ok(self.disk.kind(&self.path.join(CONFIG))?.is_some())
    }

    /// Whether any file of a generation is there.
    pub(crate) fn has_any_file(&self) -> Result<bool, StoreError> {
        for name in FILES {
            if self.disk.kind(&self.path.join(name))?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The directory as a desktop is told it, which appends names of files to it as they are.
    pub(crate) fn as_told(&self) -> Result<String, StoreError> {
        let path = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        let mut told = match path.into_os_string().into_string() {
            Ok(path) => path,
            Err(_) => return Err(StoreError::new(StoreErrorKind::NotUnicode, &self.path)),
        };
        if !told.ends_with(std::path::is_separator) {
            told.push(std::path::MAIN_SEPARATOR);
        }
        Ok(told)
    }

    fn read_request(&self) -> Result<String, StoreError> {
        let request = self.read(REQUEST)?;
        let bad = || self.error(StoreErrorKind::BadRequest, REQUEST);
        CertificateSigningRequestDer::from_pem_slice(&request).map_err(|_| bad())?;
        String::from_utf8(request).map_err(|_| bad())
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, StoreError> {
        let content = self.disk.read(&self.path.join(name), MAX_FILE);
        let kind = match content {
            Ok(content) if !content.is_empty() => return Ok(content),
            Ok(_) => StoreErrorKind::EmptyFile,
            Err(error) if error.is_missing() => StoreErrorKind::MissingFile,
            Err(DiskError { kind: std::io::ErrorKind::FileTooLarge, .. }) => StoreErrorKind::FileTooLarge,
            Err(error) => return Err(error.into()),
        };
        Err(self.error(kind, name))
    }

    /// Nothing depends on a generation before it is in use; until then a loss of power may take it away.
    fn write(&self, name: &str, content: &[u8]) -> Result<(), StoreError> {
        Ok(self.disk.write_unsynced(&self.path.join(name), content)?)
    }

    fn bad_config(&self) -> StoreError {
        self.error(StoreErrorKind::BadConfig, CONFIG)
    }

    fn error(&self, kind: StoreErrorKind, name: &str) -> StoreError {
        StoreError::new(kind, &self.path.join(name))
    }
}

#[derive(Serialize, Deserialize)]
struct StoredConfig {
    #[serde(rename = "deviceId")]
    device_id: String,
    /// Clients from before there were media wrote none.
    #[serde(default = "fs_access")]
    medium: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    os: Option<String>,
}

fn fs_access() -> u64 {
    u64::from(Medium::FsAccess.number())
}

fn parse_config(json: &[u8]) -> Option<ConnectionConfig> {
    let StoredConfig { device_id, medium, os } = serde_json::from_slice(json).ok()?;
    Some(ConnectionConfig { device_id, medium: Medium::from_number(medium)?, os })
}
