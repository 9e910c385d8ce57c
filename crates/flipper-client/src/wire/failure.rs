//! What the errors of sockets mean to a state machine.

use std::io::{Error, ErrorKind};

use flipper_pki::classify_io;
use flipper_proto::{CloseCause, Excerpt, TlsFailure};
use tungstenite::error::{CapacityError, ProtocolError};

/// Why no TCP connection came about.
#[must_use]
pub fn tcp_failure(error: &Error) -> CloseCause {
    match error.kind() {
        ErrorKind::ConnectionRefused => CloseCause::Refused,
        ErrorKind::TimedOut => CloseCause::Timeout,
        // It was accepted, and then reset before anything was said.
        ErrorKind::ConnectionReset => CloseCause::Reset,
        _ => CloseCause::Unreachable(Excerpt::new(&error.to_string())),
    }
}

/// Why an app's TLS handshake failed.
#[must_use]
pub fn tls_failure(error: &Error) -> CloseCause {
    match stream_failure(error) {
        CloseCause::Reset if error.kind() == ErrorKind::InvalidData => {
            CloseCause::Tls(TlsFailure::Handshake(Excerpt::new(&error.to_string())))
        }
        cause => cause,
    }
}

/// Why a stream ended before it was a WebSocket. A peer that refuses the certificate it was shown may say so late.
#[must_use]
pub fn stream_failure(error: &Error) -> CloseCause {
    match (classify_io(error), error.kind()) {
        (Some(failure), _) => CloseCause::Tls(failure),
        (None, ErrorKind::UnexpectedEof) => CloseCause::Eof,
        (None, _) => CloseCause::Reset,
    }
}

/// What stands in for the answer to an app's upgrade. Over TLS 1.3 a refused client certificate shows only here.
#[must_use]
pub fn upgrade_failure(error: tungstenite::Error, secure: bool) -> CloseCause {
    let dropped = if secure { CloseCause::DroppedBeforeUpgrade } else { CloseCause::Eof };
    match error {
        tungstenite::Error::Http(response) => CloseCause::Http(response.status().as_u16()),
        tungstenite::Error::Io(error) => classify_io(&error).map_or(dropped, CloseCause::Tls),
        tungstenite::Error::Protocol(ProtocolError::HandshakeIncomplete)
        | tungstenite::Error::ConnectionClosed
        | tungstenite::Error::AlreadyClosed => dropped,
        error => CloseCause::BadUpgrade(Excerpt::new(&error.to_string())),
    }
}

/// Why an open WebSocket ended.
pub(super) fn end_of(error: &tungstenite::Error) -> CloseCause {
    match error {
        tungstenite::Error::Capacity(CapacityError::MessageTooLong { size, max_size }) => {
            CloseCause::TooLarge { size: *size, max: *max_size }
        }
        tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
        | tungstenite::Error::ConnectionClosed
        | tungstenite::Error::AlreadyClosed => CloseCause::Eof,
        tungstenite::Error::Io(error) if error.kind() == ErrorKind::UnexpectedEof => CloseCause::Eof,
        tungstenite::Error::Io(error) => {
            tracing::debug!("the connection failed: {error}");
            CloseCause::Reset
        }
        error => CloseCause::WebSocket(Excerpt::new(&error.to_string())),
    }
}
