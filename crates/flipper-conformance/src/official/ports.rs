//! Ports that stay ours from the first start of a desktop to its last restart.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};

/// Where blocks are taken from: below the range out of which Linux (from 32768) and macOS (from 49152) take the ports
/// of outgoing connections and of listeners on port 0. A port of that range that is free now may be taken a moment
/// later, in particular while a desktop is restarted and nothing listens on it.
const FIRST: u16 = 20_000;
const LAST: u16 = 32_000;
/// One guard, six ports of the desktop, one port that nothing listens on.
const BLOCK: u16 = 8;

/// The ports of one desktop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ports {
    /// Plain WebSocket, for the certificate exchange (9089 where nothing else is said).
    pub insecure: u16,
    /// WebSocket over mutual TLS, for the session (9088).
    pub secure: u16,
    /// Plain WebSocket for apps in a browser or in Node (8333).
    pub browser: u16,
    /// HTTP and WebSocket for the desktop's own page and for tools (52342).
    pub ui: u16,
    /// The RSocket port of old SDKs beside `insecure` (8089). Nothing here uses it; it cannot be switched off.
    pub legacy_insecure: u16,
    /// The RSocket port of old SDKs beside `secure` (8088).
    pub legacy_secure: u16,
}

impl Ports {
    fn of_block(base: u16) -> Self {
        Self {
            insecure: base + 1,
            secure: base + 2,
            browser: base + 3,
            ui: base + 4,
            legacy_insecure: base + 5,
            legacy_secure: base + 6,
        }
    }

    fn all(&self) -> [u16; 6] {
        [self.insecure, self.secure, self.browser, self.ui, self.legacy_insecure, self.legacy_secure]
    }
}

/// A block of ports that no other lease has, in this process or in any other, until it is dropped.
///
/// A lease is a bound socket, the guard: the system releases it with the process, however that ends, and it holds
/// against other users as well.
pub(super) struct Lease {
    ports: Ports,
    _guard: TcpListener,
}

impl Lease {
    pub(super) fn take() -> io::Result<Self> {
        let blocks = (LAST - FIRST) / BLOCK;
        // A random first choice, so that what still dials the ports of an earlier desktop seldom meets a later one.
        let offset = RandomState::new().build_hasher().finish() % u64::from(blocks);
        (0..blocks).map(|step| FIRST + BLOCK * ((offset as u16 + step) % blocks)).find_map(Self::of_block).ok_or_else(
            || {
                io::Error::new(
                    ErrorKind::AddrInUse,
                    format!("no block of {BLOCK} free ports between {FIRST} and {LAST}"),
                )
            },
        )
    }

    fn of_block(base: u16) -> Option<Self> {
        let lease = Self { _guard: TcpListener::bind((Ipv4Addr::LOCALHOST, base)).ok()?, ports: Ports::of_block(base) };
        lease.first_taken().is_none().then_some(lease)
    }

    pub(super) fn ports(&self) -> Ports {
        self.ports
    }

    /// A port on which nothing listens, and nothing will.
    pub(super) fn unused(&self) -> u16 {
        self.ports.legacy_secure + 1
    }

    /// The first of the ports that some other program listens on.
    pub(super) fn first_taken(&self) -> Option<u16> {
        self.ports.all().into_iter().find(|&port| !is_free(port))
    }
}

/// Whether the official desktop could listen on `port`. It listens on all interfaces, by IPv6 where there is IPv6.
fn is_free(port: u16) -> bool {
    match TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)) {
        Err(error) if error.kind() != ErrorKind::AddrInUse => TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok(),
        bound => bound.is_ok(),
    }
}
