//! What the state machine does not bound, because it never sees it.

use std::time::Duration;

/// How a [`Desk`](super::Desk) treats connections that the state machine does not know of yet, and news that nobody
/// took yet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// How long a connection may take from TCP to the answer to its upgrade. Default: 10 s.
    pub handshake: Duration,
    /// How many connections of one listener may be on their way there; more wait in the system's queue until one of
    /// them has arrived or has taken too long. Default: 256.
    pub handshakes: usize,
    /// How many news may wait to be taken. A connection whose own are a quarter of that is not read from until they are
    /// fewer; nor is, while there are as many as this, any that has some waiting. Default: 4,096.
    pub waiting_news: usize,
    /// How many bytes they may hold together, likewise. Default: 16 MiB.
    pub waiting_news_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { handshake: Duration::from_secs(10), handshakes: 256, waiting_news: 4_096, waiting_news_bytes: 16 << 20 }
    }
}
