//! What can be wrong with stored credentials.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use flipper_proto::Generation;

use crate::disk::{DiskAccess, DiskError};
use crate::key::KeyError;
use crate::refusal::PinError;
use crate::store::{CA, CERTIFICATE};

/// Something is wrong with stored credentials: what, where, and, in its text, what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    kind: StoreErrorKind,
    path: PathBuf,
    fallback: Option<Generation>,
}

impl StoreError {
    pub(crate) fn new(kind: StoreErrorKind, path: &Path) -> Self {
        Self { kind, path: path.to_owned(), fallback: None }
    }

    pub(crate) fn falling_back_to(self, generation: Generation) -> Self {
        Self { fallback: Some(generation), ..self }
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> &StoreErrorKind {
        &self.kind
    }

    /// The file or directory that it is wrong with.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The older credentials that are used in place of the damaged ones, if there are any.
    #[must_use]
    pub fn fallback(&self) -> Option<Generation> {
        self.fallback
    }
}

/// What is wrong with stored credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The operating system refused an access to the disk.
    Disk {
        /// What was tried.
        access: DiskAccess,
        /// What kind of error it is.
        error: io::ErrorKind,
        /// What the operating system said.
        text: String,
    },
    /// There is a file where the directory of the credentials should be.
    NotADirectory,
    /// The path of the directory is no Unicode, so it cannot be told to a desktop.
    NotUnicode,
    /// A file is not there.
    MissingFile,
    /// A file is empty.
    EmptyFile,
    /// A file has more than 64 KiB, so it is not what its name says.
    FileTooLarge,
    /// The pointer file names no generation.
    BadPointer,
    /// The pointer file names a generation that is not there.
    MissingGeneration,
    /// The private key cannot be used.
    BadKey(KeyError),
    /// The certificate request is none.
    BadRequest,
    /// The CA's certificate cannot be trusted.
    BadCa(PinError),
    /// The app's certificate cannot be read.
    BadCertificate,
    /// The connection config is no JSON object with a text `deviceId` and a `medium` from 1 to 3.
    BadConfig,
    /// The app's certificate is about another key than the one beside it.
    KeyMismatch,
    /// The app's certificate was not issued by the CA beside it.
    NotIssuedByCa,
    /// The desktop said that it delivered certificates, and there are none.
    NotDelivered,
    /// The generation is complete, and what is complete never changes.
    AlreadyComplete,
    /// The generation is in use and cannot be discarded.
    InUse,
    /// The credentials belong to an official client, and this store only reads those.
    NotOurs,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.kind {
            StoreErrorKind::Disk { access, error, text } => {
                write!(f, "cannot {access} {path}: {text}; {}", advice(*error))?;
            }
            StoreErrorKind::NotADirectory => write!(
                f,
                "{path} is a file; credentials need a directory there: move the file away, or give the \
                 app another directory"
            )?,
            StoreErrorKind::NotUnicode => {
                write!(f, "{path} is no Unicode and cannot be told to a desktop; give the app another directory")?
            }
            StoreErrorKind::MissingFile => write!(f, "{path} is missing; {EXCHANGE}")?,
            StoreErrorKind::EmptyFile => write!(f, "{path} is empty; {EXCHANGE}")?,
            StoreErrorKind::FileTooLarge => write!(f, "{path} is too large; {EXCHANGE}")?,
            StoreErrorKind::BadPointer => write!(f, "{path} names no generation; {EXCHANGE}")?,
            StoreErrorKind::MissingGeneration => {
                write!(f, "the credentials in {path} are gone; {EXCHANGE}")?;
            }
            StoreErrorKind::BadKey(error) => write!(f, "{path}: {error}; {EXCHANGE}")?,
            StoreErrorKind::BadRequest => {
                write!(f, "{path} holds no certificate request; {EXCHANGE}")?;
            }
            StoreErrorKind::BadCa(error) => write!(f, "{path}: {error}; {EXCHANGE}")?,
            StoreErrorKind::BadCertificate => write!(f, "{path} holds no certificate; {EXCHANGE}")?,
            StoreErrorKind::BadConfig => {
                write!(f, "{path} does not hold the device id and the medium of an exchange; {EXCHANGE}")?
            }
            StoreErrorKind::KeyMismatch => {
                write!(f, "{path} is a certificate of another key than the app's; {EXCHANGE}")?;
            }
            StoreErrorKind::NotIssuedByCa => {
                write!(f, "{path} was not issued by the CA in {CA}; {EXCHANGE}")?;
            }
            StoreErrorKind::NotDelivered => write!(
                f,
                "the desktop answered, but {CA} and {CERTIFICATE} are not in {path}: it may run on \
                 another machine or in another container, or as a user who may not write there; run it \
                 where it sees this directory, or use another medium"
            )?,
            StoreErrorKind::AlreadyComplete => {
                write!(f, "the credentials in {path} are complete and do not change; begin new ones")?;
            }
            StoreErrorKind::InUse => {
                write!(f, "the credentials in {path} are in use; promote others before")?;
            }
            StoreErrorKind::NotOurs => {
                write!(f, "the credentials in {path} are an official client's, which are only read; begin new ones")?
            }
        }
        match self.fallback {
            Some(generation) => write!(f, "; {generation} is used meanwhile"),
            None => Ok(()),
        }
    }
}

/// What helps against an access that failed.
fn advice(error: io::ErrorKind) -> &'static str {
    if matches!(error, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        "make room on the disk"
    } else {
        "make the directory the app's own, or give the app another"
    }
}

/// What helps against credentials that are damaged: they are never repaired, but replaced.
const EXCHANGE: &str = "the app has to exchange certificates with a desktop again";

impl Error for StoreError {}

impl From<DiskError> for StoreError {
    fn from(error: DiskError) -> Self {
        let DiskError { access, path, kind, text } = error;
        Self { kind: StoreErrorKind::Disk { access, error: kind, text }, path, fallback: None }
    }
}
