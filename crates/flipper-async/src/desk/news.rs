//! What the program around the desk is told.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;

use flipper_proto::desktop::{Event, Outcome};
use flipper_proto::{CloseCause, Excerpt};

/// What a port is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Port {
    /// Certificate exchanges, in plain text. The usual number is 9089.
    Insecure,
    /// Sessions, over TLS with certificates on both sides. The usual number is 9088.
    Secure,
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Insecure => "insecure",
            Self::Secure => "secure",
        })
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum News {
    /// The state machine tells something.
    Event(Event),
    /// A connection was lost or given up before it asked the state machine for admission.
    HandshakeFailed {
        /// Where it came to.
        port: Port,
        /// Where it came from.
        peer: SocketAddr,
        /// Why. [`CloseCause::Http`] names the status that a request was answered with that is no upgrade.
        cause: CloseCause,
    },
    /// No connection can be taken, usually because the process has too many files open. The desk goes on trying; this
    /// is told once, until one is taken again.
    AcceptFailed {
        /// Where.
        port: Port,
        /// What the system says.
        error: Excerpt,
    },
}

impl News {
    /// Roughly the memory that it holds, in bytes.
    fn weight(&self) -> usize {
        let held = match self {
            Self::Event(event) => weight_of_event(event),
            Self::HandshakeFailed { .. } | Self::AcceptFailed { .. } => 0,
        };
        held.saturating_add(size_of::<Self>())
    }
}

/// Of the others a peer can make only few, or only small ones.
fn weight_of_event(event: &Event) -> usize {
    if let Event::Message { params, .. } = event {
        params.as_ref().map_or(0, |params| params.as_json().len())
    } else if let Event::ClientError { raw, .. }
    | Event::Reply { outcome: Outcome::Success(raw) | Outcome::Error { raw, .. }, .. } = event
    {
        raw.as_json().len()
    } else if let Event::ExchangeRequested(request) = event {
        request.csr.len() + request.destination.len()
    } else if let Event::PluginsChanged { plugins, .. } = event {
        plugins.iter().map(|plugin| plugin.as_str().len()).sum()
    } else {
        0
    }
}

/// The news that wait to be taken.
#[derive(Debug)]
pub(super) struct Queue {
    news: VecDeque<News>,
    bytes: usize,
    max: usize,
    max_bytes: usize,
}

impl Queue {
    pub(super) fn new(max: usize, max_bytes: usize) -> Self {
        Self { news: VecDeque::new(), bytes: 0, max: max.max(1), max_bytes: max_bytes.max(1) }
    }

    pub(super) fn push(&mut self, news: News) {
        self.bytes += news.weight();
        self.news.push_back(news);
    }

    pub(super) fn pop(&mut self) -> Option<News> {
        let news = self.news.pop_front()?;
        self.bytes -= news.weight();
        Some(news)
    }

    /// Whether nothing more should be read for now.
    pub(super) fn is_full(&self) -> bool {
        self.news.len() >= self.max || self.bytes >= self.max_bytes
    }

    /// Whether reading may go on. Well below full, so that it does not stop again at once.
    pub(super) fn is_roomy(&self) -> bool {
        self.news.len() <= self.max / 2 && self.bytes <= self.max_bytes / 2
    }
}
