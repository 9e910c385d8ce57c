//! Reading certificates, of any version.
//!
//! webpki reads only version 3, and the official desktop issues version 1; x509-cert reads both. What
//! a signature covers and what is compared with a pin is taken from the encoding itself, never
//! encoded anew.

use flipper_proto::WallTime;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer, UnixTime};
use x509_cert::certificate::{Certificate, Version};
use x509_cert::der::asn1::{BitStringRef, ObjectIdentifier};
use x509_cert::der::oid::AssociatedOid as _;
use x509_cert::der::oid::db::rfc4519::COMMON_NAME;
use x509_cert::der::{self, Decode as _, Header, Reader as _, SliceReader, Tag};
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName, SubjectKeyIdentifier};
use x509_cert::name::Name;

use crate::crypto::{self, SignatureFault};

/// The certificate cannot be read, or says the same thing twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

impl From<der::Error> for Malformed {
    fn from(_: der::Error) -> Self {
        Self
    }
}

/// A certificate, read once, with the raw parts that matter to signatures and pins.
pub(crate) struct Parsed<'a> {
    certificate: Certificate,
    signed: Signed<'a>,
    issuer: &'a [u8],
    subject: &'a [u8],
    spki: &'a [u8],
}

impl<'a> Parsed<'a> {
    /// Reads a certificate that fills `der` exactly, and whose two signature algorithms are equal.
    pub(crate) fn read(der: &'a [u8]) -> Result<Self, Malformed> {
        let certificate = Certificate::from_der(der)?;
        let signed = Signed::read(der)?;
        let mut fields = SliceReader::new(signed.message)?;
        let (algorithm, issuer, subject, spki) = fields.sequence(|field| {
            // The version is there only where it is not 1.
            if Header::peek(field)?.tag().is_context_specific() {
                field.tlv_bytes()?;
            }
            let _serial = field.tlv_bytes()?;
            let algorithm = field.tlv_bytes()?;
            let issuer = field.tlv_bytes()?;
            let _validity = field.tlv_bytes()?;
            let subject = field.tlv_bytes()?;
            let spki = field.tlv_bytes()?;
            field.drain(field.remaining_len())?;
            der::Result::Ok((algorithm, issuer, subject, spki))
        })?;
        if content(algorithm)? != signed.algorithm {
            return Err(Malformed);
        }
        let parsed = Self { certificate, signed, issuer, subject, spki };
        parsed.check_version()?;
        Ok(parsed)
    }

    /// Version 1 has no extensions, version 2 none either, and no extension may appear twice.
    fn check_version(&self) -> Result<(), Malformed> {
        let tbs = self.certificate.tbs_certificate();
        let has_ids = tbs.issuer_unique_id().is_some() || tbs.subject_unique_id().is_some();
        let allowed = match tbs.version() {
            Version::V1 => tbs.extensions().is_none() && !has_ids,
            Version::V2 => tbs.extensions().is_none(),
            Version::V3 => true,
        };
        let mut seen: Vec<_> = self.extensions().map(|(oid, _)| oid).collect();
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        if allowed && seen.len() == count { Ok(()) } else { Err(Malformed) }
    }

    /// The serial number, in hexadecimal without leading zeros.
    pub(crate) fn serial(&self) -> String {
        let bytes = self.certificate.tbs_certificate().serial_number().as_bytes();
        let digits = hex(bytes);
        digits.trim_start_matches('0').to_owned()
    }

    /// The DER of the issuer's name.
    pub(crate) fn issuer(&self) -> &'a [u8] {
        self.issuer
    }

    /// The DER of the subject's name.
    pub(crate) fn subject(&self) -> &'a [u8] {
        self.subject
    }

    /// The subject's key.
    pub(crate) fn key(&self) -> SubjectPublicKeyInfoDer<'a> {
        SubjectPublicKeyInfoDer::from(self.spki)
    }

    /// Every common name in the subject.
    pub(crate) fn common_names(&self) -> Vec<String> {
        common_names(self.certificate.tbs_certificate().subject())
    }

    /// From when to when the certificate is valid, both inclusive.
    pub(crate) fn validity(&self) -> Validity {
        let validity = self.certificate.tbs_certificate().validity();
        Validity {
            not_before: validity.not_before.to_unix_duration().as_secs(),
            not_after: validity.not_after.to_unix_duration().as_secs(),
        }
    }

    /// Whether the certificate says that it is a CA's; `None` if it says nothing.
    pub(crate) fn is_ca(&self) -> Result<Option<bool>, Malformed> {
        Ok(self.extension::<BasicConstraints>()?.map(|constraints| constraints.ca))
    }

    /// Whether the key may sign handshakes, as far as the certificate says anything about that.
    pub(crate) fn allows_signing(&self) -> Result<bool, Malformed> {
        Ok(self.extension::<KeyUsage>()?.is_none_or(|usage| usage.digital_signature()))
    }

    /// The purposes that the certificate is limited to, if it is.
    pub(crate) fn purposes(&self) -> Result<Option<Vec<ObjectIdentifier>>, Malformed> {
        Ok(self.extension::<ExtendedKeyUsage>()?.map(|usage| usage.0))
    }

    /// The alternative names of the subject, if the certificate has the extension.
    pub(crate) fn alternative_names(&self) -> Result<Option<SubjectAltName>, Malformed> {
        self.extension()
    }

    /// The identifier of the subject's key.
    pub(crate) fn key_id(&self) -> Result<Option<Vec<u8>>, Malformed> {
        Ok(self.extension::<SubjectKeyIdentifier>()?.map(|id| id.0.as_bytes().to_vec()))
    }

    /// Whether the certificate demands that something be understood which this crate does not look at.
    pub(crate) fn has_unknown_critical_extension(&self) -> bool {
        let known = [BasicConstraints::OID, KeyUsage::OID, ExtendedKeyUsage::OID, SubjectAltName::OID];
        self.extensions().any(|(oid, critical)| critical && !known.contains(&oid))
    }

    /// Whether `key` made the signature.
    pub(crate) fn verify_signed_by(&self, key: &SubjectPublicKeyInfoDer<'_>) -> Result<(), SignatureFault> {
        self.signed.verify(key)
    }

    fn extensions(&self) -> impl Iterator<Item = (ObjectIdentifier, bool)> + '_ {
        let extensions = self.certificate.tbs_certificate().extensions();
        extensions.into_iter().flatten().map(|extension| (extension.extn_id, extension.critical))
    }

    fn extension<'s, T>(&'s self) -> Result<Option<T>, Malformed>
    where
        T: der::Decode<'s, Error = der::Error> + der::oid::AssociatedOid,
    {
        let found = self.certificate.tbs_certificate().get_extension::<T>()?;
        Ok(found.map(|(_critical, extension)| extension))
    }
}

/// When a certificate is valid, in seconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) not_before: u64,
    pub(crate) not_after: u64,
}

impl Validity {
    pub(crate) fn has_begun(self, now: UnixTime) -> bool {
        self.not_before <= now.as_secs()
    }

    pub(crate) fn has_ended(self, now: UnixTime) -> bool {
        self.not_after < now.as_secs()
    }

    /// The time in which both are valid; empty, that is ending before it begins, if there is none.
    pub(crate) fn intersect(self, other: Self) -> Self {
        Self { not_before: self.not_before.max(other.not_before), not_after: self.not_after.min(other.not_after) }
    }

    pub(crate) fn as_wall_times(self) -> (WallTime, WallTime) {
        (wall_time(self.not_before), wall_time(self.not_after))
    }
}

/// Seconds since the Unix epoch, as the protocol core counts.
pub(crate) fn wall_time(seconds: u64) -> WallTime {
    WallTime::from_unix_millis(seconds.saturating_mul(1000))
}

/// What certificates and requests have in common: something, an algorithm, and a signature over it.
pub(crate) struct Signed<'a> {
    /// The whole encoding of what is signed.
    pub(crate) message: &'a [u8],
    /// The content of the signature's `AlgorithmIdentifier`, without its SEQUENCE header.
    pub(crate) algorithm: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Signed<'a> {
    /// Reads a signed object that fills `der` exactly.
    pub(crate) fn read(der: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = SliceReader::new(der)?;
        let (message, algorithm, signature) = reader.sequence(|field| {
            let message = field.tlv_bytes()?;
            let algorithm = field.tlv_bytes()?;
            let signature = BitStringRef::decode(field)?;
            der::Result::Ok((message, algorithm, signature))
        })?;
        reader.finish()?;
        Ok(Self { message, algorithm: content(algorithm)?, signature: signature.as_bytes().ok_or(Malformed)? })
    }

    pub(crate) fn verify(&self, key: &SubjectPublicKeyInfoDer<'_>) -> Result<(), SignatureFault> {
        crypto::verify(key, self.algorithm, self.message, self.signature)
    }
}

/// Every common name in `name`.
///
/// Bytes that are no UTF-8 are replaced, and UTF-16 is taken for what its bytes are: whatever is not
/// plain text fails the checks of the caller.
pub(crate) fn common_names(name: &Name) -> Vec<String> {
    name.iter()
        .filter(|attribute| attribute.oid == COMMON_NAME)
        .map(|attribute| String::from_utf8_lossy(attribute.value.value()).into_owned())
        .collect()
}

/// The SHA-256 of a certificate, in hexadecimal: what other programs call its fingerprint.
pub(crate) fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    hex(&crypto::sha256(certificate))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first certificate in `pem`.
pub(crate) fn certificate_from_pem(pem: &[u8]) -> Result<CertificateDer<'static>, Malformed> {
    CertificateDer::from_pem_slice(pem).map_err(|_| Malformed)
}

/// The content of a SEQUENCE.
fn content(sequence: &[u8]) -> Result<&[u8], Malformed> {
    let mut reader = SliceReader::new(sequence)?;
    let header = Header::decode(&mut reader)?;
    if header.tag() != Tag::Sequence {
        return Err(Malformed);
    }
    Ok(reader.read_slice(header.length())?)
}
