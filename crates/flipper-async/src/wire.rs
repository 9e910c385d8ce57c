//! An open WebSocket, polled by a driver of either role.
//!
//! For those who write drivers: one loop that reads, decides and writes in the same round.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_tungstenite::WebSocketStream;
use flipper_client::wire::{Incoming, Socket, Traffic, websocket_config};
use flipper_proto::{CloseCause, CloseCode};
use futures_io::{AsyncRead, AsyncWrite};
use futures_util::{SinkExt as _, StreamExt as _};
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Error, Message};

use crate::head::WholeHead;

/// Any byte stream that a WebSocket runs over.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// The stream under every WebSocket.
pub(crate) type Stream = WholeHead<Box<dyn Transport>>;

/// How many bytes of what nobody wants any more are read in one go.
const REST_BYTES: usize = 1024 * 1024;

/// What `Sec-WebSocket-Accept` has to say to the `Sec-WebSocket-Key` of a request.
#[must_use]
pub fn accept_key(key: &str) -> String {
    derive_accept_key(key.as_bytes())
}

/// An open WebSocket.
pub struct Wire {
    socket: WebSocketStream<Stream>,
    traffic: Traffic,
    parting: Parting,
}

/// How far the end of a socket has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parting {
    /// Something may wait to be sent.
    Flush,
    /// Everything was sent, and this side is to be closed.
    Close,
    /// This side is closed.
    Closed,
}

impl Wire {
    pub(crate) fn new(socket: WebSocketStream<Stream>) -> Self {
        Self { socket, traffic: Traffic::default(), parting: Parting::Flush }
    }

    /// The server's side of a WebSocket whose upgrade was answered. `rest` is what has arrived after the request; a
    /// message may have `max_message` bytes.
    pub async fn serve(stream: Box<dyn Transport>, rest: Vec<u8>, max_message: usize) -> Self {
        Self::serve_with(stream, rest, websocket_config(max_message)).await
    }

    /// As [`serve`](Self::serve), asking the system for so many bytes at a time: for few connections that bring much.
    pub async fn serve_reading(
        stream: Box<dyn Transport>,
        rest: Vec<u8>,
        max_message: usize,
        read_bytes: usize,
    ) -> Self {
        Self::serve_with(stream, rest, websocket_config(max_message).read_buffer_size(read_bytes)).await
    }

    async fn serve_with(stream: Box<dyn Transport>, rest: Vec<u8>, config: WebSocketConfig) -> Self {
        let stream = WholeHead::already_read(stream);
        Self::new(WebSocketStream::from_partially_read(stream, rest, Role::Server, Some(config)).await)
    }

    /// How many more bytes to hand over.
    #[must_use]
    pub fn room(&self) -> usize {
        self.traffic.room()
    }

    /// Reads what has arrived, up to a batch.
    ///
    /// # Errors
    /// The end of the socket, once everything before it was given.
    pub fn read(&mut self, cx: &mut Context<'_>, batch: &mut Vec<Incoming>) -> Result<(), CloseCause> {
        if self.traffic.read(&mut Polled { socket: &mut self.socket, cx }, batch)? {
            cx.waker().wake_by_ref();
        }
        Ok(())
    }

    /// Queues a text message.
    pub fn send(&mut self, text: String) {
        let message = self.traffic.text(text);
        self.queue(message);
    }

    /// Queues a ping.
    pub fn ping(&mut self) {
        let message = self.traffic.ping();
        self.queue(message);
    }

    /// Queues a close frame, after everything else.
    pub fn close(&mut self, code: CloseCode, reason: &str) {
        let message = self.traffic.close(code, reason);
        self.queue(message);
    }

    /// Whether anything waits to be written.
    #[must_use]
    pub fn wants_flush(&self) -> bool {
        self.traffic.wants_flush()
    }

    /// Writes what is queued. Ready once all of it is with the system.
    ///
    /// # Errors
    /// The end of the socket.
    pub fn flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CloseCause>> {
        self.traffic.flush(&mut Polled { socket: &mut self.socket, cx })
    }

    /// Goes on with a closing handshake that the peer began. Ready when the socket may be dropped.
    pub(crate) fn linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.traffic.linger(&mut Polled { socket: &mut self.socket, cx })
    }

    /// Ends the TCP connection of a WebSocket that is over: sends what is left, closes this side, and drops what still
    /// arrives. Ready when the peer has closed its side, too.
    ///
    /// A socket that is dropped with something unread in it is reset, and the peer may then never see the close frame.
    pub fn part(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.parting == Parting::Flush && self.flush(cx).is_ready() {
            self.parting = Parting::Close;
        }
        let stream = self.socket.get_mut();
        if self.parting == Parting::Close && Pin::new(&mut *stream).poll_close(cx).is_ready() {
            self.parting = Parting::Closed;
        }
        let mut rest = [0; 4096];
        let mut bytes = 0;
        while bytes < REST_BYTES {
            match Pin::new(&mut *stream).poll_read(cx, &mut rest) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Ready(Ok(0)) if self.parting == Parting::Closed => return Poll::Ready(()),
                Poll::Ready(Ok(0)) => return Poll::Pending,
                Poll::Ready(Ok(count)) => bytes += count,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// An error here shows again, and for good, at the next read or flush.
    fn queue(&mut self, message: Message) {
        if let Err(error) = self.socket.start_send_unpin(message) {
            tracing::debug!("a message was not queued: {error}");
        }
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("traffic", &self.traffic).finish_non_exhaustive()
    }
}

/// The WebSocket, polled in one context.
struct Polled<'a, 'b> {
    socket: &'a mut WebSocketStream<Stream>,
    cx: &'a mut Context<'b>,
}

impl Socket for Polled<'_, '_> {
    fn next(&mut self) -> Poll<Option<Result<Message, Error>>> {
        self.socket.poll_next_unpin(self.cx)
    }

    fn flush(&mut self) -> Poll<Result<(), Error>> {
        self.socket.poll_flush_unpin(self.cx)
    }

    fn take_heard(&mut self) -> bool {
        self.socket.get_mut().take_heard()
    }
}
