//! Mock responses that are set in the desktop.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use flipper_client::Call;
use flipper_client::proto::ErrorReport;
use serde::Deserialize;
use serde_json::Value;

use super::address::absolute;
use super::redaction::Redaction;

/// A response that is given instead of the server's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MockResponse {
    /// The status: between 200 and 999. Where the desktop's user has typed none that is, it is 200.
    pub status: u16,
    /// Names and values, in order. Names are not empty, but may be no header names at all.
    ///
    /// Headers that say how a body was sent (`content-length`, `content-encoding`, `transfer-encoding`, …) are not among
    /// them: mocks are often copies of recorded responses.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What the desktop has set.
#[derive(Default)]
pub(super) struct Mocks {
    /// Whether there are any, which costs next to nothing to know.
    any: AtomicBool,
    routes: RwLock<Arc<[Route]>>,
}

struct Route {
    method: String,
    url: String,
    response: MockResponse,
}

/// A route as the desktop sends it while somebody edits it: anything may be missing, empty or of another type.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    #[serde(default)]
    request_url: Value,
    #[serde(default)]
    method: Value,
    #[serde(default)]
    data: Value,
    #[serde(default)]
    headers: Value,
    #[serde(default)]
    status: Value,
    #[serde(default)]
    enabled: Value,
}

#[derive(Deserialize)]
struct Params {
    #[serde(default)]
    routes: Value,
}

/// What says how a body is sent, and what this plugin adds to what is shown.
const NOT_MOCKED: &[&str] = &[
    "connection",
    "content-encoding",
    "content-length",
    "keep-alive",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-flipper-body-cut",
    "x-original-content-encoding",
];

impl Mocks {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        !self.any.load(Ordering::Relaxed)
    }

    /// Takes the routes of a call of `mockResponses`, in place of all there were.
    pub(super) fn replace(&self, call: &Call) -> Result<(), ErrorReport> {
        let Params { routes } = call.parse()?;
        let routes = match routes {
            Value::Array(routes) => routes.into_iter().filter_map(Route::read).collect(),
            _ => Vec::new(),
        };
        self.set(routes.into());
        Ok(())
    }

    pub(super) fn clear(&self) {
        self.set(Arc::default());
    }

    fn set(&self, routes: Arc<[Route]>) {
        let any = !routes.is_empty();
        *self.routes.write().unwrap_or_else(PoisonError::into_inner) = routes;
        self.any.store(any, Ordering::Relaxed);
    }

    /// The first that is for such a request. A route that was copied from a row has the URL that was shown.
    pub(super) fn find(&self, method: &str, url: &str, redaction: &Redaction) -> Option<MockResponse> {
        let routes = Arc::clone(&self.routes.read().unwrap_or_else(PoisonError::into_inner));
        let clean = redaction.clean_url(url);
        let shown = absolute(&clean);
        let route = routes.iter().find(|route| {
            route.method.eq_ignore_ascii_case(method) && (url.contains(&route.url) || shown.contains(&route.url))
        })?;
        Some(route.response.clone())
    }
}

impl Route {
    fn read(sent: Value) -> Option<Self> {
        let sent: Sent = serde_json::from_value(sent).ok()?;
        let url = text(&sent.request_url);
        // It would be for every request while somebody types it.
        if url.trim().is_empty() || sent.enabled == Value::Bool(false) {
            return None;
        }
        let mut headers = headers(&sent.headers);
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            headers.push(("content-type".to_owned(), "text/plain; charset=utf-8".to_owned()));
        }
        let status = text(&sent.status).trim().parse().ok().filter(|status| (200..=999).contains(status));
        let response = MockResponse { status: status.unwrap_or(200), headers, body: body(&sent.data) };
        Some(Self { method: text(&sent.method).trim().to_owned(), url, response })
    }
}

fn headers(sent: &Value) -> Vec<(String, String)> {
    let Value::Array(sent) = sent else { return Vec::new() };
    let headers = sent.iter().map(|header| (text(&header["key"]).trim().to_owned(), text(&header["value"])));
    headers
        .filter(|(name, _)| {
            !name.is_empty() && !NOT_MOCKED.iter().any(|not_mocked| not_mocked.eq_ignore_ascii_case(name))
        })
        .collect()
}

/// A body is text, or an object of byte values by index where it was copied from one that is no text.
fn body(sent: &Value) -> Vec<u8> {
    let Value::Object(bytes) = sent else { return text(sent).into_bytes() };
    let by_index: Option<BTreeMap<u64, u8>> =
        bytes.iter().map(|(index, byte)| Some((index.parse().ok()?, u8::try_from(byte.as_u64()?).ok()?))).collect();
    by_index.map_or_else(|| sent.to_string().into_bytes(), |bytes| bytes.into_values().collect())
}

fn text(sent: &Value) -> String {
    match sent {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
