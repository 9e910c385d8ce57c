//! What a desktop tells.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use flipper_async::desk::Port;
use flipper_pki::AuthorityError;
use flipper_proto::desktop::{Channel, ClientInfo, DisconnectCause, ExchangeRequest, Refusal};
use flipper_proto::{
    ClientId, CloseCause, ConnId, ErrorReport, Excerpt, Payload, PluginId, ProtocolError, Query, Text, WallTime,
};

use crate::devices::Device;
use crate::exchange::DeliveryError;
#[cfg(feature = "records")]
use crate::records::RecordError;

/// Something that happened. Clones share what is large.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A client is there. What plugins it has is told by [`Event::PluginsChanged`].
    ClientConnected {
        /// The client.
        client: ClientId,
        /// Who it is and where it came from.
        info: ClientInfo,
    },
    /// A client is gone. Calls of it failed before.
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
    /// A client told which plugins it has. Those in the background are initialised by now, unless
    /// [`Builder::init_policy`](crate::Builder::init_policy) says otherwise.
    PluginsChanged {
        /// The client.
        client: ClientId,
        /// All its plugins.
        plugins: Arc<[PluginId]>,
        /// Those that it wants initialised as soon as it connects.
        background: Arc<[PluginId]>,
    },
    /// An event of a plugin.
    Message {
        /// The client.
        client: ClientId,
        /// Whose event.
        plugin: PluginId,
        /// The name of the event.
        method: Text,
        /// What comes with it.
        params: Option<Payload>,
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
    /// A client was given a certificate.
    CertificateIssued {
        /// What it asked for.
        request: Arc<ExchangeRequest>,
        /// Whom the certificate names.
        common_name: String,
        /// The device id that the certificate names and the client was answered. Empty for the desktop's own machine.
        device_id: String,
        /// Until when the certificate is valid.
        not_after: WallTime,
        /// By how many milliseconds the client's clock is ahead of the desktop's, if it tells; negative if it is
        /// behind.
        clock_skew_millis: Option<i64>,
    },
    /// A client was refused a certificate, and told why.
    CertificateRefused {
        /// What it asked for.
        request: Arc<ExchangeRequest>,
        /// Why.
        error: DeliveryError,
        /// As in [`Event::CertificateIssued`].
        clock_skew_millis: Option<i64>,
    },
    /// Somebody gave so many wrong proofs of a pairing that no more are taken from his address for a while.
    PairingLocked {
        /// Where the last of them came from.
        peer: Text,
        /// The pairing that they were meant for, as the client says.
        id: Excerpt,
        /// For how long.
        wait: Duration,
    },
    /// A client tells how its exchange went. Most clients never do.
    ExchangeAcknowledged {
        /// Who the client says it is.
        query: Arc<Query>,
        /// Whether it failed.
        is_error: bool,
        /// Whether the client has all its files now.
        has_required_files: Option<bool>,
        /// The client's own log.
        logs: Arc<[String]>,
    },
    /// A connection was refused, before or after the upgrade.
    ConnectionRefused {
        /// The port that it came to, and its certificate.
        channel: Channel,
        /// The address that it came from.
        peer: Text,
        /// Why.
        reason: Refusal,
    },
    /// A connection was lost or given up before it said what it wants: a refused certificate, no HTTP, no answer in
    /// time.
    HandshakeFailed {
        /// Where it came to.
        port: Port,
        /// Where it came from.
        peer: SocketAddr,
        /// Why.
        cause: CloseCause,
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
    /// No connection can be taken, usually because the process has too many files open. The desktop goes on trying.
    AcceptFailed {
        /// Where.
        port: Port,
        /// What the system says.
        error: Excerpt,
    },
    /// There is a device that was not known before: adb has it, or an app that has just connected says that it runs there.
    DeviceConnected {
        /// The device.
        device: Device,
    },
    /// Something about a device has changed: whether it can be used, or how it leads connections to the desktop.
    DeviceChanged {
        /// The device, as it is now.
        device: Device,
    },
    /// A device is not known any more. Apps that run there may stay connected.
    DeviceDisconnected {
        /// The device, as it was.
        device: Device,
    },
    /// The desktop's own certificates were old and are new now. Clients need not do anything about that.
    CertificatesRenewed,
    /// The desktop's own certificates are old and could not be renewed. The old ones stay in use; it is tried again.
    RenewalFailed(AuthorityError),
    /// Some of what passed is not in the recording. It goes on, and tries again.
    #[cfg(feature = "records")]
    RecordingIncomplete {
        /// What keeps it from being written, told once until something is written again; none if it came too fast.
        error: Option<RecordError>,
        /// How many messages were lost since this was told last. There may be more later for the same reason.
        lost: u64,
    },
}

impl Event {
    /// The client that it is about, if it is about one that is or was connected.
    #[must_use]
    pub fn client(&self) -> Option<&ClientId> {
        match self {
            Self::ClientConnected { client, .. }
            | Self::ClientDisconnected { client, .. }
            | Self::ClientUnresponsive { client }
            | Self::ClientResponsive { client }
            | Self::PluginsChanged { client, .. }
            | Self::Message { client, .. }
            | Self::ClientError { client, .. } => Some(client),
            Self::PeerMisbehaved { client, .. } => client.as_ref(),
            Self::CertificateIssued { .. }
            | Self::CertificateRefused { .. }
            | Self::PairingLocked { .. }
            | Self::ExchangeAcknowledged { .. }
            | Self::ConnectionRefused { .. }
            | Self::HandshakeFailed { .. }
            | Self::AcceptFailed { .. }
            | Self::DeviceConnected { .. }
            | Self::DeviceChanged { .. }
            | Self::DeviceDisconnected { .. }
            | Self::CertificatesRenewed
            | Self::RenewalFailed(_) => None,
            #[cfg(feature = "records")]
            Self::RecordingIncomplete { .. } => None,
        }
    }

    /// Roughly the memory that it holds on to, in bytes.
    pub(crate) fn weight(&self) -> usize {
        let held = match self {
            Self::Message { params, .. } => params.as_ref().map_or(0, |params| params.as_json().len()),
            Self::ClientError { raw, .. } => raw.as_json().len(),
            Self::CertificateIssued { request, .. } | Self::CertificateRefused { request, .. } => request.csr.len(),
            _ => 0,
        };
        held.saturating_add(size_of::<Self>())
    }
}
