//! The routes of the API.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, Uri};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use flipper_proto::desktop::Call;
use flipper_proto::{ClientId, Payload, Text};
use http_body_util::LengthLimitError;
use percent_encoding::percent_decode_str;
use serde::Serialize;

use super::failure::{Failure, answer};
use super::find::find;
use super::gate::guard;
use super::page;
use super::server::Server;
use super::socket;
#[cfg(feature = "records")]
use super::{recorded, recordings};
use crate::audience::Occurrence;
use crate::error::CallError;
use crate::json;

pub(super) type Answer = Result<Response, Failure>;

pub(super) fn router(server: Server) -> Router {
    const APP: &str = "/api/v1/apps/{app}";
    const PLUGIN: &str = "/api/v1/apps/{app}/plugins/{plugin}";
    let path = |of: &str, rest: &str| format!("{of}{rest}");
    let router = Router::new();
    #[cfg(feature = "records")]
    let router = router
        .route("/api/v1/recordings", get(recordings::list).post(recordings::start))
        .route("/api/v1/recordings/stop", post(recordings::stop))
        .route("/api/v1/recordings/{name}", get(recorded::about))
        .route("/api/v1/recordings/{name}/events", get(recorded::events));
    router
        .route("/api/v1/status", get(status))
        .route("/api/v1/devices", get(devices))
        .route("/api/v1/exchanges", get(exchanges))
        .route("/api/v1/failures", get(failures))
        .route("/api/v1/apps", get(apps))
        .route(APP, get(app))
        .route(&path(APP, "/disconnect"), post(disconnect))
        .route(&path(PLUGIN, "/init"), post(init))
        .route(&path(PLUGIN, "/deinit"), post(deinit))
        .route(&path(PLUGIN, "/call/{method}"), post(call))
        .route(&path(PLUGIN, "/supports/{method}"), get(supports))
        .route("/api/v1/events", get(socket::events))
        .route("/api/v1/socket", get(socket::commands))
        .route("/", get(page::root))
        .merge(page::assets())
        .fallback(no_such_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(server.clone(), guard))
        .with_state(server)
}

async fn status(State(server): State<Server>) -> Response {
    ok(&server.status())
}

async fn devices(State(server): State<Server>) -> Response {
    ok(&json::Device::list(&server.desktop().devices(), &server.apps()))
}

async fn exchanges(State(server): State<Server>) -> Response {
    ok(&told(&server.desktop().recent_exchanges()))
}

async fn failures(State(server): State<Server>) -> Response {
    ok(&told(&server.desktop().recent_failures()))
}

fn told(occurrences: &[Occurrence]) -> Vec<json::Event> {
    occurrences.iter().map(|occurrence| json::Event::new(&occurrence.event, occurrence.at)).collect()
}

async fn apps(State(server): State<Server>) -> Response {
    ok(&server.apps())
}

async fn app(State(server): State<Server>, Path(app): Path<String>) -> Answer {
    let client = server.find(&app)?;
    let client = server.desktop().client(&client).ok_or(CallError::NotConnected)?;
    Ok(ok(&json::App::from(&client)))
}

async fn disconnect(State(server): State<Server>, Path(app): Path<String>) -> Answer {
    server.desktop().disconnect(&server.find(&app)?)?;
    Ok(success(&Payload::empty_object()))
}

async fn init(State(server): State<Server>, Path((app, plugin)): Path<(String, String)>) -> Answer {
    server.desktop().init_plugin(&server.find(&app)?, &plugin)?;
    Ok(success(&Payload::empty_object()))
}

async fn deinit(State(server): State<Server>, Path((app, plugin)): Path<(String, String)>) -> Answer {
    server.desktop().deinit_plugin(&server.find(&app)?, &plugin)?;
    Ok(success(&Payload::empty_object()))
}

async fn call(
    State(server): State<Server>,
    Path((app, plugin, method)): Path<(String, String, String)>,
    uri: Uri,
    body: Body,
) -> Answer {
    let mut call = Call::new(plugin.as_str(), method);
    if let Some(timeout) = query(&uri, "timeout_ms") {
        let millis = timeout
            .parse()
            .map_err(|_| Failure::bad_request(format!("timeout_ms is a number of milliseconds, and not {timeout}")))?;
        call.deadline = Some(Duration::from_millis(millis));
    }
    call.params = params(body, server.max_message()).await?;
    let client = server.find(&app)?;
    Ok(success(&server.desktop().call_with(&client, &call).await?))
}

async fn supports(State(server): State<Server>, Path((app, plugin, method)): Path<(String, String, String)>) -> Answer {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Supports {
        is_supported: bool,
    }
    let client = server.find(&app)?;
    let is_supported = server.desktop().is_method_supported(&client, &plugin, &method).await?;
    Ok(ok(&Supports { is_supported }))
}

async fn no_such_route(request: Request) -> Response {
    let message = format!("there is no route {}", request.uri().path());
    Failure::new(StatusCode::NOT_FOUND, "NoSuchRoute", message)
        .hint("all of them begin with /api/v1; docs/desktop-api.md lists them")
        .into_response()
}

pub(super) async fn wrong_method(request: Request) -> Response {
    let message = format!("{} has no {}", request.uri().path(), request.method());
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, "WrongMethod", message)
        .hint("what only tells something is a GET, what does something a POST")
        .into_response()
}

impl Server {
    pub(super) fn apps(&self) -> Vec<json::App> {
        self.desktop().clients().iter().map(json::App::from).collect()
    }

    fn find(&self, app: &str) -> Result<ClientId, Failure> {
        self.desktop().desk().peek(|core| find(core, app))
    }
}

/// The value of a key in the query, decoded.
pub(super) fn query(uri: &Uri, key: &str) -> Option<String> {
    let pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.into_iter().find(|(name, _)| *name == key)?;
    Some(percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned())
}

/// The body as params: any JSON, or nothing.
async fn params(body: Body, max: usize) -> Result<Option<Payload>, Failure> {
    let bytes = to_bytes(body, max).await.map_err(|error| {
        let too_large = std::error::Error::source(&error).is_some_and(|source| source.is::<LengthLimitError>());
        if too_large { Failure::too_large(max) } else { Failure::bad_request("the body did not arrive whole") }
    })?;
    if bytes.trim_ascii().is_empty() {
        return Ok(None);
    }
    let text = String::from_utf8(bytes.into()).map_err(|_| Failure::bad_request("the body is no UTF-8"))?;
    let params = Payload::from_json(Text::from(text));
    params.map(Some).map_err(|error| Failure::bad_request(format!("the body is no JSON value: {error}")))
}

pub(super) fn ok(value: &impl Serialize) -> Response {
    // Nothing that is told here can fail to be written.
    answer(StatusCode::OK, serde_json::to_string(value).unwrap_or_default())
}

/// `{"success":…}`, with what an app answered as it came.
fn success(payload: &Payload) -> Response {
    answer(StatusCode::OK, format!("{{\"success\":{payload}}}"))
}
