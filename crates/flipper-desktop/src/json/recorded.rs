//! What is in a recording.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A recording, without its messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordingContent {
    /// Its name.
    pub name: String,
    /// The times in which a desktop recorded into it.
    pub sessions: Vec<RecordedSession>,
    /// The connections of apps.
    pub apps: Vec<RecordedApp>,
    /// How many messages there are, of all kinds.
    pub messages: u64,
}

/// A time in which a desktop recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedSession {
    /// Its number.
    pub id: i64,
    /// When it began, in milliseconds since 1970.
    pub started_at: i64,
    /// When it ended; `null` while it goes on, and for ever if the desktop was killed.
    pub ended_at: Option<i64>,
    /// The version of the desktop.
    pub version: String,
    /// How many messages were lost in it.
    pub dropped: i64,
}

/// One connection of an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedApp {
    /// Its number.
    pub id: i64,
    /// The number of its session.
    pub session: i64,
    /// The client id.
    pub client: String,
    /// The app's name.
    pub name: String,
    /// The operating system.
    pub os: String,
    /// The device's name.
    pub device: String,
    /// The device's id.
    pub device_id: String,
    /// The bundle id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// The version of its SDK, if it told one.
    pub sdk_version: Option<u32>,
    /// Whether its certificate names app and device: `bound` or `unbound`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The address that it came from.
    pub peer: String,
    /// When it connected, in milliseconds since 1970.
    pub connected_at: i64,
    /// When it was gone, if it was.
    pub disconnected_at: Option<i64>,
    /// Its plugins.
    pub plugins: Vec<String>,
}

/// What plugins told, in the order in which they did.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedEvents {
    /// The events.
    pub events: Vec<RecordedEvent>,
    /// What to ask for next, as `after`; `null` if there is no more.
    pub next: Option<i64>,
}

/// An event of a plugin.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedEvent {
    /// The number of the message.
    pub id: i64,
    /// The number of the app.
    pub app: i64,
    /// When, in milliseconds since 1970.
    pub time: i64,
    /// The plugin.
    pub plugin: String,
    /// The name of the event.
    pub method: String,
    /// What came with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Box<RawValue>>,
}

#[cfg(feature = "records")]
impl From<crate::records::RecordingSession> for RecordedSession {
    fn from(session: crate::records::RecordingSession) -> Self {
        let crate::records::RecordingSession { id, started_at, ended_at, version, dropped } = session;
        Self { id, started_at, ended_at, version, dropped }
    }
}

#[cfg(feature = "records")]
impl From<crate::records::RecordingApp> for RecordedApp {
    fn from(app: crate::records::RecordingApp) -> Self {
        Self {
            id: app.id,
            session: app.session,
            client: app.client,
            name: app.app,
            os: app.os,
            device: app.device,
            device_id: app.device_id,
            app_id: app.app_id,
            sdk_version: app.sdk_version,
            certificate: app.certificate,
            peer: app.peer,
            connected_at: app.connected_at,
            disconnected_at: app.disconnected_at,
            plugins: app.plugins.into_iter().map(|(plugin, _)| plugin).collect(),
        }
    }
}

#[cfg(all(feature = "api", feature = "records"))]
impl RecordedEvent {
    /// A message of a recording, if a plugin told it.
    pub(crate) fn of(message: crate::records::Message) -> Option<Self> {
        let params = crate::records::params_of(&message.text).map(ToOwned::to_owned);
        let (plugin, method) = (message.plugin?, message.method?);
        Some(Self { id: message.id, app: message.app, time: message.time, plugin, method, params })
    }
}
