//! Adb's transport, the device's side of it: packets of a header of six numbers and some bytes, which carry any number of
//! streams.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

const CNXN: u32 = u32::from_le_bytes(*b"CNXN");
const AUTH: u32 = u32::from_le_bytes(*b"AUTH");
const OPEN: u32 = u32::from_le_bytes(*b"OPEN");
const OKAY: u32 = u32::from_le_bytes(*b"OKAY");
const WRTE: u32 = u32::from_le_bytes(*b"WRTE");
const CLSE: u32 = u32::from_le_bytes(*b"CLSE");

const VERSION: u32 = 0x0100_0001;
const MAX_DATA: u32 = 64 * 1024;

struct Packet {
    command: u32,
    arg0: u32,
    arg1: u32,
    data: Vec<u8>,
}

/// A connection with adb's server.
#[derive(Clone)]
pub(super) struct Transport {
    socket: Arc<Mutex<TcpStream>>,
    streams: Arc<Mutex<BTreeMap<u32, Sender<Incoming>>>>,
    ids: Arc<AtomicU32>,
}

enum Incoming {
    /// The other side has taken what was written last.
    Taken(u32),
    Data(Vec<u8>),
}

/// A stream: what a service talks through.
pub(super) struct Stream {
    transport: Transport,
    id: u32,
    remote: u32,
    incoming: Receiver<Incoming>,
    unread: Vec<Vec<u8>>,
}

/// What a device answers adb's server when that connects.
#[derive(Clone, Copy)]
pub(super) enum Greeting<'a> {
    /// What it is.
    Banner(&'a str),
    /// That it wants proof first that it may trust the server; no proof is good enough.
    Challenge,
    Nothing,
}

/// What to do with a service that is asked for.
pub(super) enum Answer {
    Serve(Box<dyn FnOnce(Stream) + Send>),
    Refuse,
}

impl Transport {
    pub(super) fn new(socket: TcpStream) -> Self {
        Self { socket: Arc::new(Mutex::new(socket)), streams: Arc::default(), ids: Arc::new(AtomicU32::new(1)) }
    }

    /// Serves the connection until it ends.
    pub(super) fn serve(&self, greeting: Greeting<'_>, mut ask: impl FnMut(&str) -> Answer) {
        let mut reader = self.socket.lock().unwrap().try_clone().unwrap();
        while let Ok(packet) = Packet::read(&mut reader) {
            self.take(packet, greeting, &mut ask);
        }
        self.streams.lock().unwrap().clear();
    }

    fn take(&self, packet: Packet, greeting: Greeting<'_>, ask: &mut impl FnMut(&str) -> Answer) {
        match packet.command {
            CNXN => match greeting {
                Greeting::Banner(banner) => self.send(CNXN, VERSION, MAX_DATA, banner.as_bytes()),
                Greeting::Challenge => self.send(AUTH, 1, 0, &[7; 20]),
                Greeting::Nothing => {}
            },
            // A signature by a key that the device does not know. What comes next is the key itself, and a person.
            AUTH if packet.arg0 == 2 => self.send(AUTH, 1, 0, &[7; 20]),
            OPEN => {
                let service = String::from_utf8(packet.data).unwrap();
                match ask(service.trim_end_matches('\0')) {
                    Answer::Serve(serve) => {
                        let stream = self.accept(packet.arg0);
                        thread::spawn(move || serve(stream));
                    }
                    Answer::Refuse => self.send(CLSE, 0, packet.arg0, &[]),
                }
            }
            OKAY => self.deliver(packet.arg1, Incoming::Taken(packet.arg0)),
            WRTE => {
                self.deliver(packet.arg1, Incoming::Data(packet.data));
                self.send(OKAY, packet.arg1, packet.arg0, &[]);
            }
            CLSE => drop(self.streams.lock().unwrap().remove(&packet.arg1)),
            _ => {}
        }
    }

    fn send(&self, command: u32, arg0: u32, arg1: u32, data: &[u8]) {
        let sum = data.iter().fold(0_u32, |sum, byte| sum.wrapping_add(u32::from(*byte)));
        let length = u32::try_from(data.len()).unwrap();
        let mut bytes = Vec::with_capacity(24 + data.len());
        for number in [command, arg0, arg1, length, sum, !command] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(data);
        // The server may have gone; then the reader ends as well.
        let _gone = self.socket.lock().unwrap().write_all(&bytes);
    }

    fn deliver(&self, stream: u32, what: Incoming) {
        if let Some(stream) = self.streams.lock().unwrap().get(&stream) {
            let _ended = stream.send(what);
        }
    }

    fn register(&self) -> (u32, Receiver<Incoming>) {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let (sender, incoming) = channel();
        self.streams.lock().unwrap().insert(id, sender);
        (id, incoming)
    }

    fn accept(&self, remote: u32) -> Stream {
        let (id, incoming) = self.register();
        self.send(OKAY, id, remote, &[]);
        Stream { transport: self.clone(), id, remote, incoming, unread: Vec::new() }
    }

    /// Opens a stream to a service of the server's, as a device does for a connection to a port that leads there.
    pub(super) fn open(&self, service: &str) -> Option<Stream> {
        let (id, incoming) = self.register();
        self.send(OPEN, id, 0, format!("{service}\0").as_bytes());
        match incoming.recv() {
            Ok(Incoming::Taken(remote)) => {
                Some(Stream { transport: self.clone(), id, remote, incoming, unread: Vec::new() })
            }
            _ => None,
        }
    }

    /// Ends the connection, as pulling the cable does.
    pub(super) fn cut(&self) {
        let _ended = self.socket.lock().unwrap().shutdown(std::net::Shutdown::Both);
    }
}

impl Stream {
    /// The next bytes; `None` at the end.
    pub(super) fn read(&mut self) -> Option<Vec<u8>> {
        if !self.unread.is_empty() {
            return Some(self.unread.remove(0));
        }
        loop {
            match self.incoming.recv().ok()? {
                Incoming::Data(data) => return Some(data),
                Incoming::Taken(_) => {}
            }
        }
    }

    /// Writes, and waits until it was taken. Returns whether there is anybody left to take it.
    pub(super) fn write(&mut self, bytes: &[u8]) -> bool {
        bytes.chunks(MAX_DATA as usize).all(|chunk| {
            self.transport.send(WRTE, self.id, self.remote, chunk);
            loop {
                match self.incoming.recv() {
                    Ok(Incoming::Taken(_)) => return true,
                    Ok(Incoming::Data(data)) => self.unread.push(data),
                    Err(_) => return false,
                }
            }
        })
    }

    pub(super) fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Carries a connection, in both directions, until either side has had enough.
    pub(super) fn splice(self, tcp: &TcpStream) {
        let (mut from, mut to) = (tcp.try_clone().unwrap(), tcp.try_clone().unwrap());
        let (transport, id, remote, incoming) = (self.transport.clone(), self.id, self.remote, &self.incoming);
        let upload = move || {
            let mut buffer = vec![0; 16 * 1024];
            while let Ok(read @ 1..) = from.read(&mut buffer) {
                transport.send(WRTE, id, remote, &buffer[..read]);
            }
            transport.send(CLSE, id, remote, &[]);
        };
        thread::spawn(upload);
        while let Ok(what) = incoming.recv() {
            if let Incoming::Data(data) = what
                && to.write_all(&data).is_err()
            {
                break;
            }
        }
        let _ended = tcp.shutdown(std::net::Shutdown::Both);
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.transport.streams.lock().unwrap().remove(&self.id);
        self.transport.send(CLSE, self.id, self.remote, &[]);
    }
}

impl Packet {
    fn read(from: &mut TcpStream) -> io::Result<Self> {
        let mut header = [0; 24];
        from.read_exact(&mut header)?;
        let number = |at: usize| u32::from_le_bytes(header[at * 4..at * 4 + 4].try_into().unwrap());
        let mut data = vec![0; number(3) as usize];
        from.read_exact(&mut data)?;
        Ok(Self { command: number(0), arg0: number(1), arg1: number(2), data })
    }
}
