//! One connection to adb's server.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use flipper_proto::Excerpt;

use super::address::Address;
use super::error::Error;

/// Until when something has to be done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    at: Instant,
    after: Duration,
}

impl Deadline {
    pub(super) fn within(span: Duration) -> Self {
        Self { at: Instant::now() + span, after: span }
    }

    /// What is left of it, which is never nothing: sockets take that for no limit.
    fn left(self) -> Result<Duration, Error> {
        let left = self.at.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(self.passed()) } else { Ok(left) }
    }

    fn passed(self) -> Error {
        Error::TimedOut { after: self.after }
    }
}

/// A connection to adb's server, on which everything has to be done by one deadline.
pub(super) struct Link {
    stream: TcpStream,
    deadline: Deadline,
}

/// The longest name of a service that the protocol can carry, and more than any that makes sense.
const MAX_REQUEST: usize = 0xffff;

impl Link {
    pub(super) fn open(address: &Address, deadline: Deadline) -> Result<Self, Error> {
        let failed = |error: &io::Error| Error::NoServer {
            address: address.clone(),
            kind: error.kind(),
            text: error.to_string(),
        };
        let found = (address.host(), address.port()).to_socket_addrs().map_err(|error| failed(&error))?;
        let mut found: Vec<SocketAddr> = found.collect();
        found.sort_by_key(SocketAddr::is_ipv6);
        let mut last = io::Error::new(io::ErrorKind::AddrNotAvailable, "the host has no address");
        for address in found {
            match TcpStream::connect_timeout(&address, deadline.left()?) {
                Ok(stream) => {
                    // The requests are small, and each is waited for.
                    let _unsupported = stream.set_nodelay(true);
                    return Ok(Self { stream, deadline });
                }
                Err(error) => last = error,
            }
        }
        Err(failed(&last))
    }

    /// Asks for a service, and returns once it is granted.
    pub(super) fn request(&mut self, service: &str) -> Result<(), Error> {
        if service.len() > MAX_REQUEST {
            return Err(Error::Refused(Excerpt::new("the request is too long for adb")));
        }
        self.write(format!("{:04x}{service}", service.len()).as_bytes())?;
        self.status()
    }

    /// Reads `OKAY`, or `FAIL` and why.
    pub(super) fn status(&mut self) -> Result<(), Error> {
        let mut status = [0; 4];
        self.read_exact(&mut status)?;
        match &status {
            b"OKAY" => Ok(()),
            b"FAIL" => {
                let why = self.block()?;
                // Some of them go on for lines about what else one could try.
                let first = why.lines().map(str::trim).find(|line| !line.is_empty());
                Err(Error::Refused(Excerpt::new(first.unwrap_or("adb refuses, and does not say why"))))
            }
            other => Err(unexpected("OKAY or FAIL", other)),
        }
    }

    /// Reads four hex digits of length, and as many bytes of text.
    pub(super) fn block(&mut self) -> Result<String, Error> {
        let mut digits = [0; 4];
        self.read_exact(&mut digits)?;
        self.block_of(digits)
    }

    pub(super) fn block_of(&mut self, digits: [u8; 4]) -> Result<String, Error> {
        let length = digits.iter().try_fold(0, |length, digit| Some(length << 4 | char::from(*digit).to_digit(16)?));
        let length = length.and_then(|length| usize::try_from(length).ok());
        let mut text = vec![0; length.ok_or_else(|| unexpected("four hex digits", &digits))?];
        self.read_exact(&mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    pub(super) fn read_exact(&mut self, mut buffer: &mut [u8]) -> Result<(), Error> {
        while !buffer.is_empty() {
            let read = self.read(buffer)?;
            if read == 0 {
                return Err(Error::Closed);
            }
            buffer = buffer.get_mut(read..).unwrap_or_default();
        }
        Ok(())
    }

    /// Reads what there is, at least one byte; 0 at the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        loop {
            self.stream.set_read_timeout(Some(self.deadline.left()?)).map_err(|error| self.failed(&error))?;
            match self.stream.read(buffer) {
                Ok(read) => return Ok(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(&error)),
            }
        }
    }

    pub(super) fn write(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            self.stream.set_write_timeout(Some(self.deadline.left()?)).map_err(|error| self.failed(&error))?;
            match self.stream.write(bytes) {
                Ok(0) => return Err(Error::Closed),
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(&error)),
            }
        }
        Ok(())
    }

    /// Sets another deadline.
    pub(super) fn until(&mut self, deadline: Deadline) {
        self.deadline = deadline;
    }

    /// Another handle of the connection, to end it from elsewhere.
    pub(super) fn handle(&self) -> Result<TcpStream, Error> {
        self.stream.try_clone().map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => self.deadline.passed(),
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted => Error::Closed,
            kind => Error::Connection { kind, text: error.to_string() },
        }
    }
}

pub(super) fn unexpected(expected: &'static str, got: &[u8]) -> Error {
    Error::Protocol { expected, got: Excerpt::new(&String::from_utf8_lossy(got)) }
}
