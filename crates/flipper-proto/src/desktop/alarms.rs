//! All deadlines of all connections, in one order.

use alloc::collections::BTreeSet;

use crate::ids::{ConnId, MessageId};
use crate::time::Instant;

use super::action::Timer;

/// When which connection is to be looked at, and for what.
#[derive(Debug, Default)]
pub(super) struct Alarms(BTreeSet<(Instant, ConnId, Alarm)>);

/// What a connection is to be looked at for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Alarm {
    Close,
    ExchangeIdle,
    Registration,
    Ping,
    Request(MessageId),
}

impl Alarm {
    fn timer(self) -> Timer {
        match self {
            Self::Close => Timer::Close,
            Self::ExchangeIdle => Timer::ExchangeIdle,
            Self::Registration => Timer::Registration,
            Self::Ping => Timer::Ping,
            Self::Request(_) => Timer::Request,
        }
    }
}

impl Alarms {
    pub(super) fn arm(&mut self, at: Instant, conn: ConnId, alarm: Alarm) {
        if at < Instant::NEVER {
            self.0.insert((at, conn, alarm));
        }
    }

    pub(super) fn disarm(&mut self, at: Instant, conn: ConnId, alarm: Alarm) {
        self.0.remove(&(at, conn, alarm));
    }

    /// The next alarm that is due.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<(ConnId, Alarm)> {
        self.0.first().filter(|(at, ..)| *at <= now)?;
        self.0.pop_first().map(|(_, conn, alarm)| (conn, alarm))
    }

    pub(super) fn next(&self) -> Option<(Instant, Timer)> {
        self.0.first().map(|(at, _, alarm)| (*at, alarm.timer()))
    }
}
