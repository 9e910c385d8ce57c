//! Credentials without an exchange.

use std::path::Path;

use flipper_pki::{Authority, ConnectionConfig, CredentialStore};
use flipper_proto::Medium;

use crate::Result;

/// Gives an app the credentials that an exchange with the desktop of this authority would have given it.
///
/// # Errors
/// When they cannot be made or written.
pub fn provision(authority: &Authority, directory: &Path, app_id: &str, device_id: &str) -> Result {
    let store = CredentialStore::new(directory);
    let prepared = store.begin(app_id)?;
    let signed = authority.sign(&prepared.csr_pem, device_id)?;
    store.deliver(prepared.generation, &signed.ca_pem, &signed.certificate_pem)?;
    let answered = ConnectionConfig { device_id: device_id.to_owned(), medium: Medium::FsAccess, os: None };
    store.complete(prepared.generation, &answered)?;
    Ok(store.promote(prepared.generation)?)
}
