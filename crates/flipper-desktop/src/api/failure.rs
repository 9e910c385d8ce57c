//! What a caller is told who does not get what was asked for.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::error::CallError;
use crate::json;

/// An error, and the status that goes with it.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) error: Box<json::Error>,
}

impl Failure {
    pub(super) fn new(status: StatusCode, name: &str, message: impl Into<String>) -> Self {
        let error = json::Error {
            name: name.to_owned(),
            message: message.into(),
            hint: None,
            candidates: Vec::new(),
            cause: None,
        };
        Self { status, error: Box::new(error) }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.error.hint = Some(hint.into());
        self
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
            .hint("docs/desktop-api.md has an example of every route and command")
    }

    pub(super) fn too_large(max: usize) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "TooLarge", format!("a message may have {max} bytes"))
            .hint("send less at once, or start the desktop with a higher limit")
    }

    /// `{"error":…}`
    pub(super) fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Answer<'a> {
            error: &'a json::Error,
        }
        serde_json::to_string(&Answer { error: &self.error }).unwrap_or_default()
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let message = error.to_string();
        match error {
            CallError::NotConnected => Self::new(StatusCode::NOT_FOUND, "NoSuchApp", message)
                .hint("GET /api/v1/apps lists the apps that are connected"),
            CallError::Failed { report, raw } => {
                let mut failure = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "AppError", report.to_string());
                failure.error.cause = json::raw(&raw);
                failure
            }
            CallError::BadAnswer(_) => Self::new(StatusCode::BAD_GATEWAY, "BadAnswer", message)
                .hint("the app's SDK does not follow the protocol; `flipper conformance` tells more"),
            CallError::TimedOut { .. } => Self::new(StatusCode::GATEWAY_TIMEOUT, "TimedOut", message)
                .hint("the app may be stopped at a breakpoint; `timeout_ms` says how long to wait"),
            CallError::Disconnected => Self::new(StatusCode::BAD_GATEWAY, "AppDisconnected", message)
                .hint("whether it did what was asked is not known; most apps connect again within seconds"),
            CallError::Busy(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "Busy", message)
                .hint("wait for the answers to earlier calls"),
            CallError::TooLarge { max, .. } => Self::too_large(max),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = answer(self.status, self.to_json());
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// What people are told who look at it in a browser.
pub(super) fn plain(failure: &Failure) -> Response {
    let mut text = failure.error.message.clone();
    if let Some(hint) = &failure.error.hint {
        text.push_str("; ");
        text.push_str(hint);
    }
    let mut response = answer(failure.status, text + ".\n");
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// An answer in JSON.
pub(super) fn answer(status: StatusCode, json: String) -> Response {
    let mut response = Response::new(Body::from(json));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
