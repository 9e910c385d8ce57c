//! A desktop that does what a test tells it, on blocking threads, over real sockets and real TLS.

#![allow(dead_code, unused_imports, reason = "every test file uses another part of it")]

mod exchange;
pub(crate) mod frames;
mod session;
mod tcp;

pub(crate) use self::exchange::{Asked, Kept, Reply};
pub(crate) use self::session::{Session, call};

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use flipper_pki::{Authority, AuthorityConfig, ConnectionConfig, CredentialStore};
use flipper_tokio::proto::Medium;
use rustls::ServerConnection;
use serde_json::Value;

use self::tcp::Tcp;

pub(crate) type Failed = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Result<T = (), E = Failed> = std::result::Result<T, E>;

/// Bounds a hang; no test passes because of it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The app that the desktop's certificates are made for where no exchange makes them.
pub(crate) const APP_ID: &str = "com.example.app";

/// A desktop on two ports of its own.
///
/// It answers certificate exchanges by itself, as its script says, and hands every session to the test.
pub(crate) struct Desktop {
    shared: Arc<Shared>,
    sessions: Receiver<Session>,
    asked: Receiver<Asked>,
    acknowledged: Receiver<Value>,
}

/// What is done with a TCP connection.
#[derive(Clone, Debug, Default)]
pub(crate) enum Manner {
    /// What a desktop does.
    #[default]
    Serve,
    /// The same, byte by byte.
    Dribble,
    /// It is accepted, and nothing is ever said.
    Silence,
    /// It is closed at once.
    HangUp,
    /// It is reset at once.
    Reset,
    /// These bytes come where a TLS handshake or an HTTP answer is expected, and then the end.
    Babble(&'static str),
    /// The request for an upgrade is read and answered with these bytes, and then the end.
    Answer(&'static str),
    /// The request for an upgrade is read, and then comes the end.
    DropBeforeUpgrade,
    /// The upgrade is accepted and this message sent in one piece. On the secure port only.
    Eager(&'static str),
}

/// The two ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    Insecure,
    Secure,
}

struct Shared {
    authority: Mutex<Authority>,
    addresses: [SocketAddr; 2],
    manners: [Mutex<VecDeque<Manner>>; 2],
    /// How many connections each port has seen.
    seen: [AtomicUsize; 2],
    replies: Mutex<VecDeque<Reply>>,
    sessions: Sender<Session>,
    asked: Sender<Asked>,
    acknowledged: Sender<Value>,
    stopped: AtomicBool,
}

impl Desktop {
    pub(crate) fn new() -> Result<Self> {
        Self::at(Ipv4Addr::LOCALHOST.into())
    }

    pub(crate) fn at(address: IpAddr) -> Result<Self> {
        let listeners = [TcpListener::bind((address, 0))?, TcpListener::bind((address, 0))?];
        let [insecure, secure] = &listeners;
        let (session_sender, sessions) = channel();
        let (asked_sender, asked) = channel();
        let (acknowledged_sender, acknowledged) = channel();
        let shared = Arc::new(Shared {
            authority: Mutex::new(Authority::in_memory(AuthorityConfig::default())?),
            addresses: [insecure.local_addr()?, secure.local_addr()?],
            manners: Default::default(),
            seen: Default::default(),
            replies: Mutex::default(),
            sessions: session_sender,
            asked: asked_sender,
            acknowledged: acknowledged_sender,
            stopped: AtomicBool::new(false),
        });
        for (listener, port) in listeners.into_iter().zip([Port::Insecure, Port::Secure]) {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.listen(&listener, port));
        }
        Ok(Self { shared, sessions, asked, acknowledged })
    }

    pub(crate) fn address(&self, port: Port) -> SocketAddr {
        self.shared.addresses[port as usize]
    }

    /// Says what is done with the next connections to a port. What comes after them is served.
    pub(crate) fn next(&self, port: Port, manners: impl IntoIterator<Item = Manner>) {
        lock(&self.shared.manners[port as usize]).extend(manners);
    }

    /// Says how the next certificate requests are answered. What comes after them is granted.
    pub(crate) fn reply(&self, replies: impl IntoIterator<Item = Reply>) {
        lock(&self.shared.replies).extend(replies);
    }

    /// How many connections a port has seen so far.
    pub(crate) fn seen(&self, port: Port) -> usize {
        self.shared.seen[port as usize].load(Ordering::SeqCst)
    }

    /// The next session.
    pub(crate) fn session(&self) -> Result<Session> {
        self.sessions.recv_timeout(PATIENCE).map_err(|_| "no app opened a session".into())
    }

    /// The next certificate request.
    pub(crate) fn asked(&self) -> Result<Asked> {
        self.asked.recv_timeout(PATIENCE).map_err(|_| "no app asked for a certificate".into())
    }

    /// The next message on the insecure port after a certificate request.
    pub(crate) fn acknowledged(&self) -> Result<Value> {
        self.acknowledged.recv_timeout(PATIENCE).map_err(|_| "no app acknowledged its certificate".into())
    }

    /// Has another CA from now on, and gives back the one it had.
    pub(crate) fn replace_authority(&self, authority: Authority) -> Authority {
        std::mem::replace(&mut lock(&self.shared.authority), authority)
    }

    /// Gives an app the credentials that an exchange would have given it.
    pub(crate) fn provision(&self, directory: &Path) -> Result {
        let store = CredentialStore::new(directory);
        let prepared = store.begin(APP_ID)?;
        let signed = lock(&self.shared.authority).sign(&prepared.csr_pem, "device-1")?;
        store.deliver(prepared.generation, &signed.ca_pem, &signed.certificate_pem)?;
        let config = ConnectionConfig { device_id: "device-1".to_owned(), medium: Medium::FsAccess, os: None };
        store.complete(prepared.generation, &config)?;
        Ok(store.promote(prepared.generation)?)
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        for address in self.shared.addresses {
            // Only to wake the thread that listens there.
            drop(TcpStream::connect(address));
        }
    }
}

impl Shared {
    fn listen(self: &Arc<Self>, listener: &TcpListener, port: Port) {
        while let Ok((tcp, _)) = listener.accept() {
            if self.stopped.load(Ordering::SeqCst) {
                return;
            }
            self.seen[port as usize].fetch_add(1, Ordering::SeqCst);
            let manner = lock(&self.manners[port as usize]).pop_front().unwrap_or_default();
            let shared = Arc::clone(self);
            // An app that goes away in the middle of a handshake is nothing to tell: the test looks at the app.
            thread::spawn(move || drop(shared.treat(tcp, port, manner)));
        }
    }

    fn treat(&self, tcp: TcpStream, port: Port, manner: Manner) -> Result {
        let mut tcp = Tcp::new(tcp)?;
        match manner {
            Manner::Silence => Ok(tcp.wait_for_the_end()?),
            Manner::HangUp => Ok(()),
            Manner::Reset => Ok(tcp.reset()?),
            Manner::Babble(bytes) => Ok(tcp.last_words(bytes)?),
            manner => {
                if let Manner::Dribble = manner {
                    // TLS hands over whole records, whatever pieces they come in: there is nothing to keep apart.
                    let pause = if port == Port::Insecure { Duration::from_millis(1) } else { Duration::ZERO };
                    tcp.dribbles = Some(pause);
                }
                match port {
                    Port::Insecure => match answer_to_upgrade(&manner) {
                        Some(answer) => Ok(answer_head(&mut tcp, answer)?),
                        None => exchange::serve(self, tcp),
                    },
                    Port::Secure => {
                        let config = lock(&self.authority).server_config();
                        let mut tls = rustls::StreamOwned::new(ServerConnection::new(config)?, tcp);
                        match answer_to_upgrade(&manner) {
                            Some(answer) => Ok(answer_head(&mut tls, answer)?),
                            None => {
                                let first = if let Manner::Eager(first) = manner { Some(first) } else { None };
                                Ok(self.sessions.send(Session::accept(tls, first)?)?)
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What is said instead of accepting an upgrade.
fn answer_to_upgrade(manner: &Manner) -> Option<&'static str> {
    match manner {
        Manner::Answer(bytes) => Some(bytes),
        Manner::DropBeforeUpgrade => Some(""),
        _ => None,
    }
}

fn answer_head(stream: &mut (impl io::Read + io::Write), answer: &str) -> io::Result<()> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.extend_from_slice(&byte);
    }
    stream.write_all(answer.as_bytes())?;
    stream.flush()
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
