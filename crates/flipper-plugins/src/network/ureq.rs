//! Integration with ureq.

use std::io::{self, Read};
use std::sync::LazyLock;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method, StatusCode, request};
use ureq::middleware::{Middleware, MiddlewareNext};
use ureq::{Body, Error, SendBody};

use super::exchange::{BodyRecorder, Exchange};
use super::mock::MockResponse;
use super::report::BODY_CUT;
use super::{Network, Request, http_types};

/// How much of a request body is read before it is sent, at most.
const READ_AHEAD: u64 = 64 << 20;

/// What is said of a body that would be sent in another way if it was recorded.
const NOT_RECORDED: &str = "not recorded, if there is one: the request has no content-length";

/// What is said of a response that ureq has made an error of.
const AN_ERROR: &str = "headers and body are not known: ureq's http_status_as_error has made an error of the status";

impl Network {
    /// A middleware for ureq that records what an agent sends and gets, and answers with mock responses.
    ///
    /// ureq does not tell middleware how long a request body is, which decides how it is sent. Bodies of JSON and of forms
    /// are therefore read before they are sent (the first 64 MiB: longer ones are sent chunked). Others are recorded as they stream out if the request has a header
    /// `content-length`; if it has not, they are sent as they are and not shown.
    ///
    /// Unless [`http_status_as_error`](ureq::config::ConfigBuilder::http_status_as_error) is switched off, ureq makes
    /// errors of statuses from 400 on before any middleware sees the response: their headers and bodies are not shown. Of a
    /// response that is recorded, [`Body::content_length`] is not known; its header still is.
    ///
    /// ```
    /// use flipper_plugins::network::Network;
    ///
    /// let network = Network::default();
    /// let agent: ureq::Agent = ureq::Agent::config_builder().middleware(network.ureq()).build().into();
    /// # drop(agent);
    /// ```
    #[must_use]
    pub fn ureq(&self) -> UreqMiddleware {
        UreqMiddleware { network: self.clone() }
    }
}

/// Records the requests of a ureq agent: see [`Network::ureq`].
#[derive(Clone, Debug)]
pub struct UreqMiddleware {
    network: Network,
}

impl Middleware for UreqMiddleware {
    fn handle(
        &self,
        request: http::Request<SendBody<'_>>,
        next: MiddlewareNext<'_>,
    ) -> Result<http::Response<Body>, Error> {
        let network = &self.network;
        if network.is_idle() {
            drop(network.skip());
            return next.handle(request);
        }
        let (mut parts, body) = request.into_parts();
        let url = parts.uri.to_string();
        if let Some(mock) = network.mock(parts.method.as_str(), &url) {
            let exchange = network.request(|| describe(&parts, url));
            return Ok(answer(mock, exchange));
        }
        if is_length_declared(&parts.headers) {
            let exchange = network.request(|| describe(&parts, url));
            let expected = length(&parts.headers);
            let mut reader = Recorded::new(body.into_reader(), exchange.request_body(), expected);
            return send(parts, SendBody::from_reader(&mut reader), next, exchange);
        }
        if has_body(&parts) && is_in_memory(&parts.headers) && network.is_recording() {
            let mut reader = body.into_reader();
            let mut known = Vec::new();
            reader.by_ref().take(READ_AHEAD).read_to_end(&mut known)?;
            if (known.len() as u64) < READ_AHEAD {
                parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(known.len()));
            }
            let exchange = network.request(|| describe(&parts, url).body(&known));
            return send(parts, SendBody::from_reader(&mut known.as_slice().chain(reader)), next, exchange);
        }
        let exchange = network.request(|| {
            let described = describe(&parts, url);
            if has_body(&parts) { described.header(BODY_CUT, NOT_RECORDED) } else { described }
        });
        send(parts, body, next, exchange)
    }
}

fn send(
    parts: request::Parts,
    body: SendBody<'_>,
    next: MiddlewareNext<'_>,
    exchange: Exchange,
) -> Result<http::Response<Body>, Error> {
    let is_head = parts.method == Method::HEAD;
    match next.handle(http::Request::from_parts(parts, body)) {
        Ok(response) if exchange.is_seen() => Ok(record(response, exchange, is_head)),
        Ok(response) => Ok(response),
        Err(Error::StatusCode(code)) => {
            let status = StatusCode::from_u16(code).unwrap_or_default();
            let response = || http_types::response(status, &HeaderMap::new()).header(BODY_CUT, AN_ERROR);
            exchange.response(response).end();
            Err(Error::StatusCode(code))
        }
        Err(error) => {
            exchange.fail(&error);
            Err(error)
        }
    }
}

/// Whether the app says how the body is to be sent. Otherwise that depends on what the body is made of, which nobody tells.
fn is_length_declared(headers: &HeaderMap) -> bool {
    headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING)
}

fn has_body(parts: &request::Parts) -> bool {
    matches!(parts.method, Method::POST | Method::PUT | Method::PATCH)
}

/// Whether the body is of a type that apps make in memory.
fn is_in_memory(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind == "application/x-www-form-urlencoded" || kind.ends_with("+json")
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn describe(parts: &request::Parts, url: String) -> Request<'static> {
    let mut described = Request::new(parts.method.as_str(), url);
    described.headers = http_types::headers(&parts.headers);
    described
}

/// The same response, with a body that is recorded.
fn record(response: http::Response<Body>, exchange: Exchange, is_head: bool) -> http::Response<Body> {
    let (parts, body) = response.into_parts();
    let recorder = exchange.response(|| http_types::response(parts.status, &parts.headers));
    let has_none = is_head || matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if has_none || body.content_length() == Some(0) {
        recorder.end();
        return http::Response::from_parts(parts, body);
    }
    let mut builder = Body::builder();
    if let Some(kind) = body.mime_type() {
        builder = builder.mime_type(kind);
    }
    if let Some(charset) = body.charset() {
        // What has been read is UTF-8 then, and must not be decoded again.
        builder = builder.charset(if *IS_DECODED_TO_UTF8 { "utf-8" } else { charset });
    }
    let expected = body.content_length();
    let recorded = builder.reader(Recorded::new(body.into_reader(), recorder, expected));
    http::Response::from_parts(parts, recorded)
}

/// Whether ureq has its feature `charset`, with which bodies of text are read as UTF-8.
static IS_DECODED_TO_UTF8: LazyLock<bool> = LazyLock::new(|| {
    let mut latin1 = Body::builder().mime_type("text/plain").charset("iso-8859-1").data([0xe9]);
    latin1.read_to_vec().is_ok_and(|read| read.len() > 1)
});

fn answer(mock: MockResponse, exchange: Exchange) -> http::Response<Body> {
    let parts = http_types::mock_parts(&mock);
    exchange.response(|| http_types::mocked(&parts, &mock)).end();
    let mut builder = Body::builder();
    if let Some(kind) = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()) {
        builder = builder.mime_type(kind.split(';').next().unwrap_or_default());
    }
    http::Response::from_parts(parts, builder.data(mock.body))
}

/// A reader that is recorded as it is read.
struct Recorded<R> {
    reader: R,
    recorder: Option<BodyRecorder>,
    /// How many bytes there will be, if that is known.
    expected: Option<u64>,
    seen: u64,
}

impl<R> Recorded<R> {
    fn new(reader: R, recorder: BodyRecorder, expected: Option<u64>) -> Self {
        Self { reader, recorder: Some(recorder), expected, seen: 0 }
    }
}

impl<R: Read> Read for Recorded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer);
        let Some(recorder) = &mut self.recorder else { return read };
        match &read {
            Ok(0) if buffer.is_empty() => {}
            Ok(length) => {
                recorder.chunk(&buffer[..*length]);
                self.seen += *length as u64;
                // Who knows the length reads no further.
                if (*length == 0 || self.expected == Some(self.seen))
                    && let Some(recorder) = self.recorder.take()
                {
                    recorder.end();
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                if let Some(recorder) = self.recorder.take() {
                    recorder.fail(error);
                }
            }
        }
        read
    }
}
