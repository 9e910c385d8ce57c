//! What is served on the port of the page.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use super::Hosting;
use crate::api::failure::{Failure, plain};
use crate::api::routes::{Answer, query, wrong_method};
use crate::api::server::Server;
use crate::api::socket;

pub(in crate::api) fn router(server: Server) -> Router {
    Router::new()
        .route("/", get(root))
        .fallback(get(file))
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(server.clone(), guard))
        .layer(from_fn(harden))
        .with_state(server)
}

/// Everything here is for whom the token or the cookie lets in. Others are told in a browser's words.
async fn guard(State(server): State<Server>, request: Request, next: Next) -> Response {
    match server.gate().check(request.headers(), request.uri()) {
        Ok(()) => next.run(request).await,
        Err(failure) => {
            tracing::debug!(path = request.uri().path(), "a request is refused: {}", failure.error);
            plain(&failure)
        }
    }
}

/// The socket, or the page. Who comes with the token gets a cookie for it, so that it stands in no address bar.
async fn root(State(server): State<Server>, request: Request) -> Answer {
    if request.headers().contains_key(header::UPGRADE) {
        return socket::official(State(server), request).await;
    }
    if query(request.uri(), "token").is_some() {
        let mut response = StatusCode::SEE_OTHER.into_response();
        let headers = response.headers_mut();
        headers.insert(header::LOCATION, HeaderValue::from_static("/"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(server.gate().cookie().map(|cookie| (header::SET_COOKIE, cookie)));
        return Ok(response);
    }
    let ui = &hosting(&server)?.ui;
    let page = ui.files.page();
    let text = if ui.pristine { page.pristine() } else { page.prepared(&server.desktop().clients()) };
    // It is another one as soon as another app is there.
    Ok(content("text/html; charset=utf-8", "no-store", text.into()))
}

/// A file of the page.
async fn file(State(server): State<Server>, request: Request) -> Answer {
    let name = request.uri().path().strip_prefix('/').unwrap_or_default().to_owned();
    let unchanged_since = request.headers().get(header::IF_NONE_MATCH).cloned();
    let reading = move || {
        let Some(file) = hosting(&server)?.ui.files.get(&name) else {
            let message = format!("the official UI has no file {}", flipper_proto::Excerpt::new(&name));
            return Err(Failure::new(StatusCode::NOT_FOUND, "NoSuchRoute", message));
        };
        let found = file.content().map_err(|error| {
            let message = format!("{name} cannot be read: {error}");
            Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "Unreadable", message).hint("install the official UI again")
        })?;
        let is_known = unchanged_since.is_some_and(|etag| etag == *found.etag);
        let bytes = if is_known { Bytes::new() } else { found.bytes };
        let mut response = content(file.content_type, "no-cache", bytes.into());
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        if let Ok(etag) = HeaderValue::from_str(&found.etag) {
            response.headers_mut().insert(header::ETAG, etag);
        }
        Ok(response)
    };
    tokio::task::spawn_blocking(reading).await.unwrap_or_else(|_| Err(no_page()))
}

fn hosting(server: &Server) -> Result<&Hosting, Failure> {
    server.hosting().map(|hosting| &**hosting).ok_or_else(no_page)
}

fn no_page() -> Failure {
    Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "NoPage", "there is no page here")
}

fn content(content_type: &'static str, cache: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

/// Says what the page may do: nothing with any other place. It evaluates its plugins, so that `eval` has to be allowed.
async fn harden(request: Request, next: Next) -> Response {
    let policy = policy(request.headers());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.extend(policy.map(|policy| (header::CONTENT_SECURITY_POLICY, policy)));
    for (name, value) in HARDENED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

const HARDENED: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Not every browser takes the page's own socket for `'self'`.
fn policy(headers: &HeaderMap) -> Option<HeaderValue> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:[]-".contains(&byte));
    let host = if plain { host } else { "localhost" };
    let policy = format!(
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; worker-src blob:; \
         style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; \
         connect-src 'self' ws://{host}; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).ok()
}
