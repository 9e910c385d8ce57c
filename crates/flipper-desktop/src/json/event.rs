//! Events, one JSON object each.

use flipper_proto::desktop::{Channel, ExchangeRequest};
use flipper_proto::{ClientId, Payload, Query, WallTime};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::advice::{self, Advice};
use super::app::{App, names};
use super::device::Device;
use crate::audience::Occurrence;
use crate::event::Event as Told;

/// Something that happened: `{"event":KIND,"time":…,…}`. Which other fields there are depends on the kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Event {
    /// What kind of event.
    #[serde(rename = "event")]
    pub kind: Kind,
    /// When, in milliseconds since 1970.
    pub time: u64,
    /// The app that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<EventApp>,
    /// Why an app is gone, or why a connection came to nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// All plugins of an app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugins: Option<Vec<String>>,
    /// Those of them that want to be initialised at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<Vec<String>>,
    /// Who asked for a certificate. Nothing of it is proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applicant: Option<Applicant>,
    /// Whom a certificate names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub common_name: Option<String>,
    /// The device id that a certificate names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// Until when a certificate is valid, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<u64>,
    /// By how many milliseconds an applicant's clock is ahead of the desktop's; negative if it is behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_skew_ms: Option<i64>,
    /// Whether an exchange failed, as the app sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<bool>,
    /// Whether an app has all the files that it needs, as it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_required_files: Option<bool>,
    /// An app's own log of its exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logs: Option<Vec<String>>,
    /// The device that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Box<Device>>,
    /// The port that a connection came to: `insecure`, `secure` or `browser`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// The address that a connection came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// What is wrong: the app's error object as it came with `app-error`, otherwise a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<RawValue>>,
    /// Why somebody did not get through, for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The pairing that wrong proofs were meant for, as their sender says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pairing: Option<String>,
    /// For how many milliseconds no more proofs of the pairing are taken from the address that they came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
    /// How many events went missing, or messages were not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The plugin that sent a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// The name of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// What came with the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Box<RawValue>>,
}

/// The kinds of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// An app is there.
    AppConnected,
    /// An app is gone.
    AppDisconnected,
    /// An app leaves pings unanswered. Its session goes on.
    AppUnresponsive,
    /// An app that was unresponsive is back.
    AppResponsive,
    /// An app told which plugins it has.
    PluginsChanged,
    /// A plugin tells something.
    Message,
    /// An app reports an error outside any call.
    AppError,
    /// Somebody was given a certificate.
    CertificateIssued,
    /// Somebody was refused a certificate.
    CertificateRefused,
    /// Too many wrong proofs of a pairing came from one address.
    PairingLocked,
    /// An app tells how its exchange went.
    ExchangeAcknowledged,
    /// A connection was refused.
    ConnectionRefused,
    /// A connection came to nothing before it said what it wants.
    HandshakeFailed,
    /// A peer sent something that is not understood.
    PeerMisbehaved,
    /// The system gives no connections.
    AcceptFailed,
    /// A device is there.
    DeviceConnected,
    /// Something about a device has changed.
    DeviceChanged,
    /// A device is gone.
    DeviceDisconnected,
    /// The desktop's own certificates were renewed.
    CertificatesRenewed,
    /// They could not be renewed.
    RenewalFailed,
    /// Some of what passed is not in the recording.
    RecordingIncomplete,
    /// Events went missing here, because they were not taken in time.
    Missed,
    /// A kind that this version does not know.
    #[serde(other)]
    Unknown,
}

/// The app that an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum EventApp {
    /// Its client id.
    Id(String),
    /// All about it, when it connects.
    App(Box<App>),
}

impl EventApp {
    /// The client id.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Id(id) => id,
            Self::App(app) => &app.id,
        }
    }
}

/// Who asked for a certificate, as it says itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Applicant {
    /// The app's name.
    pub name: String,
    /// The operating system.
    pub os: String,
    /// The device's name.
    pub device: String,
    /// The bundle id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// The address that it came from, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
}

impl Applicant {
    fn new(query: &Query, peer: Option<&str>) -> Self {
        Self {
            name: query.app.clone(),
            os: query.os.clone(),
            device: query.device.clone(),
            app_id: query.app_id.clone(),
            peer: peer.map(str::to_owned),
        }
    }
}

impl Event {
    /// An event as it is told in JSON.
    #[must_use]
    pub fn new(event: &Told, at: WallTime) -> Self {
        let blank = |kind| Self::blank(kind, at);
        let about = |kind, client: &ClientId| Self { app: Some(EventApp::Id(client.to_string())), ..blank(kind) };
        let of = |kind, device| Self { device: Some(Box::new(Device::from(device))), ..blank(kind) };
        match event {
            Told::ClientConnected { client, info } => {
                Self { app: Some(EventApp::App(Box::new(App::connected(client, info)))), ..blank(Kind::AppConnected) }
            }
            Told::ClientDisconnected { client, cause } => {
                Self { cause: Some(cause.to_string()), ..about(Kind::AppDisconnected, client) }
            }
            Told::ClientUnresponsive { client } => about(Kind::AppUnresponsive, client),
            Told::ClientResponsive { client } => about(Kind::AppResponsive, client),
            Told::PluginsChanged { client, plugins, background } => Self {
                plugins: Some(names(plugins)),
                background: Some(names(background)),
                ..about(Kind::PluginsChanged, client)
            },
            Told::Message { client, plugin, method, params } => Self {
                plugin: Some(plugin.to_string()),
                method: Some(method.to_string()),
                params: params.as_ref().and_then(raw),
                ..about(Kind::Message, client)
            },
            Told::ClientError { client, raw: error, .. } => Self { error: raw(error), ..about(Kind::AppError, client) },
            Told::CertificateIssued { request, common_name, device_id, not_after, clock_skew_millis } => Self {
                common_name: Some(common_name.clone()),
                device_id: Some(device_id.clone()),
                not_after: Some(not_after.as_unix_millis()),
                ..Self::exchange(Kind::CertificateIssued, request, *clock_skew_millis, at)
            },
            Told::CertificateRefused { request, error, clock_skew_millis } => Self {
                error: text(error),
                name: Some(error.name().to_owned()),
                hint: error.hint().map(str::to_owned),
                ..Self::exchange(Kind::CertificateRefused, request, *clock_skew_millis, at)
            },
            Told::PairingLocked { peer, id, wait } => Self {
                peer: Some(peer.to_string()),
                pairing: Some(id.to_string()),
                wait_ms: Some(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
                ..blank(Kind::PairingLocked)
            },
            Told::ExchangeAcknowledged { query, is_error, has_required_files, logs } => Self {
                applicant: Some(Applicant::new(query, None)),
                failed: Some(*is_error),
                has_required_files: *has_required_files,
                logs: Some(logs.to_vec()),
                ..blank(Kind::ExchangeAcknowledged)
            },
            Told::ConnectionRefused { channel, peer, reason } => Self {
                port: Some(port(channel).to_owned()),
                peer: Some(peer.to_string()),
                error: text(reason),
                ..blank(Kind::ConnectionRefused).advised(advice::of_refusal(reason))
            },
            Told::HandshakeFailed { port, peer, cause } => Self {
                port: Some(port.to_string()),
                peer: Some(peer.to_string()),
                cause: Some(cause.to_string()),
                ..blank(Kind::HandshakeFailed).advised(advice::of_close(cause))
            },
            Told::PeerMisbehaved { client, error, .. } => Self {
                app: client.as_ref().map(|client| EventApp::Id(client.to_string())),
                error: text(error),
                ..blank(Kind::PeerMisbehaved)
            },
            Told::AcceptFailed { port, error } => {
                Self { port: Some(port.to_string()), error: text(error), ..blank(Kind::AcceptFailed) }
            }
            Told::DeviceConnected { device } => of(Kind::DeviceConnected, device),
            Told::DeviceChanged { device } => of(Kind::DeviceChanged, device),
            Told::DeviceDisconnected { device } => of(Kind::DeviceDisconnected, device),
            Told::CertificatesRenewed => blank(Kind::CertificatesRenewed),
            Told::RenewalFailed(error) => Self { error: text(error), ..blank(Kind::RenewalFailed) },
            #[cfg(feature = "records")]
            Told::RecordingIncomplete { error, lost } => {
                Self { error: error.as_ref().and_then(text), count: Some(*lost), ..blank(Kind::RecordingIncomplete) }
            }
        }
    }

    /// So many events went missing.
    #[must_use]
    pub fn missed(count: u64, at: WallTime) -> Self {
        Self { count: Some(count), ..Self::blank(Kind::Missed, at) }
    }

    /// An app that is there already, as if it had just connected.
    #[must_use]
    pub fn snapshot(app: App, at: WallTime) -> Self {
        Self { app: Some(EventApp::App(Box::new(app))), ..Self::blank(Kind::AppConnected, at) }
    }

    /// One line of JSON, without its end. The same as [`new`](Self::new) in JSON, only that nothing of what an app sent
    /// is looked at again.
    #[must_use]
    pub fn line(occurrence: &Occurrence) -> String {
        match &occurrence.event {
            Told::Message { client, plugin, method, params } => {
                let message = Message {
                    event: Kind::Message,
                    time: occurrence.at.as_unix_millis(),
                    app: client.as_str(),
                    plugin: plugin.as_str(),
                    method,
                };
                with_last(&message, "params", params.as_ref())
            }
            event => Self::new(event, occurrence.at).to_json(),
        }
    }

    /// One line of JSON, without its end.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Nothing in it can fail to be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    fn exchange(kind: Kind, request: &ExchangeRequest, clock_skew_ms: Option<i64>, at: WallTime) -> Self {
        let applicant = Some(Applicant::new(&request.query, Some(&request.peer)));
        Self { applicant, clock_skew_ms, ..Self::blank(kind, at) }
    }

    fn advised(self, (name, hint): Advice) -> Self {
        Self { name: Some(name.to_owned()), hint: hint.map(str::to_owned), ..self }
    }

    fn blank(kind: Kind, at: WallTime) -> Self {
        Self {
            kind,
            time: at.as_unix_millis(),
            app: None,
            cause: None,
            plugins: None,
            background: None,
            applicant: None,
            common_name: None,
            device_id: None,
            not_after: None,
            clock_skew_ms: None,
            failed: None,
            has_required_files: None,
            logs: None,
            device: None,
            port: None,
            peer: None,
            error: None,
            name: None,
            hint: None,
            pairing: None,
            wait_ms: None,
            count: None,
            plugin: None,
            method: None,
            params: None,
        }
    }
}

/// All of a message but its params.
#[derive(Serialize)]
struct Message<'a> {
    event: Kind,
    time: u64,
    app: &'a str,
    plugin: &'a str,
    method: &'a str,
}

/// An object in JSON, with one more field at its end whose value is known to be JSON already.
pub(crate) fn with_last(object: &impl Serialize, name: &str, value: Option<&Payload>) -> String {
    let mut json = serde_json::to_string(object).unwrap_or_default();
    if let Some(value) = value {
        json.pop();
        json.reserve_exact(value.as_json().len() + name.len() + 5);
        for part in [",\"", name, "\":", value.as_json(), "}"] {
            json.push_str(part);
        }
    }
    json
}

/// What an app sent, as it came.
pub(crate) fn raw(payload: &Payload) -> Option<Box<RawValue>> {
    RawValue::from_string(payload.as_json().to_owned()).ok()
}

fn text(error: &impl ToString) -> Option<Box<RawValue>> {
    serde_json::value::to_raw_value(&error.to_string()).ok()
}

fn port(channel: &Channel) -> &'static str {
    match channel {
        Channel::Insecure => "insecure",
        Channel::Secure(_) => "secure",
        Channel::Browser => "browser",
    }
}
