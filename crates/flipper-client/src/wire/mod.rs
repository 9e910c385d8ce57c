//! What every adapter knows of TCP, TLS, HTTP and WebSocket, however it waits for them.
//!
//! For those who write adapters. Nothing here does IO: an adapter brings a [`Socket`] that never blocks, over a stream
//! whose first bytes went through a [`Head`], and tells [`Traffic`] of everything that goes over it.

mod failure;
mod head;
mod traffic;

pub use self::failure::{stream_failure, tcp_failure, tls_failure, upgrade_failure};
pub use self::head::{Head, MAX_HEAD, find_end_of_head};
pub use self::traffic::{Incoming, Socket, Traffic};

use std::net::Ipv4Addr;

use flipper_proto::client::Endpoint;
use flipper_proto::{CloseCause, Excerpt};
use rustls::pki_types::ServerName;
use tungstenite::client::IntoClientRequest as _;
use tungstenite::handshake::client::Request;
use tungstenite::protocol::WebSocketConfig;

/// How many bytes to ask the system for under TLS: rustls itself asks for 4 KiB at a time.
pub const READ_AHEAD: usize = 32 * 1024;

/// The settings of a WebSocket whose messages have at most `max` bytes.
#[must_use]
pub fn websocket_config(max: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(8 * 1024)
        .write_buffer_size(64 * 1024)
        .max_message_size(Some(max))
        .max_frame_size(Some(max))
}

/// The request that opens a WebSocket to `endpoint`.
///
/// # Errors
/// [`CloseCause::Unreachable`], where the host is no part of a URL.
pub fn upgrade_request(endpoint: &Endpoint, secure: bool) -> Result<Request, CloseCause> {
    let Endpoint { host, port, target } = endpoint;
    let bracketed = if host.contains(':') { format!("[{host}]") } else { host.clone() };
    let scheme = if secure { "wss" } else { "ws" };
    format!("{scheme}://{bracketed}:{port}{target}")
        .into_client_request()
        .map_err(|error| CloseCause::Unreachable(Excerpt::new(&error.to_string())))
}

/// The name that an app asks every desktop for in TLS.
///
/// The pinned CA is the identity: host names are not matched, and this one stands in no certificate's way.
#[must_use]
pub fn server_name() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap_or(ServerName::IpAddress(Ipv4Addr::LOCALHOST.into()))
}
