//! Looks a host up and opens a TCP connection to it, on a thread of its own: the system does neither without blocking.

use std::io::{Error, ErrorKind};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use flipper_client::wire::tcp_failure;
use flipper_proto::{CloseCause, Excerpt};

use crate::bell::{Bell, RingsAtLast};

/// A look-up that hangs is forgotten, and cannot be ended. No more than this many hang at once.
const DIALS: usize = 8;

/// Opens connections, one thread each.
pub(crate) struct Dialer {
    bell: Arc<Bell>,
    /// Every thread holds one more of it.
    under_way: Arc<()>,
}

/// A connection that is being opened. Dropped, it is forgotten: what comes of it is closed at once.
pub(crate) struct Dial(Receiver<Result<TcpStream, Error>>);

impl Dialer {
    pub(crate) fn new(bell: Arc<Bell>) -> Self {
        Self { bell, under_way: Arc::new(()) }
    }

    /// Begins to open a connection, within `budget`.
    pub(crate) fn dial(&self, host: String, port: u16, budget: Duration) -> Result<Dial, CloseCause> {
        if Arc::strong_count(&self.under_way) > DIALS {
            let text = format!("{DIALS} look-ups of {host} hang; the system's name service does not answer");
            return Err(CloseCause::Unreachable(Excerpt::new(&text)));
        }
        let (sender, receiver) = channel();
        let (rings, counted) = (RingsAtLast(Arc::clone(&self.bell)), Arc::clone(&self.under_way));
        let work = move || {
            let _rings = rings;
            let (_counted, sender) = (counted, sender);
            // Where it was forgotten, the connection is closed here.
            let _forgotten = sender.send(open(&host, port, budget));
        };
        match thread::Builder::new().name("flipper-connect".to_owned()).spawn(work) {
            Ok(_forgotten) => Ok(Dial(receiver)),
            Err(error) => {
                let text = format!("no thread could be started to connect: {error}");
                Err(CloseCause::Unreachable(Excerpt::new(&text)))
            }
        }
    }
}

impl Dial {
    /// What came of it, once.
    pub(crate) fn poll(&self) -> Poll<Result<TcpStream, CloseCause>> {
        match self.0.try_recv() {
            Ok(opened) => Poll::Ready(opened.map_err(|error| tcp_failure(&error))),
            Err(TryRecvError::Empty) => Poll::Pending,
            Err(TryRecvError::Disconnected) => {
                let text = "the thread that was to connect has ended";
                Poll::Ready(Err(CloseCause::Unreachable(Excerpt::new(text))))
            }
        }
    }
}

/// Tries one address of the host after the other. Each is given its share of the time that is left.
fn open(host: &str, port: u16, budget: Duration) -> Result<TcpStream, Error> {
    let begun = Instant::now();
    let addresses: Vec<SocketAddr> = (host, port).to_socket_addrs()?.collect();
    let mut failure = Error::new(ErrorKind::NotFound, "the name has no address");
    for (tried, address) in addresses.iter().enumerate() {
        let left = budget.saturating_sub(begun.elapsed()) / u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        match TcpStream::connect_timeout(address, left) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_so_many_threads_hang() {
        let dialer = Dialer::new(Bell::new().unwrap());
        let mut hanging = vec![Arc::clone(&dialer.under_way); DIALS];
        let dial = || dialer.dial("127.0.0.1".to_owned(), 1, Duration::from_secs(60));

        assert!(matches!(dial(), Err(CloseCause::Unreachable(text)) if text.as_str().contains("8 look-ups")));
        hanging.pop();
        assert!(dial().is_ok());
    }

    #[test]
    fn every_address_is_tried() {
        // Nobody listens on the one; the name has both where the system has both.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(open("localhost", port, Duration::from_secs(60)).is_ok());
        assert_eq!(open("localhost", port, Duration::ZERO).unwrap_err().kind(), ErrorKind::TimedOut);
    }
}
