//! A client, as it is at one moment.

use std::collections::BTreeSet;
use std::time::Duration;

use flipper_proto::desktop::{ClientInfo, ClientStatus};
use flipper_proto::{ClientId, Instant, PluginId};

/// A client that is connected, as it was when it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Client {
    /// Its id.
    pub id: ClientId,
    /// Who it is and where it came from.
    pub info: ClientInfo,
    /// For how long it has been there.
    pub connected_for: Duration,
    /// Its plugins; `None` until it has told.
    pub plugins: Option<Vec<PluginId>>,
    /// Those of its plugins that it wants initialised as soon as it connects.
    pub background: Vec<PluginId>,
    /// Those of its plugins that the desktop has initialised.
    pub initialised: BTreeSet<PluginId>,
    /// Whether it leaves pings unanswered, perhaps because it is stopped at a breakpoint.
    pub unresponsive: bool,
    /// How many requests to it have not ended yet.
    pub pending_requests: usize,
    /// How many bytes wait for it to read.
    pub queued_bytes: usize,
}

impl Client {
    pub(crate) fn new(status: ClientStatus<'_>, now: Instant) -> Self {
        Self {
            id: status.client.clone(),
            info: status.info.clone(),
            connected_for: now.saturating_duration_since(status.info.connected_at),
            plugins: status.plugins.map(<[_]>::to_vec),
            background: status.background.to_vec(),
            initialised: status.initialised.clone(),
            unresponsive: status.unresponsive,
            pending_requests: status.pending_requests,
            queued_bytes: status.queued_bytes,
        }
    }
}
