//! What goes over an open WebSocket.

use std::task::Poll;

use bytestring::ByteString;
use flipper_proto::{CloseCause, CloseCode, Excerpt, Text};
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode as FrameCode;
use tungstenite::{Bytes, Error, Message, Utf8Bytes};

use super::failure::end_of;

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

/// An open WebSocket that never blocks: what cannot be done now is pending.
pub trait Socket {
    /// The next message; `None` when the WebSocket is over.
    fn next(&mut self) -> Poll<Option<Result<Message, Error>>>;

    /// Writes what is queued. Ready once all of it is with the system.
    fn flush(&mut self) -> Poll<Result<(), Error>>;

    /// Whether any byte has arrived since this was asked last.
    fn take_heard(&mut self) -> bool;
}

/// Something that arrived.
#[derive(Debug)]
pub enum Incoming {
    /// A text message.
    Text(Text),
    /// A binary message.
    Binary(Bytes),
    /// Something that is no message, or only part of one.
    Alive,
}

/// What goes over one WebSocket: how much of it waits, and how it ends.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Bytes that were handed to the socket since it was empty.
    unflushed: usize,
    /// How many of them are pongs.
    pongs: usize,
    closing: bool,
    peer_close: Option<CloseCause>,
}

impl Traffic {
    /// How many more bytes to hand over.
    #[must_use]
    pub fn room(&self) -> usize {
        ROOM.saturating_sub(self.unflushed)
    }

    /// Whether anything waits to be written.
    #[must_use]
    pub fn wants_flush(&self) -> bool {
        self.unflushed > 0
    }

    /// Whether so many pongs wait to be written that nothing is read before.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.pongs >= PONGS
    }

    /// Reads what has arrived, up to a batch. `true` says that there may be more, which nobody else will say.
    ///
    /// # Errors
    /// The end of the socket, once everything before it was given.
    pub fn read(&mut self, socket: &mut impl Socket, batch: &mut Vec<Incoming>) -> Result<bool, CloseCause> {
        let mut bytes = 0;
        while batch.len() < READ_MESSAGES && bytes < READ_BYTES {
            if let (Some(cause), false) = (&self.peer_close, self.closing) {
                return Err(cause.clone());
            }
            if self.is_held() {
                // Who flushes them reads on.
                return Ok(false);
            }
            match socket.next() {
                Poll::Pending => {
                    if socket.take_heard() && batch.is_empty() {
                        batch.push(Incoming::Alive);
                    }
                    return Ok(false);
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
                Poll::Ready(Some(Err(error))) => return Err(self.peer_close.take().unwrap_or_else(|| end_of(&error))),
                Poll::Ready(None) => {
                    let quiet = if self.closing { CloseCause::Local } else { CloseCause::Eof };
                    return Err(self.peer_close.take().unwrap_or(quiet));
                }
            }
        }
        Ok(true)
    }

    /// Writes what is queued. Ready once all of it is with the system.
    pub fn flush(&mut self, socket: &mut impl Socket) -> Poll<Result<(), CloseCause>> {
        match socket.flush() {
            Poll::Pending => Poll::Pending,
            Poll::Ready(flushed) => {
                self.unflushed = 0;
                self.pongs = 0;
                Poll::Ready(flushed.map_err(|error| end_of(&error)))
            }
        }
    }

    /// Goes on with a closing handshake that the peer began. Ready when the socket may be dropped.
    pub fn linger(&mut self, socket: &mut impl Socket) -> Poll<()> {
        let flushed = self.flush(socket);
        while let Poll::Ready(next) = socket.next() {
            if !matches!(next, Some(Ok(_))) {
                return Poll::Ready(());
            }
        }
        if let Poll::Ready(Err(_)) = flushed { Poll::Ready(()) } else { Poll::Pending }
    }

    /// A text message, to be queued.
    pub fn text(&mut self, text: String) -> Message {
        self.unflushed += text.len();
        Message::Text(Utf8Bytes::from(text))
    }

    /// A ping, to be queued.
    pub fn ping(&mut self) -> Message {
        self.unflushed += 1;
        Message::Ping(Bytes::new())
    }

    /// A close frame, to be queued after everything else.
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Message {
        self.closing = true;
        self.unflushed += 1;
        Message::Close(Some(CloseFrame { code: FrameCode::from(code.as_u16()), reason: Utf8Bytes::from(reason) }))
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
