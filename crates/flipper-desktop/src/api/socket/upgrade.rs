//! From an HTTP request to an open WebSocket.

use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use flipper_async::wire::{Wire, accept_key};
use flipper_tokio::Stream;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::conversation::{Conversation, Dialect, Talk};
use crate::api::failure::Failure;
use crate::api::server::{Presence, Server};

/// How many bytes to ask the system for at a time: observers are few, and ask for much.
const READ_BYTES: usize = 64 * 1024;

/// Answers 101 and speaks on, in the dialect that `begin` makes.
pub(super) fn upgrade<D: Dialect + 'static>(
    server: Server,
    mut request: Request,
    begin: impl FnOnce(&mut Talk) -> D + Send + 'static,
) -> Result<Response, Failure> {
    let Some(key) = key(request.headers()) else { return Ok(upgrade_required()) };
    let accept = HeaderValue::from_str(&accept_key(key))
        .map_err(|_| Failure::bad_request("the header Sec-WebSocket-Key cannot be understood"))?;
    let presence = request.extensions_mut().remove::<Presence>();
    let upgrading = request
        .extensions_mut()
        .remove::<OnUpgrade>()
        .ok_or_else(|| Failure::bad_request("HTTP 1.1 is needed for a WebSocket"))?;
    tokio::spawn(async move {
        match upgrading.await {
            Ok(upgraded) => talk(server, upgraded, begin).await,
            Err(error) => tracing::debug!("no WebSocket came about: {error}"),
        }
        drop(presence);
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    Ok(response)
}

async fn talk<D: Dialect>(server: Server, upgraded: Upgraded, begin: impl FnOnce(&mut Talk) -> D) {
    let Ok(parts) = upgraded.downcast::<TokioIo<TcpStream>>() else {
        tracing::error!("the connection is not the one that was accepted");
        return;
    };
    let stream = Stream::from(parts.io.into_inner());
    let wire = Wire::serve_reading(Box::new(stream), parts.read_buf.into(), server.max_message(), READ_BYTES).await;
    server.observers().fetch_add(1, Ordering::Relaxed);
    Conversation::new(server.clone(), wire, begin).run().await;
    server.observers().fetch_sub(1, Ordering::Relaxed);
}

/// Whether a request is to become a WebSocket, rightly made or not.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    headers.contains_key(header::UPGRADE)
}

/// The key of a request that opens a WebSocket, if it is one.
fn key(headers: &HeaderMap) -> Option<&str> {
    let names = |name: HeaderName, wanted: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(wanted))
    };
    let opens = names(header::CONNECTION, "upgrade")
        && names(header::UPGRADE, "websocket")
        && names(header::SEC_WEBSOCKET_VERSION, "13");
    headers.get(header::SEC_WEBSOCKET_KEY).filter(|_| opens)?.to_str().ok()
}

fn upgrade_required() -> Response {
    let failure = Failure::new(StatusCode::UPGRADE_REQUIRED, "UpgradeRequired", "this is a WebSocket (ws://)")
        .hint("open it with a WebSocket client, such as websocat; everything else is below /api/v1");
    let mut response = failure.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    response
}
