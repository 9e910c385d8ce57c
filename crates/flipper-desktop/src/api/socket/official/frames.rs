//! The frames of the official UI socket.

use std::borrow::Cow;

use flipper_proto::{ClientId, Payload, Query};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::client::Client;
use crate::devices::{self, DeviceKind};
use crate::json::with_last;

/// What an observer sends.
#[derive(Deserialize)]
pub(super) struct Frame<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow, default)]
    payload: Option<Exec<'a>>,
}

/// A command.
#[derive(Deserialize)]
pub(super) struct Exec<'a> {
    #[serde(borrow)]
    pub(super) id: &'a RawValue,
    #[serde(borrow)]
    pub(super) command: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) args: Vec<&'a RawValue>,
}

impl<'a> Frame<'a> {
    /// The command, if it is one.
    pub(super) fn exec(self) -> Option<Exec<'a>> {
        self.payload.filter(|_| self.event == "exec")
    }
}

/// The id of a client as observers know it. The official page takes it apart at each `#`, of which it expects three.
pub(super) fn shown(client: &ClientId) -> Cow<'_, str> {
    let id = client.as_str();
    match id.match_indices('#').nth(2) {
        Some((third, _)) if id[third + 1..].contains('#') => {
            let (parts, last) = id.split_at(third + 1);
            format!("{parts}{}", last.replace('#', "%23")).into()
        }
        _ => id.into(),
    }
}

/// A client, as it is listed.
#[derive(Serialize)]
pub(super) struct Listed<'a> {
    id: Cow<'a, str>,
    query: ListedQuery<'a>,
}

#[derive(Serialize)]
struct ListedQuery<'a> {
    app: &'a str,
    os: &'a str,
    device: &'a str,
    device_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sdk_version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    medium: Option<String>,
}

impl<'a> Listed<'a> {
    pub(super) fn new(client: &'a ClientId, query: &'a Query) -> Self {
        Self {
            id: shown(client),
            query: ListedQuery {
                app: &query.app,
                os: &query.os,
                device: &query.device,
                device_id: &query.device_id,
                app_id: query.app_id.as_deref(),
                sdk_version: query.sdk_version,
                medium: query.medium.map(|medium| medium.to_string()),
            },
        }
    }
}

pub(super) fn listed(client: &Client) -> Listed<'_> {
    Listed::new(&client.id, &client.info.query)
}

/// A device, with which nothing can be done here.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Device<'a> {
    serial: &'a str,
    device_type: &'static str,
    title: &'a str,
    os: &'a str,
    features: Features,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Features {
    screenshot_available: bool,
    screen_capture_available: bool,
}

impl<'a> Device<'a> {
    pub(super) fn new(device: &'a devices::Device) -> Self {
        Self {
            serial: &device.id,
            device_type: match device.kind {
                DeviceKind::Emulator => "emulator",
                DeviceKind::Physical | DeviceKind::ThisMachine => "physical",
                DeviceKind::Named => "dummy",
            },
            title: &device.title,
            os: &device.os,
            features: Features { screenshot_available: false, screen_capture_available: false },
        }
    }
}

/// A client that is gone.
#[derive(Serialize)]
pub(super) struct Gone<'a> {
    pub(super) id: Cow<'a, str>,
}

/// A client that asks for a certificate.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Setup<'a> {
    os: &'a str,
    device_name: &'a str,
    app_name: &'a str,
}

impl<'a> Setup<'a> {
    pub(super) fn new(query: &'a Query) -> Self {
        Self { os: &query.os, device_name: &query.device, app_name: &query.app }
    }
}

/// A client that was refused one.
#[derive(Serialize)]
pub(super) struct SetupError<'a> {
    pub(super) client: Setup<'a>,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) message: String,
}

/// Something for people to read.
#[derive(Serialize)]
pub(super) struct Notification {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) title: String,
    pub(super) description: String,
}

/// The data of `client-message`: the message travels as a string.
pub(super) fn message(client: &ClientId, message: &str) -> String {
    #[derive(Serialize)]
    struct Message<'a> {
        id: Cow<'a, str>,
        message: &'a str,
    }
    to_json(&Message { id: shown(client), message })
}

/// A message of a plugin, as its app sent it but for the order of the fields.
pub(super) fn execute(plugin: &str, method: &str, params: Option<&Payload>) -> String {
    #[derive(Serialize)]
    struct Params<'a> {
        api: &'a str,
        method: &'a str,
    }
    let params = with_last(&Params { api: plugin, method }, "params", params);
    format!("{{\"method\":\"execute\",\"params\":{params}}}")
}

/// The answer to a command; without data, JavaScript sees `undefined`.
pub(super) fn response(id: &str, data: Option<&str>) -> String {
    let mut text = String::with_capacity(id.len() + data.map_or(0, str::len) + 64);
    for part in ["{\"event\":\"exec-response\",\"payload\":{\"id\":", id] {
        text.push_str(part);
    }
    if let Some(data) = data {
        text.push_str(",\"data\":");
        text.push_str(data);
    }
    text.push_str("}}");
    text
}

/// A command that is not carried out.
pub(super) fn error(id: &str, why: &str) -> String {
    format!("{{\"event\":\"exec-response-error\",\"payload\":{{\"id\":{id},\"data\":{}}}}}", to_json(&why))
}

/// A frame that is no command.
pub(super) fn not_understood(why: &str) -> String {
    #[derive(Serialize)]
    struct Why<'a> {
        message: &'a str,
    }
    format!("{{\"event\":\"error\",\"payload\":{}}}", to_json(&Why { message: why }))
}

/// Something that happened.
pub(super) fn push_event(event: &str, data: &str) -> String {
    let mut text = String::with_capacity(event.len() + data.len() + 64);
    for part in ["{\"event\":\"server-event\",\"payload\":{\"event\":\"", event, "\",\"data\":", data, "}}"] {
        text.push_str(part);
    }
    text
}

/// The JSON of one of this module's own types, none of which can fail to be written.
pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
