//! The messages of the certificate exchange on port 9089.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::{ErrorReport, ProtocolError};
use crate::pairing::{Bundle, PairingProof};
use crate::query::Medium;
use crate::time::WallTime;
use crate::wire::decode::decode_as;
use crate::wire::encode::to_json;

/// What a client asks for: `signCertificate`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "method", rename = "signCertificate")]
pub(crate) struct SignCertificate<'a> {
    pub(crate) csr: &'a str,
    pub(crate) destination: &'a str,
    pub(crate) medium: u8,
    pub(crate) timestamp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pairing: Option<&'a PairingProof>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub(crate) logs: &'a [String],
}

impl SignCertificate<'_> {
    pub(crate) fn encode(&self) -> String {
        to_json(self)
    }
}

/// What a client says when it is done: `signCertificateAck`. It has no answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "method", rename = "signCertificateAck")]
pub(crate) struct Acknowledgement<'a> {
    pub(crate) is_error: bool,
    pub(crate) config: AcknowledgedConfig<'a>,
    pub(crate) has_required_files: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AcknowledgedConfig<'a> {
    pub(crate) device_id: &'a str,
    pub(crate) medium: u8,
}

impl Acknowledgement<'_> {
    pub(crate) fn encode(&self) -> String {
        to_json(self)
    }
}

/// The answer of a desktop that grants.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) device_id: String,
    pub(crate) bundle: Option<Bundle>,
}

/// The answer of a desktop: `{"deviceId":…}`, with the certificates or without, or a refusal.
///
/// Desktops of 2024 refuse with `{}`, this project's with `{"error":{…}}`.
///
/// # Errors
/// When the text is no JSON object, `deviceId` no string, or `bundle` no bundle where medium WWW gives it a meaning.
pub(crate) fn decode_answer(text: &str, medium: Medium) -> Result<Result<Answer, Option<ErrorReport>>, ProtocolError> {
    #[derive(Deserialize)]
    struct Raw<'a> {
        #[serde(borrow, default, rename = "deviceId")]
        device_id: Option<&'a RawValue>,
        #[serde(borrow, default)]
        bundle: Option<&'a RawValue>,
        #[serde(borrow, default)]
        error: Option<&'a RawValue>,
    }
    let raw: Raw<'_> = decode_as(text, "message")?;
    if raw.device_id.is_none() {
        return Ok(Err(raw.error.map(|error| decode_report(error.get()))));
    }
    let bundle = raw.bundle.filter(|_| medium == Medium::Www);
    Ok(Ok(Answer { device_id: required(raw.device_id, "deviceId")?, bundle: optional(bundle, "bundle")? }))
}

/// The answer of a desktop that grants.
pub(crate) fn encode_grant(device_id: &str, bundle: Option<&Bundle>) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Grant<'a> {
        device_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        bundle: Option<&'a Bundle>,
    }
    to_json(&Grant { device_id, bundle })
}

/// The answer of a desktop that refuses. Old clients read it as `{}`.
pub(crate) fn encode_refusal(error: &ErrorReport) -> String {
    #[derive(Serialize)]
    struct Refusal<'a> {
        error: &'a ErrorReport,
    }
    to_json(&Refusal { error })
}

/// A message that a client sends on the exchange port.
#[derive(Debug)]
pub(crate) enum ClientMessage {
    Sign {
        csr: String,
        destination: String,
        /// `None` where the message has none; the query's counts then.
        medium: Option<Medium>,
        timestamp: Option<WallTime>,
        pairing: Option<PairingProof>,
        logs: Vec<String>,
    },
    Acknowledge {
        is_error: bool,
        has_required_files: Option<bool>,
        logs: Vec<String>,
    },
}

/// Reads a message that a client sends on the exchange port.
///
/// # Errors
/// When the text is no JSON object, lacks a field, has one of the wrong type, or its method is unknown.
pub(crate) fn decode_client_message(text: &str) -> Result<ClientMessage, ProtocolError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Raw<'a> {
        #[serde(borrow, default)]
        method: Option<&'a RawValue>,
        #[serde(borrow, default)]
        csr: Option<&'a RawValue>,
        #[serde(borrow, default)]
        destination: Option<&'a RawValue>,
        #[serde(borrow, default)]
        medium: Option<&'a RawValue>,
        #[serde(borrow, default)]
        timestamp: Option<&'a RawValue>,
        #[serde(borrow, default)]
        pairing: Option<&'a RawValue>,
        #[serde(borrow, default)]
        logs: Option<&'a RawValue>,
        #[serde(borrow, default)]
        is_error: Option<&'a RawValue>,
        #[serde(borrow, default)]
        has_required_files: Option<&'a RawValue>,
    }
    let raw: Raw<'_> = decode_as(text, "message")?;
    let method = required::<Cow<'_, str>>(raw.method, "method")?;
    // Logs help people only: logs of another shape are none.
    let logs = raw.logs.and_then(|logs| serde_json::from_str(logs.get()).ok()).unwrap_or_default();
    match &*method {
        "signCertificate" => Ok(ClientMessage::Sign {
            csr: required(raw.csr, "csr")?,
            destination: required(raw.destination, "destination")?,
            medium: match raw.medium {
                None => None,
                Some(medium) => {
                    let number = serde_json::from_str(medium.get()).map_err(|_| ProtocolError::WrongType("medium"))?;
                    Some(Medium::from_number(number).ok_or(ProtocolError::WrongType("medium"))?)
                }
            },
            timestamp: raw.timestamp.and_then(|at| serde_json::from_str::<f64>(at.get()).ok()).and_then(wall_time),
            pairing: optional(raw.pairing, "pairing")?,
            logs,
        }),
        "signCertificateAck" => Ok(ClientMessage::Acknowledge {
            is_error: raw.is_error.is_some_and(|flag| flag.get() == "true"),
            has_required_files: raw.has_required_files.and_then(|flag| serde_json::from_str(flag.get()).ok()),
            logs,
        }),
        other => Err(ProtocolError::UnknownMethod(other.into())),
    }
}

/// Reads an error object, whatever shape it has: `message`, `name` and `stacktrace` are what official peers write, but
/// any JSON passes.
pub(crate) fn decode_report(json: &str) -> ErrorReport {
    match decode_as::<ErrorReport>(json, "error") {
        // An object without a message says more as it is.
        Ok(report) if report.message.is_empty() && report.name.is_none() => ErrorReport::new(json),
        Ok(report) => report,
        Err(_) => ErrorReport::new(serde_json::from_str::<String>(json).as_deref().unwrap_or(json)),
    }
}

fn required<'a, T: Deserialize<'a>>(field: Option<&'a RawValue>, name: &'static str) -> Result<T, ProtocolError> {
    let raw = field.ok_or(ProtocolError::Missing(name))?;
    serde_json::from_str(raw.get()).map_err(|_| ProtocolError::WrongType(name))
}

fn optional<'a, T: Deserialize<'a>>(
    field: Option<&'a RawValue>,
    name: &'static str,
) -> Result<Option<T>, ProtocolError> {
    field.map(|field| required(Some(field), name)).transpose()
}

/// A timestamp of zero, or none at all, is not checked by anybody.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked before the cast")]
fn wall_time(millis: f64) -> Option<WallTime> {
    (1.0..=9_007_199_254_740_991.0).contains(&millis).then(|| WallTime::from_unix_millis(millis as u64))
}
