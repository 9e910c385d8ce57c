//! Opens a client's socket: TCP, TLS where it is wanted, and the WebSocket handshake.

use std::sync::Arc;

use flipper_client::wire::{
    READ_AHEAD, server_name, tcp_failure, tls_failure, upgrade_failure, upgrade_request, websocket_config,
};
use flipper_proto::CloseCause;
use flipper_proto::client::Endpoint;
use futures_rustls::TlsConnector;
use futures_util::io::BufReader;
use rustls::ClientConfig;

use crate::head::WholeHead;
use crate::runtime::Runtime;
use crate::wire::{Transport, Wire};

/// Opens a WebSocket to `endpoint`, over TLS if there is a configuration for it.
pub(crate) async fn connect<R: Runtime>(
    runtime: R,
    endpoint: Endpoint,
    tls: Option<Arc<ClientConfig>>,
    max_message: usize,
) -> Result<Wire, CloseCause> {
    let secure = tls.is_some();
    let request = upgrade_request(&endpoint, secure)?;
    let tcp = runtime.connect(endpoint.host, endpoint.port).await.map_err(|error| tcp_failure(&error))?;
    let stream: Box<dyn Transport> = match tls {
        None => Box::new(tcp),
        Some(config) => {
            let buffered = BufReader::with_capacity(READ_AHEAD, tcp);
            let stream = TlsConnector::from(config).connect(server_name(), buffered).await;
            Box::new(stream.map_err(|error| tls_failure(&error))?)
        }
    };
    let config = Some(websocket_config(max_message));
    match async_tungstenite::client_async_with_config(request, WholeHead::new(stream), config).await {
        Ok((socket, _response)) => Ok(Wire::new(socket)),
        Err(error) => Err(upgrade_failure(error, secure)),
    }
}
