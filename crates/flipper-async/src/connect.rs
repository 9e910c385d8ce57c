//! Opens a client's socket: TCP, TLS where it is wanted, and the WebSocket handshake.

use std::io;
use std::sync::Arc;

use flipper_proto::client::Endpoint;
use flipper_proto::{CloseCause, Excerpt, TlsFailure};
use futures_rustls::TlsConnector;
use futures_util::io::BufReader;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tungstenite::client::IntoClientRequest as _;
use tungstenite::error::ProtocolError;

use crate::head::WholeHead;
use crate::runtime::Runtime;
use crate::wire::{Transport, Wire, websocket_config};

/// rustls asks for 4 KiB at a time; the system is asked for this much.
pub(crate) const READ_AHEAD: usize = 32 * 1024;

/// Opens a WebSocket to `endpoint`, over TLS if there is a configuration for it.
pub(crate) async fn connect<R: Runtime>(
    runtime: R,
    endpoint: Endpoint,
    tls: Option<Arc<ClientConfig>>,
    max_message: usize,
) -> Result<Wire, CloseCause> {
    let Endpoint { host, port, target } = endpoint;
    let bracketed = if host.contains(':') { format!("[{host}]") } else { host.clone() };
    let scheme = if tls.is_some() { "wss" } else { "ws" };
    let request = format!("{scheme}://{bracketed}:{port}{target}")
        .into_client_request()
        .map_err(|error| CloseCause::Unreachable(Excerpt::new(&error.to_string())))?;

    let tcp = runtime.connect(host, port).await.map_err(|error| tcp_failure(&error))?;
    let secure = tls.is_some();
    let stream: Box<dyn Transport> = match tls {
        None => Box::new(tcp),
        Some(config) => {
            // The pinned CA is the identity: host names are not matched, and this one stands in no certificate's way.
            let name = ServerName::try_from("localhost").map_err(|_| CloseCause::Reset)?;
            let buffered = BufReader::with_capacity(READ_AHEAD, tcp);
            let stream = TlsConnector::from(config).connect(name, buffered).await;
            Box::new(stream.map_err(|error| tls_failure(&error))?)
        }
    };
    let config = Some(websocket_config(max_message));
    match async_tungstenite::client_async_with_config(request, WholeHead::new(stream), config).await {
        Ok((socket, _response)) => Ok(Wire::new(socket)),
        Err(error) => Err(upgrade_failure(error, secure)),
    }
}

fn tcp_failure(error: &io::Error) -> CloseCause {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => CloseCause::Refused,
        io::ErrorKind::TimedOut => CloseCause::Timeout,
        // It was accepted, and then reset before anything was said.
        io::ErrorKind::ConnectionReset => CloseCause::Reset,
        _ => CloseCause::Unreachable(Excerpt::new(&error.to_string())),
    }
}

fn tls_failure(error: &io::Error) -> CloseCause {
    match rustls_error(error) {
        Some(error) => CloseCause::Tls(flipper_pki::classify(error)),
        None => match error.kind() {
            io::ErrorKind::UnexpectedEof => CloseCause::Eof,
            io::ErrorKind::InvalidData => CloseCause::Tls(TlsFailure::Handshake(Excerpt::new(&error.to_string()))),
            _ => CloseCause::Reset,
        },
    }
}

/// What stands in for the answer to the upgrade. Over TLS 1.3 a refused client certificate shows only here.
fn upgrade_failure(error: tungstenite::Error, secure: bool) -> CloseCause {
    let dropped = if secure { CloseCause::DroppedBeforeUpgrade } else { CloseCause::Eof };
    match error {
        tungstenite::Error::Http(response) => CloseCause::Http(response.status().as_u16()),
        tungstenite::Error::Io(error) => match rustls_error(&error) {
            Some(error) => CloseCause::Tls(flipper_pki::classify(error)),
            None => dropped,
        },
        tungstenite::Error::Protocol(ProtocolError::HandshakeIncomplete)
        | tungstenite::Error::ConnectionClosed
        | tungstenite::Error::AlreadyClosed => dropped,
        error => CloseCause::BadUpgrade(Excerpt::new(&error.to_string())),
    }
}

fn rustls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref::<rustls::Error>()
}
