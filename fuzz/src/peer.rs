//! A peer at the other end of a socket that does whatever it is told, byte by byte if need be.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flipper_model::{Reader, Writer};
use flipper_sim::SimRuntime;
use futures_util::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tungstenite::handshake::derive_accept_key;

/// Something that a peer does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Writes bytes as they are.
    Write(Vec<u8>),
    /// Does what a WebSocket begins with, as it should: reads the other side's request and answers it, or asks and reads
    /// the answer. The text is the request target.
    Upgrade(String),
    /// Sends a text message.
    Text(Vec<u8>),
    /// Sends a frame with this first byte: a control frame, a part of a message, or one that breaks the rules.
    Frame(u8, Vec<u8>),
    /// Waits.
    Wait(Duration),
    /// Writes everything from now on byte by byte.
    Dribble,
    /// Leaves TLS out, where there should be some.
    Bare,
    /// Ends the connection. What follows is done on the next one.
    End,
}

/// Reads deeds from bytes, whatever they are.
pub fn read(bytes: &[u8]) -> Script {
    let mut from = Reader::new(bytes);
    Script(Arc::new(Mutex::new(std::iter::from_fn(|| read_deed(&mut from)).collect())))
}

fn read_deed(from: &mut Reader<'_>) -> Option<Deed> {
    Some(match from.byte()? % 9 {
        0 => Deed::Write(from.bytes()?.to_vec()),
        1 | 8 => Deed::Upgrade(from.text()?),
        2 => Deed::Text(from.bytes()?.to_vec()),
        3 => Deed::Frame(from.byte()?, from.bytes()?.to_vec()),
        4 => Deed::Wait(from.span()?.min(Duration::from_secs(60))),
        5 => Deed::Dribble,
        6 => Deed::Bare,
        _ => Deed::End,
    })
}

/// Writes bytes that are read as these deeds.
pub fn write(deeds: &[Deed]) -> Vec<u8> {
    let mut to = Writer::default();
    for deed in deeds {
        match deed {
            Deed::Write(bytes) => {
                to.byte(0);
                to.bytes(bytes);
            }
            Deed::Upgrade(target) => {
                to.byte(1);
                to.bytes(target.as_bytes());
            }
            Deed::Text(text) => {
                to.byte(2);
                to.bytes(text);
            }
            Deed::Frame(first, bytes) => {
                to.byte(3);
                to.byte(*first);
                to.bytes(bytes);
            }
            Deed::Wait(span) => {
                to.byte(4);
                to.span(*span);
            }
            Deed::Dribble => to.byte(5),
            Deed::Bare => to.byte(6),
            Deed::End => to.byte(7),
        }
    }
    to.into_bytes()
}

/// What is left to do, whichever connection comes to it.
#[derive(Clone, Debug)]
pub struct Script(Arc<Mutex<VecDeque<Deed>>>);

impl Script {
    pub fn next(&self) -> Option<Deed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    pub fn is_over(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Takes the next deed if it is this one.
    pub fn take(&self, deed: &Deed) -> bool {
        let mut deeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        deeds.pop_front_if(|next| next == deed).is_some()
    }
}

/// On which side of a WebSocket the peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Client,
    Server,
}

/// Does on one connection what the script says, up to its end. What the other side sends is read and dropped.
pub async fn act(runtime: &SimRuntime, script: &Script, role: Role, stream: impl AsyncRead + AsyncWrite + Unpin) {
    let (mut from, mut to) = stream.split();
    let mut dribbles = false;
    while let Some(deed) = script.next() {
        let bytes = match deed {
            Deed::Write(bytes) => bytes,
            Deed::Text(text) => frame(role, 0x81, &text),
            Deed::Frame(first, bytes) => frame(role, first, &bytes),
            Deed::Upgrade(target) if role == Role::Client => request(&target),
            Deed::Upgrade(_) => {
                let Some(head) = within(runtime, head(&mut from)).await else { return };
                answer(&head)
            }
            Deed::Wait(span) => {
                // Whoever is talked to meanwhile finds a reader.
                runtime.within(span, drain(&mut from)).await;
                continue;
            }
            Deed::Dribble => {
                dribbles = true;
                continue;
            }
            Deed::Bare => continue,
            Deed::End => return,
        };
        let step = if dribbles { 1 } else { bytes.len().max(1) };
        for piece in bytes.chunks(step) {
            if !matches!(within(runtime, to.write_all(piece)).await, Some(Ok(()))) {
                return;
            }
        }
        if !matches!(within(runtime, to.flush()).await, Some(Ok(()))) {
            return;
        }
        // The other side's turn.
        runtime.within(Duration::from_millis(1), drain(&mut from)).await;
    }
}

async fn within<T>(runtime: &SimRuntime, what: impl Future<Output = T>) -> Option<T> {
    runtime.within(Duration::from_secs(5), what).await
}

async fn drain(from: &mut (impl AsyncRead + Unpin)) {
    let mut bytes = [0; 4096];
    while matches!(from.read(&mut bytes).await, Ok(1..)) {}
    // Until the time that was given is over.
    std::future::pending().await
}

/// The head of an HTTP request.
async fn head(from: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && matches!(from.read(&mut byte).await, Ok(1)) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

fn answer(head: &str) -> Vec<u8> {
    let key = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key").then_some(value.trim())
    });
    let accept = derive_accept_key(key.unwrap_or_default().as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
    .into_bytes()
}

fn request(target: &str) -> Vec<u8> {
    format!(
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    .into_bytes()
}

/// A frame; a client's is masked, with a mask that changes nothing.
fn frame(role: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    let masked = if role == Role::Client { 0x80 } else { 0 };
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..126 => frame.push(masked | u8::try_from(short).expect("it is short")),
        long => {
            frame.push(masked | 126);
            frame.extend(u16::try_from(long).expect("deeds are bounded").to_be_bytes());
        }
    }
    if role == Role::Client {
        frame.extend([0; 4]);
    }
    frame.extend(payload);
    frame
}
