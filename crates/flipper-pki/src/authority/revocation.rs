//! Certificates that are not accepted any more before their time is over.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::str::FromStr;

use flipper_proto::WallTime;
use rustls_pki_types::{CertificateDer, UnixTime};
use serde::{Deserialize, Serialize};

use super::issue;
use crate::binding::Binding;
use crate::name;
use crate::x509::{self, Parsed, wall_time};

/// Which certificates are to be revoked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RevocationTarget {
    /// All that were issued to the app of this id so far. One that the app is given later on is good.
    App(String),
    /// The one with this serial number, in hexadecimal.
    Serial(String),
    /// The one with this SHA-256, in hexadecimal.
    Fingerprint(String),
}

/// Certificates that were revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revocation {
    /// Which ones.
    pub target: RevocationTarget,
    /// When they were.
    pub revoked_at: WallTime,
    /// From when on none of them could be valid any more, so that this is forgotten.
    pub until: WallTime,
}

/// Text that names no certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRevocationTarget(String);

impl FromStr for RevocationTarget {
    type Err = BadRevocationTarget;

    /// Reads 64 hexadecimal digits as a SHA-256, 16 to 40 as a serial number, both with or without colons between them,
    /// and what can be an app's id as that.
    fn from_str(text: &str) -> Result<Self, BadRevocationTarget> {
        let digits: String = text.chars().filter(|c| *c != ':').collect::<String>().to_ascii_lowercase();
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        match digits.len() {
            64 if is_hex => Ok(Self::Fingerprint(digits)),
            16..=40 if is_hex => Ok(Self::Serial(digits.trim_start_matches('0').to_owned())),
            _ if name::is_allowed(text) => Ok(Self::App(text.to_owned())),
            _ => Err(BadRevocationTarget(text.to_owned())),
        }
    }
}

impl fmt::Display for RevocationTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::App(id) => write!(f, "the certificates of app {id}"),
            Self::Serial(serial) => write!(f, "the certificate with serial number {serial}"),
            Self::Fingerprint(fingerprint) => write!(f, "the certificate with fingerprint {fingerprint}"),
        }
    }
}

impl fmt::Display for BadRevocationTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is neither an app's id, nor a serial number, nor a SHA-256 fingerprint in hexadecimal digits",
            self.0
        )
    }
}

impl Error for BadRevocationTarget {}

/// How many revocations a CA remembers.
pub(super) const MAX_REVOCATIONS: usize = 256;

/// All revocations of a CA.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Revocations(Vec<Revocation>);

impl Revocations {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Revocation> {
        self.0.iter()
    }

    /// The list with one more, and without those whose time is over. `None` if it would be too long.
    pub(super) fn with(&self, target: RevocationTarget, now: UnixTime) -> Option<(Self, Revocation)> {
        let revocation = Revocation {
            revoked_at: wall_time(now.as_secs()),
            until: wall_time(now.as_secs().saturating_add(issue::CLIENT_VALIDITY.as_secs())),
            target,
        };
        let mut list = self.clone().pruned(now);
        list.0.retain(|other| other.target != revocation.target);
        list.0.push(revocation.clone());
        (list.0.len() <= MAX_REVOCATIONS).then_some((list, revocation))
    }

    /// The list without those whose time is over.
    pub(super) fn pruned(mut self, now: UnixTime) -> Self {
        let now = wall_time(now.as_secs());
        self.0.retain(|revocation| revocation.until >= now);
        self
    }

    /// Whether a certificate, which a CA of this desktop issued, is revoked.
    pub(super) fn cover(&self, certificate: &CertificateDer<'_>) -> bool {
        if self.0.is_empty() {
            return false;
        }
        // What cannot be read was refused before; here it must not slip through.
        let Ok(parsed) = Parsed::read(certificate) else { return true };
        let names: BTreeSet<String> = parsed.common_names().into_iter().collect();
        let issued_at = issued_at(certificate, &parsed);
        self.0.iter().any(|Revocation { target, revoked_at, .. }| match target {
            RevocationTarget::App(id) => names.contains(id) && issued_at <= *revoked_at,
            RevocationTarget::Serial(serial) => parsed.serial() == *serial,
            RevocationTarget::Fingerprint(fingerprint) => x509::fingerprint(certificate) == *fingerprint,
        })
    }

    pub(super) fn to_json(&self) -> String {
        let entries = self.0.iter().map(Entry::from).collect();
        // Of these types none can fail to be written.
        serde_json::to_string_pretty(&List { revoked: entries }).unwrap_or_default()
    }

    /// `None` if it is damaged.
    pub(super) fn from_json(json: &[u8]) -> Option<Self> {
        let List { revoked } = serde_json::from_slice(json).ok()?;
        revoked.into_iter().map(Entry::read).collect::<Option<Vec<_>>>().map(Self)
    }
}

/// When a certificate was issued: this CA backdates its own, the official desktop does not.
fn issued_at(certificate: &CertificateDer<'_>, parsed: &Parsed<'_>) -> WallTime {
    let backdated = matches!(Binding::of_certificate(certificate), Ok(Binding::Bound { .. }));
    let by = if backdated { issue::BACKDATED_BY.as_secs() } else { 0 };
    wall_time(parsed.validity().not_before.saturating_add(by))
}

#[derive(Deserialize, Serialize)]
struct List {
    revoked: Vec<Entry>,
}

/// A revocation on disk. Times are seconds since the Unix epoch.
#[derive(Deserialize, Serialize)]
struct Entry {
    #[serde(skip_serializing_if = "Option::is_none")]
    app: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    revoked_at: u64,
    until: u64,
}

impl Entry {
    fn read(self) -> Option<Revocation> {
        let target = match (self.app, self.serial, self.fingerprint) {
            (Some(app), None, None) => RevocationTarget::App(app),
            (None, Some(serial), None) => RevocationTarget::Serial(serial),
            (None, None, Some(fingerprint)) => RevocationTarget::Fingerprint(fingerprint),
            _ => return None,
        };
        Some(Revocation { target, revoked_at: wall_time(self.revoked_at), until: wall_time(self.until) })
    }
}

impl From<&Revocation> for Entry {
    fn from(revocation: &Revocation) -> Self {
        let seconds = |time: WallTime| time.as_unix_millis() / 1000;
        let (revoked_at, until) = (seconds(revocation.revoked_at), seconds(revocation.until));
        let mut entry = Self { app: None, serial: None, fingerprint: None, revoked_at, until };
        match revocation.target.clone() {
            RevocationTarget::App(app) => entry.app = Some(app),
            RevocationTarget::Serial(serial) => entry.serial = Some(serial),
            RevocationTarget::Fingerprint(fingerprint) => entry.fingerprint = Some(fingerprint),
        }
        entry
    }
}
