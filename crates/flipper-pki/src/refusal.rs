//! Why certificates are not trusted.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use rustls::{CertificateError, OtherError};

use crate::crypto::SignatureFault;
use crate::key::{MIN_RSA_BITS, PublicKeyFault};

/// Why a peer's certificate is refused, where rustls has no error that says so.
///
/// Travels inside [`CertificateError::Other`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerRefusal {
    /// The chain is not the certificate, alone or followed by the pinned CA.
    Chain,
    /// The certificate is a CA's.
    IsCa,
    /// The certificate is signed with an algorithm that is unknown or too weak.
    Signature,
    /// The peer's key is an RSA key under 2048 bits.
    RsaTooSmall {
        /// The length of its modulus in bits.
        bits: usize,
    },
    /// The peer's key is damaged or of an unsupported kind.
    UnsupportedKey,
    /// The peer's key is this side's own: the certificate is a copy of the one that it was shown.
    OwnKey,
}

impl fmt::Display for PeerRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chain => f.write_str("its chain does not end with the pinned CA"),
            Self::IsCa => f.write_str("it is the certificate of a CA"),
            Self::Signature => SignatureFault::Unsupported.fmt(f),
            Self::RsaTooSmall { bits } => {
                write!(f, "its RSA key has {bits} bits; at least {MIN_RSA_BITS} are needed")
            }
            Self::UnsupportedKey => f.write_str("its key is of an unsupported kind"),
            Self::OwnKey => f.write_str("its key is this side's own"),
        }
    }
}

impl Error for PeerRefusal {}

impl From<PeerRefusal> for CertificateError {
    fn from(refusal: PeerRefusal) -> Self {
        Self::Other(OtherError(Arc::new(refusal)))
    }
}

/// Why a certificate cannot be pinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PinError {
    /// There is no certificate, or it cannot be read.
    Unreadable,
    /// The certificate is not issued by itself, says that it is no CA's, or demands that something be
    /// understood which is not.
    NotACa,
    /// The certificate is not signed by its own key.
    BadSignature,
    /// The certificate is signed with an algorithm that is unknown or too weak, such as SHA-1.
    UnsupportedSignature,
    /// The CA's key is an RSA key under 2048 bits.
    RsaTooSmall {
        /// The length of its modulus in bits.
        bits: usize,
    },
    /// The CA's key is damaged or of an unsupported kind.
    UnsupportedKey,
}

impl fmt::Display for PinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => f.write_str("there is no certificate that can be read"),
            Self::NotACa => f.write_str("it is not the certificate of a CA"),
            Self::BadSignature => f.write_str("it is not signed by its own key"),
            Self::UnsupportedSignature => SignatureFault::Unsupported.fmt(f),
            Self::RsaTooSmall { bits } => {
                write!(f, "its RSA key has {bits} bits; at least {MIN_RSA_BITS} are needed")
            }
            Self::UnsupportedKey => f.write_str("its key is of an unsupported kind"),
        }
    }
}

impl Error for PinError {}

impl From<PublicKeyFault> for PinError {
    fn from(fault: PublicKeyFault) -> Self {
        match fault {
            PublicKeyFault::RsaTooSmall { bits } => Self::RsaTooSmall { bits },
            PublicKeyFault::Unsupported => Self::UnsupportedKey,
        }
    }
}

impl From<SignatureFault> for PinError {
    fn from(fault: SignatureFault) -> Self {
        match fault {
            SignatureFault::Invalid => Self::BadSignature,
            SignatureFault::Unsupported => Self::UnsupportedSignature,
        }
    }
}
