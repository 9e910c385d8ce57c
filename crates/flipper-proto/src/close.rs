//! Why connections end.

use core::fmt;

use crate::error::Excerpt;

/// Why a socket ended, or never opened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseCause {
    /// Nobody listens there: the TCP connection was refused.
    Refused,
    /// The host could not be reached or its name not be resolved; the text says how.
    Unreachable(Excerpt),
    /// The system gave up waiting for the peer.
    Timeout,
    /// The TLS handshake failed.
    Tls(TlsFailure),
    /// The connection ended after the TLS handshake and before the HTTP answer to the upgrade. In TLS 1.3 this is how
    /// a client learns that its certificate was refused.
    DroppedBeforeUpgrade,
    /// The peer answered the upgrade with this HTTP status instead of 101.
    Http(u16),
    /// The peer answered the upgrade with something that is no WebSocket handshake.
    BadUpgrade(Excerpt),
    /// The peer closed with a WebSocket close code.
    Code {
        /// The close code; 1005 stands for a close frame without one.
        code: u16,
        /// The reason text that came with it.
        reason: Excerpt,
    },
    /// The peer sent a message over the limit.
    TooLarge {
        /// The size of the message in bytes, as far as it is known.
        size: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// The peer broke the WebSocket protocol, for example with a text frame that is no UTF-8.
    WebSocket(Excerpt),
    /// The peer ended the TCP connection without a close frame.
    Eof,
    /// The TCP connection was reset, or failed in another way.
    Reset,
    /// This side closed.
    Local,
}

impl fmt::Display for CloseCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("the connection was refused: nobody listens there"),
            Self::Unreachable(how) => write!(f, "the host cannot be reached: {how}"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Tls(failure) => write!(f, "TLS: {failure}"),
            Self::DroppedBeforeUpgrade => {
                f.write_str("the connection was dropped after the TLS handshake, before the upgrade was answered")
            }
            Self::Http(status) => write!(f, "the upgrade was answered with HTTP status {status}"),
            Self::BadUpgrade(how) => write!(f, "the answer to the upgrade is no WebSocket handshake: {how}"),
            Self::Code { code, reason } if reason.as_str().is_empty() => write!(f, "closed with code {code}"),
            Self::Code { code, reason } => write!(f, "closed with code {code}: {reason}"),
            Self::TooLarge { size, max } => {
                write!(f, "a message of {size} bytes arrived, {max} bytes are allowed")
            }
            Self::WebSocket(how) => write!(f, "the peer broke the WebSocket protocol: {how}"),
            Self::Eof => f.write_str("the connection ended without a close frame"),
            Self::Reset => f.write_str("the connection was reset"),
            Self::Local => f.write_str("closed by this side"),
        }
    }
}

/// How a TLS handshake failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsFailure {
    /// The peer's certificate was not issued by the pinned CA.
    UnknownCa,
    /// The peer's certificate, or its CA's, has expired.
    Expired,
    /// The peer's certificate, or its CA's, is not valid yet: one of the two clocks is wrong.
    NotYetValid,
    /// The peer's certificate is refused for another reason.
    BadCertificate(Excerpt),
    /// The peer refused our certificate and said so.
    PeerRefused(Excerpt),
    /// The handshake failed for a reason that has nothing to do with certificates.
    Handshake(Excerpt),
}

impl fmt::Display for TlsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCa => f.write_str("the peer's certificate was not issued by the CA of the last exchange"),
            Self::Expired => f.write_str("the peer's certificate has expired"),
            Self::NotYetValid => f.write_str("the peer's certificate is not valid yet; check both clocks"),
            Self::BadCertificate(how) => write!(f, "the peer's certificate is refused: {how}"),
            Self::PeerRefused(how) => write!(f, "the peer refused our certificate: {how}"),
            Self::Handshake(how) => write!(f, "the handshake failed: {how}"),
        }
    }
}

/// The WebSocket close codes that this project sends.
///
/// The codes from 4400 on are this project's own; official peers take any code that is not 1000 or 1001 for a failure
/// and reconnect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: done.
    pub const NORMAL: Self = Self(1000);
    /// 1001: this side is going away.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1012: this side is going away, on the browser port. `js-flipper` connects anew after it, and never after 1001.
    pub const RESTARTING: Self = Self(1012);
    /// 1011: the query could not be understood, or the client's os or medium is not served.
    pub const NOT_UNDERSTOOD: Self = Self(1011);
    /// 4401: the client's certificate is not accepted.
    pub const CERTIFICATE: Self = Self(4401);
    /// 4403: the certificate belongs to another app or device than the query names.
    pub const IDENTITY: Self = Self(4403);
    /// 4408: the client did not register in time, asked for nothing, or was silent for too long.
    pub const REGISTRATION: Self = Self(4408);
    /// 4409: a newer connection of the same identity took over.
    pub const REPLACED: Self = Self(4409);
    /// 4413: over a limit.
    pub const LIMIT: Self = Self(4413);

    /// The code with this number.
    #[must_use]
    pub const fn from_u16(number: u16) -> Self {
        Self(number)
    }

    /// The number of this code.
    #[must_use]
    pub const fn as_u16(self) -> u16 {
        self.0
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
