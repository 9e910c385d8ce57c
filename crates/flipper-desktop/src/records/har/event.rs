//! The events of the plugin `Network`, read as forgivingly as the official desktop reads them.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::body;

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Header {
    #[serde(default)]
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: Value,
}

impl Header {
    /// Some clients send numbers.
    pub(super) fn text(&self) -> Cow<'_, str> {
        match &self.value {
            Value::String(text) => Cow::Borrowed(text),
            Value::Null => Cow::Borrowed(""),
            other => Cow::Owned(other.to_string()),
        }
    }
}

/// The value of a header, whatever the case of its name.
pub(super) fn header<'a>(headers: &'a [Header], name: &str) -> Option<Cow<'a, str>> {
    headers.iter().find(|header| header.key.eq_ignore_ascii_case(name)).map(Header::text)
}

/// As much as pairs messages, and the data of a part of a response.
#[derive(Deserialize)]
pub(super) struct Part<'a> {
    /// A text and a number that look alike are two ids: this is the JSON.
    #[serde(borrow, deserialize_with = "raw")]
    pub(super) id: &'a str,
    #[serde(default, rename = "totalChunks")]
    pub(super) total_chunks: Option<u64>,
    #[serde(default)]
    pub(super) index: Option<u64>,
    #[serde(borrow, default)]
    pub(super) data: Option<Cow<'a, str>>,
}

fn raw<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<&'de str, D::Error> {
    <&RawValue>::deserialize(deserializer).map(RawValue::get)
}

impl<'a> Part<'a> {
    pub(super) fn read(params: &'a str) -> Option<Self> {
        serde_json::from_str(params).ok()
    }
}

pub(super) struct NetworkRequest {
    /// In milliseconds since 1970.
    pub(super) timestamp: Option<f64>,
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: Vec<Header>,
    pub(super) body: Vec<u8>,
}

impl NetworkRequest {
    pub(super) fn read(params: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Read {
            timestamp: Option<f64>,
            method: Option<String>,
            url: Option<String>,
            headers: Option<Vec<Header>>,
            data: Option<String>,
        }
        let read: Read = serde_json::from_str(params).ok()?;
        Some(Self {
            timestamp: read.timestamp,
            method: read.method.unwrap_or_default(),
            url: read.url.unwrap_or_default(),
            headers: read.headers.unwrap_or_default(),
            body: body::decode(read.data.as_deref().unwrap_or_default()),
        })
    }
}

pub(super) struct NetworkResponse {
    /// In milliseconds since 1970.
    pub(super) timestamp: f64,
    pub(super) status: i64,
    pub(super) reason: String,
    pub(super) headers: Vec<Header>,
    pub(super) body: Vec<u8>,
    pub(super) is_mock: bool,
    pub(super) insights: Insights,
    /// How many parts of it were not recorded.
    pub(super) missing_parts: u64,
}

/// How long what took, in milliseconds.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Insights {
    pub(super) dns_lookup_time: Option<f64>,
    pub(super) connect_time: Option<f64>,
    pub(super) ssl_handshake_time: Option<f64>,
    pub(super) transfer_time: Option<f64>,
}

impl NetworkResponse {
    /// `passed_at` stands in for a time that it does not tell.
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit")]
    pub(super) fn read(params: &str, passed_at: i64) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Read {
            timestamp: Option<f64>,
            status: Option<Value>,
            reason: Option<String>,
            headers: Option<Vec<Header>>,
            data: Option<String>,
            is_mock: Option<bool>,
            insights: Option<Value>,
        }
        let read: Read = serde_json::from_str(params).ok()?;
        let status = match &read.status {
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(number) => number.as_i64(),
            None => None,
        };
        Some(Self {
            timestamp: read.timestamp.unwrap_or(passed_at as f64),
            status: status.unwrap_or(0),
            reason: read.reason.unwrap_or_default(),
            headers: read.headers.unwrap_or_default(),
            body: body::decode(read.data.as_deref().unwrap_or_default()),
            is_mock: read.is_mock.unwrap_or(false),
            insights: read.insights.and_then(|insights| serde_json::from_value(insights).ok()).unwrap_or_default(),
            missing_parts: 0,
        })
    }

    /// Each part of a body is encoded by itself.
    pub(super) fn append(&mut self, data: Option<&str>) {
        self.body.extend(body::decode(data.unwrap_or_default()));
    }
}
