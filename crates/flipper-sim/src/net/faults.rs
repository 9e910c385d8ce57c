//! What a network does to connections.

use std::net::SocketAddr;
use std::time::Duration;

use crate::tally::tally;

/// A connection that is about to be made.
#[derive(Debug)]
#[non_exhaustive]
pub struct Dial<'a> {
    /// Where to.
    pub to: SocketAddr,
    /// When.
    pub now: Duration,
    /// How many connections were dialled before this one.
    pub number: u64,
    /// The name of the process that dials.
    pub process: &'a str,
}

/// What becomes of a connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Plan {
    /// Whether it comes to be.
    pub connect: Connect,
    /// How long everything takes from one end to the other.
    pub latency: Duration,
    /// How many bytes one direction holds that were not read yet.
    pub capacity: usize,
    /// What happens on the way to the listener.
    pub up: Vec<Fault>,
    /// What happens on the way back.
    pub down: Vec<Fault>,
    /// From then on none of that happens any more. Default: it does for ever.
    pub until: Duration,
}

impl Default for Plan {
    /// A good connection on one machine.
    fn default() -> Self {
        Self {
            connect: Connect::Normal,
            latency: Duration::from_micros(50),
            capacity: 64 * 1024,
            up: Vec::new(),
            down: Vec::new(),
            until: Duration::MAX,
        }
    }
}

/// How a connection begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connect {
    /// As whoever listens there wants it.
    Normal,
    /// It is refused.
    Refused,
    /// Whatever is sent there is lost until this moment: the system tries again, ever more seldom.
    Lost {
        /// Until when.
        until: Duration,
    },
}

/// A fault of one direction of a connection. It strikes at a certain byte, so that it strikes the same way in every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where it begins.
    pub at: Place,
    /// What it is.
    pub kind: FaultKind,
}

/// A place in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// After so many bytes.
    Byte(u64),
    /// At a TLS record, counted from 0.
    Record {
        /// Which.
        number: u64,
        /// Where in it.
        part: RecordPart,
    },
}

/// A place in a TLS record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordPart {
    /// Before its first byte.
    Start,
    /// In the middle of what it carries.
    Middle,
    /// After its last byte.
    End,
}

/// What a network does to a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The connection is reset; what came before arrives.
    Reset,
    /// The connection ends as if both ends had closed it; what came before arrives.
    Eof,
    /// Nothing arrives any more until this moment. Then everything does, or the connection is reset.
    Silence {
        /// Until when.
        until: Duration,
        /// Whether it is reset then.
        reset: bool,
    },
    /// The other end takes nothing for so long, so that the writer has to wait.
    Stall {
        /// How long.
        span: Duration,
    },
    /// So many bytes arrive in small pieces.
    Dribble {
        /// How many.
        bytes: u64,
        /// How many arrive at once.
        piece: u64,
        /// How much time is between them.
        every: Duration,
    },
    /// So many bytes arrive together with others, in few large pieces.
    Coalesce {
        /// How many.
        bytes: u64,
        /// How much time is between the pieces.
        every: Duration,
    },
    /// So many bytes arrive later than others.
    Delay {
        /// How many.
        bytes: u64,
        /// How much later.
        by: Duration,
    },
}

tally! {
    /// What happened on the network so far.
    pub struct Injected {
        /// Connections that were dialled.
        dialled,
        /// Bytes that were written.
        bytes,
        /// Connections that were refused on purpose.
        refused,
        /// Connections whose beginning was lost.
        lost,
        /// Connections that were reset.
        resets,
        /// Connections that ended within what was sent.
        ends,
        /// Directions that went silent.
        silences,
        /// Directions whose writer had to wait.
        stalls,
        /// Directions that dribbled.
        dribbles,
        /// Directions that came in large pieces.
        coalesced,
        /// Directions that were delayed.
        delays,
    }
}

impl Injected {
    pub(crate) fn count(&mut self, kind: FaultKind) {
        *match kind {
            FaultKind::Reset => &mut self.resets,
            FaultKind::Eof => &mut self.ends,
            FaultKind::Silence { .. } => &mut self.silences,
            FaultKind::Stall { .. } => &mut self.stalls,
            FaultKind::Dribble { .. } => &mut self.dribbles,
            FaultKind::Coalesce { .. } => &mut self.coalesced,
            FaultKind::Delay { .. } => &mut self.delays,
        } += 1;
    }
}
