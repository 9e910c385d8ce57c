//! What is to be seen of a CA on the disk, without a change to it.

use std::path::Path;

use flipper_proto::WallTime;
use rustls_pki_types::{CertificateDer, UnixTime};

use super::current::Current;
use super::error::AuthorityError;
use super::revocation::{Revocation, Revocations};
use super::state::Files;
use super::{Authority, AuthorityConfig, now};
use crate::disk::Disk;
use crate::key::KeyAlgorithm;
use crate::x509::{self, Parsed, wall_time};

/// A CA's directory, as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspection {
    /// The CA's certificate.
    pub ca: StoredCertificate,
    /// The desktop's own.
    pub server: StoredCertificate,
    /// Those of the CAs before it whose certificates are still accepted, and until when they may be.
    pub previous: Vec<(CertificateFacts, WallTime)>,
    /// What is revoked.
    pub revoked: Vec<Revocation>,
    /// What keeps a desktop from using it; `None` also for what a desktop makes again by itself.
    pub problem: Option<AuthorityError>,
}

/// A certificate that should be on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoredCertificate {
    /// There is no such file.
    Missing,
    /// It cannot be read, or does not belong to the key beside it.
    Unusable,
    /// It is good, if the time is.
    There(CertificateFacts),
}

/// What a certificate says, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateFacts {
    /// The common name of its subject, if there is exactly one.
    pub common_name: Option<String>,
    /// Its serial number, in hexadecimal.
    pub serial: String,
    /// Its SHA-256, in hexadecimal.
    pub fingerprint: String,
    /// From when on it is valid.
    pub not_before: WallTime,
    /// Until when.
    pub not_after: WallTime,
}

impl CertificateFacts {
    /// `None` if it is none that can be read.
    #[must_use]
    pub fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let parsed = Parsed::read(certificate).ok()?;
        let mut names = parsed.common_names();
        let common_name = names.pop().filter(|_| names.is_empty());
        let (not_before, not_after) = parsed.validity().as_wall_times();
        let fingerprint = x509::fingerprint(certificate);
        Some(Self { common_name, serial: parsed.serial(), fingerprint, not_before, not_after })
    }
}

impl Authority {
    /// Looks at the CA in a directory, and changes nothing.
    ///
    /// # Errors
    /// [`AuthorityError`] when the directory cannot be read; what is wrong with the files in it is told by the
    /// inspection. A directory that is not there has [nothing](StoredCertificate::Missing) in it.
    pub fn inspect(dir: impl AsRef<Path>) -> Result<Inspection, AuthorityError> {
        let now = now(&AuthorityConfig::default())?;
        let files = Files::new(dir.as_ref(), Disk::default(), KeyAlgorithm::EcdsaP256);
        if !files.is_there()? {
            let (ca, server) = (StoredCertificate::Missing, StoredCertificate::Missing);
            return Ok(Inspection { ca, server, previous: Vec::new(), revoked: Vec::new(), problem: None });
        }
        inspect(&files, now)
    }
}

fn inspect(files: &Files, now: UnixTime) -> Result<Inspection, AuthorityError> {
    let [ca, server] = files.stored_certificates()?;
    let (fits, problem) = match Current::read(files, now) {
        Ok(current) => (current.is_some(), None),
        Err(error) => (false, Some(error)),
    };
    let stored = |certificate: Option<Option<CertificateDer<'_>>>| match certificate {
        None => StoredCertificate::Missing,
        Some(certificate) => match certificate.and_then(|certificate| CertificateFacts::of(&certificate)) {
            Some(facts) if fits => StoredCertificate::There(facts),
            _ => StoredCertificate::Unusable,
        },
    };
    let previous = files.load_previous()?.into_iter().filter(|previous| previous.until >= now.as_secs());
    let previous = previous
        .filter_map(|previous| Some((CertificateFacts::of(previous.ca.certificate())?, wall_time(previous.until))));
    let revoked: Revocations = files.load_revocations().unwrap_or_default().pruned(now);
    Ok(Inspection {
        ca: stored(ca),
        server: stored(server),
        previous: previous.collect(),
        revoked: revoked.iter().cloned().collect(),
        problem,
    })
}
