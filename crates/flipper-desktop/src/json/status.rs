//! The desktop itself.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// What a desktop tells of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Status {
    /// Its version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// When its API was started, in milliseconds since 1970.
    pub started_at: u64,
    /// The directory of its files, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_dir: Option<String>,
    /// The addresses that its API listens on.
    pub addresses: Vec<IpAddr>,
    /// Its ports.
    pub ports: Ports,
    /// How many apps are connected.
    pub apps: usize,
    /// How many sockets of the API are open, this one included if the status was asked for over one.
    pub observers: usize,
    /// What was refused, lost or ignored since it started.
    pub counters: Counters,
}

/// The ports of a desktop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports {
    /// For certificate exchanges.
    pub insecure: u16,
    /// For sessions.
    pub secure: u16,
    /// For browsers and Node; `null` where it is off.
    pub browser: Option<u16>,
    /// For the API.
    pub ui: u16,
    /// For the page of the official desktop, where that is served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub official_ui: Option<u16>,
}

/// Sums of what was refused, lost or ignored since the desktop started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Counters {
    /// Connections of apps that were refused.
    pub refused_connections: u64,
    /// Certificate requests that came too fast.
    pub limited_exchanges: u64,
    /// Certificate requests with a wrong proof of a pairing.
    pub wrong_proofs: u64,
    /// Certificate requests that were refused because of earlier ones with wrong proofs.
    pub locked_exchanges: u64,
    /// Messages that broke the protocol.
    pub bad_messages: u64,
    /// Answers to requests that nobody sent, among the bad messages.
    pub unexpected_replies: u64,
    /// Answers that came after their request had ended.
    pub late_replies: u64,
    /// Binary messages that were read as text.
    pub binary_messages: u64,
    /// Facts about connections that were over.
    pub stale_facts: u64,
    /// Connections that came to nothing before they asked for anything.
    pub failed_handshakes: u64,
    /// Those of them that showed a certificate which was revoked.
    pub revoked_certificates: u64,
    /// How many times the system gave no connection.
    pub failed_accepts: u64,
    /// Events that subscribers missed, because they did not take them in time.
    pub missed_events: u64,
    /// Panics of observers within the desktop's own process.
    pub observer_panics: u64,
}

impl From<crate::desktop::Counters> for Counters {
    fn from(counters: crate::desktop::Counters) -> Self {
        // All of them, so that a new one is not forgotten here.
        let crate::desktop::Counters { protocol, desk, revoked_certificates, missed_events, observer_panics } =
            counters;
        Self {
            refused_connections: protocol.refused_connections,
            limited_exchanges: protocol.limited_exchanges,
            wrong_proofs: protocol.wrong_proofs,
            locked_exchanges: protocol.locked_exchanges,
            bad_messages: protocol.bad_messages,
            unexpected_replies: protocol.unexpected_replies,
            late_replies: protocol.late_replies,
            binary_messages: protocol.binary_messages,
            stale_facts: protocol.stale_facts,
            failed_handshakes: desk.failed_handshakes,
            revoked_certificates,
            failed_accepts: desk.failed_accepts,
            missed_events,
            observer_panics,
        }
    }
}
