//! The certificates that a desktop's CA issues.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyUsagePurpose,
    PublicKeyData, SanType, SerialNumber,
};
use rustls_pki_types::{CertificateDer, UnixTime};
use time::OffsetDateTime;

use crate::key::{PrivateKey, PublicKey};
use crate::{binding, crypto, name};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How far `notBefore` lies before the moment of issue, for peers whose clock is behind.
///
/// Not more: official Android apps refuse a desktop whose certificates are older than 30 days, and
/// these are renewed after [`RENEW_AFTER`].
pub(crate) const BACKDATED_BY: Duration = DAY;

/// The age at which the CA's certificate and the desktop's are issued anew, well before the 30 days of
/// the official Android SDK (`FlipperSocketImpl.java`, `CERTIFICATE_TTL_DAYS`).
pub(crate) const RENEW_AFTER: Duration = DAY.saturating_mul(20);

/// How long the CA's certificate is valid: apps keep the copy that they were given.
pub(crate) const CA_VALIDITY: Duration = DAY.saturating_mul(10 * 365);

/// How long the desktop's own certificate is valid: for a machine that slept when it was to be renewed.
pub(crate) const SERVER_VALIDITY: Duration = DAY.saturating_mul(90);

/// How long an app's certificate is valid at most, and by default: apps renew theirs by themselves.
pub(crate) const CLIENT_VALIDITY: Duration = DAY.saturating_mul(365);

/// A certificate could not be issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IssueError {
    /// There is no clock, or it is beyond all calendars.
    Clock,
    /// Signing failed, for want of random numbers as far as is known.
    Signing,
}

/// The CA as the issuer of certificates.
pub(crate) struct Ca<'a> {
    key: &'a PrivateKey,
    key_id: &'a [u8],
}

impl<'a> Ca<'a> {
    pub(crate) fn new(key: &'a PrivateKey, key_id: &'a [u8]) -> Self {
        Self { key, key_id }
    }

    /// The CA's own certificate. Key, subject and key id are always the same, so that what it issued
    /// before is valid under the new one, and what it issues now under the old one.
    pub(crate) fn issue_ca(&self, now: UnixTime) -> Result<CertificateDer<'static>, IssueError> {
        let mut params = self.params(now, CA_VALIDITY)?;
        params.distinguished_name = name::ca_subject();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.key_identifier_method = KeyIdMethod::PreSpecified(self.key_id.to_vec());
        self.issue(&params, self.key.public())
    }

    /// The desktop's own certificate, good for the names that apps reach a desktop by: 10.0.2.2 is
    /// the host as an Android emulator sees it.
    pub(crate) fn issue_server(&self, key: &PrivateKey, now: UnixTime) -> Result<CertificateDer<'static>, IssueError> {
        let mut params = self.params(now, SERVER_VALIDITY)?;
        params.distinguished_name = name::server_subject();
        params.subject_alt_names = vec![
            SanType::DnsName(ia5(name::SERVER)?),
            SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)),
            SanType::IpAddress(IpAddr::V4(Ipv4Addr::new(10, 0, 2, 2))),
        ];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.issue(&params, key.public())
    }

    /// An app's certificate: nothing of the request but its key and its name is in it.
    pub(crate) fn issue_client(
        &self,
        key: &PublicKey,
        common_name: &str,
        device_id: &str,
        validity: Duration,
        now: UnixTime,
    ) -> Result<CertificateDer<'static>, IssueError> {
        let mut params = self.params(now, validity)?;
        params.distinguished_name = name::app_subject(common_name);
        let uri = binding::client_uri(common_name, device_id);
        params.subject_alt_names = vec![SanType::URI(ia5(&uri)?)];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(&params, key)
    }

    /// What all certificates have in common. The defaults of rcgen would be valid for two thousand
    /// years, with a serial number that follows from the key.
    fn params(&self, now: UnixTime, validity: Duration) -> Result<CertificateParams, IssueError> {
        let mut params = CertificateParams::default();
        params.not_before = date(now.as_secs().saturating_sub(BACKDATED_BY.as_secs()))?;
        params.not_after = date(now.as_secs().saturating_add(validity.as_secs()))?;
        params.serial_number = Some(serial_number()?);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        Ok(params)
    }

    fn issue(
        &self,
        params: &CertificateParams,
        key: &impl PublicKeyData,
    ) -> Result<CertificateDer<'static>, IssueError> {
        let mut issuer = CertificateParams::default();
        issuer.distinguished_name = name::ca_subject();
        issuer.key_identifier_method = KeyIdMethod::PreSpecified(self.key_id.to_vec());
        let issuer = Issuer::new(issuer, self.key.as_rcgen());
        let certificate = params.signed_by(key, &issuer).map_err(|_| IssueError::Signing)?;
        Ok(certificate.into())
    }
}

/// The key id of a CA that has no certificate yet: the first 20 bytes of the SHA-256 of its key.
pub(crate) fn new_key_id(key: &PrivateKey) -> Vec<u8> {
    CertificateParams::default().key_identifier(key.public())
}

/// A random number of 127 bits, of which the first is set: all have one length, and none is negative. There is no
/// counter that a crash could spoil.
fn serial_number() -> Result<SerialNumber, IssueError> {
    let mut bytes = crypto::random_bytes::<16>().ok_or(IssueError::Signing)?;
    bytes[0] = bytes[0] & 0x7f | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}

fn date(unix_seconds: u64) -> Result<OffsetDateTime, IssueError> {
    let seconds = i64::try_from(unix_seconds).map_err(|_| IssueError::Clock)?;
    OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| IssueError::Clock)
}

fn ia5(text: &str) -> Result<Ia5String, IssueError> {
    Ia5String::try_from(text).map_err(|_| IssueError::Signing)
}
