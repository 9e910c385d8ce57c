//! The ports of the desktop that is played, and who comes there.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::check::run::RunError;

/// A port of a desktop, by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Port {
    Insecure,
    Secure,
    Browser,
}

/// Somebody who has connected, and to which port.
pub(super) struct Arrival {
    pub(super) port: Port,
    pub(super) tcp: TcpStream,
}

/// Listens on the ports of a desktop.
pub(super) struct Desk {
    addresses: Vec<(Port, SocketAddr)>,
    listening: Vec<Listening>,
    arrive: Sender<Arrival>,
    arrivals: Receiver<Arrival>,
}

impl Desk {
    /// Listens on `address`; 0 is any port that is free.
    pub(super) fn open(address: IpAddr, ports: &[(Port, u16)]) -> Result<Self, RunError> {
        let (arrive, arrivals) = channel();
        let addresses = ports.iter().map(|(port, number)| (*port, SocketAddr::new(address, *number))).collect();
        let mut desk = Self { addresses, listening: Vec::new(), arrive, arrivals };
        desk.listen()?;
        Ok(desk)
    }

    /// Listens, again on the same ports if that was stopped.
    pub(super) fn listen(&mut self) -> Result<(), RunError> {
        for (port, address) in &mut self.addresses {
            let listener = TcpListener::bind(*address).map_err(|source| match source.kind() {
                io::ErrorKind::AddrInUse => RunError::PortInUse { address: *address },
                _ => RunError::io(format!("listening on {address}"), source),
            })?;
            *address = listener.local_addr().map_err(|source| RunError::io("listening", source))?;
            self.listening.push(Listening::begin(*port, listener, self.arrive.clone()));
        }
        Ok(())
    }

    /// Lets the system refuse every connection.
    pub(super) fn stop_listening(&mut self) {
        self.listening.clear();
        self.forget_arrivals();
    }

    /// Drops who has come and was not looked at.
    pub(super) fn forget_arrivals(&mut self) {
        while self.arrivals.try_recv().is_ok() {}
    }

    /// The next one who connects, within this time.
    pub(super) fn arrival(&self, within: Duration) -> Option<Arrival> {
        self.arrivals.recv_timeout(within).ok()
    }

    /// The number of a port.
    pub(super) fn number(&self, port: Port) -> Option<u16> {
        self.addresses.iter().find(|(of, _)| *of == port).map(|(_, address)| address.port())
    }
}

/// A thread that takes connections until it is dropped.
struct Listening {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listening {
    fn begin(port: Port, listener: TcpListener, arrive: Sender<Arrival>) -> Self {
        let address = listener.local_addr().unwrap_or_else(|_| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let stopped = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stopped);
        let thread = thread::spawn(move || {
            for tcp in listener.incoming() {
                if seen.load(Ordering::SeqCst) {
                    return;
                }
                // A connection that was lost before it was taken is nobody's business.
                let Ok(tcp) = tcp else { continue };
                if arrive.send(Arrival { port, tcp }).is_err() {
                    return;
                }
            }
        });
        Self { address, stopped, thread: Some(thread) }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // It waits for a connection: here is one.
        let _ = TcpStream::connect(reachable(self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Where a listener can be reached from this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, address.port())
}
