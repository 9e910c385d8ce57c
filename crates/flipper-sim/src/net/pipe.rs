//! One direction of a connection.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::task::Waker;
use std::time::Duration;

use super::faults::{Fault, FaultKind, Injected, Place, Plan};
use super::records::Records;

/// What is on its way from one end to the other.
#[derive(Debug)]
pub(super) struct Pipe {
    /// What was written and not read.
    bytes: VecDeque<u8>,
    /// The same in pieces that arrive one after the other.
    segments: VecDeque<Segment>,
    /// How many bytes the writer believes to have sent.
    written: u64,
    capacity: usize,
    latency: Duration,
    /// What follows the last byte.
    ending: Option<Ending>,
    /// Nobody will read what arrives.
    reader_gone: bool,
    /// The writer has to wait until then.
    stalled_until: Duration,
    faults: Vec<Armed>,
    /// From then on no fault strikes.
    well_from: Duration,
    records: Records,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
}

#[derive(Debug)]
struct Segment {
    bytes: usize,
    at: Duration,
    /// It is read alone, whatever has arrived after it.
    alone: bool,
}

#[derive(Clone, Copy, Debug)]
struct Ending {
    at: Duration,
    reset: bool,
}

#[derive(Debug)]
struct Armed {
    /// `None` until the record is there that the fault waits for.
    at: Option<u64>,
    fault: Fault,
    struck: bool,
}

/// How a read went.
pub(super) enum Read {
    Bytes(usize),
    Eof,
    Reset,
    /// Nothing is there; if something is under way, it arrives then.
    Nothing(Option<Duration>),
}

/// How a write went.
pub(super) enum Write {
    Bytes(usize),
    /// It may be tried again then, or once the reader has read.
    Full(Option<Duration>),
    /// This side has closed.
    Closed,
    Reset,
}

/// What the connection as a whole has to do about a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consequence {
    None,
    /// Both directions end.
    Cut {
        reset: bool,
    },
    /// Both directions end with a reset at this moment.
    ResetAt(Duration),
}

impl Pipe {
    pub(super) fn new(plan: &Plan, faults: &[Fault]) -> Self {
        let faults = faults.iter().map(|fault| {
            let at = match fault.at {
                Place::Byte(at) => Some(at),
                Place::Record { .. } => None,
            };
            Armed { at, fault: *fault, struck: false }
        });
        Self {
            bytes: VecDeque::new(),
            segments: VecDeque::new(),
            written: 0,
            capacity: plan.capacity.max(1),
            latency: plan.latency,
            ending: None,
            reader_gone: false,
            stalled_until: Duration::ZERO,
            faults: faults.collect(),
            well_from: plan.until,
            records: Records::default(),
            reader: None,
            writer: None,
        }
    }

    // --- The reader ---

    pub(super) fn read(&mut self, buf: &mut [u8], now: Duration) -> Read {
        let mut count = 0;
        while count < buf.len() {
            let Some(segment) = self.segments.front_mut().filter(|segment| segment.at <= now) else { break };
            if segment.alone && count > 0 {
                break;
            }
            let taken = segment.bytes.min(buf.len() - count);
            for (place, byte) in buf[count..].iter_mut().zip(self.bytes.drain(..taken)) {
                *place = byte;
            }
            count += taken;
            segment.bytes -= taken;
            let alone = segment.alone;
            if segment.bytes == 0 {
                self.segments.pop_front();
            }
            if alone {
                break;
            }
        }
        if count > 0 {
            return Read::Bytes(count);
        }
        match (self.segments.front(), self.ending) {
            (Some(segment), _) => Read::Nothing(Some(segment.at)),
            (None, Some(ending)) if ending.at > now => Read::Nothing(Some(ending.at)),
            (None, Some(Ending { reset: true, .. })) => Read::Reset,
            (None, Some(Ending { reset: false, .. })) => Read::Eof,
            (None, None) => Read::Nothing(None),
        }
    }

    /// Whether anything has arrived that was not read.
    pub(super) fn has_unread(&self, now: Duration) -> bool {
        self.segments.front().is_some_and(|segment| segment.at <= now)
    }

    pub(super) fn leave_unread(&mut self) {
        self.reader_gone = true;
        self.bytes.clear();
        self.segments.clear();
    }

    /// When the next thing arrives.
    pub(super) fn next_arrival(&self) -> Option<Duration> {
        self.segments.front().map(|segment| segment.at).or(self.ending.map(|ending| ending.at))
    }

    // --- The writer ---

    pub(super) fn write(
        &mut self,
        bufs: &[IoSlice<'_>],
        now: Duration,
        injected: &mut Injected,
    ) -> (Write, Consequence) {
        match self.ending {
            Some(Ending { reset: true, .. }) => return (Write::Reset, Consequence::None),
            Some(Ending { reset: false, .. }) => return (Write::Closed, Consequence::None),
            None => {}
        }
        if self.reader_gone {
            // The system takes it; what it learns from the other end comes later.
            return (Write::Bytes(bufs.iter().map(|buf| buf.len()).sum()), Consequence::Cut { reset: true });
        }
        if now >= self.well_from {
            self.faults.clear();
        } else if now < self.stalled_until {
            return (Write::Full(Some(self.stalled_until.min(self.well_from))), Consequence::None);
        }
        let room = self.capacity.saturating_sub(self.bytes.len()).min(self.to_next_fault());
        let mut accepted = Vec::with_capacity(room.min(bufs.iter().map(|buf| buf.len()).sum()));
        for buf in bufs {
            accepted.extend_from_slice(&buf[..buf.len().min(room - accepted.len())]);
        }
        if accepted.is_empty() && bufs.iter().any(|buf| !buf.is_empty()) {
            return (Write::Full(None), Consequence::None);
        }
        injected.bytes += accepted.len() as u64;
        let consequence = self.accept(&accepted, now, injected);
        (Write::Bytes(accepted.len()), consequence)
    }

    /// How many bytes may be taken before the next fault has to strike.
    fn to_next_fault(&self) -> usize {
        let next = self.faults.iter().filter(|armed| !armed.struck).filter_map(|armed| armed.at);
        let next = next.filter(|at| *at > self.written).min();
        next.map_or(usize::MAX, |at| usize::try_from(at - self.written).unwrap_or(usize::MAX))
    }

    fn accept(&mut self, accepted: &[u8], now: Duration, injected: &mut Injected) -> Consequence {
        let begin = self.written;
        self.written += accepted.len() as u64;
        let faults = &mut self.faults;
        self.records.follow(accepted, |place, at| {
            for armed in faults.iter_mut().filter(|armed| armed.fault.at == place && armed.at.is_none()) {
                armed.at = Some(at);
            }
        });
        self.bytes.extend(accepted);
        let mut at = begin;
        let mut rest = accepted.len();
        while rest > 0 {
            let (bytes, arrival) = self.next_piece(at, rest, now);
            self.push(bytes, arrival);
            at += bytes as u64;
            rest -= bytes;
        }
        self.strike(now, injected)
    }

    /// How many of the next `rest` bytes arrive together, and how.
    fn next_piece(&self, at: u64, rest: usize, now: Duration) -> (usize, Arrival) {
        let mut arrival = Arrival { at: now + self.latency, after: Duration::ZERO, alone: false };
        let mut piece = rest;
        for armed in &self.faults {
            let Some(begin) = armed.at else { continue };
            if begin > at {
                piece = piece.min(usize::try_from(begin - at).unwrap_or(usize::MAX));
                continue;
            }
            let (bytes, most) = match armed.fault.kind {
                FaultKind::Silence { until, .. } => {
                    arrival.at = arrival.at.max(until + self.latency);
                    continue;
                }
                FaultKind::Dribble { bytes, piece, .. } => (bytes, piece.max(1)),
                FaultKind::Coalesce { bytes, .. } | FaultKind::Delay { bytes, .. } => (bytes, u64::MAX),
                FaultKind::Reset | FaultKind::Eof | FaultKind::Stall { .. } => continue,
            };
            let end = begin.saturating_add(bytes);
            if at >= end {
                continue;
            }
            piece = piece.min(usize::try_from((end - at).min(most)).unwrap_or(usize::MAX));
            match armed.fault.kind {
                FaultKind::Dribble { every, .. } => {
                    arrival.alone = true;
                    arrival.after = every;
                }
                FaultKind::Coalesce { every, .. } => arrival.at = rounded_up(arrival.at, every),
                FaultKind::Delay { by, .. } => arrival.at += by,
                _ => {}
            }
        }
        arrival.at = arrival.at.min(self.well_from.max(now).saturating_add(self.latency));
        (piece, arrival)
    }

    fn push(&mut self, bytes: usize, arrival: Arrival) {
        let before = self.segments.back();
        // Nothing overtakes what was sent before it.
        let at = before.map_or(arrival.at, |before| arrival.at.max(before.at + arrival.after));
        match self.segments.back_mut() {
            Some(last) if !last.alone && !arrival.alone && last.at == at => last.bytes += bytes,
            _ => self.segments.push_back(Segment { bytes, at, alone: arrival.alone }),
        }
    }

    /// Has those faults strike that were reached.
    fn strike(&mut self, now: Duration, injected: &mut Injected) -> Consequence {
        let mut consequence = Consequence::None;
        for armed in &mut self.faults {
            let Some(at) = armed.at.filter(|at| *at <= self.written && !armed.struck) else { continue };
            armed.struck = true;
            injected.count(armed.fault.kind);
            let lost = usize::try_from(self.written - at).unwrap_or(usize::MAX);
            match armed.fault.kind {
                FaultKind::Reset | FaultKind::Eof => {
                    let kept = self.bytes.len().saturating_sub(lost);
                    self.bytes.truncate(kept);
                    truncate(&mut self.segments, lost);
                    consequence = Consequence::Cut { reset: armed.fault.kind == FaultKind::Reset };
                    break;
                }
                FaultKind::Silence { until, reset: true } => consequence = Consequence::ResetAt(until),
                FaultKind::Stall { span } => self.stalled_until = now + span,
                FaultKind::Silence { .. }
                | FaultKind::Dribble { .. }
                | FaultKind::Coalesce { .. }
                | FaultKind::Delay { .. } => {}
            }
        }
        consequence
    }

    // --- The end ---

    /// Nothing follows what was written so far. A reset takes no time, and what is under way is lost if `all_lost`.
    pub(super) fn end(&mut self, reset: bool, all_lost: bool, now: Duration) {
        if self.ending.is_some_and(|ending| ending.reset || !reset) {
            return;
        }
        if all_lost {
            let arrived = self.segments.iter().take_while(|segment| segment.at <= now).count();
            let lost: usize = self.segments.drain(arrived..).map(|segment| segment.bytes).sum();
            self.bytes.truncate(self.bytes.len() - lost);
        }
        let silent = self.faults.iter().filter(|armed| armed.struck).filter_map(|armed| match armed.fault.kind {
            FaultKind::Silence { until, .. } => Some(until),
            _ => None,
        });
        let heard = silent.max().unwrap_or(Duration::ZERO).max(now) + self.latency;
        let last = self.segments.back().map_or(heard, |last| last.at.max(heard));
        self.ending = Some(Ending { at: if all_lost { now } else { last }, reset });
    }
}

/// How a piece arrives.
#[derive(Clone, Copy)]
struct Arrival {
    at: Duration,
    /// So much later than what was sent before it.
    after: Duration,
    alone: bool,
}

fn rounded_up(at: Duration, step: Duration) -> Duration {
    let (at, step) = (at.as_nanos(), step.as_nanos().max(1));
    Duration::from_nanos(u64::try_from(at.div_ceil(step) * step).unwrap_or(u64::MAX))
}

/// Takes so many bytes from the end.
fn truncate(segments: &mut VecDeque<Segment>, mut bytes: usize) {
    while bytes > 0 {
        let Some(last) = segments.back_mut() else { return };
        let taken = last.bytes.min(bytes);
        last.bytes -= taken;
        bytes -= taken;
        if last.bytes == 0 {
            segments.pop_back();
        }
    }
}
