//! What a desktop decides, and what it tells.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use crate::close::{CloseCause, CloseCode};
use crate::error::{ErrorReport, Excerpt, ProtocolError};
use crate::identity::{ClientId, PluginId};
use crate::ids::{ConnId, ExchangeId, RequestId};
use crate::pairing::{Bundle, PairingProof};
use crate::query::{Medium, Query};
use crate::text::{Payload, Text};
use crate::time::{Instant, WallTime};

use super::admission::{Channel, Refusal};

/// Something that the driver is to do. One about a connection that has ended meanwhile is void.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Send a text message.
    Send {
        /// On which connection.
        conn: ConnId,
        /// The message.
        text: String,
    },
    /// Send a WebSocket ping.
    Ping {
        /// On which connection.
        conn: ConnId,
    },
    /// Send what was given before, then a close frame, and wait for the peer's. Answer with `handle_closed`.
    Close {
        /// Which connection.
        conn: ConnId,
        /// The code of the close frame.
        code: CloseCode,
        /// The reason in the close frame: at most 123 bytes, as the frame allows.
        reason: String,
    },
    /// Drop the socket, in whatever state it is. No fact about it is wanted any more.
    Abort {
        /// Which connection.
        conn: ConnId,
    },
}

/// Something that the program around the desktop is told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A connection was refused, before or after the upgrade.
    ConnectionRefused {
        /// The port that it came to, and its certificate.
        channel: Channel,
        /// The address that it came from.
        peer: Text,
        /// Why.
        reason: Refusal,
    },
    /// A client asks for a certificate. Answer with [`Desktop::finish_exchange`](super::Desktop::finish_exchange).
    ExchangeRequested(ExchangeRequest),
    /// A client tells how its exchange went. Most clients never do.
    ExchangeAcknowledged {
        /// The connection that the exchange was on.
        conn: ConnId,
        /// Who the client says it is.
        query: Arc<Query>,
        /// Whether it failed.
        is_error: bool,
        /// Whether the client has all its files now.
        has_required_files: Option<bool>,
        /// The client's own log.
        logs: Vec<String>,
    },
    /// Somebody gave so many wrong proofs of a pairing that no more are taken from there for a while.
    PairingLocked {
        /// The address that the last of them came from.
        peer: Text,
        /// The pairing that they were meant for, as the client says.
        id: Excerpt,
        /// For how long.
        wait: Duration,
    },
    /// A client is there. What plugins it has is told by [`Event::PluginsChanged`].
    ClientConnected {
        /// The client.
        client: ClientId,
        /// Who it is and where it came from.
        info: ClientInfo,
    },
    /// A client is gone. Every request to it was told to have failed before.
    ClientDisconnected {
        /// The client.
        client: ClientId,
        /// Why.
        cause: DisconnectCause,
    },
    /// A client leaves pings unanswered, perhaps because it is stopped at a breakpoint. Its session goes on.
    ClientUnresponsive {
        /// The client.
        client: ClientId,
    },
    /// A client that was unresponsive is back.
    ClientResponsive {
        /// The client.
        client: ClientId,
    },
    /// A client told which plugins it has: after it connected, and whenever it says that the set is another.
    PluginsChanged {
        /// The client.
        client: ClientId,
        /// All its plugins.
        plugins: Vec<PluginId>,
        /// Those that it wants initialised as soon as it connects.
        background: Vec<PluginId>,
    },
    /// An event of a plugin.
    Message {
        /// The client.
        client: ClientId,
        /// Whose event. It may be a plugin that the client did not name.
        plugin: PluginId,
        /// The name of the event.
        method: Text,
        /// What comes with it.
        params: Option<Payload>,
    },
    /// A request has ended. There is exactly one for each.
    Reply {
        /// The request.
        request: RequestId,
        /// The client that was asked.
        client: ClientId,
        /// How it ended.
        outcome: Outcome,
    },
    /// A client reports an error outside any call.
    ClientError {
        /// The client.
        client: ClientId,
        /// The error, as far as it has the usual shape.
        report: ErrorReport,
        /// The error as it came.
        raw: Payload,
    },
    /// A peer sent something that is not understood. Its connection goes on.
    PeerMisbehaved {
        /// The connection.
        conn: ConnId,
        /// The client; `None` on the exchange port.
        client: Option<ClientId>,
        /// What is wrong with it.
        error: ProtocolError,
    },
}

/// A certificate request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExchangeRequest {
    /// The id that the answer carries.
    pub exchange: ExchangeId,
    /// The connection that it came on.
    pub conn: ConnId,
    /// The address that it came from.
    pub peer: Text,
    /// Who the client says it is. Nothing of it is proven.
    pub query: Arc<Query>,
    /// The certificate request, in PEM as the client says. Nothing of it was looked at.
    pub csr: String,
    /// Where the client wants the certificates: a directory as the client's own system sees it, to which file names are
    /// appended as they are.
    pub destination: String,
    /// How they are to travel: what the message says, else what the query says, else FS_ACCESS.
    pub medium: Medium,
    /// The client's clock, if it tells.
    pub timestamp: Option<WallTime>,
    /// What the client says to prove that it is paired with this desktop. To be checked, with
    /// [`Desktop::judge_proof`](super::Desktop::judge_proof) told how, before anything is made of the request.
    pub pairing: Option<PairingProof>,
    /// The client's own log, for troubleshooting.
    pub logs: Vec<String>,
}

impl ExchangeRequest {
    /// By how many milliseconds the client's clock is ahead of `wall`; negative if it is behind. `None` if the client
    /// does not tell.
    ///
    /// Certificates are valid from some time on: a client whose clock is too far behind refuses them.
    #[must_use]
    pub fn clock_skew_millis(&self, wall: WallTime) -> Option<i64> {
        let (theirs, ours) = (self.timestamp?.as_unix_millis(), wall.as_unix_millis());
        let apart = i64::try_from(theirs.abs_diff(ours)).unwrap_or(i64::MAX);
        Some(if theirs < ours { -apart } else { apart })
    }
}

/// What a client is told whose certificate request is granted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Grant {
    /// The id of the device that the client runs on, which it presents from then on; empty for the desktop's own
    /// machine.
    pub device_id: String,
    /// The certificates, where they are to travel in the answer itself.
    pub bundle: Option<Bundle>,
}

impl Grant {
    /// The grant that answers this device id.
    #[must_use]
    pub fn new(device_id: impl Into<String>) -> Self {
        Self { device_id: device_id.into(), bundle: None }
    }

    /// The same grant, with the certificates in the answer. Clients that do not know that ignore it.
    #[must_use]
    pub fn with_bundle(mut self, bundle: Bundle) -> Self {
        self.bundle = Some(bundle);
        self
    }
}

/// Who a connected client is, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientInfo {
    /// Its connection.
    pub conn: ConnId,
    /// The port that it came to, and its certificate.
    pub channel: Channel,
    /// The address that it came from.
    pub peer: Text,
    /// What it says of itself. Only what the certificate binds is proven.
    pub query: Arc<Query>,
    /// Since when it is there.
    pub connected_at: Instant,
}

/// Why a client is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DisconnectCause {
    /// Its connection ended.
    Closed(CloseCause),
    /// A newer connection of the same identity took over.
    Replaced,
    /// It never told which plugins it has, though it was there.
    NotRegistered,
    /// It was silent for so long.
    Unresponsive {
        /// How long.
        after: Duration,
    },
    /// This side wanted it so.
    Disconnected(CloseCode),
}

impl fmt::Display for DisconnectCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(cause) => write!(f, "{cause}"),
            Self::Replaced => f.write_str("a newer connection of the same identity took over"),
            Self::NotRegistered => f.write_str("the client did not answer getPlugins in time"),
            Self::Unresponsive { after } => write!(f, "the client was silent for {} s", after.as_secs()),
            Self::Disconnected(code) => write!(f, "closed by this desktop with code {code}"),
        }
    }
}

/// A call of a plugin's method.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// Whose method. The client answers with an error unless the plugin was initialised.
    pub plugin: PluginId,
    /// The method.
    pub method: String,
    /// Its params; none means the same as an empty object.
    pub params: Option<Payload>,
    /// How long to wait for the answer; [`Timing::call`](super::Timing::call) if not given.
    pub deadline: Option<Duration>,
}

impl Call {
    /// A call without params, with the usual deadline.
    #[must_use]
    pub fn new(plugin: impl Into<PluginId>, method: impl Into<String>) -> Self {
        Self { plugin: plugin.into(), method: method.into(), params: None, deadline: None }
    }

    /// The same call with params.
    #[must_use]
    pub fn with_params(mut self, params: Payload) -> Self {
        self.params = Some(params);
        self
    }

    /// The same call with a deadline of its own.
    #[must_use]
    pub fn within(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The client answered with this.
    Success(Payload),
    /// The client answered with an error.
    Error {
        /// The error, as far as it has the usual shape.
        report: ErrorReport,
        /// The error as it came.
        raw: Payload,
    },
    /// The client answered with neither a result nor an error.
    Neither,
    /// The client's answer cannot be understood.
    Invalid(ProtocolError),
    /// No answer came in time. One that comes later is dropped.
    TimedOut {
        /// How long the answer was waited for.
        after: Duration,
    },
    /// The client is gone. Whether it got the request is not known.
    Disconnected,
}

/// The timers of a desktop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Timer {
    /// A connection has taken too long to close.
    Close,
    /// A connection on the exchange port asks for nothing.
    ExchangeIdle,
    /// A client has not told which plugins it has.
    Registration,
    /// A client may have been silent for a while; a ping is due, or is missed.
    Ping,
    /// A request has not been answered in time.
    Request,
}
