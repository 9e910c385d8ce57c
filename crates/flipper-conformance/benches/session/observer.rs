//! An observer that is no limit: it writes commands that were made before, and of the answers reads the frame heads only.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use crate::Result;
use crate::desktop::Load;

/// How an observer speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// As `docs/desktop-api.md` has it.
    Api,
    /// As the official desktop's page does.
    Official,
}

/// An observer of a desktop, with one app to call.
pub(crate) struct Observer {
    dialect: Dialect,
    stream: TcpStream,
    app: String,
    frames: Frames,
    next_id: u64,
    chunk: Vec<u8>,
}

/// What one round of calls measured.
pub(crate) struct Round {
    pub(crate) calls: usize,
    pub(crate) took: Duration,
}

impl Observer {
    /// Connects, and waits until the app is there.
    pub(crate) fn connect(dialect: Dialect, port: u16, token: &str) -> Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        let path = if dialect == Dialect::Api { "/api/v1/socket" } else { "/" };
        let (mut socket, _) = tungstenite::client(format!("ws://localhost:{port}{path}?token={token}"), stream)
            .map_err(|error| error.to_string())?;
        let app = loop {
            let apps = match dialect {
                Dialect::Api => ask(&mut socket, &json!({"id": 0, "apps": {}}), |answer| answer["success"].take())?,
                Dialect::Official => {
                    let list = json!({"event": "exec", "payload": {"id": 0, "command": "client-list", "args": []}});
                    ask(&mut socket, &list, |answer| match answer["event"].as_str() {
                        Some("exec-response") => answer["payload"]["data"].take(),
                        _ => Value::Null,
                    })?
                }
            };
            if let Some(id) = apps[0]["id"].as_str() {
                break id.to_owned();
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let prepare = match dialect {
            Dialect::Api => json!({"id": 0, "subscribe": {}}),
            Dialect::Official => {
                let init = json!({"method": "init", "params": {"plugin": "Example"}});
                let args = json!([app, init]);
                json!({"event": "exec", "payload": {"id": 0, "command": "client-request", "args": args}})
            }
        };
        ask(&mut socket, &prepare, |_| json!({}))?;
        // Whatever else was read is not looked at.
        let mut socket = socket.into_inner();
        socket.flush()?;
        let frames = Frames::default();
        Ok(Self { dialect, stream: socket, app, frames, next_id: 1, chunk: vec![0; 256 * 1024] })
    }

    /// Keeps this many calls in flight for a round.
    pub(crate) fn calls(&mut self, load: Load, in_flight: usize, round: Duration) -> Result<Round> {
        let params = load.json();
        let begin = Instant::now();
        let (mut waiting, mut calls, mut out) = (0, 0, Vec::new());
        loop {
            let more = begin.elapsed() < round;
            out.clear();
            while more && waiting < in_flight {
                self.push_call(&mut out, "echo", &params);
                waiting += 1;
            }
            self.stream.write_all(&out)?;
            if waiting == 0 {
                return Ok(Round { calls, took: begin.elapsed() });
            }
            let (answers, _) = self.read()?;
            waiting = waiting.saturating_sub(answers);
            calls += answers;
        }
    }

    /// Has the app send events of this size for a round, and counts those that arrive: how many a second.
    pub(crate) fn events(&mut self, size: usize, round: Duration) -> Result<f64> {
        const BURST: usize = 1_000;
        let params = json!({"count": BURST, "size": size}).to_string();
        let begin = Instant::now();
        let (mut waiting, mut events, mut out) = (0, 0, Vec::new());
        while waiting > 0 || begin.elapsed() < round {
            // Bursts behind the one that is being read, so that the app never waits.
            out.clear();
            while waiting < 4 && begin.elapsed() < round {
                self.push_call(&mut out, "emit", &params);
                waiting += 1;
            }
            self.stream.write_all(&out)?;
            let (answers, arrived) = self.read()?;
            waiting -= answers.min(waiting);
            events += arrived;
        }
        Ok(events as f64 / begin.elapsed().as_secs_f64())
    }

    fn push_call(&mut self, out: &mut Vec<u8>, method: &str, params: &str) {
        let (id, app) = (self.next_id, &self.app);
        self.next_id += 1;
        let text = match self.dialect {
            Dialect::Api => format!(
                "{{\"id\":{id},\"call\":{{\"app\":\"{app}\",\"plugin\":\"Example\",\"method\":\"{method}\",\"params\":{params}}}}}"
            ),
            Dialect::Official => format!(
                "{{\"event\":\"exec\",\"payload\":{{\"id\":{id},\"command\":\"client-request-response\",\"args\":[\"{app}\",\
                 {{\"id\":{id},\"method\":\"execute\",\"params\":{{\"api\":\"Example\",\"method\":\"{method}\",\"params\":{params}}}}}]}}}}"
            ),
        };
        push_frame(out, &text);
    }

    /// Reads what has arrived: how many answers, and how many messages of the app.
    fn read(&mut self) -> Result<(usize, usize)> {
        let count = self.stream.read(&mut self.chunk)?;
        if count == 0 {
            return Err("the desktop is gone".into());
        }
        let (mut answers, mut events) = (0, 0);
        let dialect = self.dialect;
        self.frames.read(&self.chunk[..count], |head| match dialect {
            Dialect::Api if head.starts_with(b"{\"id\":") => answers += 1,
            Dialect::Api if head.starts_with(b"{\"event\":\"message\"") => events += 1,
            Dialect::Official if head.starts_with(b"{\"event\":\"exec-response\"") => answers += 1,
            Dialect::Official if head.windows(14).any(|part| part == b"client-message") => events += 1,
            _ => {}
        });
        Ok((answers, events))
    }
}

/// Sends a command and waits for the message that `pick` takes something from.
fn ask(socket: &mut WebSocket<TcpStream>, command: &Value, pick: fn(&mut Value) -> Value) -> Result<Value> {
    socket.send(Message::text(command.to_string()))?;
    loop {
        if let Message::Text(text) = socket.read()? {
            let picked = pick(&mut serde_json::from_str(&text)?);
            if !picked.is_null() {
                return Ok(picked);
            }
        }
    }
}

/// As much of a payload as is looked at.
const LOOKED_AT: usize = 64;

/// Finds the frames of a server in the bytes.
#[derive(Default)]
struct Frames {
    /// The head of a frame that has not arrived whole, and the first of its payload.
    partial: Vec<u8>,
    /// How much of the payload is still to be skipped.
    skip: usize,
}

impl Frames {
    fn read(&mut self, mut bytes: &[u8], mut found: impl FnMut(&[u8])) {
        loop {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            if bytes.is_empty() {
                return;
            }
            let from_partial = self.partial.len();
            let wanted = (10 + LOOKED_AT - from_partial).min(bytes.len());
            self.partial.extend_from_slice(&bytes[..wanted]);
            let Some((head, length)) = head(&self.partial) else { return };
            let looked_at = length.min(LOOKED_AT);
            if self.partial.len() < head + looked_at {
                return;
            }
            found(&self.partial[head..head + looked_at]);
            bytes = &bytes[head + looked_at - from_partial..];
            self.skip = length - looked_at;
            self.partial.clear();
        }
    }
}

/// The length of a frame's head, and of its payload; `None` if more bytes are needed.
fn head(bytes: &[u8]) -> Option<(usize, usize)> {
    match bytes.get(1)? {
        126 => Some((4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)))),
        127 => Some((10, usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?)),
        short => Some((2, usize::from(*short))),
    }
}

/// A text frame of a client, masked with zeros: the payload stays as it is.
fn push_frame(out: &mut Vec<u8>, text: &str) {
    out.push(0x81);
    match text.len() {
        short @ 0..126 => out.push(0x80 | short as u8),
        medium @ 126..0x1_0000 => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(medium as u16).to_be_bytes());
        }
        long => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(text.as_bytes());
}
