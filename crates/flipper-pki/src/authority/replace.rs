//! Another CA in the place of the one in use.
//!
//! The order of the writes is what makes it safe to be interrupted. First the certificate of the old CA is laid aside;
//! while `ca.key` is still the old one, that is of no consequence and swept away. Then `ca.key` is replaced, at once.
//! From there on `ca.crt` does not fit any more, but as it is one that was laid aside, everybody knows what happened and
//! goes on: the rest is made anew like anything that is missing.

use std::path::Path;

use rustls_pki_types::UnixTime;

use super::current::{Current, Keys};
use super::error::{AuthorityError, AuthorityErrorKind};
use super::issue;
use super::state::Files;
use crate::key::{KeyAlgorithm, PrivateKey};

/// Makes a new CA, under the lock.
pub(super) fn rotate(files: &Files, algorithm: KeyAlgorithm, now: UnixTime) -> Result<Current, AuthorityError> {
    let key = new_key(algorithm)?;
    // What another process left unfinished comes first.
    let before = Current::load(files, now)?;
    files.keep_previous(&before.chain.ca, now)?;
    files.write_ca_key(&key)?;
    Current::load(files, now)
}

/// The same where there are no files.
pub(super) fn rotate_in_memory(
    before: &Current,
    algorithm: KeyAlgorithm,
    now: UnixTime,
) -> Result<Current, AuthorityError> {
    let (key, server_key) = (new_key(algorithm)?, before.keys.server_key.clone());
    let keys = Keys { key_id: issue::new_key_id(&key), key, server_key };
    let chain = keys.issue_chain(now)?;
    let mut previous = vec![before.chain.trust.clone()];
    previous.extend_from_slice(before.previous());
    Ok(Current::new(keys, chain, previous, (*before.revoked).clone()))
}

/// Makes the CA of an official desktop this one, under the lock, unless it is already.
pub(super) fn adopt(files: &Files, official: &Path, now: UnixTime) -> Result<(), AuthorityError> {
    let (key, certificate) = Files::read_official(official)?;
    if let Some(own) = files.load_ca_key()? {
        if own.public_key() == key.public_key() {
            return Ok(());
        }
        let before = Current::load(files, now)?;
        files.keep_previous(&before.chain.ca, now)?;
    }
    // Its key id is wanted even if this is interrupted: official apps look for their desktop's issuer by it.
    files.keep_previous(&certificate, now)?;
    files.write_ca_key(&key)
}

fn new_key(algorithm: KeyAlgorithm) -> Result<PrivateKey, AuthorityError> {
    PrivateKey::generate_as(algorithm).map_err(|_| AuthorityError::new(AuthorityErrorKind::CannotSign, Path::new("")))
}
