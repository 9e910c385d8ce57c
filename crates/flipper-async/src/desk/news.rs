//! What the program around the desk is told.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;

use flipper_proto::desktop::{Event, Outcome};
use flipper_proto::{CloseCause, ConnId, Excerpt};

/// What a port is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Port {
    /// Certificate exchanges, in plain text. The usual number is 9089.
    Insecure,
    /// Sessions, over TLS with certificates on both sides. The usual number is 9088.
    Secure,
    /// Sessions of browsers and Node, in plain text. The usual number is 8333.
    Browser,
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Insecure => "insecure",
            Self::Secure => "secure",
            Self::Browser => "browser",
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
    pub(super) fn weight(&self) -> usize {
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

/// The news that wait to be taken, and where they came from.
#[derive(Debug)]
pub(super) struct Queue {
    news: VecDeque<(Option<ConnId>, News)>,
    waiting: Backlog,
    max: Backlog,
}

/// How much waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Backlog {
    news: usize,
    bytes: usize,
}

impl Backlog {
    pub(super) fn is_empty(self) -> bool {
        self.news == 0
    }

    fn add(&mut self, news: &News) {
        self.news += 1;
        self.bytes += news.weight();
    }

    pub(super) fn take(&mut self, news: &News) {
        self.news = self.news.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(news.weight());
    }

    /// Whether it is as much as this part of `max`, or more.
    fn reaches(self, max: Self, part: usize) -> bool {
        self.news >= (max.news / part).max(1) || self.bytes >= (max.bytes / part).max(1)
    }
}

/// One connection alone may have this part of the news waiting.
const SHARE: usize = 4;

impl Queue {
    pub(super) fn new(max: usize, max_bytes: usize) -> Self {
        Self { news: VecDeque::new(), waiting: Backlog::default(), max: Backlog { news: max, bytes: max_bytes } }
    }

    /// `of` is what the connection has waiting that the news came from.
    pub(super) fn push(&mut self, from: Option<ConnId>, of: Option<&mut Backlog>, news: News) {
        self.waiting.add(&news);
        if let Some(of) = of {
            of.add(&news);
        }
        self.news.push_back((from, news));
    }

    /// The next news, and the connection that they came from.
    pub(super) fn pop(&mut self) -> Option<(Option<ConnId>, News)> {
        let (from, news) = self.news.pop_front()?;
        self.waiting.take(&news);
        Some((from, news))
    }

    /// Whether nobody new is to be let in for now.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.reaches(self.max, 1)
    }

    /// Whether there is room again for all. Well below full, so that it is not full again at once.
    pub(super) fn is_roomy(&self) -> bool {
        !self.waiting.reaches(self.max, 2)
    }

    /// Whether a connection that has `own` waiting is to be read from no more for now. One that has nothing waiting
    /// always is read from, so that those who flood hold up nobody else's answers.
    pub(super) fn holds_back(&self, own: Backlog) -> bool {
        !own.is_empty() && (self.is_full() || own.reaches(self.max, SHARE))
    }

    /// Whether a connection that was held back is to be read from again.
    pub(super) fn lets_go_on(&self, own: Backlog) -> bool {
        own.is_empty() || (self.is_roomy() && !own.reaches(self.max, 2 * SHARE))
    }
}
