//! The one cryptographic provider, and the few primitives that rustls does not hand out as such.

use std::fmt;
use std::sync::{Arc, LazyLock};

use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::cipher_suite;
use rustls_pki_types::SubjectPublicKeyInfoDer;
use webpki::RawPublicKeyEntity;

/// ring, named explicitly everywhere: the process default may be unset, or be another provider.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    static RING: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(rustls::crypto::ring::default_provider()));
    Arc::clone(&RING)
}

/// Fresh random bytes of the operating system, or `None` if it has none to give.
pub(crate) fn random_bytes<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    provider().secure_random.fill(&mut bytes).ok()?;
    Some(bytes)
}

/// The SHA-256 of `data`.
#[expect(clippy::expect_used, reason = "the suite is one of TLS 1.3")]
pub(crate) fn sha256(data: &[u8]) -> Vec<u8> {
    let suite = cipher_suite::TLS13_AES_128_GCM_SHA256.tls13().expect("a suite of TLS 1.3");
    suite.common.hash_provider.hash(data).as_ref().to_vec()
}

/// Why a signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignatureFault {
    /// The algorithm is unknown, or too weak, such as SHA-1.
    Unsupported,
    /// The signature was not made by this key over this message; the key may be of another kind.
    Invalid,
}

impl fmt::Display for SignatureFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsupported => "it is signed with an algorithm that is unknown or too weak",
            Self::Invalid => "its signature does not hold",
        })
    }
}

/// Checks a signature as certificates and certificate requests carry it.
///
/// `algorithm` is the content of the `AlgorithmIdentifier`, without its SEQUENCE header.
pub(crate) fn verify(
    key: &SubjectPublicKeyInfoDer<'_>,
    algorithm: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureFault> {
    let key = RawPublicKeyEntity::try_from(key).map_err(|_| SignatureFault::Unsupported)?;
    let known = provider().signature_verification_algorithms.all;
    let mut fault = SignatureFault::Unsupported;
    // ECDSA identifiers name the hash only, so one identifier has a candidate per curve.
    for candidate in known.iter().filter(|known| known.signature_alg_id().as_ref() == algorithm) {
        if key.verify_signature(*candidate, message, signature).is_ok() {
            return Ok(());
        }
        fault = SignatureFault::Invalid;
    }
    Err(fault)
}
