//! What a driver tells of credentials, which lie on its disk.

use flipper_proto::client::{CredentialFailure, CredentialProblem, Credentials, Prepared};
use flipper_proto::{Generation, Instant, PairingProof, WallTime};

use super::config::medium;
use crate::pointer::FlipperStr;
use crate::record::{self, Record};
use crate::result::FlipperResult;

/// What a client knows of credentials.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct FlipperCredentials {
    /// `sizeof(flipper_credentials)`.
    pub size: usize,
    /// Which ones: a number of the driver's, larger for newer ones.
    pub generation: u64,
    /// The device id that the desktop answered. May be empty.
    pub device_id: FlipperStr,
    /// The operating system that was presented, where it was not the real one; else NULL.
    pub os: FlipperStr,
    /// The certificate request, PEM.
    pub csr: FlipperStr,
    /// The directory that the desktop finds it in, with a trailing separator.
    pub csr_path: FlipperStr,
    /// When the first of the certificates expires, as a time of the caller's origin.
    pub valid_until_ms: u64,
    /// The `flipper_medium` that they came by, which is not the automatic one.
    pub medium: u32,
}

// SAFETY: its size comes first; the rest is texts and numbers.
unsafe impl Record for FlipperCredentials {}

impl FlipperCredentials {
    /// # Safety
    /// `record` is NULL, or points to a record of the size that it says, with good texts in it.
    pub(super) unsafe fn read(record: *const Self) -> Result<Credentials, FlipperResult> {
        // SAFETY: the caller's promise.
        unsafe {
            let record = record::read(record)?;
            Ok(Credentials {
                generation: Generation::from_u64(record.generation),
                device_id: record.device_id.read()?.to_owned(),
                medium: medium(record.medium)?,
                os: record.os.read_optional()?.map(str::to_owned),
                csr: record.csr.read_required()?.to_owned(),
                csr_path: record.csr_path.read_required()?.to_owned(),
                valid_until: Instant::from_millis(record.valid_until_ms),
            })
        }
    }
}

/// A key and a certificate request that a driver has made.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct FlipperPrepared {
    /// `sizeof(flipper_prepared)`.
    pub size: usize,
    /// Which ones: a number of the driver's, larger for newer ones.
    pub generation: u64,
    /// The certificate request, PEM.
    pub csr: FlipperStr,
    /// Where the desktop is to write the certificates: a directory with a trailing separator, in which the request lies as
    /// `app.csr`.
    pub destination: FlipperStr,
    /// The calendar time, in milliseconds since 1970.
    pub wall_ms: u64,
    /// Medium WWW: which pairing. NULL where the app is not paired.
    pub pairing_id: FlipperStr,
    /// Random, and other for each request: base64url of 16 bytes.
    pub pairing_nonce: FlipperStr,
    /// What proves the pairing: base64url of 32 bytes.
    pub pairing_proof: FlipperStr,
}

// SAFETY: its size comes first; the rest is texts and numbers.
unsafe impl Record for FlipperPrepared {}

impl FlipperPrepared {
    /// # Safety
    /// As [`FlipperCredentials::read`].
    pub(super) unsafe fn read(record: *const Self) -> Result<Prepared, FlipperResult> {
        // SAFETY: the caller's promise.
        unsafe {
            let record = record::read(record)?;
            let pairing = match record.pairing_id.read_optional()? {
                Some(id) => Some(PairingProof {
                    id: id.to_owned(),
                    nonce: record.pairing_nonce.read_required()?.to_owned(),
                    proof: record.pairing_proof.read_required()?.to_owned(),
                }),
                None => None,
            };
            Ok(Prepared {
                generation: Generation::from_u64(record.generation),
                csr: record.csr.read_required()?.to_owned(),
                destination: record.destination.read_required()?.to_owned(),
                wall: WallTime::from_unix_millis(record.wall_ms),
                pairing,
            })
        }
    }
}

/// What is wrong with credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperCredentialProblem {
    /// Their directory, or a file in it, cannot be read or written.
    Io = 1,
    /// A file is damaged, or does not fit the others.
    Invalid = 2,
    /// There are none, and medium NONE brings none.
    Missing = 3,
    /// The desktop granted, but its files are not there.
    NotDelivered = 4,
    /// Those of medium WWW could not be fetched.
    Fetch = 5,
    /// They do not come from the desktop that the app is paired with.
    NotAuthentic = 6,
}

const PROBLEMS: [(FlipperCredentialProblem, CredentialProblem); 6] = [
    (FlipperCredentialProblem::Io, CredentialProblem::Io),
    (FlipperCredentialProblem::Invalid, CredentialProblem::Invalid),
    (FlipperCredentialProblem::Missing, CredentialProblem::Missing),
    (FlipperCredentialProblem::NotDelivered, CredentialProblem::NotDelivered),
    (FlipperCredentialProblem::Fetch, CredentialProblem::Fetch),
    (FlipperCredentialProblem::NotAuthentic, CredentialProblem::NotAuthentic),
];

impl FlipperCredentialProblem {
    /// The number of a problem; `None` for one that is newer than this layer.
    pub(crate) fn of(problem: CredentialProblem) -> Option<Self> {
        PROBLEMS.iter().find(|(_, known)| *known == problem).map(|(number, _)| *number)
    }

    pub(super) fn failure(number: u32, text: &str) -> Result<CredentialFailure, FlipperResult> {
        let known = PROBLEMS.iter().find(|(problem, _)| *problem as u32 == number);
        let (_, kind) = known.ok_or(FlipperResult::BadValue)?;
        Ok(CredentialFailure { kind: *kind, text: text.to_owned() })
    }
}
