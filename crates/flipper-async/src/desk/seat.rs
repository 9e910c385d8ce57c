//! A connection's place at the desk.

use std::sync::Arc;
use std::task::{Context, Waker};

use flipper_client::wire::Incoming;
use flipper_proto::{CloseCause, CloseCode, ConnId, Instant};

use super::news::Backlog;
use super::shared::{Shared, State};

/// A connection that was let in. Dropped before its end was told, it counts as lost.
pub(super) struct Seat {
    desk: Arc<Shared>,
    conn: ConnId,
}

/// What became of a turn.
pub(super) struct Turn {
    /// Nothing more is to be read for now.
    pub(super) held_back: bool,
    /// There was something to do.
    pub(super) worked: bool,
}

impl Seat {
    pub(super) fn new(desk: Arc<Shared>, conn: ConnId) -> Self {
        Self { desk, conn }
    }

    pub(super) fn desk(&self) -> &Shared {
        &self.desk
    }

    /// Hands over what arrived and how much the socket takes, and fetches what is to be done. If that is nothing, `cx`
    /// is woken when there is something.
    pub(super) fn turn(
        &self,
        arrived: &mut Vec<Incoming>,
        room: usize,
        orders: &mut Vec<Order>,
        cx: &Context<'_>,
    ) -> Turn {
        self.desk.change(|state, now, woken| {
            let mut worked = !arrived.is_empty();
            self.hand_over(state, arrived, now);
            let Some(line) = state.lines.get_mut(&self.conn) else { return Turn { held_back: false, worked } };
            line.waker = None;
            orders.append(&mut line.orders);
            let taken: usize = orders.iter().map(Order::bytes).sum();
            state.core.handle_writable(self.conn, room.saturating_sub(taken), now);
            state.settle(Some(self.conn), now, woken);
            let Some(line) = state.lines.get_mut(&self.conn) else { return Turn { held_back: false, worked } };
            let held_back =
                if line.held_back { !state.news.lets_go_on(line.backlog) } else { state.news.holds_back(line.backlog) };
            state.held_back |= held_back;
            orders.append(&mut line.orders);
            worked |= !orders.is_empty() || (line.held_back && !held_back);
            line.held_back = held_back;
            if !worked {
                line.waker = Some(cx.waker().clone());
            }
            Turn { held_back, worked }
        })
    }

    /// Hands over the last that arrived, and why there will be no more.
    pub(super) fn end(&self, arrived: &mut Vec<Incoming>, cause: CloseCause) {
        self.desk.change(|state, now, _| {
            self.hand_over(state, arrived, now);
            state.lines.remove(&self.conn);
            state.core.handle_closed(self.conn, cause, now);
        });
    }

    /// The socket was dropped because the state machine wanted it so. It expects no answer.
    pub(super) fn aborted(&self) {
        self.desk.lock().lines.remove(&self.conn);
    }

    fn hand_over(&self, state: &mut State, arrived: &mut Vec<Incoming>, now: Instant) {
        let (core, tap) = (&mut state.core, state.tap.as_deref());
        for incoming in arrived.drain(..) {
            if let Some(tap) = tap
                && let Some(text) = text_of(&incoming)
            {
                tap.received(self.conn, text);
            }
            match incoming {
                Incoming::Text(text) => core.handle_message(self.conn, text, now),
                Incoming::Binary(bytes) => core.handle_binary(self.conn, &bytes, now),
                Incoming::Alive => core.handle_alive(self.conn, now),
            }
        }
    }
}

/// The text of a message, however it came. What is none has none.
fn text_of(incoming: &Incoming) -> Option<&str> {
    match incoming {
        Incoming::Text(text) => Some(text),
        Incoming::Binary(bytes) => str::from_utf8(bytes).ok(),
        Incoming::Alive => None,
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.desk.change(|state, now, _| {
            if state.lines.remove(&self.conn).is_some() {
                state.core.handle_closed(self.conn, CloseCause::Reset, now);
            }
        });
    }
}

/// What the state machine wants of a connection's task.
pub(super) enum Order {
    Send(String),
    Ping,
    Close { code: CloseCode, reason: String },
    Abort,
}

impl Order {
    fn bytes(&self) -> usize {
        match self {
            Self::Send(text) => text.len(),
            Self::Ping | Self::Close { .. } | Self::Abort => 0,
        }
    }
}

/// A connection's line to the task that drives it.
#[derive(Default)]
pub(super) struct Line {
    pub(super) orders: Vec<Order>,
    /// Wakes the task while it rests.
    pub(super) waker: Option<Waker>,
    /// The news that came from it and were not taken yet.
    pub(super) backlog: Backlog,
    pub(super) held_back: bool,
}
