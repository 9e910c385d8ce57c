//! What a desktop tells when it is asked.

use alloc::collections::BTreeSet;

use crate::identity::{ClientId, PluginId};

use super::action::ClientInfo;

/// A client that is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientStatus<'a> {
    /// Its id.
    pub client: &'a ClientId,
    /// Who it is and where it came from.
    pub info: &'a ClientInfo,
    /// Its plugins; `None` until it has told.
    pub plugins: Option<&'a [PluginId]>,
    /// Those of its plugins that it wants initialised as soon as it connects.
    pub background: &'a [PluginId],
    /// Those of its plugins that this desktop has initialised.
    pub initialised: &'a BTreeSet<PluginId>,
    /// Whether it leaves pings unanswered.
    pub unresponsive: bool,
    /// How many requests to it have not ended yet.
    pub pending_requests: usize,
    /// How many bytes wait for it to read.
    pub queued_bytes: usize,
}

/// Sums of what was refused, lost or ignored since the desktop was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Connections that were refused, before or after the upgrade.
    pub refused_connections: u64,
    /// Certificate requests that were refused because they came too fast.
    pub limited_exchanges: u64,
    /// Certificate requests with a wrong proof of a pairing, or the proof of a pairing that there is not.
    pub wrong_proofs: u64,
    /// Certificate requests that were refused because of earlier ones with wrong proofs.
    pub locked_exchanges: u64,
    /// Messages that broke the protocol.
    pub bad_messages: u64,
    /// Answers to requests that nobody sent, among the bad messages.
    pub unexpected_replies: u64,
    /// Answers that came after their request had ended, or for a second time.
    pub late_replies: u64,
    /// Binary messages that held text and were read as such.
    pub binary_messages: u64,
    /// Facts about connections that were over.
    pub stale_facts: u64,
}
