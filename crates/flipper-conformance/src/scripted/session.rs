//! A session, frame by frame.

use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

use flipper_client::proto::Query;
use rustls::{ServerConnection, StreamOwned};
use serde_json::{Value, json};
use tungstenite::handshake::server::{Request, Response};
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, WebSocket, WebSocketConfig};
use tungstenite::{Message, Utf8Bytes};

use super::frames;
use super::query::Keys;
use super::tcp::Tcp;
use crate::Result;

type Tls = StreamOwned<ServerConnection, Tcp>;

/// A session with an app. Every method fails when the app is gone, or says nothing for a long time.
#[derive(Debug)]
pub struct Session {
    socket: WebSocket<Tls>,
    /// Who the app says it is.
    pub query: Query,
    /// The same, as it stands in the request.
    pub keys: Keys,
    /// The target of the request.
    pub target: String,
    /// The `Host` that it asked for.
    pub host: String,
    /// The names of the headers of its request, in lower case.
    pub headers: Vec<String>,
}

impl Session {
    /// Accepts a session, with a first message in the same packet as the answer if there is one.
    pub(super) fn accept(mut tls: Tls, first: Option<&str>) -> Result<Self> {
        while tls.conn.is_handshaking() {
            tls.conn.complete_io(&mut tls.sock)?;
        }
        tls.sock.holds_back = first.is_some();
        let (mut socket, Hello { target, host, headers }) = accept(tls)?;
        if let Some(first) = first {
            socket.send(Message::text(first))?;
            socket.get_mut().sock.let_go()?;
        }
        Ok(Self { socket, query: Query::parse(&target)?, keys: Keys::read(&target)?, target, host, headers })
    }

    /// Sends a message.
    pub fn send(&mut self, message: &Value) -> Result {
        self.send_text(&message.to_string())
    }

    /// Sends a message of text, whatever it holds.
    pub fn send_text(&mut self, text: &str) -> Result {
        Ok(self.socket.send(Message::text(text))?)
    }

    /// Sends bytes as they are.
    pub fn send_raw(&mut self, bytes: &[u8]) -> Result {
        let tls = self.socket.get_mut();
        tls.write_all(bytes)?;
        Ok(tls.flush()?)
    }

    /// Has the app initialise a plugin.
    pub fn init(&mut self, plugin: &str) -> Result {
        self.send(&json!({"method": "init", "params": {"plugin": plugin}}))
    }

    /// Calls a method of a plugin. The params are JSON.
    pub fn call(&mut self, id: u64, plugin: &str, method: &str, params: &str) -> Result {
        self.send_text(&call(id, plugin, method, params))
    }

    /// The next message, as it came.
    pub fn receive_text(&mut self) -> Result<String> {
        loop {
            match self.socket.read()? {
                Message::Text(text) => return Ok(text.as_str().to_owned()),
                Message::Ping(_) | Message::Pong(_) => {}
                other => return Err(format!("a message was expected, not {other:?}").into()),
            }
        }
    }

    /// The next message.
    pub fn receive(&mut self) -> Result<Value> {
        Ok(serde_json::from_str(&self.receive_text()?)?)
    }

    /// Pings the app, and waits until it has answered that with the same bytes. No message may come before.
    pub fn ping(&mut self, payload: &[u8]) -> Result {
        self.send_raw(&frames::frame(0x89, payload))?;
        loop {
            match self.socket.read()? {
                Message::Pong(bytes) if bytes == payload => return Ok(()),
                Message::Ping(_) => {}
                other => return Err(format!("a pong was expected, not {other:?}").into()),
            }
        }
    }

    /// Waits until the app pings.
    pub fn wait_for_ping(&mut self) -> Result {
        loop {
            if let Message::Ping(_) = self.socket.read()? {
                return Ok(());
            }
        }
    }

    /// Looks whether the session goes on: whether the plugin `Example` echoes.
    pub fn assert_echoes(&mut self) -> Result {
        self.call(77, "Example", "echo", r#"{"still":"here"}"#)?;
        let answer = self.receive()?;
        if answer == json!({"id": 77, "success": {"still": "here"}}) {
            Ok(())
        } else {
            Err(format!("an echo was expected, not {answer}").into())
        }
    }

    /// Looks whether the session goes on, whatever plugins there are, and that nothing else was sent before.
    pub fn assert_answers(&mut self) -> Result {
        self.send(&json!({"id": 78, "method": "getBackgroundPlugins"}))?;
        let answer = self.receive()?;
        if answer["id"] == 78 && answer["success"]["plugins"].is_array() {
            Ok(())
        } else {
            Err(format!("a list of plugins was expected, not {answer}").into())
        }
    }

    /// Closes, and waits until the app has answered that.
    pub fn close(self, code: u16, reason: &str) -> Result {
        // Written by hand: tungstenite refuses to send codes that must not be sent.
        self.close_with(&frames::close(code, reason))
    }

    /// As [`close`](Self::close), without any code.
    pub fn close_without_code(self) -> Result {
        self.close_with(&frames::frame(0x88, b""))
    }

    fn close_with(mut self, frame: &[u8]) -> Result {
        self.send_raw(frame)?;
        while !matches!(self.socket.read()?, Message::Close(_)) {}
        Ok(())
    }

    /// Waits until the app closes, and gives back the code.
    pub fn wait_closed(mut self) -> Result<u16> {
        loop {
            match self.socket.read()? {
                // An app with short waits may ask for a sign of life before it goes.
                Message::Ping(_) | Message::Pong(_) => {}
                Message::Close(Some(frame)) => {
                    // Sends the answer, which ends the connection.
                    while self.socket.read().is_ok() {}
                    return Ok(frame.code.into());
                }
                other => return Err(format!("a close frame was expected, not {other:?}").into()),
            }
        }
    }

    /// Sends a close frame, and keeps the connection all the same.
    pub fn begin_close(&mut self, code: u16) -> Result {
        self.send_raw(&frames::close(code, ""))
    }

    /// Whether the app is gone already, after what it said last.
    pub fn is_gone(mut self) -> Result<bool> {
        let tcp = &mut self.socket.get_mut().sock;
        tcp.give_up_after(Duration::from_millis(1))?;
        match tcp.wait_for_the_end() {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(false),
            // The end, or a reset.
            _ => Ok(true),
        }
    }

    /// Waits until the app is gone, however that comes.
    pub fn wait_gone(mut self) {
        while self.socket.read().is_ok() {}
    }

    /// Ends the TCP connection, and TLS without its `close_notify`.
    pub fn drop_tcp(self) -> Result {
        Ok(())
    }

    /// Ends TLS as it should be, but without a close frame.
    pub fn end_tls(mut self) -> Result {
        let tls = self.socket.get_mut();
        tls.conn.send_close_notify();
        Ok(tls.flush()?)
    }

    /// Ends the TCP connection with a reset.
    pub fn reset(self) -> Result {
        let (connection, tcp) = self.socket.into_inner().into_parts();
        drop(connection);
        Ok(tcp.reset()?)
    }

    /// Sends some frames very often and reads nothing until the app reads no more; then sends the rest, and reads until
    /// it has all the answers, of this many bytes each time. Says whether the app stopped reading.
    pub fn flood(self, frames: &[u8], answer: usize, times: usize) -> Result<bool> {
        let (mut tls, mut tcp) = self.socket.into_inner().into_parts();
        let (mut unsent, mut unanswered, mut was_stopped) = (times, times * answer, false);
        let mut chunk = vec![0; 64 * 1024];
        tcp.give_up_after(Duration::from_millis(500))?;
        while unanswered > 0 {
            if !tls.wants_write() && unsent > 0 {
                tls.writer().write_all(frames)?;
                unsent -= 1;
            }
            if tls.wants_write() && !is_stuck(tls.write_tls(&mut tcp))? {
                continue;
            }
            if unsent > 0 && !was_stopped {
                was_stopped = true;
                tcp.give_up_after(Duration::from_millis(1))?;
            }
            while unanswered > 0 && !is_stuck(tls.read_tls(&mut tcp))? {
                tls.process_new_packets()?;
                while let Ok(count @ 1..) = tls.reader().read(&mut chunk) {
                    unanswered -= count;
                }
            }
        }
        Ok(was_stopped)
    }

    /// The TCP connection.
    #[must_use]
    pub fn tcp(&self) -> &Tcp {
        &self.socket.get_ref().sock
    }
}

/// Whether a read or write came to nothing because the peer does not write or read.
fn is_stuck(result: std::io::Result<usize>) -> Result<bool> {
    match result {
        Ok(0) => Err("the app is gone".into()),
        Ok(_) => Ok(false),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// A call, as text.
#[must_use]
pub fn call(id: u64, plugin: &str, method: &str, params: &str) -> String {
    format!(r#"{{"id":{id},"method":"execute","params":{{"api":"{plugin}","method":"{method}","params":{params}}}}}"#)
}

/// An event, as an app sends it.
#[must_use]
pub fn event(plugin: &str, method: &str, params: &Value) -> Value {
    json!({"method": "execute", "params": {"api": plugin, "method": method, "params": params}})
}

/// What an app says when it asks for an upgrade.
#[derive(Default)]
pub(super) struct Hello {
    pub(super) target: String,
    pub(super) host: String,
    pub(super) headers: Vec<String>,
}

/// Accepts an upgrade.
pub(super) fn accept<S: Read + Write>(stream: S) -> Result<(WebSocket<S>, Hello)> {
    let mut hello = Hello::default();
    #[expect(clippy::result_large_err, reason = "tungstenite wants it so")]
    let note = |request: &Request, response: Response| {
        hello.target = request.uri().to_string();
        hello.headers = request.headers().keys().map(|name| name.as_str().to_owned()).collect();
        hello.host = request.headers()["host"].to_str().unwrap_or_default().to_owned();
        Ok(response)
    };
    let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
    match tungstenite::accept_hdr_with_config(stream, note, Some(config)) {
        Ok(socket) => Ok((socket, hello)),
        Err(error) => Err(error.to_string().into()),
    }
}

pub(super) fn close_frame(code: u16, reason: &'static str) -> CloseFrame {
    CloseFrame { code: CloseCode::from(code), reason: Utf8Bytes::from_static(reason) }
}
