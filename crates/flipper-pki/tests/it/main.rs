//! Everything that flipper-pki promises, through its public API, against certificates that OpenSSL made.
//!
//! Certificates are made by the `openssl` command while the tests run, and verified at moments that the
//! tests choose: nothing waits, and nothing depends on the date.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail at any line")]

mod support;

mod authority;
mod authority_adoption;
mod authority_disk;
mod authority_revocation;
mod authority_rotation;
mod binding;
mod chains;
mod classify;
mod keys;
mod openssl_peers;
mod pairings;
mod requests;
mod store;
mod store_disk;
mod store_faults;
