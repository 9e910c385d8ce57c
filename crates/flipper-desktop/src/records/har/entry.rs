//! One entry of a HAR file.

use percent_encoding::percent_decode_str;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::body;
use super::event::{Header, NetworkRequest, NetworkResponse, header};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    started_date_time: String,
    time: f64,
    request: Request,
    response: Response,
    cache: Cache,
    timings: Timings,
    #[serde(rename = "_client", skip_serializing_if = "Option::is_none")]
    client: Option<String>,
}

#[derive(Serialize)]
struct Cache {}

#[derive(Serialize)]
struct Pair {
    name: String,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    method: String,
    url: String,
    http_version: &'static str,
    cookies: Vec<Pair>,
    headers: Vec<Pair>,
    query_string: Vec<Pair>,
    #[serde(skip_serializing_if = "Option::is_none")]
    post_data: Option<PostData>,
    headers_size: i64,
    body_size: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PostData {
    mime_type: String,
    text: String,
    /// HAR 1.2 has no word for this in requests.
    #[serde(rename = "_encoding", skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    status: i64,
    status_text: String,
    http_version: &'static str,
    cookies: Vec<Pair>,
    headers: Vec<Pair>,
    content: Content,
    #[serde(rename = "redirectURL")]
    redirect_url: String,
    headers_size: i64,
    body_size: i64,
    /// As browsers name what kept a response from coming.
    #[serde(rename = "_error", skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(rename = "_mock", skip_serializing_if = "std::ops::Not::not")]
    mock: bool,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    size: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    compression: Option<i64>,
    mime_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

/// In milliseconds; -1 is what is not known.
#[derive(Serialize)]
struct Timings {
    blocked: f64,
    dns: f64,
    connect: f64,
    ssl: f64,
    send: f64,
    wait: f64,
    receive: f64,
}

/// The plugin does not tell.
const HTTP_VERSION: &str = "unknown";

/// What is not known.
const UNKNOWN: f64 = -1.0;

impl Entry {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit")]
    pub(super) fn new(
        sent: &NetworkRequest,
        received: Option<&NetworkResponse>,
        passed_at: i64,
        client: Option<&str>,
    ) -> Self {
        let begin = sent.timestamp.unwrap_or(passed_at as f64);
        let timings = Timings::of(begin, received);
        Self {
            started_date_time: rfc3339(begin),
            time: timings.sum(),
            request: Request::of(sent),
            response: received.map_or_else(Response::none, Response::of),
            cache: Cache {},
            timings,
            client: client.map(str::to_owned),
        }
    }
}

impl Request {
    fn of(sent: &NetworkRequest) -> Self {
        let post_data = (!sent.body.is_empty()).then(|| {
            let (text, encoding) = text_of(&sent.body);
            PostData { mime_type: mime_type(&sent.headers), text, encoding }
        });
        Self {
            method: sent.method.clone(),
            url: sent.url.clone(),
            http_version: HTTP_VERSION,
            cookies: header(&sent.headers, "cookie").map(|cookies| cookies_of(&cookies)).unwrap_or_default(),
            headers: pairs(&sent.headers),
            query_string: query_of(&sent.url),
            post_data,
            headers_size: -1,
            body_size: size(&sent.body),
        }
    }
}

impl Response {
    fn of(received: &NetworkResponse) -> Self {
        // What the plugin has for a request that failed.
        let failed = received.status <= 0;
        let set = received.headers.iter().filter(|header| header.key.eq_ignore_ascii_case("set-cookie"));
        Self {
            status: received.status.max(0),
            status_text: received.reason.clone(),
            http_version: HTTP_VERSION,
            // Only the first pair is a cookie, what follows is about it.
            cookies: set.flat_map(|header| cookies_of(&header.text()).into_iter().take(1)).collect(),
            headers: pairs(&received.headers),
            content: Content::of(received),
            redirect_url: header(&received.headers, "location").unwrap_or_default().into_owned(),
            headers_size: -1,
            body_size: size(&received.body),
            error: failed.then(|| received.reason.clone()),
            mock: received.is_mock,
        }
    }

    fn none() -> Self {
        Self {
            status: 0,
            status_text: String::new(),
            http_version: HTTP_VERSION,
            cookies: Vec::new(),
            headers: Vec::new(),
            content: Content::default(),
            redirect_url: String::new(),
            headers_size: -1,
            body_size: -1,
            error: Some("no response was recorded".to_owned()),
            mock: false,
        }
    }
}

impl Content {
    fn of(received: &NetworkResponse) -> Self {
        let compressed = header(&received.headers, "content-encoding")
            .is_some_and(|encoding| encoding.eq_ignore_ascii_case("gzip") || encoding.eq_ignore_ascii_case("x-gzip"));
        // An app may have decompressed it and left the header as it was.
        let inflated = if compressed { body::inflate(&received.body) } else { None };
        let content = inflated.as_deref().unwrap_or(&received.body);
        let (text, encoding) = text_of(content);
        let missing = received.missing_parts;
        Self {
            size: size(content),
            compression: inflated.is_some().then(|| size(content) - size(&received.body)),
            mime_type: mime_type(&received.headers),
            text: (!content.is_empty()).then_some(text),
            encoding,
            comment: (missing > 0).then(|| format!("{missing} parts of the body were not recorded")),
        }
    }
}

impl Timings {
    fn of(begin: f64, received: Option<&NetworkResponse>) -> Self {
        let Some(received) = received else {
            return Self {
                blocked: UNKNOWN,
                dns: UNKNOWN,
                connect: UNKNOWN,
                ssl: UNKNOWN,
                send: 0.0,
                wait: 0.0,
                receive: 0.0,
            };
        };
        let told = |time: Option<f64>| time.filter(|time| *time > 0.0);
        let insights = received.insights;
        let (dns, ssl) = (told(insights.dns_lookup_time), told(insights.ssl_handshake_time));
        // HAR counts TLS as part of the connecting.
        let connect = match (told(insights.connect_time), ssl) {
            (None, None) => None,
            (connect, ssl) => Some(connect.unwrap_or(0.0) + ssl.unwrap_or(0.0)),
        };
        let receive = told(insights.transfer_time).unwrap_or(0.0);
        let known = dns.unwrap_or(0.0) + connect.unwrap_or(0.0) + receive;
        Self {
            blocked: UNKNOWN,
            dns: dns.unwrap_or(UNKNOWN),
            connect: connect.unwrap_or(UNKNOWN),
            ssl: ssl.unwrap_or(UNKNOWN),
            send: 0.0,
            wait: (received.timestamp - begin - known).max(0.0),
            receive,
        }
    }

    fn sum(&self) -> f64 {
        [self.dns, self.connect, self.send, self.wait, self.receive].iter().filter(|time| **time > 0.0).sum()
    }
}

fn pairs(headers: &[Header]) -> Vec<Pair> {
    headers.iter().map(|header| Pair { name: header.key.clone(), value: header.text().into_owned() }).collect()
}

fn cookies_of(header: &str) -> Vec<Pair> {
    header
        .split(';')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| Pair { name: name.trim().to_owned(), value: value.trim().to_owned() })
        .collect()
}

fn query_of(url: &str) -> Vec<Pair> {
    let url = url.split_once('#').map_or(url, |(url, _)| url);
    let Some((_, query)) = url.split_once('?') else { return Vec::new() };
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| Pair { name: decode(name), value: decode(value) })
        .collect()
}

fn mime_type(headers: &[Header]) -> String {
    header(headers, "content-type").unwrap_or_default().into_owned()
}

/// Text as it is, anything else as base64.
fn text_of(content: &[u8]) -> (String, Option<&'static str>) {
    match str::from_utf8(content) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (body::encode(content), Some("base64")),
    }
}

fn size(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}

/// Milliseconds since 1970 as HAR has times.
#[expect(clippy::cast_possible_truncation, reason = "what is beyond all calendars becomes 1970 anyway")]
fn rfc3339(millis: f64) -> String {
    let nanos = (millis * 1e3).round() as i128 * 1_000;
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    at.format(&Rfc3339).unwrap_or_default()
}
