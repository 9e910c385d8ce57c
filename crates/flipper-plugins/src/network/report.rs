//! What the desktop is told, as it stands on the wire.

use std::borrow::Cow;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};

use super::address::host_and_path;
use super::body::Body;
use super::message::{Request, Response};

/// The header that is added to what the desktop shows of a message whose body it does not show as a whole. It says what is
/// missing and why.
pub const BODY_CUT: &str = "x-flipper-body-cut";

/// How large the pieces are that a long response body is sent in, as in official clients.
pub(super) const PIECE: usize = 1 << 20;

#[derive(Serialize)]
struct Header<'a> {
    key: &'a str,
    value: Cow<'a, str>,
}

/// Bytes that are written as base64.
struct Base64<'a>(&'a [u8]);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Faster than to have it written piece by piece.
        serializer.serialize_str(&STANDARD.encode(self.0))
    }
}

/// `newRequest`.
#[derive(Serialize)]
pub(super) struct NewRequest<'a> {
    id: &'a str,
    timestamp: u64,
    method: &'a str,
    url: &'a str,
    headers: Vec<Header<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Base64<'a>>,
}

impl<'a> NewRequest<'a> {
    /// `request.body` is what may be shown of `body`.
    pub(super) fn new(id: &'a str, timestamp: u64, request: &'a Request<'_>, body: &Body, ui_headers: bool) -> Self {
        let (mut headers, data) = parts(&request.headers, &request.body, body, false, ui_headers);
        if ui_headers && header(&request.headers, "x-fb-friendly-name").is_none() {
            headers.push(Header { key: "X-FB-Friendly-Name", value: Cow::Borrowed(host_and_path(&request.url)) });
        }
        Self { id, timestamp, method: &request.method, url: &request.url, headers, data: data.map(Base64) }
    }
}

/// `newResponse`, or the first `partialResponse`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewResponse<'a> {
    id: &'a str,
    timestamp: u64,
    status: i32,
    reason: &'a str,
    headers: Vec<Header<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Base64<'a>>,
    is_mock: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    insights: Option<Insights>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_chunks: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
}

impl<'a> NewResponse<'a> {
    /// `response.body` is what may be shown of `body`.
    pub(super) fn new(
        id: &'a str,
        timestamp: u64,
        response: &'a Response<'_>,
        body: &Body,
        insights: Insights,
        ui_headers: bool,
    ) -> (Self, Option<Pieces<'a>>) {
        let (headers, data) = parts(&response.headers, &response.body, body, response.is_decoded, ui_headers);
        let (data, pieces) = match data {
            Some(data) if data.len() > PIECE => {
                let pieces = Pieces { id, data, total: data.len().div_ceil(PIECE) };
                (Some(&data[..PIECE]), Some(pieces))
            }
            data => (data, None),
        };
        let message = Self {
            id,
            timestamp,
            status: response.status,
            reason: &response.reason,
            headers,
            data: data.map(Base64),
            is_mock: response.is_mock,
            insights: (!response.is_mock).then_some(insights),
            total_chunks: pieces.as_ref().map(|pieces| pieces.total),
            index: pieces.as_ref().map(|_| 0),
        };
        (message, pieces)
    }
}

/// The second and later pieces of a body.
pub(super) struct Pieces<'a> {
    id: &'a str,
    data: &'a [u8],
    total: usize,
}

/// A later `partialResponse`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Piece<'a> {
    id: &'a str,
    total_chunks: usize,
    index: usize,
    data: Base64<'a>,
}

impl<'a> Pieces<'a> {
    pub(super) fn iter(&self) -> impl Iterator<Item = Piece<'a>> + use<'a> {
        let (id, total_chunks) = (self.id, self.total);
        self.data.chunks(PIECE).enumerate().skip(1).map(move |(index, data)| Piece {
            id,
            total_chunks,
            index,
            data: Base64(data),
        })
    }
}

/// Times in milliseconds. What is 0 is not shown.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Insights {
    time_to_first_byte: u64,
    transfer_time: u64,
    /// The desktop spells it so.
    bytes_transfered: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer_speed: Option<u64>,
}

impl Insights {
    pub(super) fn new(first: Duration, transfer: Duration, bytes: u64) -> Self {
        let transfer_time = millis(transfer);
        Self {
            time_to_first_byte: millis(first),
            transfer_time,
            bytes_transfered: bytes,
            transfer_speed: bytes.saturating_mul(1000).checked_div(transfer_time),
        }
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The headers as they are shown, and the body as far as it can be.
fn parts<'a>(
    recorded: &'a [(String, String)],
    kept: &'a [u8],
    body: &Body,
    is_decoded: bool,
    ui_headers: bool,
) -> (Vec<Header<'a>>, Option<&'a [u8]>) {
    let compression = if is_decoded { None } else { compression(recorded) };
    // The desktop shows nothing at all of a part of a compressed body.
    let is_hidden = compression.is_some() && !body.is_whole();
    let shown = if is_hidden { &[] } else { kept };
    let mut headers: Vec<_> = Vec::with_capacity(recorded.len() + 3);
    headers.extend(recorded.iter().map(|(key, value)| {
        let is_encoding = key.eq_ignore_ascii_case("content-encoding");
        match compression {
            _ if is_encoding && is_decoded => {
                Header { key: "x-original-content-encoding", value: Cow::Borrowed(value) }
            }
            // The desktop knows it in lower case only.
            Some(name) if is_encoding => Header { key, value: Cow::Borrowed(name) },
            _ => Header { key, value: Cow::Borrowed(value) },
        }
    }));
    if ui_headers && !shown.is_empty() && header(recorded, "content-length").is_none() {
        headers.push(Header { key: "Content-Length", value: Cow::Owned(body.seen().to_string()) });
    }
    if let Some(statement) = body.statement(is_hidden) {
        headers.push(Header { key: BODY_CUT, value: Cow::Owned(statement) });
    }
    (headers, (!shown.is_empty()).then_some(shown))
}

/// How a body is compressed, if the desktop can undo it.
fn compression(headers: &[(String, String)]) -> Option<&'static str> {
    let mut encodings = headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case("content-encoding"));
    let (Some((_, encoding)), None) = (encodings.next(), encodings.next()) else { return None };
    match encoding.trim().to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => Some("gzip"),
        "br" => Some("br"),
        _ => None,
    }
}

/// The first value of a header.
pub(super) fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}
