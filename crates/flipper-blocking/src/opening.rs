//! Opens the app's socket: TCP, TLS where it is wanted, and the WebSocket handshake.

use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use flipper_client::wire::{tcp_failure, tls_failure, upgrade_failure, upgrade_request, websocket_config};
use flipper_proto::client::Endpoint;
use flipper_proto::{CloseCause, Excerpt, TlsFailure};
use polling::Events;
use rustls::ClientConfig;
use tungstenite::HandshakeError;
use tungstenite::handshake::MidHandshake;
use tungstenite::handshake::client::{ClientHandshake, Request};

use crate::bell::Bell;
use crate::dial::{Dial, Dialer};
use crate::stream::Stream;
use crate::tcp::Tcp;
use crate::wire::Wire;

/// A socket on its way to be open.
pub(crate) struct Opening {
    bell: Arc<Bell>,
    request: Request,
    tls: Option<Arc<ClientConfig>>,
    max_message: usize,
    stage: Stage,
}

enum Stage {
    Dialing(Dial),
    Securing(Box<Stream>),
    Upgrading(Box<MidHandshake<ClientHandshake<Stream>>>),
    Over,
}

impl Opening {
    /// Begins to open a WebSocket to `endpoint`, over TLS if there is a configuration for it.
    pub(crate) fn begin(
        dialer: &Dialer,
        bell: Arc<Bell>,
        endpoint: Endpoint,
        tls: Option<Arc<ClientConfig>>,
        max_message: usize,
        budget: Duration,
    ) -> Result<Self, CloseCause> {
        let request = upgrade_request(&endpoint, tls.is_some())?;
        let dial = dialer.dial(endpoint.host, endpoint.port, budget)?;
        Ok(Self { bell, request, tls, max_message, stage: Stage::Dialing(dial) })
    }

    /// Goes on, as far as it gets. Ready once.
    pub(crate) fn go_on(&mut self) -> Poll<Result<Wire, CloseCause>> {
        loop {
            let done = match std::mem::replace(&mut self.stage, Stage::Over) {
                Stage::Over => return Poll::Pending,
                Stage::Dialing(dial) => match dial.poll() {
                    Poll::Pending => {
                        self.stage = Stage::Dialing(dial);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(tcp)) => self.connected(tcp),
                    Poll::Ready(Err(cause)) => Err(cause),
                },
                Stage::Securing(mut stream) => match stream.handshake() {
                    Poll::Pending => {
                        self.stage = Stage::Securing(stream);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(())) => self.upgrade(*stream),
                    Poll::Ready(Err(error)) => Err(tls_failure(&error)),
                },
                Stage::Upgrading(handshake) => match handshake.handshake() {
                    Ok((socket, _response)) => return Poll::Ready(Ok(Wire::new(socket))),
                    Err(HandshakeError::Interrupted(handshake)) => {
                        self.stage = Stage::Upgrading(Box::new(handshake));
                        return Poll::Pending;
                    }
                    Err(HandshakeError::Failure(error)) => Err(upgrade_failure(error, self.tls.is_some())),
                },
            };
            match done {
                Ok(stage) => self.stage = stage,
                Err(cause) => return Poll::Ready(Err(cause)),
            }
        }
    }

    /// Has the bell ring when there is more to do.
    pub(crate) fn watch(&mut self) -> io::Result<()> {
        match self.stream() {
            Some(stream) => stream.watch(true),
            None => Ok(()),
        }
    }

    /// Takes notice of what the bell rang for.
    pub(crate) fn rang(&mut self, events: &Events) {
        if let Some(stream) = self.stream() {
            stream.tcp().rang(events);
        }
    }

    fn stream(&mut self) -> Option<&mut Stream> {
        match &mut self.stage {
            Stage::Dialing(_) | Stage::Over => None,
            Stage::Securing(stream) => Some(stream),
            Stage::Upgrading(handshake) => Some(handshake.get_mut().get_mut()),
        }
    }

    fn connected(&mut self, tcp: std::net::TcpStream) -> Result<Stage, CloseCause> {
        let tcp = Tcp::new(tcp, Arc::clone(&self.bell)).map_err(|error| tcp_failure(&error))?;
        match &self.tls {
            None => self.upgrade(Stream::plain(tcp)),
            Some(config) => {
                let stream = Stream::secure(tcp, Arc::clone(config));
                let failure = |error: rustls::Error| TlsFailure::Handshake(Excerpt::new(&error.to_string()));
                stream.map(Box::new).map(Stage::Securing).map_err(|error| CloseCause::Tls(failure(error)))
            }
        }
    }

    fn upgrade(&mut self, stream: Stream) -> Result<Stage, CloseCause> {
        let config = Some(websocket_config(self.max_message));
        let handshake = ClientHandshake::start(stream, self.request.clone(), config);
        let handshake = handshake.map_err(|error| upgrade_failure(error, self.tls.is_some()))?;
        Ok(Stage::Upgrading(Box::new(handshake)))
    }
}
