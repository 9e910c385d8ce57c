//! Certificate requests, as a desktop reads them.

use std::error::Error;
use std::fmt;

use flipper_proto::Excerpt;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateSigningRequestDer, SubjectPublicKeyInfoDer};
use x509_cert::der::asn1::UintRef;
use x509_cert::der::{self, Decode as _, Header, Reader as _, SliceReader};
use x509_cert::name::Name;

use crate::crypto::SignatureFault;
use crate::key::{KeyAlgorithm, MIN_RSA_BITS, PublicKey, PublicKeyFault};
use crate::name;
use crate::x509::{self, Signed};

/// A certificate request (PKCS#10) whose sender holds the key that it is about.
///
/// Only the key and the common name are taken from it. Extensions that it asks for, known or not, are
/// ignored: what a certificate is good for is for the CA to say. Its version may be 0, as PKCS#10 has
/// it, or 1, as the official C++ client writes. Two requests are equal if their DER is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRequest {
    der: CertificateSigningRequestDer<'static>,
    common_name: String,
    key: PublicKey,
}

impl CertificateRequest {
    /// The largest PEM text that is looked at: 64 KiB. A real one has some 1 KiB.
    pub const MAX_SIZE: usize = 64 * 1024;

    /// Reads a request from PEM, with line ends of either kind, and checks everything about it that
    /// does not depend on who asks.
    ///
    /// # Errors
    /// [`CsrError`]: when the text is too large, no request, not signed by its own key, about a key
    /// that is weak or of an unknown kind, or when its subject does not have exactly one common name
    /// that an app may have.
    pub fn from_pem(pem: &str) -> Result<Self, CsrError> {
        if pem.len() > Self::MAX_SIZE {
            return Err(CsrError::TooLarge { size: pem.len(), max: Self::MAX_SIZE });
        }
        let der = CertificateSigningRequestDer::from_pem_slice(pem.as_bytes());
        let der = der.map_err(|_| CsrError::NotPem)?;
        let signed = Signed::read(&der).map_err(|_| CsrError::Malformed)?;
        let (version, subject, spki) = read_info(signed.message).map_err(|_| CsrError::Malformed)?;
        if version > 1 {
            return Err(CsrError::Malformed);
        }
        let key = PublicKey::from_spki(spki)?;
        signed.verify(key.spki())?;
        let common_name = take_common_name(&subject)?;
        Ok(Self { der, common_name, key })
    }

    /// The app's id, or [`SHARED_COMMON_NAME`](crate::SHARED_COMMON_NAME).
    #[must_use]
    pub fn common_name(&self) -> &str {
        &self.common_name
    }

    /// The app's public key, as a DER `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn public_key(&self) -> &SubjectPublicKeyInfoDer<'static> {
        self.key.spki()
    }

    /// What kind of key it is.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.key.algorithm()
    }

    pub(crate) fn key(&self) -> &PublicKey {
        &self.key
    }
}

/// Reads a `CertificationRequestInfo`: version, subject, key. The attributes are skipped.
fn read_info(info: &[u8]) -> der::Result<(u8, Name, &[u8])> {
    SliceReader::new(info)?.sequence(|field| {
        let version = UintRef::decode(field)?;
        let subject = Name::decode(field)?;
        let spki = field.tlv_bytes()?;
        // PKCS#10 wants the attributes to be there even when there are none; some tools forget them.
        if !field.is_finished() {
            let tag = Header::peek(field)?.tag();
            if !tag.is_context_specific() {
                return Err(tag.value_error().into());
            }
            field.tlv_bytes()?;
        }
        let version = match version.as_bytes() {
            [version] => *version,
            _ => u8::MAX,
        };
        Ok((version, subject, spki))
    })
}

fn take_common_name(subject: &Name) -> Result<String, CsrError> {
    let mut names = x509::common_names(subject).into_iter();
    let name = names.next().ok_or(CsrError::NoCommonName)?;
    if names.next().is_some() {
        Err(CsrError::SeveralCommonNames)
    } else if !name::is_allowed(&name) {
        Err(CsrError::CommonNameNotAllowed(Excerpt::new(&name)))
    } else if name::is_reserved(&name) {
        Err(CsrError::CommonNameReserved(Excerpt::new(&name)))
    } else {
        Ok(name)
    }
}

/// Why a certificate request is not signed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CsrError {
    /// The text is too large.
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// The text holds no `CERTIFICATE REQUEST` in PEM.
    NotPem,
    /// The PEM does not contain a PKCS#10 request of version 0 or 1.
    Malformed,
    /// The request is not signed by the key that it is about.
    BadSignature,
    /// The request is signed with an algorithm that is unknown or too weak, such as SHA-1.
    UnsupportedSignature,
    /// The key is damaged or of an unsupported kind.
    UnsupportedKey,
    /// The key is an RSA key under 2048 bits.
    RsaTooSmall {
        /// The length of its modulus in bits.
        bits: usize,
    },
    /// The subject has no common name.
    NoCommonName,
    /// The subject has more than one common name.
    SeveralCommonNames,
    /// The common name is not made of 1 to 64 of the characters `A-Z a-z 0-9 _ . -`.
    CommonNameNotAllowed(Excerpt),
    /// The common name is the desktop's own, `localhost`.
    CommonNameReserved(Excerpt),
    /// The device id that the certificate is to name is too long.
    DeviceIdTooLong {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// Nothing is wrong with the request, but this machine could not sign it: no clock, or no random
    /// numbers.
    CannotSign(&'static str),
}

impl fmt::Display for CsrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { size, max } => {
                write!(f, "the certificate request has {size} bytes; at most {max} are read")
            }
            Self::NotPem => f.write_str("there is no certificate request in PEM form"),
            Self::Malformed => f.write_str("the certificate request is no PKCS#10 of version 0 or 1"),
            Self::BadSignature => f.write_str("the certificate request is not signed by the key that it is about"),
            Self::UnsupportedSignature => f.write_str(
                "the certificate request is signed with an algorithm that is unknown or too weak; use \
                 SHA-256",
            ),
            Self::UnsupportedKey => {
                f.write_str("the key is damaged or of another kind than RSA, ECDSA P-256 or P-384, and Ed25519")
            }
            Self::RsaTooSmall { bits } => {
                write!(f, "the RSA key has {bits} bits; at least {MIN_RSA_BITS} are needed")
            }
            Self::NoCommonName => f.write_str("the certificate request names no app (no CN)"),
            Self::SeveralCommonNames => f.write_str("the certificate request names several apps (more than one CN)"),
            Self::CommonNameNotAllowed(name) => write!(
                f,
                "an app cannot be called {name:?}: only 1 to 64 of A-Z a-z 0-9 _ . - are allowed; ids \
                 with other characters go by com.flipper"
            ),
            Self::CommonNameReserved(name) => {
                write!(f, "an app cannot be called {name:?}: that is the desktop's own name")
            }
            Self::DeviceIdTooLong { size, max } => {
                write!(f, "the device id has {size} bytes; at most {max} fit in a certificate")
            }
            Self::CannotSign(why) => write!(f, "this desktop cannot sign now: {why}"),
        }
    }
}

impl Error for CsrError {}

impl From<PublicKeyFault> for CsrError {
    fn from(fault: PublicKeyFault) -> Self {
        match fault {
            PublicKeyFault::RsaTooSmall { bits } => Self::RsaTooSmall { bits },
            PublicKeyFault::Unsupported => Self::UnsupportedKey,
        }
    }
}

impl From<SignatureFault> for CsrError {
    fn from(fault: SignatureFault) -> Self {
        match fault {
            SignatureFault::Unsupported => Self::UnsupportedSignature,
            SignatureFault::Invalid => Self::BadSignature,
        }
    }
}
