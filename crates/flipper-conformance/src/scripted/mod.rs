//! A desktop that does what a test tells it, on blocking threads, over real sockets and real TLS.
//!
//! It shares nothing with the desktop of this project but the CA, and not even that where [`Issuer::official`] takes
//! its place: what it says is written down in the test.
//!
//! ```
//! use flipper_conformance::scripted::{Desktop, Manner, Port, Reply};
//!
//! # fn main() -> flipper_conformance::Result {
//! let desktop = Desktop::new()?;
//! // The first certificate request is refused, the first session ends before it begins.
//! desktop.reply([Reply::Text("{}".to_owned())]);
//! desktop.next(Port::Secure, [Manner::HangUp]);
//! // … start an app with these ports, and look what it does:
//! let (insecure, secure) = (desktop.address(Port::Insecure).port(), desktop.address(Port::Secure).port());
//! # let _ = (insecure, secure);
//! # Ok(())
//! # }
//! ```

mod exchange;
pub mod frames;
mod issuer;
mod official_ca;
mod query;
mod session;
mod tcp;

pub use self::exchange::{Asked, DEVICE_ID, Kept, Reply};
pub use self::issuer::{Clock, Issuer};
pub use self::official_ca::OfficialCa;
pub use self::query::Keys;
pub use self::session::{Session, call, event};
pub use self::tcp::Tcp;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use flipper_client::proto::Medium;
use flipper_pki::{ConnectionConfig, CredentialStore};
use rustls::{ServerConnection, StreamOwned};
use serde_json::Value;

use crate::{PATIENCE, Result};

/// The app that the desktop's certificates are made for where no exchange makes them.
pub const APP_ID: &str = "com.example.app";

/// A desktop on two ports of its own.
///
/// It answers certificate exchanges by itself, as its script says, and hands every session to the test.
pub struct Desktop {
    shared: Arc<Shared>,
    sessions: Receiver<Session>,
    asked: Receiver<Asked>,
    acknowledged: Receiver<Value>,
}

/// What is done with a TCP connection.
#[derive(Clone, Debug, Default)]
pub enum Manner {
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
    /// What a desktop does, until it has said this many bytes. Then nothing more comes but the end.
    CutAfter(usize),
    /// The upgrade is accepted and this message sent in one piece. On the secure port only.
    Eager(&'static str),
}

/// The two ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// Where certificates are exchanged: 9089.
    Insecure,
    /// Where sessions are: 9088.
    Secure,
}

struct Shared {
    issuer: Mutex<Issuer>,
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
    /// A desktop with certificates of this project.
    ///
    /// # Errors
    /// As the system says.
    pub fn new() -> Result<Self> {
        Self::at(Ipv4Addr::LOCALHOST.into())
    }

    /// A desktop at another address of this machine.
    ///
    /// # Errors
    /// As the system says.
    pub fn at(address: IpAddr) -> Result<Self> {
        Self::with(address, Issuer::new()?)
    }

    /// A desktop with the certificates of the official one.
    ///
    /// # Errors
    /// When the `openssl` command is missing or fails, and as the system says.
    pub fn official() -> Result<Self> {
        Self::with(Ipv4Addr::LOCALHOST.into(), Issuer::official()?)
    }

    fn with(address: IpAddr, issuer: Issuer) -> Result<Self> {
        let listeners = [TcpListener::bind((address, 0))?, TcpListener::bind((address, 0))?];
        let [insecure, secure] = &listeners;
        let (session_sender, sessions) = channel();
        let (asked_sender, asked) = channel();
        let (acknowledged_sender, acknowledged) = channel();
        let shared = Arc::new(Shared {
            issuer: Mutex::new(issuer),
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

    /// Where a port is.
    #[must_use]
    pub fn address(&self, port: Port) -> SocketAddr {
        self.shared.addresses[port as usize]
    }

    /// Says what is done with the next connections to a port. What comes after them is served.
    pub fn next(&self, port: Port, manners: impl IntoIterator<Item = Manner>) {
        lock(&self.shared.manners[port as usize]).extend(manners);
    }

    /// Says how the next certificate requests are answered. What comes after them is granted.
    pub fn reply(&self, replies: impl IntoIterator<Item = Reply>) {
        lock(&self.shared.replies).extend(replies);
    }

    /// How many connections a port has seen so far.
    #[must_use]
    pub fn seen(&self, port: Port) -> usize {
        self.shared.seen[port as usize].load(Ordering::SeqCst)
    }

    /// The next session.
    ///
    /// # Errors
    /// When none comes.
    pub fn session(&self) -> Result<Session> {
        self.sessions.recv_timeout(PATIENCE).map_err(|_| "no app opened a session".into())
    }

    /// The next certificate request.
    ///
    /// # Errors
    /// When none comes.
    pub fn asked(&self) -> Result<Asked> {
        self.asked.recv_timeout(PATIENCE).map_err(|_| "no app asked for a certificate".into())
    }

    /// The next message on the insecure port after a certificate request.
    ///
    /// # Errors
    /// When none comes.
    pub fn acknowledged(&self) -> Result<Value> {
        self.acknowledged.recv_timeout(PATIENCE).map_err(|_| "no app acknowledged its certificate".into())
    }

    /// Has another CA from now on, and gives back the one it had.
    pub fn replace_issuer(&self, issuer: impl Into<Issuer>) -> Issuer {
        std::mem::replace(&mut lock(&self.shared.issuer), issuer.into())
    }

    /// Issues the desktop's own certificates anew, if its clock says that it is time. Says whether it did.
    ///
    /// # Errors
    /// When they cannot be issued.
    pub fn renew(&self) -> Result<bool> {
        lock(&self.shared.issuer).renew()
    }

    /// Gives an app the credentials that an exchange would have given it.
    ///
    /// # Errors
    /// When they cannot be made or written.
    pub fn provision(&self, directory: &Path) -> Result {
        let config = ConnectionConfig { device_id: DEVICE_ID.to_owned(), medium: Medium::FsAccess, os: None };
        self.provision_as(directory, &config)
    }

    /// As [`provision`](Self::provision), as if the exchange had gone like this.
    ///
    /// # Errors
    /// When they cannot be made or written.
    pub fn provision_as(&self, directory: &Path, config: &ConnectionConfig) -> Result {
        let store = CredentialStore::new(directory);
        let prepared = store.begin(APP_ID)?;
        let signed = lock(&self.shared.issuer).sign(&prepared.csr_pem, DEVICE_ID)?;
        store.deliver(prepared.generation, &signed.ca, &signed.certificate)?;
        store.complete(prepared.generation, config)?;
        Ok(store.promote(prepared.generation)?)
    }

    /// Gives an app the credentials that an official client would have had from this desktop, with this
    /// `connection_config.json`.
    ///
    /// # Errors
    /// When the desktop is not [`official`](Self::official), or they cannot be made or written.
    pub fn provision_officially(&self, directory: &Path, config: &str) -> Result {
        let Issuer::Official(ca) = &*lock(&self.shared.issuer) else {
            return Err("this desktop has no official CA".into());
        };
        ca.provision(directory, &format!("/C=US/ST=CA/L=Menlo Park/O=Flipper/CN={APP_ID}"), config)
    }
}

impl fmt::Debug for Desktop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desktop").field("addresses", &self.shared.addresses).finish_non_exhaustive()
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
            Manner::Babble(bytes) => Ok(tcp.last_words(bytes.as_bytes())?),
            manner => {
                match manner {
                    Manner::Dribble => {
                        // TLS hands over whole records, whatever pieces they come in: there is nothing to keep apart.
                        let pause = if port == Port::Insecure { Duration::from_millis(1) } else { Duration::ZERO };
                        tcp.dribbles = Some(pause);
                    }
                    Manner::CutAfter(bytes) => tcp.cut_after = Some(bytes),
                    _ => {}
                }
                match port {
                    Port::Insecure => match answer_to_upgrade(&manner) {
                        Some(answer) => Ok(answer_head(&mut tcp, answer)?),
                        None => exchange::serve(self, tcp),
                    },
                    Port::Secure => {
                        let config = lock(&self.issuer).server_config()?;
                        let mut tls = StreamOwned::new(ServerConnection::new(config)?, tcp);
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
