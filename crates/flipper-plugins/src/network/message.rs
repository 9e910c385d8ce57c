//! Requests and responses as they are recorded.

use std::borrow::Cow;
use std::fmt;

/// A request as it is recorded.
///
/// Its body is what is known when it goes out; what is streamed goes through
/// [`Exchange::request_body`](super::Exchange::request_body).
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request<'a> {
    /// The method, whatever it is.
    pub method: String,
    /// The URL. It should be absolute: where it is not, or is broken, it is shown as part of one that begins with
    /// `http://invalid/`.
    pub url: String,
    /// Names and values, in order. Names may come more than once.
    pub headers: Vec<(String, String)>,
    /// The body. No more of it is copied than the limit.
    pub body: Cow<'a, [u8]>,
}

impl<'a> Request<'a> {
    /// A request without headers and body.
    #[must_use]
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self { method: method.into(), url: url.into(), headers: Vec::new(), body: Cow::Borrowed(&[]) }
    }

    /// Adds a header. A value that is no UTF-8 is shown escaped, as in `caf\xe9`.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.into(), readable(value.as_ref())));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Cow<'a, [u8]>>) -> Self {
        self.body = body.into();
        self
    }
}

impl fmt::Debug for Request<'_> {
    /// Shows nothing that could be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("method", &self.method).field("body", &self.body.len()).finish_non_exhaustive()
    }
}

/// A response as it is recorded.
///
/// Its body is what is known at once; what is streamed goes through the [`BodyRecorder`](super::BodyRecorder) that
/// [`Exchange::response`](super::Exchange::response) returns.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Response<'a> {
    /// The status; -1 when the exchange failed.
    pub status: i32,
    /// The reason phrase, or the error.
    pub reason: String,
    /// Names and values, in order. Names may come more than once. Trailers are added at the end.
    pub headers: Vec<(String, String)>,
    /// The body. No more of it is copied than the limit.
    pub body: Cow<'a, [u8]>,
    /// Whether it is a mock response, and no server was asked.
    pub is_mock: bool,
    /// Whether the body is recorded as it was before it was encoded, whatever `content-encoding` says.
    pub is_decoded: bool,
}

impl<'a> Response<'a> {
    /// A response without reason, headers and body.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self {
            status: i32::from(status),
            reason: String::new(),
            headers: Vec::new(),
            body: Cow::Borrowed(&[]),
            is_mock: false,
            is_decoded: false,
        }
    }

    /// Sets the reason phrase.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }

    /// Adds a header. A value that is no UTF-8 is shown escaped, as in `caf\xe9`.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.into(), readable(value.as_ref())));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Cow<'a, [u8]>>) -> Self {
        self.body = body.into();
        self
    }

    /// Marks it as a mock response.
    #[must_use]
    pub fn mock(mut self) -> Self {
        self.is_mock = true;
        self
    }

    /// Says that the body is recorded as it was before it was encoded. A header `content-encoding` is then shown as
    /// `x-original-content-encoding`, so that the desktop does not decode it again.
    #[must_use]
    pub fn decoded(mut self) -> Self {
        self.is_decoded = true;
        self
    }
}

impl fmt::Debug for Response<'_> {
    /// Shows nothing that could be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).field("body", &self.body.len()).finish_non_exhaustive()
    }
}

/// What becomes of a request or response that a hook was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is sent to the desktop, as the hook has left it.
    Keep,
    /// It is not.
    Drop,
}

/// The value of a header as text.
pub(super) fn readable(value: &[u8]) -> String {
    str::from_utf8(value).map_or_else(|_| value.escape_ascii().to_string(), str::to_owned)
}
