//! An open WebSocket, over a stream that never blocks.

use std::io;
use std::task::Poll;

use flipper_client::wire::{Incoming, Socket, Traffic};
use flipper_proto::{CloseCause, CloseCode};
use polling::Events;
use tungstenite::{Error, Message, WebSocket};

use crate::stream::Stream;

/// An open WebSocket.
pub(crate) struct Wire {
    socket: Nonblocking,
    traffic: Traffic,
}

struct Nonblocking(WebSocket<Stream>);

impl Wire {
    pub(crate) fn new(socket: WebSocket<Stream>) -> Self {
        Self { socket: Nonblocking(socket), traffic: Traffic::default() }
    }

    /// How many more bytes to hand over.
    pub(crate) fn room(&self) -> usize {
        self.traffic.room()
    }

    /// Reads what has arrived, up to a batch: as long as there is anything, there may be more. `Err` is the end of the
    /// socket, once everything before it was given.
    pub(crate) fn read(&mut self, batch: &mut Vec<Incoming>) -> Result<(), CloseCause> {
        self.traffic.read(&mut self.socket, batch).map(drop)
    }

    /// Queues a text message.
    pub(crate) fn send(&mut self, text: String) {
        let message = self.traffic.text(text);
        self.queue(message);
    }

    /// Queues a ping.
    pub(crate) fn ping(&mut self) {
        let message = self.traffic.ping();
        self.queue(message);
    }

    /// Queues a close frame, after everything else.
    pub(crate) fn close(&mut self, code: CloseCode) {
        let message = self.traffic.close(code, "");
        self.queue(message);
    }

    /// Whether anything waits to be written.
    pub(crate) fn wants_flush(&self) -> bool {
        self.traffic.wants_flush() || self.socket.0.get_ref().wants_write()
    }

    /// Writes what is queued. Ready once all of it is with the system.
    pub(crate) fn flush(&mut self) -> Poll<Result<(), CloseCause>> {
        self.traffic.flush(&mut self.socket)
    }

    /// Goes on with a closing handshake that the peer began. Ready when the socket may be dropped.
    pub(crate) fn linger(&mut self) -> Poll<()> {
        self.traffic.linger(&mut self.socket)
    }

    /// Has the bell ring when there is something to do, apart from reading unless it `reads`.
    pub(crate) fn watch(&mut self, reads: bool) -> io::Result<()> {
        let reads = reads && !self.traffic.is_held();
        self.socket.0.get_mut().watch(reads)
    }

    /// Takes notice of what the bell rang for.
    pub(crate) fn rang(&mut self, events: &Events) {
        self.socket.0.get_mut().tcp().rang(events);
    }

    /// An error here shows again, and for good, at the next read or flush.
    fn queue(&mut self, message: Message) {
        match self.socket.0.write(message) {
            Ok(()) => {}
            // It is queued all the same.
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => tracing::debug!("a message was not queued: {error}"),
        }
    }
}

impl Socket for Nonblocking {
    fn next(&mut self) -> Poll<Option<Result<Message, Error>>> {
        match self.0.read() {
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            Err(Error::ConnectionClosed | Error::AlreadyClosed) => Poll::Ready(None),
            read => Poll::Ready(Some(read)),
        }
    }

    fn flush(&mut self) -> Poll<Result<(), Error>> {
        match self.0.flush() {
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            // The closing handshake is over with this, which the next read tells.
            Err(Error::ConnectionClosed) => Poll::Ready(Ok(())),
            flushed => Poll::Ready(flushed),
        }
    }

    fn take_heard(&mut self) -> bool {
        self.0.get_mut().take_heard()
    }
}
