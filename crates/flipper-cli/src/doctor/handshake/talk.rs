//! A WebSocket, and what comes over it.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use flipper_desktop::proto::Query;
use serde_json::Value;
use tungstenite::client::{IntoClientRequest as _, client};
use tungstenite::{HandshakeError, Message, WebSocket};

/// Connects to the first address of the host that takes the connection.
pub(super) fn connect(host: &str, port: u16, patience: Duration) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, patience) {
            Ok(tcp) => {
                tcp.set_read_timeout(Some(patience))?;
                tcp.set_write_timeout(Some(patience))?;
                return Ok(tcp);
            }
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// A WebSocket that is open.
pub(super) struct Talk<S>(WebSocket<S>);

/// Why none is.
pub(super) enum OpenError {
    /// The answer is another status than 101.
    Status {
        status: u16,
        body: String,
    },
    /// TLS failed after its handshake, which is how certificates of apps are refused.
    Tls(io::Error),
    Other(String),
}

/// What came.
pub(super) enum Heard {
    Message(Value),
    Close { code: u16, reason: String },
    Nothing(String),
}

impl<S: Read + Write> Talk<S> {
    pub(super) fn open(stream: S, host: &str, port: u16, query: &Query) -> Result<Self, OpenError> {
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let request = format!("ws://{host}:{port}{}", query.to_target()).into_client_request();
        let request = request.map_err(|error| OpenError::Other(error.to_string()))?;
        match client(request, stream) {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(HandshakeError::Interrupted(_)) => Err(OpenError::Other("no answer in time".to_owned())),
            Err(HandshakeError::Failure(tungstenite::Error::Http(response))) => {
                let body = response.body().as_deref().unwrap_or_default();
                let body = String::from_utf8_lossy(body).trim().to_owned();
                Err(OpenError::Status { status: response.status().as_u16(), body })
            }
            Err(HandshakeError::Failure(tungstenite::Error::Io(error))) if error.get_ref().is_some() => {
                Err(OpenError::Tls(error))
            }
            Err(HandshakeError::Failure(error)) => Err(OpenError::Other(error.to_string())),
        }
    }

    /// What cannot be said shows in what is heard then.
    pub(super) fn say(&mut self, text: &str) {
        let _shows_later = self.0.send(Message::text(text));
    }

    /// The next message, or what came instead of it.
    pub(super) fn hear(&mut self) -> Heard {
        loop {
            match self.0.read() {
                Ok(Message::Text(text)) => match serde_json::from_str(&text) {
                    Ok(message) => return Heard::Message(message),
                    Err(_) => return Heard::Nothing("it says something that is no JSON".to_owned()),
                },
                Ok(Message::Close(frame)) => {
                    let (code, reason) =
                        frame.map_or((1005, String::new()), |frame| (frame.code.into(), frame.reason.to_string()));
                    return Heard::Close { code, reason };
                }
                Ok(_) => {}
                Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Heard::Nothing("nothing came in time".to_owned());
                }
                Err(error) => return Heard::Nothing(error.to_string()),
            }
        }
    }

    /// Closes as clients do, and waits for the desktop to follow.
    pub(super) fn leave(&mut self) {
        // One that goes on talking is left all the same.
        const LAST_WORDS: usize = 100;
        if self.0.close(None).is_ok() {
            let _heard = (0..LAST_WORDS).take_while(|_| self.0.read().is_ok()).count();
        }
    }
}
