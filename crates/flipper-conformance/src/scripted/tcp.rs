//! A TCP connection that can be slow, silent or rude.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use crate::PATIENCE;

/// The desktop's end of a TCP connection.
#[derive(Debug)]
pub struct Tcp {
    stream: TcpStream,
    /// Whether it writes byte by byte, and the pause between them. A pause keeps the system from putting them together;
    /// no test passes because of it.
    pub(super) dribbles: Option<Duration>,
    /// Whether it keeps what it writes, for now.
    pub(super) holds_back: bool,
    held: Vec<u8>,
    /// After how many more bytes it ends.
    pub(super) cut_after: Option<usize>,
}

impl Tcp {
    pub(super) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream, dribbles: None, holds_back: false, held: Vec::new(), cut_after: None })
    }

    /// The connection as the system has it.
    #[must_use]
    pub fn get_ref(&self) -> &TcpStream {
        &self.stream
    }

    /// Writes what was held back, in one piece.
    pub(super) fn let_go(&mut self) -> io::Result<()> {
        self.holds_back = false;
        self.stream.write_all(&std::mem::take(&mut self.held))
    }

    /// Gives up reading and writing soon.
    pub(super) fn give_up_after(&self, span: Duration) -> io::Result<()> {
        self.stream.set_read_timeout(Some(span))?;
        self.stream.set_write_timeout(Some(span))
    }

    /// Reads until the peer is gone.
    pub(super) fn wait_for_the_end(&mut self) -> io::Result<()> {
        io::copy(&mut self.stream, &mut io::sink()).map(drop)
    }

    /// Says these bytes and nothing after them. Reads on, so that the peer gets them and no reset.
    pub(super) fn last_words(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.shutdown(Shutdown::Write)?;
        self.wait_for_the_end()
    }

    /// Ends the connection with a reset.
    #[cfg(unix)]
    pub(super) fn reset(self) -> io::Result<()> {
        Ok(rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO))?)
    }

    /// Ends the connection with a reset, as far as the system lets a program do that.
    #[cfg(not(unix))]
    pub(super) fn reset(self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Both)
    }
}

impl Read for Tcp {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buf)
    }
}

impl Write for Tcp {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.holds_back {
            self.held.extend_from_slice(buf);
            return Ok(buf.len());
        }
        if let Some(left) = self.cut_after {
            if left < buf.len() {
                self.last_words(&buf[..left])?;
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.cut_after = Some(left - buf.len());
            self.stream.write_all(buf)?;
            return Ok(buf.len());
        }
        let Some(pause) = self.dribbles else { return self.stream.write(buf) };
        thread::sleep(pause);
        self.stream.write(&buf[..buf.len().min(1)])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
