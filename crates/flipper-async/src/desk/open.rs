//! From a TCP connection to an open WebSocket that was let in.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use flipper_client::wire::{READ_AHEAD, stream_failure};
use flipper_proto::CloseCause;
use flipper_proto::desktop::{Channel, PeerIdentity, Upgrade};
use futures_rustls::TlsAcceptor;
use futures_util::AsyncBufReadExt as _;
use futures_util::io::BufReader;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;

use super::http::{self, Request};
use super::seat::Seat;
use super::shared::Shared;
use crate::wire::{Transport, Wire};

/// How a desk speaks TLS, and whom it takes its peers for.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    identify: Arc<Identify>,
}

type Identify = dyn Fn(&CertificateDer<'_>) -> PeerIdentity + Send + Sync;

impl Tls {
    /// Speaks TLS by `config`, which must demand a certificate; `identify` says whom a certificate that passed was
    /// issued to.
    pub fn new(
        config: Arc<ServerConfig>,
        identify: impl Fn(&CertificateDer<'_>) -> PeerIdentity + Send + Sync + 'static,
    ) -> Self {
        Self { config, identify: Arc::new(identify) }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls(..)")
    }
}

/// How connections of one listener are opened.
#[derive(Clone)]
pub(super) enum Door {
    Insecure,
    Secure(Tls),
    Browser,
}

/// What became of a connection.
pub(super) enum Opened {
    /// A WebSocket, though perhaps one that is to be closed at once.
    WebSocket(Box<Wire>, Seat),
    /// A refusal that the state machine told of.
    Answered,
    /// No TLS came about. The peer was told why by an alert, which it may not have read yet: in TLS 1.3 it sends its
    /// request before it can know.
    Refused(CloseCause, BufReader<Box<dyn Transport>>),
}

/// How many times larger than its limit a message on the exchange port may be to be refused with a reason. One that is
/// larger still ends the connection.
const EXCHANGE_TOLERANCE: usize = 16;

/// The first byte of every TLS connection: a record of type `handshake`.
const TLS_HANDSHAKE: u8 = 22;

/// Opens a connection. What is no WebSocket is answered in HTTP.
///
/// # Errors
/// When it came to nothing before the state machine could be asked.
pub(super) async fn open(
    desk: &Arc<Shared>,
    stream: Box<dyn Transport>,
    peer: SocketAddr,
    door: Door,
) -> Result<Opened, CloseCause> {
    let limits = desk.peek(|core| core.config().limits.clone());
    match door {
        Door::Insecure => {
            let max = limits.exchange_message_bytes.saturating_mul(EXCHANGE_TOLERANCE).min(limits.message_bytes);
            upgrade(desk, stream, peer, Channel::Insecure, max).await
        }
        Door::Browser => upgrade(desk, stream, peer, Channel::Browser, limits.message_bytes).await,
        Door::Secure(tls) => {
            let mut stream = BufReader::with_capacity(READ_AHEAD, stream);
            if *stream.fill_buf().await.map_err(|_| CloseCause::Reset)?.first().ok_or(CloseCause::Eof)? != TLS_HANDSHAKE
            {
                return Err(http::refuse_plain_text(&mut stream).await);
            }
            let accepted = match TlsAcceptor::from(tls.config).accept(stream).into_fallible().await {
                Ok(accepted) => accepted,
                Err((error, stream)) => return Ok(Opened::Refused(stream_failure(&error), stream)),
            };
            let certificates = accepted.get_ref().1.peer_certificates();
            let identity = match certificates.and_then(<[_]>::first) {
                Some(certificate) => (tls.identify)(certificate),
                None => PeerIdentity::Unusable("there is none".into()),
            };
            upgrade(desk, Box::new(accepted), peer, Channel::Secure(identity), limits.message_bytes).await
        }
    }
}

/// Reads the request, asks for admission, and answers.
async fn upgrade(
    desk: &Arc<Shared>,
    mut stream: Box<dyn Transport>,
    peer: SocketAddr,
    channel: Channel,
    max_message: usize,
) -> Result<Opened, CloseCause> {
    let request = match Request::read(&mut stream).await? {
        Ok(request) => request,
        Err(refused) => return Err(refused.answer(&mut stream).await),
    };
    let upgrade =
        Upgrade { target: &request.target, host: request.host.as_deref(), origin: request.origin.as_deref(), peer };
    match desk.admit(channel, upgrade) {
        Ok(seat) => {
            // From here on, the state machine is told by the seat if anything goes wrong.
            http::switch_protocols(&mut stream, &request.accept).await?;
            Ok(Opened::WebSocket(Box::new(Wire::serve(stream, request.rest, max_message).await), seat))
        }
        Err((status, reason)) => {
            http::refuse(&mut stream, status, &reason.to_string()).await;
            Ok(Opened::Answered)
        }
    }
}
