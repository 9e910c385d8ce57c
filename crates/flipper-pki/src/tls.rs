//! TLS configurations, for both roles.

use std::net::Ipv4Addr;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::SingleCertAndKey;
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};
use rustls::{ClientConfig, ConfigBuilder, ConfigSide, ServerConfig, WantsVerifier, WantsVersions};
use rustls_pki_types::{IpAddr, ServerName};

use crate::crypto;
use crate::store::Credentials;

/// How an app connects to port 9088: TLS 1.3 or 1.2, with its certificate, trusting the CA of its
/// exchange alone.
///
/// Sessions are never resumed. A resumed session shows no certificates, so a desktop that was given
/// another CA, or refuses this certificate by now, would not be noticed; what that saves is two
/// milliseconds for a connection that lives for hours.
#[must_use]
pub fn client_config(credentials: &Credentials) -> Arc<ClientConfig> {
    client_config_at(credentials, system_clock())
}

/// [`client_config`] by a clock other than the system's.
#[must_use]
pub fn client_config_at(credentials: &Credentials, clock: Arc<dyn TimeProvider>) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_details(crypto::provider(), clock);
    // with_client_auth_cert() would read the certificate with webpki, which refuses version 1; that
    // key and certificate fit was checked when the credentials were loaded.
    let mut config = versions(builder)
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&credentials.trust) as _)
        .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(credentials.identity.clone())));
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

/// The name to open a client connection with, whatever the host is called.
///
/// Names are not compared, see [`PinnedCa`](crate::PinnedCa), and hosts have names that TLS does not know. This one is
/// an address, so that none is sent.
#[must_use]
pub fn server_name() -> ServerName<'static> {
    ServerName::IpAddress(IpAddr::from(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST)))
}

/// A server that demands a certificate of `trust` and shows what `resolver` has.
pub(crate) fn server_config_with(
    trust: Arc<dyn ClientCertVerifier>,
    resolver: Arc<dyn ResolvesServerCert>,
    clock: Arc<dyn TimeProvider>,
) -> Arc<ServerConfig> {
    let mut config = versions(ServerConfig::builder_with_details(crypto::provider(), clock))
        .with_client_cert_verifier(trust)
        .with_cert_resolver(resolver);
    // Without a storage, rustls issues neither session ids nor tickets.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Arc::new(config)
}

/// The clock of the system.
pub(crate) fn system_clock() -> Arc<dyn TimeProvider> {
    Arc::new(DefaultTimeProvider)
}

#[expect(clippy::expect_used, reason = "ring has cipher suites for both versions")]
fn versions<S: ConfigSide>(builder: ConfigBuilder<S, WantsVersions>) -> ConfigBuilder<S, WantsVerifier> {
    builder.with_safe_default_protocol_versions().expect("ring supports TLS 1.2 and 1.3")
}
