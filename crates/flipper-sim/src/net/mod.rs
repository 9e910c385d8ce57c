//! The network of the simulated machine: listeners, connections, and what happens to them on the way.

mod connect;
mod faults;
mod listener;
mod pipe;
mod records;
mod stream;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::task::Waker;
use std::time::Duration;

pub(crate) use self::connect::connect;
pub use self::faults::{Connect, Dial, Fault, FaultKind, Injected, Place, Plan, RecordPart};
pub use self::listener::SimListener;
pub use self::stream::SimStream;

use self::pipe::Pipe;
use crate::rng::Rng;
use crate::timers::{Due, Timers};
use crate::trace::{Trace, micros};

/// Decides what becomes of a connection.
pub(crate) type Planner = Box<dyn FnMut(&Dial<'_>, &mut Rng) -> Plan + Send>;

#[derive(Default)]
pub(crate) struct Network {
    planner: Option<Planner>,
    listeners: BTreeMap<SocketAddr, Listening>,
    links: BTreeMap<LinkId, Link>,
    dialled: u64,
    linked: u64,
    bound: u16,
    injected: Injected,
}

type LinkId = u64;

/// How many connections wait to be taken before more are lost.
const BACKLOG: usize = 128;

/// The first port that the system gives to those who do not mind.
const EPHEMERAL: u16 = 32_768;

#[derive(Default)]
struct Listening {
    backlog: VecDeque<(LinkId, SocketAddr)>,
    acceptor: Option<Waker>,
}

/// A connection. Of its two ends, the first is the one that dialled.
struct Link {
    /// From the first end to the second, and back.
    pipes: [Pipe; 2],
    /// Which ends are held still.
    held: [bool; 2],
}

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    link: LinkId,
    side: usize,
}

/// What the network does by itself at a certain moment.
#[derive(Debug)]
pub(crate) enum Later {
    /// A connection is reset from the outside.
    Reset(LinkId),
    /// Something arrives at an end that is gone.
    Unwanted(LinkId),
}

impl Network {
    pub(crate) fn set_planner(&mut self, planner: Planner) {
        self.planner = Some(planner);
    }

    pub(crate) fn connections(&self) -> usize {
        self.links.values().filter(|link| link.held.contains(&true)).count()
    }

    pub(crate) fn injected(&self) -> &Injected {
        &self.injected
    }

    /// Decides about a connection.
    pub(crate) fn dial(&mut self, to: SocketAddr, now: Duration, process: &str, rng: &mut Rng) -> Plan {
        let dial = Dial { to, now, number: self.dialled, process };
        let plan = self.planner.as_mut().map_or_else(Plan::default, |planner| planner(&dial, rng));
        self.dialled += 1;
        self.injected.dialled += 1;
        match plan.connect {
            Connect::Normal => {}
            Connect::Refused => self.injected.refused += 1,
            Connect::Lost { .. } => self.injected.lost += 1,
        }
        plan
    }

    /// A connection to whoever listens there; `None` if that takes no more for now.
    fn link(&mut self, to: SocketAddr, plan: &Plan, woken: &mut Vec<Waker>) -> Result<Option<End>, NobodyListens> {
        let listening = self.listeners.get_mut(&to).ok_or(NobodyListens)?;
        if listening.backlog.len() >= BACKLOG {
            return Ok(None);
        }
        let link = self.linked;
        self.linked += 1;
        let port = EPHEMERAL + u16::try_from(link % u64::from(u16::MAX - EPHEMERAL)).unwrap_or(0);
        listening.backlog.push_back((link, SocketAddr::new(to.ip(), port)));
        woken.extend(listening.acceptor.take());
        let pipes = [&plan.up, &plan.down].map(|faults| Pipe::new(plan, faults));
        self.links.insert(link, Link { pipes, held: [true, true] });
        Ok(Some(End { link, side: 0 }))
    }

    /// What was to happen later happens now.
    pub(crate) fn happens(&mut self, later: Later, now: Duration, trace: &mut Trace, woken: &mut Vec<Waker>) {
        let (Later::Reset(id) | Later::Unwanted(id)) = later;
        let Some(link) = self.links.get_mut(&id) else { return };
        trace.record(&[micros(now), id]);
        if let Later::Reset(_) = later {
            self.injected.resets += 1;
        }
        link.end(true, true, now, woken);
    }

    // --- An end of a connection ---

    /// Gives an end up. `timers` is told what will arrive at it nonetheless.
    fn let_go(&mut self, end: End, now: Duration, timers: &mut Timers, woken: &mut Vec<Waker>) {
        let Some(link) = self.links.get_mut(&end.link) else { return };
        link.held[end.side] = false;
        let incoming = &mut link.pipes[1 - end.side];
        let (unread, arrives) = (incoming.has_unread(now), incoming.next_arrival());
        incoming.leave_unread();
        woken.extend(incoming.writer.take());
        if unread {
            // Who closes and leaves something unread resets the connection.
            link.end(true, false, now, woken);
        } else {
            let outgoing = &mut link.pipes[end.side];
            outgoing.end(false, false, now);
            wake_reader(outgoing, now, timers, woken);
            if let Some(at) = arrives.filter(|at| *at > now) {
                timers.set(at, Due::Net(Later::Unwanted(end.link)));
            }
        }
        if link.held == [false, false] {
            self.links.remove(&end.link);
        }
    }
}

struct NobodyListens;

impl Link {
    /// Both directions end now.
    fn end(&mut self, reset: bool, all_lost: bool, now: Duration, woken: &mut Vec<Waker>) {
        for pipe in &mut self.pipes {
            pipe.end(reset, all_lost, now);
            woken.extend(pipe.reader.take());
            woken.extend(pipe.writer.take());
        }
    }
}

/// Wakes who waits for something to read, as soon as it is there.
fn wake_reader(pipe: &mut Pipe, now: Duration, timers: &mut Timers, woken: &mut Vec<Waker>) {
    let Some(at) = pipe.next_arrival() else { return };
    let Some(reader) = pipe.reader.take() else { return };
    if at <= now {
        woken.push(reader);
    } else {
        timers.set(at, Due::Wake(reader));
    }
}

/// The addresses of a host name, best first.
fn resolve(host: &str) -> Option<Vec<IpAddr>> {
    if host == "localhost" {
        return Some(vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(std::net::Ipv6Addr::LOCALHOST)]);
    }
    host.trim_matches(['[', ']']).parse().ok().map(|address| vec![address])
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("connections", &self.links.len()).finish_non_exhaustive()
    }
}
