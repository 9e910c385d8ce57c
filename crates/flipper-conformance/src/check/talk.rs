//! A WebSocket that blocks, as either end, with a deadline for everything.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection, StreamOwned};
use tungstenite::handshake::HandshakeError;
use tungstenite::handshake::client::Request as ClientRequest;
use tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tungstenite::http::StatusCode;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket};

/// Between two bytes that go out one by one.
const DRIBBLE: Duration = Duration::from_micros(200);

/// A WebSocket, open.
pub(super) struct Talk {
    socket: WebSocket<Wire>,
}

/// What comes next on a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Came {
    Text(String),
    Binary(Vec<u8>),
    Pong(Vec<u8>),
    Ended(End),
    /// Nothing, until the deadline.
    Nothing,
}

/// How a WebSocket ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    Closed { code: u16, reason: String },
    Lost(String),
}

/// The HTTP request that opened a WebSocket.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    pub(super) target: String,
    pub(super) origin: Option<String>,
}

/// How an upgrade is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Welcome {
    Accept,
    /// Every byte by itself, those of TLS included.
    AcceptByteByByte,
    /// With this HTTP status.
    Refuse(u16),
}

/// Why there is no WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unopened {
    Tls(String),
    /// This side did not accept the certificate of the other, which had accepted this side's.
    Certificate(String),
    /// Refused with this HTTP status, by this side or the other.
    Http(u16),
    Lost(String),
}

impl Talk {
    /// Opens a WebSocket that somebody else asks for.
    pub(super) fn accept(
        tcp: TcpStream,
        tls: Option<Arc<ServerConfig>>,
        welcome: Welcome,
        patience: Duration,
    ) -> Result<(Self, Head), Unopened> {
        let mut tap = Tap::new(tcp, patience).map_err(lost)?;
        tap.dribbles = welcome == Welcome::AcceptByteByByte;
        let wire = match tls {
            None => Wire::Plain(tap),
            Some(config) => {
                let mut connection = ServerConnection::new(config).map_err(|error| Unopened::Tls(error.to_string()))?;
                connection.complete_io(&mut tap).map_err(|error| refused_handshake(&error))?;
                Wire::Server(Box::new(StreamOwned::new(connection, tap)))
            }
        };
        let mut head = Head::default();
        #[expect(clippy::result_large_err, reason = "the type is tungstenite's")]
        let look = |request: &Request, response: Response| {
            let header =
                |name| request.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
            head = Head { target: request.uri().to_string(), origin: header("origin") };
            match welcome {
                Welcome::Accept | Welcome::AcceptByteByByte => Ok(response),
                Welcome::Refuse(status) => {
                    let mut refusal = ErrorResponse::new(None);
                    *refusal.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
                    Err(refusal)
                }
            }
        };
        let opened = tungstenite::accept_hdr_with_config(wire, look, Some(config()));
        let mut socket = opened.map_err(|error| unopened(error, patience))?;
        socket.get_mut().tap().dribbles = false;
        Ok((Self { socket }, head))
    }

    /// Asks for a WebSocket.
    pub(super) fn connect(
        tcp: TcpStream,
        tls: Option<Arc<ClientConfig>>,
        request: ClientRequest,
        dribbles: bool,
        patience: Duration,
    ) -> Result<Self, Unopened> {
        let mut tap = Tap::new(tcp, patience).map_err(lost)?;
        tap.dribbles = dribbles;
        let wire = match tls {
            None => Wire::Plain(tap),
            Some(config) => {
                let connection = ClientConnection::new(config, flipper_pki::server_name());
                let mut connection = connection.map_err(|error| Unopened::Tls(error.to_string()))?;
                connection.complete_io(&mut tap).map_err(|error| Unopened::Tls(error.to_string()))?;
                Wire::Client(Box::new(StreamOwned::new(connection, tap)))
            }
        };
        let opened = tungstenite::client::client_with_config(request, wire, Some(config()));
        let (mut socket, _) = opened.map_err(|error| unopened(error, patience))?;
        socket.get_mut().tap().dribbles = false;
        Ok(Self { socket })
    }

    pub(super) fn send(&mut self, text: &str) -> Result<(), End> {
        self.send_message(Message::text(text))
    }

    pub(super) fn send_binary(&mut self, bytes: &[u8]) -> Result<(), End> {
        self.send_message(Message::binary(bytes.to_vec()))
    }

    pub(super) fn ping(&mut self, payload: &[u8]) -> Result<(), End> {
        self.send_message(Message::Ping(payload.to_vec().into()))
    }

    /// Sends a text in several frames.
    pub(super) fn send_in_pieces(&mut self, text: &str, size: usize) -> Result<(), End> {
        let mut pieces = text.as_bytes().chunks(size).peekable();
        let mut opcode = Data::Text;
        while let Some(piece) = pieces.next() {
            let frame = Frame::message(piece.to_vec(), OpCode::Data(opcode), pieces.peek().is_none());
            self.send_message(Message::Frame(frame))?;
            opcode = Data::Continue;
        }
        Ok(())
    }

    fn send_message(&mut self, message: Message) -> Result<(), End> {
        self.socket.send(message).map_err(|error| ended(&error))
    }

    /// What comes next, at most until the deadline. Pings are answered and never shown.
    pub(super) fn receive(&mut self, deadline: Instant) -> Came {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Came::Nothing;
            }
            if let Err(error) = self.socket.get_mut().tap().tcp.set_read_timeout(Some(left)) {
                return Came::Ended(End::Lost(error.to_string()));
            }
            return match self.socket.read() {
                Ok(Message::Text(text)) => Came::Text(text.to_string()),
                Ok(Message::Binary(bytes)) => Came::Binary(bytes.to_vec()),
                Ok(Message::Pong(payload)) => Came::Pong(payload.to_vec()),
                Ok(Message::Ping(_) | Message::Frame(_)) => continue,
                Ok(Message::Close(frame)) => {
                    let _ = self.socket.flush();
                    Came::Ended(match frame {
                        Some(CloseFrame { code, reason }) => {
                            End::Closed { code: code.into(), reason: reason.to_string() }
                        }
                        None => End::Closed { code: 1005, reason: String::new() },
                    })
                }
                Err(Error::Io(error)) if is_timeout(&error) => continue,
                Err(error) => Came::Ended(ended(&error)),
            };
        }
    }

    /// How many certificates the other end has shown.
    pub(super) fn peer_certificates(&self) -> usize {
        match self.socket.get_ref() {
            Wire::Plain(_) => None,
            Wire::Server(stream) => stream.conn.peer_certificates(),
            Wire::Client(stream) => stream.conn.peer_certificates(),
        }
        .map_or(0, <[_]>::len)
    }

    /// Begins to close.
    pub(super) fn close(&mut self, code: u16, reason: &'static str) -> Result<(), End> {
        let frame = CloseFrame { code: code.into(), reason: reason.into() };
        self.socket.close(Some(frame)).and_then(|()| self.socket.flush()).map_err(|error| ended(&error))
    }

    /// Ends the connection without a word of WebSocket.
    pub(super) fn drop_connection(mut self) {
        let _ = self.socket.get_mut().tap().tcp.shutdown(Shutdown::Both);
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.socket.get_mut().say_goodbye();
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { code, reason } if reason.is_empty() => {
                write!(f, "the connection was closed with code {code}")
            }
            Self::Closed { code, reason } => write!(f, "the connection was closed with code {code}: {reason}"),
            Self::Lost(how) => write!(f, "the connection was lost: {how}"),
        }
    }
}

impl fmt::Display for Unopened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls(how) => write!(f, "the TLS handshake failed: {how}"),
            Self::Certificate(how) => write!(f, "its certificate is of no use here: {how}"),
            Self::Http(status) => write!(f, "the upgrade was answered with HTTP {status}"),
            Self::Lost(how) => write!(f, "the connection was lost during the upgrade: {how}"),
        }
    }
}

/// TCP, with TLS over it or without.
enum Wire {
    Plain(Tap),
    Server(Box<StreamOwned<ServerConnection, Tap>>),
    Client(Box<StreamOwned<ClientConnection, Tap>>),
}

/// A TCP connection that can be made to write one byte at a time.
struct Tap {
    tcp: TcpStream,
    dribbles: bool,
}

impl Tap {
    fn new(tcp: TcpStream, patience: Duration) -> io::Result<Self> {
        tcp.set_nonblocking(false)?;
        tcp.set_nodelay(true)?;
        tcp.set_read_timeout(Some(patience))?;
        tcp.set_write_timeout(Some(patience))?;
        Ok(Self { tcp, dribbles: false })
    }
}

impl Read for Tap {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.tcp.read(bytes)
    }
}

impl Write for Tap {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.dribbles {
            return self.tcp.write(bytes);
        }
        thread::sleep(DRIBBLE);
        self.tcp.write(&bytes[..bytes.len().min(1)])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}

impl Wire {
    fn tap(&mut self) -> &mut Tap {
        match self {
            Self::Plain(tap) => tap,
            Self::Server(stream) => &mut stream.sock,
            Self::Client(stream) => &mut stream.sock,
        }
    }

    /// Ends TLS as it should be ended, if the connection is still there.
    fn say_goodbye(&mut self) {
        match self {
            Self::Plain(_) => {}
            Self::Server(stream) => {
                stream.conn.send_close_notify();
                let _ = stream.conn.write_tls(&mut stream.sock);
            }
            Self::Client(stream) => {
                stream.conn.send_close_notify();
                let _ = stream.conn.write_tls(&mut stream.sock);
            }
        }
    }
}

impl Read for Wire {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tap) => tap.read(bytes),
            Self::Server(stream) => stream.read(bytes),
            Self::Client(stream) => stream.read(bytes),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tap) => tap.write(bytes),
            Self::Server(stream) => stream.write(bytes),
            Self::Client(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(tap) => tap.flush(),
            Self::Server(stream) => stream.flush(),
            Self::Client(stream) => stream.flush(),
        }
    }
}

/// Messages of any size.
fn config() -> WebSocketConfig {
    WebSocketConfig::default().max_message_size(None).max_frame_size(None)
}

fn unopened<R: tungstenite::handshake::HandshakeRole>(error: HandshakeError<R>, patience: Duration) -> Unopened {
    match error {
        HandshakeError::Interrupted(_) => Unopened::Lost(format!("no more of it came within {}", seconds(patience))),
        HandshakeError::Failure(Error::Http(response)) => Unopened::Http(response.status().as_u16()),
        HandshakeError::Failure(error) => Unopened::Lost(error.to_string()),
    }
}

/// A server sees a certificate only after it has shown its own, and that has passed.
fn refused_handshake(error: &io::Error) -> Unopened {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(how)) => Unopened::Certificate(format!("{how:?}")),
        Some(_) | None => Unopened::Tls(error.to_string()),
    }
}

fn ended(error: &Error) -> End {
    match error {
        // rustls would give a link to its manual.
        Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => End::Lost("it just ended".to_owned()),
        Error::ConnectionClosed | Error::AlreadyClosed => End::Lost("it had been closed".to_owned()),
        Error::Io(error) if is_timeout(error) => End::Lost("the other end reads nothing any more".to_owned()),
        error => End::Lost(error.to_string()),
    }
}

fn lost(error: io::Error) -> Unopened {
    Unopened::Lost(error.to_string())
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// A span as people read it.
pub(super) fn seconds(span: Duration) -> String {
    format!("{} s", span.as_secs_f64())
}
