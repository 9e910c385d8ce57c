//! What is recorded of the types of the `http` crate.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::message::{Response, readable};
use super::mock::MockResponse;

pub(super) fn headers(map: &HeaderMap) -> Vec<(String, String)> {
    map.iter().map(|(name, value)| (name.as_str().to_owned(), readable(value.as_bytes()))).collect()
}

/// The head of a response.
pub(super) fn response(status: StatusCode, map: &HeaderMap) -> Response<'static> {
    let mut response = Response::new(status.as_u16()).reason(status.canonical_reason().unwrap_or_default());
    response.headers = headers(map);
    response
}

/// A mock response as it is recorded.
pub(super) fn mocked(parts: &http::response::Parts, mock: &MockResponse) -> Response<'static> {
    response(parts.status, &parts.headers).body(mock.body.clone()).mock()
}

/// The head of a mock response, without those of its headers that are none.
pub(super) fn mock_parts(mock: &MockResponse) -> http::response::Parts {
    let (mut parts, ()) = http::Response::new(()).into_parts();
    parts.status = StatusCode::from_u16(mock.status).unwrap_or(StatusCode::OK);
    for (name, value) in &mock.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            parts.headers.append(name, value);
        }
    }
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(mock.body.len()));
    parts
}
