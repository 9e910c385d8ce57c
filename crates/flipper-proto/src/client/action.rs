//! What a client decides, and what it tells.

use alloc::string::String;

use crate::close::CloseCode;
use crate::error::ProtocolError;
use crate::identity::PluginId;
use crate::ids::{AttemptId, CallId, Generation, JobId};
use crate::pairing::{Bundle, PairingProof};
use crate::text::{Payload, Text};
use crate::time::WallTime;

use super::state::{CredentialFailure, Credentials, Failure, Grant, State, Step};

/// Something that the driver is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Open a WebSocket. Answer with `handle_opened` or `handle_closed`.
    Connect {
        /// The attempt that every fact about this socket carries.
        attempt: AttemptId,
        /// Where to.
        endpoint: Endpoint,
        /// How.
        trust: Trust,
    },
    /// Send a text message.
    Send {
        /// On which socket.
        attempt: AttemptId,
        /// The message.
        text: String,
    },
    /// Send a WebSocket ping.
    Ping {
        /// On which socket.
        attempt: AttemptId,
    },
    /// Send what was given before, then a close frame, and wait for the peer's. Answer with `handle_closed`.
    Close {
        /// Which socket.
        attempt: AttemptId,
        /// The code of the close frame.
        code: CloseCode,
    },
    /// Drop the socket, in whatever state it is. No fact about it is wanted any more.
    Abort {
        /// Which socket.
        attempt: AttemptId,
    },
    /// Do a piece of work that is not bytes. Answer with `handle_job_done`.
    Job {
        /// The id that the answer carries.
        job: JobId,
        /// The work.
        kind: Job,
    },
}

/// Where to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// The request target: path and query.
    pub target: String,
}

/// How to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Plain, for the certificate exchange.
    Exchange,
    /// Mutual TLS with these credentials, trusting their CA alone.
    Mutual(Generation),
}

/// Work that is not bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Job {
    /// Read the stored credentials. Answer: [`JobOutcome::Loaded`].
    Load,
    /// Make a key and a certificate request in a new directory. Answer: [`JobOutcome::Prepared`].
    NewGeneration,
    /// Medium WWW: bring the certificates into this generation's directory, wherever they are, once it is certain that
    /// they come from the right desktop. Answer: [`JobOutcome::Done`].
    Fetch {
        /// Whose certificates.
        generation: Generation,
        /// The device id that the provider knows them by.
        device_id: String,
        /// The certificates, where the desktop's answer brought them along. Nothing about them was checked.
        bundle: Option<Bundle>,
    },
    /// Store what the desktop granted, after checking that its certificates are there and fit. Answer:
    /// [`JobOutcome::Stored`].
    StoreGrant {
        /// Whose.
        generation: Generation,
        /// What the desktop granted.
        grant: Grant,
    },
    /// Make these the credentials in use: they are proven. Answer: [`JobOutcome::Done`].
    Promote {
        /// Which.
        generation: Generation,
    },
    /// Delete these credentials: they will never be used. Answer: [`JobOutcome::Done`].
    Discard {
        /// Which.
        generation: Generation,
    },
    /// Delete all credentials older than those in use. Answer: [`JobOutcome::Done`].
    Prune,
}

/// How a piece of work ended. Every job may also answer [`JobOutcome::Failed`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobOutcome {
    /// What is on the disk. A problem is told to the app; credentials beside it are used all the same.
    Loaded {
        /// The credentials in use, if there are any.
        credentials: Option<Credentials>,
        /// What is wrong with those that are not.
        problem: Option<CredentialFailure>,
    },
    /// A key and a certificate request were made.
    Prepared(Prepared),
    /// The certificates are there and fit.
    Stored(Credentials),
    /// Done.
    Done,
    /// The work failed.
    Failed(CredentialFailure),
}

/// A key and a certificate request on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Their generation.
    pub generation: Generation,
    /// The certificate request, in PEM.
    pub csr: String,
    /// Where the desktop is to write the certificates: a directory, with a trailing separator.
    pub destination: String,
    /// The calendar time.
    pub wall: WallTime,
    /// The proof that the request comes from an app that is paired with the desktop, if it is.
    pub pairing: Option<PairingProof>,
}

/// Something that the app is told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The client is in another state.
    StateChanged(State),
    /// A step on the way.
    Step(Step),
    /// Something failed. The client goes on by itself.
    Failed(Failure),
    /// The desktop sent something that is not understood; the session goes on.
    PeerMisbehaved(ProtocolError),
    /// The desktop initialised a plugin.
    PluginConnected(PluginId),
    /// The desktop has left a plugin, or is gone.
    PluginDisconnected(PluginId),
    /// The desktop calls a method of a plugin. Answer with [`Client::respond`](super::Client::respond), now or later.
    Call {
        /// The id that the answer carries.
        call: CallId,
        /// Whose method.
        plugin: PluginId,
        /// The method.
        method: Text,
        /// Its params; `None` where the desktop sent none, which means the same as an empty object.
        params: Option<Payload>,
        /// Whether the desktop waits for an answer. An error is sent in any case.
        expects_reply: bool,
    },
    /// The desktop asks whether a plugin has a method. Answer with
    /// [`Client::respond_supported`](super::Client::respond_supported).
    MethodQuery {
        /// The id that the answer carries.
        call: CallId,
        /// Whose method.
        plugin: PluginId,
        /// The method.
        method: Text,
    },
}

/// The timers of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Timer {
    /// The next attempt is due.
    Retry,
    /// An attempt has taken too long to open.
    Connect,
    /// The desktop has taken too long to answer the certificate request.
    Grant,
    /// A socket has taken too long to close.
    Close,
    /// The peer has been silent; a ping is due, or is missed.
    Ping,
    /// The session counts as stable.
    Stable,
    /// The pause after a burst of events is over, and others wait.
    Events,
}

/// The answer of a plugin to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The result. One that is falsy in JavaScript never completes the call in the official UI: see
    /// [`Payload::is_truthy`].
    Success(Payload),
    /// An error object; any JSON passes, see [`ErrorReport`](crate::ErrorReport) for the usual shape.
    Error(Payload),
}
