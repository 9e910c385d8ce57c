//! Keys: private ones of this side, public ones of either.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, PublicKeyData, SignatureAlgorithm};
use rustls::SignatureScheme;
use rustls::sign::SigningKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef, UintRef};
use x509_cert::der::{self, Decode as _, Reader as _, SliceReader};
use x509_cert::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

use crate::{crypto, name, pem};

/// The fewest bits an RSA key may have, whoever holds it.
pub(crate) const MIN_RSA_BITS: usize = 2048;

/// A private key of this side: an app's, a CA's or a desktop's.
///
/// Clones share the key. Nothing that is formatted from it, errors included, shows any of the secret.
#[derive(Clone)]
pub struct PrivateKey {
    signer: Arc<dyn SigningKey>,
    secret: Arc<PrivateKeyDer<'static>>,
    public: PublicKey,
}

impl PrivateKey {
    /// Generates an ECDSA P-256 key.
    ///
    /// The official apps use RSA 2048; both official desktops sign P-256 keys as readily, and making
    /// one takes a thousandth of the time.
    ///
    /// # Errors
    /// [`KeyError::NoRandomness`] when the operating system has no random numbers to give.
    pub fn generate() -> Result<Self, KeyError> {
        Self::generate_as(KeyAlgorithm::EcdsaP256)
    }

    /// Generates a key of another kind. The signatures of Ed25519 all have one length, those of ECDSA do not.
    ///
    /// # Errors
    /// [`KeyError::Unsupported`] for RSA, whose keys can only be read; [`KeyError::NoRandomness`] as with
    /// [`generate`](Self::generate).
    pub fn generate_as(algorithm: KeyAlgorithm) -> Result<Self, KeyError> {
        let algorithm = match algorithm {
            KeyAlgorithm::EcdsaP256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            KeyAlgorithm::EcdsaP384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            KeyAlgorithm::Ed25519 => &rcgen::PKCS_ED25519,
            KeyAlgorithm::Rsa { .. } => return Err(KeyError::Unsupported),
        };
        let pair = KeyPair::generate_for(algorithm).map_err(|_| KeyError::NoRandomness)?;
        Self::from_der(PrivatePkcs8KeyDer::from(pair.serialize_der()).into())
    }

    /// Reads the first private key in `pem`: PKCS#8 (`PRIVATE KEY`), PKCS#1 (`RSA PRIVATE KEY`, what
    /// the official clients write) or SEC1 (`EC PRIVATE KEY`). Other sections are skipped.
    ///
    /// RSA of 2048 to 4096 bits, ECDSA P-256 and P-384 and Ed25519 are supported.
    ///
    /// # Errors
    /// [`KeyError`], never with any of the text in it.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        // The text of a PEM error can quote the line it stumbled over, so it is dropped.
        let der = PrivateKeyDer::from_pem_slice(pem).map_err(|_| {
            let encrypted = b"-----BEGIN ENCRYPTED PRIVATE KEY-----";
            if pem.windows(encrypted.len()).any(|window| window == encrypted) {
                KeyError::Encrypted
            } else {
                KeyError::NotPem
            }
        })?;
        Self::from_der(der)
    }

    fn from_der(secret: PrivateKeyDer<'static>) -> Result<Self, KeyError> {
        // ring says no more than "invalid" about a short RSA key, so its size is looked at first.
        if let Some(bits) = rsa_bits(&secret)
            && bits < MIN_RSA_BITS
        {
            return Err(KeyError::RsaTooSmall { bits });
        }
        let signer =
            crypto::provider().key_provider.load_private_key(secret.clone_key()).map_err(|_| KeyError::Unsupported)?;
        let public = signer.public_key().ok_or(KeyError::Unsupported)?.into_owned();
        let public = PublicKey::from_spki(&public).map_err(KeyError::from)?;
        Ok(Self { signer, secret: Arc::new(secret), public })
    }

    /// A certificate request (PKCS#10, PEM with LF line ends) of the app with this id, signed by this
    /// key: `C=US, ST=CA, L=Menlo Park, O=Flipper, CN=<common_name(app_id)>`, no extensions.
    ///
    /// See [`common_name`](crate::common_name) for ids that cannot be a common name.
    ///
    /// # Errors
    /// [`KeyError::NoRandomness`] when signing needs random numbers and there are none.
    pub fn certificate_request(&self, app_id: &str) -> Result<String, KeyError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = name::app_subject(name::common_name(app_id));
        let request = params.serialize_request(&self.as_rcgen());
        let request = request.map_err(|_| KeyError::NoRandomness)?;
        Ok(pem::encode("CERTIFICATE REQUEST", request.der()))
    }

    /// The key itself as PEM, in the encoding that it was read in; PKCS#8 for a generated one.
    ///
    /// This is the secret: write it to a file that only its owner can read.
    #[must_use]
    pub fn to_pem(&self) -> String {
        let label = match &*self.secret {
            PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
            PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
            PrivateKeyDer::Pkcs8(_) | _ => "PRIVATE KEY",
        };
        pem::encode(label, self.secret.secret_der())
    }

    /// What kind of key this is.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.public.algorithm
    }

    /// The public half, as a DER `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn public_key(&self) -> &SubjectPublicKeyInfoDer<'static> {
        self.public.spki()
    }

    pub(crate) fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The key as TLS uses it.
    pub(crate) fn signer(&self) -> Arc<dyn SigningKey> {
        Arc::clone(&self.signer)
    }

    /// The key as rcgen uses it, which cannot read PKCS#1 and SEC1 itself.
    pub(crate) fn as_rcgen(&self) -> RcgenKey<'_> {
        RcgenKey(self)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("algorithm", &self.algorithm()).finish_non_exhaustive()
    }
}

/// Lets rcgen sign with any [`PrivateKey`].
pub(crate) struct RcgenKey<'a>(&'a PrivateKey);

impl rcgen::SigningKey for RcgenKey<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let scheme = match self.0.algorithm() {
            KeyAlgorithm::Rsa { .. } => SignatureScheme::RSA_PKCS1_SHA256,
            KeyAlgorithm::EcdsaP256 => SignatureScheme::ECDSA_NISTP256_SHA256,
            KeyAlgorithm::EcdsaP384 => SignatureScheme::ECDSA_NISTP384_SHA384,
            KeyAlgorithm::Ed25519 => SignatureScheme::ED25519,
        };
        let signer = self.0.signer.choose_scheme(&[scheme]);
        let signer = signer.ok_or(rcgen::Error::UnsupportedSignatureAlgorithm)?;
        signer.sign(message).map_err(|_| rcgen::Error::RingUnspecified)
    }
}

impl PublicKeyData for RcgenKey<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.public.der_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        PublicKeyData::algorithm(&self.0.public)
    }
}

/// A kind of key that can be certified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyAlgorithm {
    /// RSA, at least 2048 bits.
    Rsa {
        /// The length of the modulus in bits.
        bits: usize,
    },
    /// ECDSA on the curve P-256.
    EcdsaP256,
    /// ECDSA on the curve P-384.
    EcdsaP384,
    /// Ed25519.
    Ed25519,
}

/// Why a private key cannot be used. Says nothing about the key's content.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The text holds no private key in PEM.
    NotPem,
    /// The key is encrypted with a password.
    Encrypted,
    /// An RSA key under 2048 bits.
    RsaTooSmall {
        /// The length of its modulus in bits.
        bits: usize,
    },
    /// The key is broken, or of a kind that is not supported.
    Unsupported,
    /// The operating system gave no random numbers.
    NoRandomness,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPem => f.write_str("there is no private key in PEM form"),
            Self::Encrypted => f.write_str("the private key is encrypted with a password"),
            Self::RsaTooSmall { bits } => {
                write!(f, "the RSA key has {bits} bits; at least {MIN_RSA_BITS} are needed")
            }
            Self::Unsupported => f.write_str(
                "the private key is damaged or of another kind than RSA (2048 to 4096 bits), ECDSA P-256 \
                 or P-384, and Ed25519",
            ),
            Self::NoRandomness => f.write_str("the operating system gave no random numbers"),
        }
    }
}

impl Error for KeyError {}

impl From<PublicKeyFault> for KeyError {
    fn from(fault: PublicKeyFault) -> Self {
        match fault {
            PublicKeyFault::RsaTooSmall { bits } => Self::RsaTooSmall { bits },
            PublicKeyFault::Unsupported => Self::Unsupported,
        }
    }
}

/// A public key that can be certified, kept in the encoding that it came in.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PublicKey {
    spki: SubjectPublicKeyInfoDer<'static>,
    bits: Vec<u8>,
    algorithm: KeyAlgorithm,
}

/// Why a public key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PublicKeyFault {
    RsaTooSmall { bits: usize },
    Unsupported,
}

impl PublicKey {
    const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
    const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
    const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
    const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
    const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

    /// Reads a DER `SubjectPublicKeyInfo`.
    ///
    /// The kind is told by the key's own identifier, never by the signature beside it: a P-384 key
    /// that signs with SHA-256 is a P-384 key.
    pub(crate) fn from_spki(spki: &[u8]) -> Result<Self, PublicKeyFault> {
        let parsed = SubjectPublicKeyInfoRef::from_der(spki).map_err(|_| PublicKeyFault::Unsupported)?;
        let bits = parsed.subject_public_key.as_bytes().ok_or(PublicKeyFault::Unsupported)?;
        let curve = || parsed.algorithm.parameters_oid().ok();
        let algorithm = match parsed.algorithm.oid {
            Self::RSA => {
                let bits = modulus_bits(bits, false).ok_or(PublicKeyFault::Unsupported)?;
                if bits < MIN_RSA_BITS {
                    return Err(PublicKeyFault::RsaTooSmall { bits });
                }
                KeyAlgorithm::Rsa { bits }
            }
            Self::EC if curve() == Some(Self::P256) => KeyAlgorithm::EcdsaP256,
            Self::EC if curve() == Some(Self::P384) => KeyAlgorithm::EcdsaP384,
            Self::ED25519 => KeyAlgorithm::Ed25519,
            _ => return Err(PublicKeyFault::Unsupported),
        };
        Ok(Self { spki: SubjectPublicKeyInfoDer::from(spki.to_vec()), bits: bits.to_vec(), algorithm })
    }

    pub(crate) fn spki(&self) -> &SubjectPublicKeyInfoDer<'static> {
        &self.spki
    }

    pub(crate) fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl PublicKeyData for PublicKey {
    fn der_bytes(&self) -> &[u8] {
        &self.bits
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        match self.algorithm {
            KeyAlgorithm::Rsa { .. } => &rcgen::PKCS_RSA_SHA256,
            KeyAlgorithm::EcdsaP256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            KeyAlgorithm::EcdsaP384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            KeyAlgorithm::Ed25519 => &rcgen::PKCS_ED25519,
        }
    }
}

/// The size of an RSA private key, or `None` if the key is of another kind.
fn rsa_bits(key: &PrivateKeyDer<'_>) -> Option<usize> {
    match key {
        PrivateKeyDer::Pkcs1(key) => modulus_bits(key.secret_pkcs1_der(), true),
        PrivateKeyDer::Pkcs8(key) => {
            let inner = pkcs8_content(key.secret_pkcs8_der()).ok()?;
            modulus_bits(inner?, true)
        }
        PrivateKeyDer::Sec1(_) | _ => None,
    }
}

/// What a PKCS#8 container of an RSA key contains, or `None` if the key is of another kind.
fn pkcs8_content(der: &[u8]) -> der::Result<Option<&[u8]>> {
    SliceReader::new(der)?.sequence(|reader| {
        let _version = UintRef::decode(reader)?;
        let algorithm = AlgorithmIdentifierRef::decode(reader)?;
        let content: &OctetStringRef = reader.decode()?;
        reader.drain(reader.remaining_len())?;
        Ok((algorithm.oid == PublicKey::RSA).then(|| content.as_bytes()))
    })
}

/// The length in bits of the modulus of an `RSAPrivateKey` or `RSAPublicKey`.
///
/// Both begin with it, the private one after a version.
fn modulus_bits(der: &[u8], private: bool) -> Option<usize> {
    let modulus = SliceReader::new(der).ok()?.sequence(|reader| {
        if private {
            let _version = AnyRef::decode(reader)?;
        }
        let modulus = UintRef::decode(reader)?;
        reader.drain(reader.remaining_len())?;
        der::Result::Ok(modulus)
    });
    let modulus = modulus.ok()?;
    let bytes = modulus.as_bytes();
    Some(bytes.len() * 8 - bytes.first()?.leading_zeros() as usize)
}
