//! A TCP connection that never blocks, and that a [`Bell`] rings for.

use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use polling::{Event, Events};

use crate::bell::Bell;

/// A TCP connection.
///
/// It owns its socket and never gives it away, and takes it out of the poller before the socket is closed.
pub(crate) struct Tcp {
    stream: TcpStream,
    bell: Arc<Bell>,
    key: usize,
    /// What the bell will ring for. It rings once; then this has to be said anew.
    watched: Option<Interest>,
}

/// What a connection waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Interest {
    pub(crate) readable: bool,
    pub(crate) writable: bool,
}

impl Tcp {
    #[expect(unsafe_code, reason = "polling cannot know how long a socket lives; this type does, see below")]
    pub(crate) fn new(stream: TcpStream, bell: Arc<Bell>) -> io::Result<Self> {
        static KEYS: AtomicUsize = AtomicUsize::new(0);
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        // The one key that is not allowed is the last, which a counter never gets to.
        let key = KEYS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the source must be deleted from this poller before it is dropped. `Tcp` alone owns the socket, `drop`
        // deletes it, and fields are dropped after `drop` has run. A `Tcp` that is leaked never closes its socket.
        unsafe { bell.poller().add(&stream, Event::none(key)) }?;
        Ok(Self { stream, bell, key, watched: None })
    }

    /// Has the bell ring, once, for what `interest` says.
    pub(crate) fn watch(&mut self, interest: Interest) -> io::Result<()> {
        // A socket that waits for nothing is left alone: to watch it for nothing would ring for its end again and again.
        if interest != Interest::default() && self.watched != Some(interest) {
            let event = Event::new(self.key, interest.readable, interest.writable);
            self.bell.poller().modify(&self.stream, event)?;
            self.watched = Some(interest);
        }
        Ok(())
    }

    /// Takes notice of what the bell rang for.
    pub(crate) fn rang(&mut self, events: &Events) {
        if events.iter().any(|event| event.key == self.key) {
            self.watched = None;
        }
    }
}

impl Drop for Tcp {
    fn drop(&mut self) {
        if let Err(error) = self.bell.poller().delete(&self.stream) {
            tracing::error!("a socket could not be taken out of the poller: {error}");
        }
    }
}

impl Read for Tcp {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        uninterrupted(|| (&self.stream).read(buf))
    }
}

impl Write for Tcp {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        uninterrupted(|| (&self.stream).write(buf))
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        uninterrupted(|| (&self.stream).write_vectored(bufs))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}
