//! As much of HTTP as a WebSocket begins with.
//!
//! The handshake of tungstenite drops a connection whose request is no upgrade without a word. A person who opens the
//! port in a browser, or a program that takes it for something else, is better served with an answer.

use std::fmt::Write as _;
use std::io;

use flipper_client::wire::{MAX_HEAD, find_end_of_head, stream_failure};
use flipper_proto::CloseCause;
use futures_util::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tungstenite::error::ProtocolError;
use tungstenite::handshake::machine::TryParse as _;
use tungstenite::handshake::server;
use tungstenite::http::HeaderMap;
use tungstenite::http::header::{HOST, ORIGIN, SEC_WEBSOCKET_ACCEPT};

/// A request that opens a WebSocket.
pub(super) struct Request {
    pub(super) target: String,
    pub(super) host: Option<String>,
    pub(super) origin: Option<String>,
    /// What `Sec-WebSocket-Accept` is to say.
    pub(super) accept: String,
    /// Bytes that came after the head: the first of the WebSocket.
    pub(super) rest: Vec<u8>,
}

/// A request that does not, and how it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoUpgrade {
    NotHttp,
    HeadTooLarge,
    Malformed,
    SeveralHosts,
    Method,
    Version,
    /// A request for a page, most likely.
    Page,
}

impl Request {
    /// Reads the head of a request.
    ///
    /// # Errors
    /// The outer one when the connection ended before.
    pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Result<Self, NoUpgrade>, CloseCause> {
        let mut bytes = Vec::new();
        loop {
            let mut piece = [0; 1024];
            let count = stream.read(&mut piece).await.map_err(|error| stream_failure(&error))?;
            if count == 0 {
                return Err(CloseCause::Eof);
            }
            bytes.extend_from_slice(&piece[..count]);
            // Every method begins with a letter; some clients send an empty line before it.
            if bytes.first().is_some_and(|byte| !byte.is_ascii_alphabetic() && *byte != b'\r') {
                return Ok(Err(NoUpgrade::NotHttp));
            }
            if let Some(end) = find_end_of_head(&bytes, count) {
                let rest = bytes.split_off(end);
                return Ok(Self::parse(&bytes, rest));
            }
            if bytes.len() >= MAX_HEAD {
                return Ok(Err(NoUpgrade::HeadTooLarge));
            }
        }
    }

    fn parse(head: &[u8], rest: Vec<u8>) -> Result<Self, NoUpgrade> {
        let (_, request) = server::Request::try_parse(head).map_err(NoUpgrade::from)?.ok_or(NoUpgrade::Malformed)?;
        let response = server::create_response(&request).map_err(NoUpgrade::from)?;
        let accept = response.headers().get(SEC_WEBSOCKET_ACCEPT).and_then(|value| value.to_str().ok());
        if request.headers().get_all(HOST).iter().nth(1).is_some() {
            return Err(NoUpgrade::SeveralHosts);
        }
        Ok(Self {
            target: request.uri().path_and_query().ok_or(NoUpgrade::Malformed)?.as_str().to_owned(),
            host: joined(request.headers(), HOST.as_str()),
            origin: joined(request.headers(), ORIGIN.as_str()),
            accept: accept.ok_or(NoUpgrade::Malformed)?.to_owned(),
            rest,
        })
    }
}

/// The value of a header, all values where there are several, and something that nobody allows where it is no text.
fn joined(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<_> = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    (!values.is_empty()).then(|| values.join(","))
}

impl From<tungstenite::Error> for NoUpgrade {
    fn from(error: tungstenite::Error) -> Self {
        let tungstenite::Error::Protocol(error) = error else { return Self::Malformed };
        if error == ProtocolError::WrongHttpMethod {
            Self::Method
        } else if error == ProtocolError::WrongHttpVersion {
            Self::Version
        } else if [
            ProtocolError::MissingConnectionUpgradeHeader,
            ProtocolError::MissingUpgradeWebSocketHeader,
            ProtocolError::MissingSecWebSocketVersionHeader,
            ProtocolError::MissingSecWebSocketKey,
        ]
        .contains(&error)
        {
            Self::Page
        } else {
            Self::Malformed
        }
    }
}

impl NoUpgrade {
    /// Answers, and tells why the connection came to nothing.
    pub(super) async fn answer(self, stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> CloseCause {
        let (status, more, text) = match self {
            Self::NotHttp => (400, "", "this is no HTTP; the port speaks plain ws, not wss"),
            Self::HeadTooLarge => (431, "", "the head of the request is too large"),
            Self::Malformed => (400, "", "the request cannot be understood"),
            Self::SeveralHosts => (400, "", "the request names several hosts"),
            Self::Method => (405, "Allow: GET\r\n", PAGE),
            Self::Version => (505, "", "HTTP 1.1 is needed for a WebSocket"),
            Self::Page => (426, "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n", PAGE),
        };
        // An answer that nobody stays to hear is no loss.
        let _lost = respond(stream, status, more, text).await;
        CloseCause::Http(status)
    }
}

const PAGE: &str = "Here a Flipper desktop waits for apps, over WebSocket. There is no page to look at.";

/// Answers a request that came without TLS to a port with TLS.
pub(super) async fn refuse_plain_text(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> CloseCause {
    let _lost = respond(stream, 400, "", "this port speaks TLS (wss), with certificates on both sides").await;
    CloseCause::Http(400)
}

/// Answers an upgrade that is refused.
pub(super) async fn refuse(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), status: u16, reason: &str) {
    let _lost = respond(stream, status, "", reason).await;
}

/// Answers an upgrade that is accepted.
pub(super) async fn switch_protocols(stream: &mut (impl AsyncWrite + Unpin), accept: &str) -> Result<(), CloseCause> {
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.map_err(|error| stream_failure(&error))?;
    stream.flush().await.map_err(|error| stream_failure(&error))
}

async fn respond(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    status: u16,
    more: &str,
    text: &str,
) -> io::Result<()> {
    let mut answer = String::new();
    let length = text.len() + 1;
    let _never = write!(
        answer,
        "HTTP/1.1 {status} {}\r\nConnection: close\r\n{more}Content-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {length}\r\n\r\n{text}\n",
        reason_phrase(status)
    );
    stream.write_all(answer.as_bytes()).await?;
    part(stream).await
}

/// Ends a connection after its last word. Closing a socket whose input was not read would reset it, and what was said
/// could be lost with that.
pub(super) async fn part(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<()> {
    stream.close().await?;
    let mut rest = [0; 1024];
    let mut read = 0;
    while read < MAX_HEAD {
        match stream.read(&mut rest).await? {
            0 => break,
            count => read += count,
        }
    }
    Ok(())
}

fn reason_phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        405 => "Method Not Allowed",
        426 => "Upgrade Required",
        431 => "Request Header Fields Too Large",
        505 => "HTTP Version Not Supported",
        _ => "Refused",
    }
}
