//! What a client tells: its state, the steps on the way, and why it failed.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::time::Duration;

use crate::close::{CloseCause, TlsFailure};
use crate::error::{ErrorReport, Excerpt, ProtocolError};
use crate::ids::Generation;
use crate::query::Medium;
use crate::time::Instant;

use super::config::Os;

/// Where a client is on its way. The crate's documentation shows how the states follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Not started, or stopped.
    Stopped,
    /// Reading the stored credentials.
    Preparing,
    /// On the plain port, to have certificates issued.
    Exchanging,
    /// On the way to a session.
    Connecting,
    /// In a session.
    Connected {
        /// Whether the desktop has left pings unanswered. The session goes on.
        unresponsive: bool,
    },
    /// After a failure, before the next attempt.
    Waiting {
        /// When that will be.
        until: Instant,
    },
    /// Closing the connection: before a new one, or for good.
    Closing,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stopped => "stopped",
            Self::Preparing => "preparing",
            Self::Exchanging => "exchanging certificates",
            Self::Connecting => "connecting",
            Self::Connected { unresponsive: false } => "connected",
            Self::Connected { unresponsive: true } => "connected, but the desktop does not respond",
            Self::Waiting { .. } => "waiting to try again",
            Self::Closing => "closing",
        })
    }
}

/// Why a certificate exchange is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExchangeReason {
    /// There are no usable credentials.
    NoCredentials,
    /// The stored credentials came by another medium.
    MediumChanged,
    /// The desktop and the stored credentials do not fit each other.
    Rejected,
    /// The stored credentials expire soon.
    Expiring,
}

impl fmt::Display for ExchangeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCredentials => "there are no stored credentials",
            Self::MediumChanged => "the stored credentials came by another medium",
            Self::Rejected => "the desktop and the stored credentials do not fit each other",
            Self::Expiring => "the stored credentials expire soon",
        })
    }
}

/// A step on the way, for logs and for people who watch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Stored credentials were found.
    CredentialsFound(Generation),
    /// An exchange is needed.
    ExchangeNeeded(ExchangeReason),
    /// A new key and certificate request lie on the disk.
    RequestMade(Generation),
    /// The desktop was asked to issue a certificate.
    CertificateAsked {
        /// The operating system that the client presents.
        os: String,
    },
    /// The desktop refuses the operating system; the client presents another.
    OsReplaced {
        /// What it presented before.
        refused: String,
        /// What it presents from now on.
        presented: String,
    },
    /// The desktop issued the certificate.
    Granted {
        /// The device id that it answered.
        device_id: String,
    },
    /// The certificates lie on the disk and fit.
    CertificatesStored(Generation),
    /// The client opens a session.
    SessionAttempted(Generation),
    /// A desktop accepted new credentials; they are the ones to use from now on.
    CredentialsProven(Generation),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CredentialsFound(generation) => write!(f, "found stored credentials ({generation})"),
            Self::ExchangeNeeded(reason) => write!(f, "certificate exchange needed: {reason}"),
            Self::RequestMade(generation) => write!(f, "made a key and a certificate request ({generation})"),
            Self::CertificateAsked { os } => write!(f, "asked the desktop for a certificate, as a {os} app"),
            Self::OsReplaced { refused, presented } => {
                write!(f, "the desktop refuses {refused} apps; presenting {presented} instead")
            }
            Self::Granted { device_id } if device_id.is_empty() => f.write_str("the desktop issued a certificate"),
            Self::Granted { device_id } => write!(f, "the desktop issued a certificate for device {device_id}"),
            Self::CertificatesStored(generation) => write!(f, "stored the certificates ({generation})"),
            Self::SessionAttempted(generation) => write!(f, "connecting with mutual TLS ({generation})"),
            Self::CredentialsProven(generation) => write!(f, "the desktop accepted the credentials ({generation})"),
        }
    }
}

/// What a connection was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The certificate exchange on the plain port.
    Exchange,
    /// A session on the port with mutual TLS.
    Session,
}

/// Why the client is not where it should be. Its text says what happened, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// A connection failed or ended.
    Connection {
        /// What it was for.
        purpose: Purpose,
        /// Where to, as `host:port`.
        to: String,
        /// Why.
        cause: CloseCause,
    },
    /// The desktop refused to issue a certificate; without an error it did not say why.
    ExchangeRefused(Option<ErrorReport>),
    /// The desktop did not answer the certificate request.
    ExchangeTimeout {
        /// How long the client waited.
        after: Duration,
    },
    /// The desktop does not serve apps of this operating system.
    OsRefused {
        /// What the client presented.
        os: String,
    },
    /// The desktop does not understand the client's query, or does not serve it.
    QueryRefused {
        /// The reason that came with close code 1011.
        reason: Excerpt,
    },
    /// Credentials could not be read, made or stored.
    Credentials(CredentialFailure),
    /// The desktop did not respond for so long that the client gave the session up.
    Unresponsive {
        /// How long.
        after: Duration,
    },
    /// Session after session ended as soon as it began.
    ReconnectLoop {
        /// How many in a row.
        sessions: u32,
        /// Why the last one ended.
        cause: Box<Self>,
    },
    /// The desktop sent something that is not understood. The session went on.
    Protocol(ProtocolError),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection { purpose, to, cause } => {
                let what = match purpose {
                    Purpose::Exchange => "certificate exchange",
                    Purpose::Session => "session",
                };
                write!(f, "{what} with {to}: {cause}")?;
                advice(cause).map_or(Ok(()), |advice| write!(f, "; {advice}"))
            }
            Self::ExchangeRefused(Some(error)) => write!(f, "the desktop refused to issue a certificate: {error}"),
            Self::ExchangeRefused(None) => f.write_str(
                "the desktop refused to issue a certificate and did not say why; its own log or notifications tell",
            ),
            Self::ExchangeTimeout { after } => write!(
                f,
                "the desktop did not answer the certificate request within {} s; older desktops answer nothing when \
                 they refuse: look at the desktop's own log or notifications",
                after.as_secs()
            ),
            Self::OsRefused { os } => {
                write!(f, "the desktop does not serve {os} apps; leave the os unset, or set one of ")?;
                for (at, os) in Os::OFFICIAL.iter().enumerate() {
                    write!(f, "{}{os}", if at == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
            Self::QueryRefused { reason } => write!(
                f,
                "the desktop does not understand or serve this client (close code 1011{}{reason}); check os, medium \
                 and that the desktop serves this kind of device",
                if reason.as_str().is_empty() { "" } else { ": " },
            ),
            Self::Credentials(failure) => write!(f, "{failure}"),
            Self::Unresponsive { after } => {
                write!(f, "the desktop did not respond for {} s; connecting anew", after.as_secs())
            }
            Self::ReconnectLoop { sessions, cause } => write!(
                f,
                "{sessions} sessions in a row ended as soon as they began, the last one so: {cause}; if two processes \
                 run under one identity, give them different device ids"
            ),
            Self::Protocol(error) => write!(f, "the desktop sent something that is not understood: {error}"),
        }
    }
}

impl core::error::Error for Failure {}

fn advice(cause: &CloseCause) -> Option<&'static str> {
    match cause {
        CloseCause::Refused => Some("start the desktop, or set the host and ports that it listens on"),
        CloseCause::Unreachable(_) => Some("check the host name"),
        CloseCause::Timeout => Some("check that a Flipper desktop listens there, and not another program"),
        CloseCause::Tls(TlsFailure::NotYetValid) => Some("set the clocks of both machines"),
        CloseCause::Tls(_) | CloseCause::DroppedBeforeUpgrade => Some("new certificates are asked for if it goes on"),
        CloseCause::Http(401 | 403) => Some("the desktop refuses this client; its log says why"),
        CloseCause::Http(_) | CloseCause::BadUpgrade(_) => {
            Some("another program may listen there; check host and ports")
        }
        CloseCause::Code { code: 4409, .. } => Some("another process took over this app's identity"),
        CloseCause::TooLarge { .. } => Some("raise the limit for messages, or ask for less at once"),
        CloseCause::Code { .. }
        | CloseCause::WebSocket(_)
        | CloseCause::Eof
        | CloseCause::Reset
        | CloseCause::Local => None,
    }
}

/// What went wrong with credentials on the disk, as the driver found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialFailure {
    /// The kind, for programs.
    pub kind: CredentialProblem,
    /// What, where and what to do, for people. Never a secret.
    pub text: String,
}

impl fmt::Display for CredentialFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The kinds of trouble with credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialProblem {
    /// The directory or a file in it cannot be read or written.
    Io,
    /// A file is damaged, or does not fit the others.
    Invalid,
    /// There are none, and the medium NONE brings none.
    Missing,
    /// The desktop granted, but its files did not arrive.
    NotDelivered,
    /// The certificates of medium WWW could not be fetched.
    Fetch,
    /// The certificates do not come from the desktop that the app is paired with.
    NotAuthentic,
}

/// What a client knows about credentials; the secrets stay with the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Which ones.
    pub generation: Generation,
    /// The device id that the desktop answered. May be empty.
    pub device_id: String,
    /// The medium they came by.
    pub medium: Medium,
    /// The operating system that the client presented, where it was not the real one.
    pub os: Option<String>,
    /// The certificate request, in PEM.
    pub csr: String,
    /// The directory that the desktop finds `app.csr` in, with a trailing separator.
    pub csr_path: String,
    /// When the first of the certificates expires, on the caller's clock.
    pub valid_until: Instant,
}

/// What a desktop granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The device id that the desktop answered. May be empty.
    pub device_id: String,
    /// The medium of the exchange.
    pub medium: Medium,
    /// The operating system that the client presented, where it was not the real one.
    pub os: Option<String>,
}

/// Sums of what was lost, refused or ignored since the client was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Messages that broke the protocol.
    pub bad_messages: u64,
    /// Answers to nobody, among the bad messages.
    pub unexpected_replies: u64,
    /// Binary messages that held text and were read as such.
    pub binary_messages: u64,
    /// Events that found their plugin's buffer full.
    pub events_dropped: u64,
    /// Answers that were replaced by an error because the desktop does not read, or because they were too large.
    pub answers_replaced: u64,
    /// Answers for which not even that error found room.
    pub answers_dropped: u64,
    /// Facts about attempts or jobs that were over.
    pub stale_facts: u64,
}
