//! Apps.

use std::collections::BTreeSet;
use std::time::Duration;

use flipper_proto::desktop::{Channel as CoreChannel, ClientInfo, PeerIdentity};
use flipper_proto::{ClientId, PluginId};
use serde::{Deserialize, Serialize};

use crate::client::Client;

/// An app that is connected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct App {
    /// The client id, by which every route and command knows it.
    pub id: String,
    /// Its name for people, which several apps may have.
    pub name: String,
    /// The operating system.
    pub os: String,
    /// The device's name for people.
    pub device: String,
    /// The device's id; it may be empty.
    pub device_id: String,
    /// The bundle id, if the app tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// The version of the SDK, if the app tells.
    pub sdk_version: Option<u32>,
    /// How certificates get to it: `FS_ACCESS`, `WWW` or `NONE`, if it tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub medium: Option<String>,
    /// The port that it came to.
    pub channel: Channel,
    /// What its certificate proves; nothing on the browser port, where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
    /// The address that it came from.
    pub peer: String,
    /// For how many milliseconds it has been connected.
    pub connected_for_ms: u64,
    /// Whether it leaves pings unanswered, perhaps because it is stopped at a breakpoint.
    pub unresponsive: bool,
    /// Its plugins; `null` until it has told.
    pub plugins: Option<Vec<String>>,
    /// Those of its plugins that want to be initialised at once.
    pub background: Vec<String>,
    /// Those of its plugins that the desktop has initialised.
    pub initialised: Vec<String>,
    /// How many requests to it have not ended yet.
    pub pending_requests: usize,
    /// How many bytes wait for it to read.
    pub queued_bytes: usize,
}

/// The port that an app came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// The port with certificates on both sides.
    Secure,
    /// The plain port for browsers and Node.
    Browser,
}

/// What the certificate of an app proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certificate {
    /// That it is this app, on this device.
    Bound,
    /// That it was given a certificate once, under whatever name.
    Unbound,
}

impl App {
    /// An app that has just connected.
    pub(crate) fn connected(client: &ClientId, info: &ClientInfo) -> Self {
        let query = &info.query;
        let (channel, certificate) = match &info.channel {
            CoreChannel::Secure(PeerIdentity::Bound { .. }) => (Channel::Secure, Some(Certificate::Bound)),
            CoreChannel::Secure(_) => (Channel::Secure, Some(Certificate::Unbound)),
            CoreChannel::Browser | CoreChannel::Insecure => (Channel::Browser, None),
        };
        Self {
            id: client.to_string(),
            name: query.app.clone(),
            os: query.os.clone(),
            device: query.device.clone(),
            device_id: query.device_id.clone(),
            app_id: query.app_id.clone(),
            sdk_version: query.sdk_version,
            medium: query.medium.map(|medium| medium.to_string()),
            channel,
            certificate,
            peer: info.peer.to_string(),
            connected_for_ms: 0,
            unresponsive: false,
            plugins: None,
            background: Vec::new(),
            initialised: Vec::new(),
            pending_requests: 0,
            queued_bytes: 0,
        }
    }
}

impl From<&Client> for App {
    fn from(client: &Client) -> Self {
        Self {
            connected_for_ms: millis(client.connected_for),
            unresponsive: client.unresponsive,
            plugins: client.plugins.as_deref().map(names),
            background: names(&client.background),
            initialised: sorted(&client.initialised),
            pending_requests: client.pending_requests,
            queued_bytes: client.queued_bytes,
            ..Self::connected(&client.id, &client.info)
        }
    }
}

pub(super) fn names(plugins: &[PluginId]) -> Vec<String> {
    plugins.iter().map(ToString::to_string).collect()
}

fn sorted(plugins: &BTreeSet<PluginId>) -> Vec<String> {
    plugins.iter().map(ToString::to_string).collect()
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
