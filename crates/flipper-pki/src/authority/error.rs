//! What can be wrong with a desktop's CA.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::disk::{DiskAccess, DiskError};
use crate::key::KeyError;

/// The desktop's CA cannot be used: what, where, and, in its text, what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorityError {
    kind: AuthorityErrorKind,
    path: PathBuf,
}

impl AuthorityError {
    pub(crate) fn new(kind: AuthorityErrorKind, path: &Path) -> Self {
        Self { kind, path: path.to_owned() }
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> &AuthorityErrorKind {
        &self.kind
    }

    /// The file or directory that it is wrong with; empty where it is none.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// What is wrong with a desktop's CA.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthorityErrorKind {
    /// The operating system refused an access to the disk.
    Disk {
        /// What was tried.
        access: DiskAccess,
        /// What kind of error it is; `TimedOut` for a lock that another process does not give back.
        error: io::ErrorKind,
        /// What the operating system said.
        text: String,
    },
    /// The CA's key is empty, damaged, or of a kind that is not supported.
    BadKey(KeyError),
    /// The CA's certificate is there, and its key is not.
    MissingKey,
    /// The CA's certificate is about another key, or of another subject.
    ForeignCertificate,
    /// There is no CA of the official desktop to adopt: its key or its certificate is not there.
    NothingToAdopt,
    /// The key of the official desktop's CA cannot be used.
    CannotAdopt(KeyError),
    /// The certificate of the official desktop's CA is damaged, or does not fit its key.
    CannotAdoptCertificate,
    /// The list of revoked certificates is damaged.
    BadRevocations,
    /// As many certificates are revoked as the list holds.
    TooManyRevocations {
        /// The limit.
        max: usize,
    },
    /// The system has no clock, or one that is beyond all calendars.
    NoClock,
    /// A key or a signature could not be made: the operating system gave no random numbers.
    CannotSign,
}

impl fmt::Display for AuthorityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.kind {
            AuthorityErrorKind::Disk { access, error: io::ErrorKind::TimedOut, text } => {
                write!(f, "cannot {access} {path}: {text}; stop the other desktop, or wait for it")
            }
            AuthorityErrorKind::Disk { access, text, .. } => {
                write!(f, "cannot {access} {path}: {text}; make the directory the desktop's own, or give it another")
            }
            AuthorityErrorKind::BadKey(error) => {
                write!(f, "the CA's key in {path} cannot be used: {error}; {START_OVER}")
            }
            AuthorityErrorKind::MissingKey => {
                write!(f, "the CA's key in {path} is gone, its certificate is not; {START_OVER}")
            }
            AuthorityErrorKind::ForeignCertificate => {
                write!(f, "the certificate in {path} is not that of the CA whose key lies beside it; {START_OVER}")
            }
            AuthorityErrorKind::NothingToAdopt => write!(
                f,
                "there is no {path}, so no CA of the official desktop to adopt; start that desktop once, or do without"
            ),
            AuthorityErrorKind::CannotAdopt(error) => {
                write!(f, "the official desktop's CA cannot be adopted, because of its key in {path}: {error}")
            }
            AuthorityErrorKind::CannotAdoptCertificate => write!(
                f,
                "the official desktop's CA cannot be adopted: {path} is damaged, or not the certificate of the key \
                 beside it"
            ),
            AuthorityErrorKind::BadRevocations => write!(
                f,
                "the list of revoked certificates in {path} is damaged; restore it from a backup, or remove it: what it \
                 revoked is then accepted again"
            ),
            AuthorityErrorKind::TooManyRevocations { max } => write!(
                f,
                "{max} certificates are revoked, and {path} holds no more; a new CA ends them all: flipper certs rotate"
            ),
            AuthorityErrorKind::NoClock => f.write_str("the system has no usable clock; set it"),
            AuthorityErrorKind::CannotSign => {
                f.write_str("no key or signature could be made; the operating system may have no random numbers")
            }
        }
    }
}

/// The key is never replaced silently: every app pins it.
const START_OVER: &str = "restore ca.key and ca.crt from a backup, or remove both to start over; \
                          every app then has to exchange certificates again";

impl Error for AuthorityError {}

impl From<DiskError> for AuthorityError {
    fn from(error: DiskError) -> Self {
        let DiskError { access, path, kind, text } = error;
        Self { kind: AuthorityErrorKind::Disk { access, error: kind, text }, path }
    }
}
