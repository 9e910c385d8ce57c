//! Why sockets end.

use flipper_proto::{CloseCause, Excerpt, TlsFailure};

/// Why a socket ended, or never opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperCloseKind {
    /// The TCP connection was refused.
    Refused = 1,
    /// The host cannot be reached; the reason says how.
    Unreachable = 2,
    /// There was no answer in time.
    Timeout = 3,
    /// The peer's certificate was not issued by the pinned CA.
    TlsUnknownCa = 4,
    /// The peer's certificate, or its CA's, has expired.
    TlsExpired = 5,
    /// The peer's certificate, or its CA's, is not valid yet.
    TlsNotYetValid = 6,
    /// The peer refused our certificate and said so; the reason says how.
    TlsPeerRefused = 7,
    /// The TLS handshake failed for a reason that has nothing to do with certificates; the reason says how.
    TlsHandshake = 8,
    /// It ended after the TLS handshake and before the upgrade was answered.
    Dropped = 9,
    /// The upgrade was answered with an HTTP status: the code.
    Http = 10,
    /// The upgrade was answered with no WebSocket handshake; the reason says how.
    BadUpgrade = 11,
    /// The peer closed with a code, 1005 where its close frame had none, and a reason.
    Code = 12,
    /// The TCP connection ended without a close frame.
    Eof = 13,
    /// The TCP connection was reset, or failed in another way.
    Reset = 14,
    /// The peer's certificate is refused for another reason; the reason says how.
    TlsBadCertificate = 16,
    /// The peer broke the WebSocket protocol; the reason says how.
    WebSocket = 15,
    /// A message arrived that is larger than the limit.
    TooLarge = 17,
    /// This side closed.
    Local = 18,
}

impl FlipperCloseKind {
    /// What it stands for. `limit` is for messages.
    pub(crate) fn cause(number: u32, code: u16, reason: &str, limit: usize) -> Option<CloseCause> {
        let why = || Excerpt::new(reason);
        let tls = |failure| CloseCause::Tls(failure);
        let known = [
            (Self::Refused, CloseCause::Refused),
            (Self::Unreachable, CloseCause::Unreachable(why())),
            (Self::Timeout, CloseCause::Timeout),
            (Self::TlsUnknownCa, tls(TlsFailure::UnknownCa)),
            (Self::TlsExpired, tls(TlsFailure::Expired)),
            (Self::TlsNotYetValid, tls(TlsFailure::NotYetValid)),
            (Self::TlsPeerRefused, tls(TlsFailure::PeerRefused(why()))),
            (Self::TlsHandshake, tls(TlsFailure::Handshake(why()))),
            (Self::Dropped, CloseCause::DroppedBeforeUpgrade),
            (Self::Http, CloseCause::Http(code)),
            (Self::BadUpgrade, CloseCause::BadUpgrade(why())),
            (Self::Code, CloseCause::Code { code, reason: why() }),
            (Self::Eof, CloseCause::Eof),
            (Self::Reset, CloseCause::Reset),
            (Self::TlsBadCertificate, tls(TlsFailure::BadCertificate(why()))),
            (Self::WebSocket, CloseCause::WebSocket(why())),
            // A driver need not read such a message to its end, and the library that it has may not tell how large it is.
            (Self::TooLarge, CloseCause::TooLarge { size: limit.saturating_add(1), max: limit }),
            (Self::Local, CloseCause::Local),
        ];
        known.into_iter().find(|(kind, _)| *kind as u32 == number).map(|(_, cause)| cause)
    }

    /// The number of a cause; `None` for one that is newer than this layer.
    pub(crate) fn of(cause: &CloseCause) -> Option<Self> {
        Some(match cause {
            CloseCause::Refused => Self::Refused,
            CloseCause::Unreachable(_) => Self::Unreachable,
            CloseCause::Timeout => Self::Timeout,
            CloseCause::Tls(TlsFailure::UnknownCa) => Self::TlsUnknownCa,
            CloseCause::Tls(TlsFailure::Expired) => Self::TlsExpired,
            CloseCause::Tls(TlsFailure::NotYetValid) => Self::TlsNotYetValid,
            CloseCause::Tls(TlsFailure::PeerRefused(_)) => Self::TlsPeerRefused,
            CloseCause::Tls(TlsFailure::Handshake(_)) => Self::TlsHandshake,
            CloseCause::Tls(TlsFailure::BadCertificate(_)) => Self::TlsBadCertificate,
            CloseCause::DroppedBeforeUpgrade => Self::Dropped,
            CloseCause::Http(_) => Self::Http,
            CloseCause::BadUpgrade(_) => Self::BadUpgrade,
            CloseCause::Code { .. } => Self::Code,
            CloseCause::TooLarge { .. } => Self::TooLarge,
            CloseCause::WebSocket(_) => Self::WebSocket,
            CloseCause::Eof => Self::Eof,
            CloseCause::Reset => Self::Reset,
            CloseCause::Local => Self::Local,
            _ => return None,
        })
    }

    /// The code that comes with a cause: of a close frame, or of HTTP.
    pub(crate) fn code(cause: &CloseCause) -> Option<u16> {
        match cause {
            CloseCause::Http(code) | CloseCause::Code { code, .. } => Some(*code),
            _ => None,
        }
    }
}
