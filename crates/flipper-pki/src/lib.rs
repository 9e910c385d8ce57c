//! Keys, certificate requests, a certificate authority, the pinning verifier and the credential store
//! of Flipper.
//!
//! Before an app and a desktop talk, they exchange certificates: the app sends a certificate request,
//! the desktop signs it with its own CA and writes the result into the app's directory, and from then
//! on both sides trust that CA and nothing else. This crate is everything about that but the messages:
//!
//! - [`CredentialStore`] keeps an app's credentials, makes new ones beside the old, and survives
//!   crashes, full disks and damaged files; [`client_config`] makes of [`Credentials`] what rustls
//!   needs to connect.
//! - [`Authority`] is a desktop's CA. It renews its certificates without anybody noticing, signs what
//!   apps ask for, and [serves TLS](Authority::server_config). [`Binding`] tells whom a certificate
//!   was issued to.
//! - [`PinnedCa`] is the trust of both. It takes the X.509 version 1 certificates of the official
//!   desktop, which webpki cannot read, and takes nothing weaker than they are.
//! - [`classify`] says what a failed handshake means to the state machines of `flipper-proto`.
//!
//! Everything here works in the calling thread, and the store and the authority wait for the disk:
//! call them where blocking is allowed. No external program is needed. All cryptography is ring's,
//! whatever provider the process has installed. Private keys are in files that their owner alone can
//! read, and in no text that anything here prints.
//!
//! # An exchange and a session
//!
//! ```
//! use flipper_pki::{Authority, AuthorityConfig, ConnectionConfig, CredentialStore, client_config};
//! use flipper_proto::Medium;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::TempDir::new()?;
//! let desktop = Authority::in_memory(AuthorityConfig::default())?;
//! let app = CredentialStore::new(dir.path().join("sonar"));
//! assert!(app.load().credentials.is_none());
//!
//! // The app makes a key and a request, and tells the desktop both the request and where to deliver.
//! let prepared = app.begin("com.example.app")?;
//! let signed = desktop.sign(&prepared.csr_pem, "emulator-5554")?;
//! std::fs::write(format!("{}sonarCA.crt", prepared.destination), &signed.ca_pem)?;
//! std::fs::write(format!("{}device.crt", prepared.destination), &signed.certificate_pem)?;
//!
//! // The desktop's answer carries the device id. What was delivered must fit, or it is refused here.
//! let answered =
//!     ConnectionConfig { device_id: "emulator-5554".to_owned(), medium: Medium::FsAccess, os: None };
//! let credentials = app.complete(prepared.generation, &answered)?;
//! let for_the_app = client_config(&credentials);
//! let for_the_desktop = desktop.server_config();
//! # drop((for_the_app, for_the_desktop));
//!
//! // Once the desktop has accepted a connection with them, they are the ones in use.
//! app.promote(prepared.generation)?;
//! assert_eq!(app.load().credentials.unwrap().device_id, "emulator-5554");
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod authority;
mod binding;
mod clock;
mod crypto;
mod disk;
mod failure;
mod key;
mod name;
mod pairing;
mod pem;
mod refusal;
mod request;
mod store;
mod tls;
mod verifier;
mod x509;

pub use self::authority::{
    Authority, AuthorityConfig, AuthorityError, AuthorityErrorKind, BadRevocationTarget, CertificateFacts, Inspection,
    Revocation, RevocationTarget, SignedClient, StoredCertificate,
};
pub use self::binding::{Binding, BindingError};
pub use self::clock::WallClock;
pub use self::disk::{DiskAccess, DiskFaults};
pub use self::failure::{classify, classify_io};
pub use self::key::{KeyAlgorithm, KeyError, PrivateKey};
pub use self::name::{SHARED_COMMON_NAME, common_name};
pub use self::pairing::{
    LinkError, Paired, PairedRequest, Pairing, PairingLink, PairingRefusal, PairingSecret, PairingState, Pairings,
    PairingsError,
};
pub use self::refusal::{PeerRefusal, PinError};
pub use self::request::{CertificateRequest, CsrError};
pub use self::store::{ConnectionConfig, CredentialStore, Credentials, Loaded, Prepared, StoreError, StoreErrorKind};
pub use self::tls::{client_config, client_config_at, server_name};
pub use self::verifier::PinnedCa;
