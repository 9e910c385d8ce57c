//! What a desktop is told before it starts.

use alloc::vec::Vec;
use core::time::Duration;

use crate::limits::Limits;

use super::address::{Host, Origin};

/// Everything that a [`Desktop`](super::Desktop) is told once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The hosts that clients may name in their requests, besides `localhost`, 127.0.0.0/8, `[::1]` and 10.0.2.2. A
    /// desktop that listens to the network must be told its own names and addresses. Default: none.
    ///
    /// This is what keeps a web page out whose own host name was made to resolve to this machine: its requests name
    /// that host.
    pub known_hosts: Vec<Host>,
    /// The origins that may use the browser port, besides pages of this machine. Default: none.
    pub allowed_origins: Vec<Origin>,
    /// How many certificate requests are taken up, all together. Default: 5 a second, 20 in a burst.
    pub exchange_rate: Rate,
    /// How many certificate requests of one connection are taken up, so that one that never stops asking leaves some for
    /// the others. Default: 1 a second, 5 in a burst.
    pub connection_exchange_rate: Rate,
    /// When no more proofs of a pairing are taken.
    pub proof_limit: ProofLimit,
    /// How long to wait for what.
    pub timing: Timing,
    /// What is bounded.
    pub limits: Limits,
}

impl Config {
    /// The defaults for everything.
    #[must_use]
    pub fn new() -> Self {
        Self {
            known_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            exchange_rate: Rate { per_second: 5, burst: 20 },
            connection_exchange_rate: Rate { per_second: 1, burst: 5 },
            proof_limit: ProofLimit::default(),
            timing: Timing::default(),
            limits: Limits::default(),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

/// How often something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How often in every second, on average.
    pub per_second: u32,
    /// How often at once, after a pause.
    pub burst: u32,
}

/// When no more proofs of a pairing are taken from an address.
///
/// Addresses of IPv6 count as one if they have the first 64 bits in common, as those of one machine do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProofLimit {
    /// How many wrong proofs of one pairing lock it for the address that they came from. Default: 3.
    pub tries: u32,
    /// How long the first lock lasts. Every further one lasts twice as long as the one before. Default: 1 min.
    pub lock: Duration,
    /// The longest that a lock lasts. Wrong proofs are forgotten after as long a time without any. Default: 15 min.
    pub longest_lock: Duration,
}

impl Default for ProofLimit {
    fn default() -> Self {
        Self { tries: 3, lock: Duration::from_secs(60), longest_lock: Duration::from_secs(15 * 60) }
    }
}

/// How long a desktop waits for what.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timing {
    /// For the answer to a call that names no deadline of its own. Default: 45 s, as long as the official UI waits.
    pub call: Duration,
    /// For the answer to `getPlugins`, and to `getBackgroundPlugins`, before it is asked again. Default: 5 s.
    pub registration: Duration,
    /// How many times each of them is asked again. A client that leaves the last `getPlugins` after its connect
    /// unanswered is closed with 4408. Default: 5.
    pub registration_retries: u32,
    /// How long a client may be silent before it is pinged, and how long it has to answer. Default: 10 s.
    pub ping: Duration,
    /// How many pings go unanswered until a client counts as unresponsive. Default: 2.
    pub missed_pings: u32,
    /// How long an unresponsive client is kept: people stop their apps at breakpoints. Default: 10 min.
    pub unresponsive: Duration,
    /// How long a connection on the exchange port may ask for nothing before it is closed with 4408. Default: 60 s.
    pub exchange_idle: Duration,
    /// For the end of a connection that this side closes. Default: 2 s.
    pub close: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(45),
            registration: Duration::from_secs(5),
            registration_retries: 5,
            ping: Duration::from_secs(10),
            missed_pings: 2,
            unresponsive: Duration::from_secs(600),
            exchange_idle: Duration::from_secs(60),
            close: Duration::from_secs(2),
        }
    }
}
