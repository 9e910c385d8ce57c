//! The stream under a WebSocket: TCP, with or without TLS. It never blocks.

use std::io::{self, BufReader, ErrorKind, Read, Write};
use std::sync::Arc;
use std::task::Poll;

use flipper_client::wire::{Head, READ_AHEAD, server_name};
use rustls::{ClientConfig, ClientConnection};

use crate::tcp::{Interest, Tcp};

/// A stream that is read through a [`Head`].
///
/// `rustls::Stream` would not do: it reads nothing while it cannot write, and two peers that flood each other would then
/// wait for each other for ever.
pub(crate) struct Stream {
    /// It asks the system for more than rustls does.
    tcp: BufReader<Tcp>,
    tls: Option<Box<ClientConnection>>,
    head: Head,
    /// The system took no more of what there was to write.
    stuck: bool,
}

impl Stream {
    pub(crate) fn plain(tcp: Tcp) -> Self {
        Self { tcp: BufReader::with_capacity(READ_AHEAD, tcp), tls: None, head: Head::awaited(), stuck: false }
    }

    /// A stream over TLS, whose handshake is still to be made.
    pub(crate) fn secure(tcp: Tcp, config: Arc<ClientConfig>) -> Result<Self, rustls::Error> {
        let tls = ClientConnection::new(config, server_name())?;
        Ok(Self { tls: Some(Box::new(tls)), ..Self::plain(tcp) })
    }

    /// Goes on with the TLS handshake. Ready when it is made, and everything of it sent.
    pub(crate) fn handshake(&mut self) -> Poll<io::Result<()>> {
        let done = self.try_handshake();
        if would_block(&done) { Poll::Pending } else { Poll::Ready(done) }
    }

    fn try_handshake(&mut self) -> io::Result<()> {
        loop {
            // What cannot be sent now does not keep this side from listening.
            let sent = self.push();
            if !would_block(&sent) {
                sent?;
            }
            match &mut self.tls {
                Some(tls) if tls.is_handshaking() => {
                    if receive(tls, &mut self.tcp)? == 0 && tls.is_handshaking() {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                }
                _ if self.stuck => return Err(ErrorKind::WouldBlock.into()),
                _ => return Ok(()),
            }
        }
    }

    /// What the connection waits for, besides being read from if it `reads`.
    pub(crate) fn watch(&mut self, reads: bool) -> io::Result<()> {
        let interest = Interest { readable: reads, writable: self.stuck };
        self.tcp.get_mut().watch(interest)
    }

    pub(crate) fn tcp(&mut self) -> &mut Tcp {
        self.tcp.get_mut()
    }

    /// Whether TLS has something to say by itself.
    pub(crate) fn wants_write(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.wants_write())
    }

    /// Whether anything has arrived after the head since this was asked last.
    pub(crate) fn take_heard(&mut self) -> bool {
        self.head.take_heard()
    }

    /// Writes everything that TLS has ready.
    fn push(&mut self) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        self.stuck = false;
        while tls.wants_write() {
            let written = tls.write_tls(self.tcp.get_mut());
            self.stuck = would_block(&written);
            written?;
        }
        Ok(())
    }
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Self { tcp, tls, head, .. } = self;
        let read = head.read(buf, |buf| {
            let read = match tls {
                None => tcp.read(buf),
                Some(tls) => read_secure(tls, tcp, buf),
            };
            if would_block(&read) { Poll::Pending } else { Poll::Ready(read) }
        });
        match read {
            Poll::Ready(read) => read,
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        loop {
            let Some(tls) = &mut self.tls else {
                let written = self.tcp.get_mut().write(buf);
                self.stuck = would_block(&written);
                return written;
            };
            let taken = tls.writer().write(buf)?;
            match self.push() {
                Err(error) if taken == 0 || error.kind() != ErrorKind::WouldBlock => return Err(error),
                _ if taken > 0 || buf.is_empty() => return Ok(taken),
                // There is room now.
                _ => {}
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.push()
    }
}

/// Reads what was encrypted. What was decrypted before goes first: nothing else tells that it is there.
fn read_secure(tls: &mut ClientConnection, tcp: &mut BufReader<Tcp>, buf: &mut [u8]) -> io::Result<usize> {
    loop {
        let read = tls.reader().read(buf);
        if !would_block(&read) {
            return read;
        }
        receive(tls, tcp)?;
    }
}

/// Takes in a piece of what TLS brought. 0 is its end.
fn receive(tls: &mut ClientConnection, tcp: &mut BufReader<Tcp>) -> io::Result<usize> {
    let count = tls.read_tls(tcp)?;
    if let Err(error) = tls.process_new_packets() {
        // The peer is told why, if it can be done at once; what it did is what counts.
        let _told = tls.write_tls(tcp.get_mut());
        return Err(io::Error::new(ErrorKind::InvalidData, error));
    }
    Ok(count)
}

fn would_block<T>(result: &io::Result<T>) -> bool {
    matches!(result, Err(error) if error.kind() == ErrorKind::WouldBlock)
}
