//! An open WebSocket, polled by a driver of either role.

use std::pin::Pin;
use std::task::{Context, Poll};

use async_tungstenite::WebSocketStream;
use bytestring::ByteString;
use flipper_proto::{CloseCause, CloseCode, Excerpt, Text};
use futures_io::{AsyncRead, AsyncWrite};
use futures_util::{SinkExt as _, StreamExt as _};
use tungstenite::error::{CapacityError, ProtocolError};
use tungstenite::protocol::frame::coding::CloseCode as FrameCode;
use tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tungstenite::{Bytes, Message, Utf8Bytes};

use crate::head::WholeHead;

/// Any byte stream that a WebSocket runs over.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// The stream under every WebSocket.
pub(crate) type Stream = WholeHead<Box<dyn Transport>>;

/// How many bytes may wait in the WebSocket before it takes no more: enough to fill a socket's buffer twice, so that it
/// never runs dry while there is something to send.
const ROOM: usize = 256 * 1024;

/// How many messages, or bytes of them, are read before they are dealt with, so that answers leave steadily.
const READ_MESSAGES: usize = 128;
const READ_BYTES: usize = 1024 * 1024;

/// How many bytes of pongs may wait to be written before nothing more is read: who pings and does not read must not fill
/// the memory.
const PONGS: usize = 64 * 1024;

/// The most bytes in the head of a control frame.
const CONTROL_HEAD: usize = 6;

/// The settings of a WebSocket whose messages have at most `max` bytes.
pub(crate) fn websocket_config(max: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(16 * 1024)
        .write_buffer_size(64 * 1024)
        .max_message_size(Some(max))
        .max_frame_size(Some(max))
}

/// Something that arrived.
pub(crate) enum Incoming {
    Text(Text),
    Binary(Bytes),
    Alive,
}

/// An open WebSocket.
pub(crate) struct Wire {
    socket: WebSocketStream<Stream>,
    /// Bytes that were handed to the socket since it was empty.
    unflushed: usize,
    /// How many of them are pongs.
    pongs: usize,
    closing: bool,
    peer_close: Option<CloseCause>,
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
        Self { socket, unflushed: 0, pongs: 0, closing: false, peer_close: None, parting: Parting::Flush }
    }

    /// How many more bytes to hand over.
    pub(crate) fn room(&self) -> usize {
        ROOM.saturating_sub(self.unflushed)
    }

    /// Reads what has arrived, up to a batch. `Err` is the end of the socket, once everything before it was given.
    pub(crate) fn read(&mut self, cx: &mut Context<'_>, batch: &mut Vec<Incoming>) -> Result<(), CloseCause> {
        let mut bytes = 0;
        while batch.len() < READ_MESSAGES && bytes < READ_BYTES {
            if let (Some(cause), false) = (&self.peer_close, self.closing) {
                return Err(cause.clone());
            }
            if self.pongs >= PONGS {
                // Who flushes them reads on.
                return Ok(());
            }
            match self.socket.poll_next_unpin(cx) {
                Poll::Pending => {
                    if self.socket.get_mut().take_heard() && batch.is_empty() {
                        batch.push(Incoming::Alive);
                    }
                    return Ok(());
                }
                Poll::Ready(Some(Ok(message))) => {
                    bytes += message.len();
                    match message {
                        Message::Text(text) => batch.push(shared(text)),
                        Message::Binary(bytes) => batch.push(Incoming::Binary(bytes)),
                        Message::Ping(ping) => {
                            self.pongs += CONTROL_HEAD + ping.len();
                            self.unflushed += CONTROL_HEAD + ping.len();
                            batch.push(Incoming::Alive);
                        }
                        Message::Pong(_) => batch.push(Incoming::Alive),
                        Message::Close(frame) => self.peer_close = Some(close_cause(frame)),
                        Message::Frame(_) => {}
                    }
                }
                Poll::Ready(Some(Err(error))) => return Err(self.peer_close.take().unwrap_or_else(|| cause(&error))),
                Poll::Ready(None) => {
                    let quiet = if self.closing { CloseCause::Local } else { CloseCause::Eof };
                    return Err(self.peer_close.take().unwrap_or(quiet));
                }
            }
        }
        // There may be more, and nobody else would say so.
        cx.waker().wake_by_ref();
        Ok(())
    }

    /// Queues a text message.
    pub(crate) fn send(&mut self, text: String) {
        self.unflushed += text.len();
        self.queue(Message::Text(Utf8Bytes::from(text)));
    }

    /// Queues a ping.
    pub(crate) fn ping(&mut self) {
        self.unflushed += 1;
        self.queue(Message::Ping(Bytes::new()));
    }

    /// Queues a close frame, after everything else.
    pub(crate) fn close(&mut self, code: CloseCode, reason: &str) {
        self.closing = true;
        self.unflushed += 1;
        let frame = CloseFrame { code: FrameCode::from(code.as_u16()), reason: Utf8Bytes::from(reason) };
        self.queue(Message::Close(Some(frame)));
    }

    /// Whether anything waits to be written.
    pub(crate) fn wants_flush(&self) -> bool {
        self.unflushed > 0
    }

    /// Writes what is queued. Ready once all of it is with the system.
    pub(crate) fn flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CloseCause>> {
        match self.socket.poll_flush_unpin(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(flushed) => {
                self.unflushed = 0;
                self.pongs = 0;
                Poll::Ready(flushed.map_err(|error| cause(&error)))
            }
        }
    }

    /// Goes on with a closing handshake that the peer began. Ready when the socket may be dropped.
    pub(crate) fn linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let flushed = self.flush(cx);
        while let Poll::Ready(next) = self.socket.poll_next_unpin(cx) {
            if !matches!(next, Some(Ok(_))) {
                return Poll::Ready(());
            }
        }
        if let Poll::Ready(Err(_)) = flushed { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Ends the TCP connection of a WebSocket that is over: sends what is left, closes this side, and drops what still
    /// arrives. Ready when the peer has closed its side, too.
    ///
    /// A socket that is dropped with something unread in it is reset, and the peer may then never see the close frame.
    pub(crate) fn part(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.parting == Parting::Flush && self.flush(cx).is_ready() {
            self.parting = Parting::Close;
        }
        let stream = self.socket.get_mut();
        if self.parting == Parting::Close && Pin::new(&mut *stream).poll_close(cx).is_ready() {
            self.parting = Parting::Closed;
        }
        let mut rest = [0; 4096];
        let mut bytes = 0;
        while bytes < READ_BYTES {
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

/// The message as text that others can share. It was checked to be UTF-8 when it arrived.
fn shared(text: Utf8Bytes) -> Incoming {
    let bytes = Bytes::from(text);
    match ByteString::try_from(bytes.clone()) {
        Ok(text) => Incoming::Text(Text::from(text)),
        Err(_) => Incoming::Binary(bytes),
    }
}

fn close_cause(frame: Option<CloseFrame>) -> CloseCause {
    match frame {
        Some(frame) => CloseCause::Code { code: frame.code.into(), reason: Excerpt::new(&frame.reason) },
        // What RFC 6455 calls a close frame without a code.
        None => CloseCause::Code { code: 1005, reason: Excerpt::default() },
    }
}

/// Why an open WebSocket ended.
fn cause(error: &tungstenite::Error) -> CloseCause {
    match error {
        tungstenite::Error::Capacity(CapacityError::MessageTooLong { size, max_size }) => {
            CloseCause::TooLarge { size: *size, max: *max_size }
        }
        tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
        | tungstenite::Error::ConnectionClosed
        | tungstenite::Error::AlreadyClosed => CloseCause::Eof,
        tungstenite::Error::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => CloseCause::Eof,
        tungstenite::Error::Io(error) => {
            tracing::debug!("the connection failed: {error}");
            CloseCause::Reset
        }
        error => CloseCause::WebSocket(Excerpt::new(&error.to_string())),
    }
}
