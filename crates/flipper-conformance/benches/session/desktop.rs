//! A desktop that is no limit: it writes messages that were made before, and of the answers reads the frame heads only.

use std::collections::VecDeque;
use std::io::{self, BufReader, IoSlice, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use flipper_conformance::provision;
use flipper_pki::{Authority, AuthorityConfig};
use rustls::{ServerConnection, StreamOwned};
use tempfile::TempDir;

use crate::Result;
use crate::client::Client;
use crate::measure::{Sample, quantile};
use crate::process::Peer;

/// The params of a call.
#[derive(Clone, Copy)]
pub(crate) enum Load {
    /// One string, so that the params have this many bytes.
    Text(usize),
    /// An array of small objects with about this many bytes.
    Objects(usize),
}

impl Load {
    pub(crate) fn json(self) -> String {
        match self {
            Self::Text(bytes) => format!("{{\"data\":\"{}\"}}", "x".repeat(bytes.saturating_sub(11))),
            Self::Objects(bytes) => {
                let mut json = String::from("[");
                while json.len() < bytes {
                    let index = json.len();
                    json.push_str(&format!("{{\"index\":{index},\"name\":\"some name\",\"on\":true,\"ratio\":0.25}},"));
                }
                json.pop();
                json + "]"
            }
        }
    }
}

/// The desktop, with one client connected.
pub(crate) struct Desktop {
    peer: Peer,
    tls: StreamOwned<ServerConnection, Socket>,
    frames: Frames,
    next_id: u64,
    chunk: Vec<u8>,
    _directory: TempDir,
}

impl Desktop {
    /// Starts a client that has its certificates already, and waits until it is connected.
    pub(crate) fn with(client: Client) -> Result<Self> {
        let directory = TempDir::new()?;
        let authority = Authority::in_memory(AuthorityConfig::default())?;
        provision(&authority, directory.path(), "com.example.bench", "bench")?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let peer = Peer::start(client, directory.path(), listener.local_addr()?.port())?;
        let (tcp, _) = listener.accept()?;
        tcp.set_nodelay(true)?;
        let socket = Socket { reader: BufReader::with_capacity(256 * 1024, tcp) };
        let tls = StreamOwned::new(ServerConnection::new(authority.server_config())?, socket);
        let websocket = tungstenite::accept(tls).map_err(|error| error.to_string())?;
        let mut desktop = Self {
            peer,
            // Nothing was sent yet, so nothing was read that is missing here.
            tls: websocket.into_inner(),
            frames: Frames::default(),
            next_id: 0,
            chunk: vec![0; 256 * 1024],
            _directory: directory,
        };
        let mut init = Vec::new();
        push_frame(&mut init, "{\"method\":\"init\",\"params\":{\"plugin\":\"Example\"}}");
        desktop.tls.write_all(&init)?;
        desktop.calls(Load::Text(100), 1, Duration::ZERO)?;
        Ok(desktop)
    }

    /// The client's resident memory, MB.
    pub(crate) fn memory(&self) -> Result<f64> {
        self.peer.memory()
    }

    /// Keeps this many calls in flight for a round.
    pub(crate) fn calls(&mut self, load: Load, in_flight: usize, round: Duration) -> Result<Sample> {
        let tail = format!(
            ",\"method\":\"execute\",\"params\":{{\"api\":\"Example\",\"method\":\"echo\",\"params\":{}}}}}",
            load.json()
        );
        let (mut sent, mut latencies, mut out) = (VecDeque::new(), Vec::new(), Vec::new());
        let cpu_before = self.peer.cpu()?;
        let begin = Instant::now();
        let mut answered = self.next_id;
        for _ in 0..in_flight {
            self.push_call(&mut out, &tail);
            sent.push_back(begin);
        }
        self.tls.write_all(&out)?;
        while let Some(earliest) = sent.front().copied() {
            let answers = self.read_answers(&mut answered)?;
            let now = Instant::now();
            let more = now.duration_since(begin) < round;
            out.clear();
            for _ in 0..answers {
                latencies.push(now.duration_since(sent.pop_front().unwrap_or(earliest)).as_secs_f64() * 1e6);
                if more {
                    self.push_call(&mut out, &tail);
                    sent.push_back(now);
                }
            }
            self.tls.write_all(&out)?;
        }
        let (took, calls) = (begin.elapsed().as_secs_f64(), latencies.len() as f64);
        Ok(Sample {
            per_second: calls / took,
            p50: quantile(latencies.clone(), 0.5),
            p99: quantile(latencies, 0.99),
            cpu: (self.peer.cpu()? - cpu_before) * 1e6 / calls,
        })
    }

    /// Has the client send events of this size for a round, and counts them.
    pub(crate) fn events(&mut self, size: usize, round: Duration) -> Result<f64> {
        const BURST: u64 = 1000;
        let tail = format!(
            ",\"method\":\"execute\",\"params\":{{\"api\":\"Example\",\"method\":\"emit\",\"params\":{{\"count\":{BURST},\"size\":{size}}}}}}}"
        );
        let begin = Instant::now();
        let (mut waiting, mut events, mut out) = (0, 0, Vec::new());
        while begin.elapsed() < round || waiting > 0 {
            // A burst behind the one that is being read, so that the client never waits.
            while waiting <= BURST && begin.elapsed() < round {
                out.clear();
                self.push_call(&mut out, &tail);
                self.tls.write_all(&out)?;
                waiting += BURST;
            }
            let count = self.tls.read(&mut self.chunk)?;
            let mut arrived = 0;
            self.frames.read(&self.chunk[..count], |head| {
                arrived += u64::from(head.starts_with(b"{\"method\":\"execute\""));
                Ok(())
            })?;
            events += arrived;
            waiting = waiting.saturating_sub(arrived);
        }
        Ok(events as f64 / begin.elapsed().as_secs_f64())
    }

    fn push_call(&mut self, out: &mut Vec<u8>, tail: &str) {
        push_frame(out, &format!("{{\"id\":{}{tail}", self.next_id));
        self.next_id += 1;
    }

    /// Reads whatever has arrived, and checks that it is the answers that are due, in order.
    fn read_answers(&mut self, answered: &mut u64) -> Result<usize> {
        let count = self.tls.read(&mut self.chunk)?;
        if count == 0 {
            return Err("the client is gone".into());
        }
        let before = *answered;
        self.frames.read(&self.chunk[..count], |head| {
            if !head.starts_with(format!("{{\"id\":{answered},\"success\":").as_bytes()) {
                return Err(format!("not the answer to call {answered}: {}", String::from_utf8_lossy(head)).into());
            }
            *answered += 1;
            Ok(())
        })?;
        Ok(usize::try_from(*answered - before)?)
    }
}

/// A socket that is asked for much at a time, where rustls asks for little.
struct Socket {
    reader: BufReader<TcpStream>,
}

impl Read for Socket {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buf)
    }
}

impl Write for Socket {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.reader.get_mut().write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.reader.get_mut().write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.reader.get_mut().flush()
    }
}

/// Finds the frames of a client in the bytes, and unmasks only their beginnings.
#[derive(Default)]
struct Frames {
    /// The head of a frame that has not arrived whole: at most 14 bytes, and the first of its payload.
    partial: Vec<u8>,
    /// How much of the payload is still to be skipped.
    skip: usize,
}

/// As much of a payload as is looked at.
const LOOKED_AT: usize = 40;

impl Frames {
    fn read(&mut self, mut bytes: &[u8], mut found: impl FnMut(&[u8]) -> Result) -> Result {
        loop {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            if bytes.is_empty() {
                return Ok(());
            }
            // Heads are gathered byte-wise only where they straddle two reads.
            let from_partial = self.partial.len();
            let wanted = (14 + LOOKED_AT - from_partial).min(bytes.len());
            self.partial.extend_from_slice(&bytes[..wanted]);
            let Some((head, length)) = head(&self.partial) else { return Ok(()) };
            let looked_at = length.min(LOOKED_AT);
            if self.partial.len() < head + looked_at {
                return Ok(());
            }
            let mask = &self.partial[head - 4..head];
            let begin: Vec<u8> =
                self.partial[head..head + looked_at].iter().zip(mask.iter().cycle()).map(|(a, b)| a ^ b).collect();
            found(&begin)?;
            bytes = &bytes[head + looked_at - from_partial..];
            self.skip = length - looked_at;
            self.partial.clear();
        }
    }
}

/// The length of a masked frame's head, and of its payload; `None` if more bytes are needed.
fn head(bytes: &[u8]) -> Option<(usize, usize)> {
    let length = bytes.get(1)? & 0x7f;
    let (head, length) = match length {
        126 => (4, u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
        short => (2, u64::from(short)),
    };
    (bytes.len() >= head + 4).then_some((head + 4, usize::try_from(length).ok()?))
}

/// A text frame of a server.
fn push_frame(out: &mut Vec<u8>, text: &str) {
    out.push(0x81);
    match text.len() {
        short @ 0..126 => out.push(short as u8),
        medium @ 126..0x1_0000 => {
            out.push(126);
            out.extend_from_slice(&(medium as u16).to_be_bytes());
        }
        long => {
            out.push(127);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(text.as_bytes());
}
