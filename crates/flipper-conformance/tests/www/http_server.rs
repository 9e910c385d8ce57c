//! A small HTTP server that keeps what is put to it, and misbehaves as a test wants it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What is asked of a [`Server`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: Vec<u8>,
}

pub(crate) enum Reply {
    /// What a store does: it keeps, and gives back.
    Serve,
    Status(u16),
    /// To this URL.
    Redirect(String),
    Body(Vec<u8>),
    /// Nothing at all, until the peer gives up.
    Silence,
}

type Answer = dyn FnMut(&Request) -> Reply + Send;

pub(crate) struct Server {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

struct State {
    kept: BTreeMap<String, Vec<u8>>,
    requests: Vec<Request>,
    answer: Box<Answer>,
}

impl Server {
    pub(crate) fn plain() -> Self {
        Self::start(None)
    }

    /// One that answers every request as this says. It serves until its process ends.
    pub(crate) fn start(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let state = State { kept: BTreeMap::new(), requests: Vec::new(), answer: Box::new(|_| Reply::Serve) };
        let state = Arc::new(Mutex::new(state));
        let serving = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (Ok(stream), state, tls) = (stream, Arc::clone(&serving), tls.clone()) else { return };
                thread::spawn(move || match tls {
                    None => serve(stream, &state),
                    Some(config) => {
                        let connection = ServerConnection::new(config).unwrap();
                        serve(StreamOwned::new(connection, stream), &state)
                    }
                });
            }
        });
        Self { url, state }
    }

    pub(crate) fn answer(&self, answer: impl FnMut(&Request) -> Reply + Send + 'static) {
        self.state.lock().unwrap().answer = Box::new(answer);
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }

    pub(crate) fn kept(&self, path: &str) -> Option<Vec<u8>> {
        self.state.lock().unwrap().kept.get(path).cloned()
    }
}

/// Serves one request; `None` as soon as the peer is gone.
fn serve<S: Read + Write>(stream: S, state: &Mutex<State>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let request = read(&mut stream)?;
    let reply = {
        let mut state = state.lock().unwrap();
        state.requests.push(request.clone());
        (state.answer)(&request)
    };
    let (status, location, body) = match reply {
        Reply::Serve => {
            let mut state = state.lock().unwrap();
            if request.method == "PUT" {
                state.kept.insert(request.path, request.body);
                (201, None, Vec::new())
            } else {
                match state.kept.get(&request.path) {
                    Some(body) => (200, None, body.clone()),
                    None => (404, None, Vec::new()),
                }
            }
        }
        Reply::Status(status) => (status, None, Vec::new()),
        Reply::Redirect(location) => (307, Some(location), Vec::new()),
        Reply::Body(body) => (200, None, body),
        Reply::Silence => {
            let _gone = stream.read(&mut [0]);
            return None;
        }
    };
    let location = location.map_or_else(String::new, |location| format!("location: {location}\r\n"));
    let head = format!("HTTP/1.1 {status} -\r\n{location}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    let stream = stream.get_mut();
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&body).ok()?;
    stream.flush().ok()
}

fn read<S: Read>(stream: &mut BufReader<S>) -> Option<Request> {
    let mut line = || {
        let mut line = String::new();
        stream.read_line(&mut line).ok().map(|_| line.trim_end().to_owned())
    };
    let first = line()?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let (mut length, mut authorization) = (0, None);
    loop {
        let header = line()?;
        let Some((name, value)) = header.split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "authorization" => authorization = Some(value.to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Request { method, path, authorization, body })
}
