//! A connection: what it is for, and what it works with.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;

use crate::close::CloseCode;
use crate::ids::ConnId;
use crate::time::Instant;

use super::action::{Action, Event};
use super::admission::Channel;
use super::alarms::{Alarm, Alarms};
use super::config::Config;
use super::exchange::ExchangeSocket;
use super::outbox::{Outbox, Place};
use super::session::Session;
use super::state::Counters;

/// A connection that was accepted, until its socket has ended.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) outbox: Outbox,
    pub(super) phase: Phase,
}

/// What a connection is for. One that is being closed belongs to no client any more, so that its end cannot take away
/// what belongs to a newer one.
#[derive(Debug)]
pub(super) enum Phase {
    Exchange(ExchangeSocket),
    Session(Box<Session>),
    Closing(Closing),
}

/// A connection that this side closes.
#[derive(Debug)]
pub(super) struct Closing {
    pub(super) deadline: Instant,
    /// The code and the reason of the close frame, until it is given.
    pub(super) farewell: Option<(CloseCode, String)>,
}

impl Connection {
    /// The next message, if the socket has room. After the last one of a connection that is being closed comes the
    /// close frame.
    pub(super) fn next_message(&mut self, conn: ConnId, out: &mut Outputs) -> Option<Action> {
        let text = self.outbox.pop(conn, &mut out.ready)?;
        self.say_farewell(conn, out);
        Some(Action::Send { conn, text })
    }

    /// With which code it is closed because the desktop stops.
    pub(super) fn code_of_stop(&self) -> CloseCode {
        match &self.phase {
            Phase::Session(session) if session.info.channel == Channel::Browser => CloseCode::RESTARTING,
            Phase::Session(_) | Phase::Exchange(_) | Phase::Closing(_) => CloseCode::GOING_AWAY,
        }
    }

    /// Gives the close frame, once, when nothing is left to be sent.
    pub(super) fn say_farewell(&mut self, conn: ConnId, out: &mut Outputs) {
        if let Phase::Closing(closing) = &mut self.phase
            && self.outbox.is_empty()
            && let Some((code, reason)) = closing.farewell.take()
        {
            out.actions.push_back(Action::Close { conn, code, reason });
        }
    }
}

/// What all connections write to.
#[derive(Debug, Default)]
pub(super) struct Outputs {
    pub(super) actions: VecDeque<Action>,
    pub(super) events: VecDeque<Event>,
    /// The connections that have something to send and room for it, each once, in the order of their turns.
    pub(super) ready: VecDeque<ConnId>,
    pub(super) alarms: Alarms,
    pub(super) counters: Counters,
}

/// What one connection works with.
pub(super) struct Context<'a> {
    pub(super) conn: ConnId,
    pub(super) config: &'a Config,
    pub(super) outbox: &'a mut Outbox,
    pub(super) out: &'a mut Outputs,
}

impl Context<'_> {
    /// Queues a message, and tells its place in the queue.
    pub(super) fn send(&mut self, text: String) -> Place {
        self.outbox.push(self.conn, text, &mut self.out.ready)
    }

    pub(super) fn event(&mut self, event: Event) {
        self.out.events.push_back(event);
    }

    pub(super) fn arm(&mut self, at: Instant, alarm: Alarm) {
        self.out.alarms.arm(at, self.conn, alarm);
    }

    pub(super) fn disarm(&mut self, at: Instant, alarm: Alarm) {
        self.out.alarms.disarm(at, self.conn, alarm);
    }
}
