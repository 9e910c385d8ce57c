//! The task of one connection: one loop.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use flipper_client::wire::Incoming;
use flipper_proto::{CloseCause, CloseCode};

use super::seat::{Order, Seat};
use crate::runtime::{Runtime, Sleep as _};
use crate::wire::Wire;

/// After so many rounds of work the task lets others run.
const ROUNDS: usize = 32;

/// What RFC 6455 has for peers that break the protocol of WebSockets itself.
const PROTOCOL_ERROR: CloseCode = CloseCode::from_u16(1002);

/// Drives an open WebSocket to its end. Every round goes the same way: read, facts, orders, write. It reads and writes
/// in the same round, so that two peers that flood each other never wait for each other.
pub(super) struct Connection<R: Runtime> {
    seat: Seat,
    wire: Box<Wire>,
    arrived: Vec<Incoming>,
    orders: Vec<Order>,
    held_back: bool,
    /// Goes off when a connection that has ended was waited for long enough.
    patience: Pin<Box<R::Sleep>>,
    runtime: R,
    parting: bool,
}

/// What became of a round.
enum Round {
    Worked,
    Idle,
    Over,
}

impl<R: Runtime> Connection<R> {
    pub(super) fn new(runtime: &R, wire: Box<Wire>, seat: Seat) -> Self {
        Self {
            seat,
            wire,
            arrived: Vec::new(),
            orders: Vec::new(),
            held_back: false,
            patience: Box::pin(runtime.sleep_until(runtime.now())),
            runtime: runtime.clone(),
            parting: false,
        }
    }

    fn round(&mut self, cx: &mut Context<'_>) -> Round {
        if self.parting {
            return self.part(cx);
        }
        if !self.held_back
            && let Err(cause) = self.wire.read(cx, &mut self.arrived)
        {
            return self.end(cause);
        }
        let turn = self.seat.turn(&mut self.arrived, self.wire.room(), &mut self.orders, cx);
        self.held_back = turn.held_back;
        for order in self.orders.drain(..) {
            match order {
                Order::Send(text) => self.wire.send(text),
                Order::Ping => self.wire.ping(),
                Order::Close { code, reason } => self.wire.close(code, &reason),
                Order::Abort => {
                    self.seat.aborted();
                    return Round::Over;
                }
            }
        }
        let mut worked = turn.worked;
        if self.wire.wants_flush() {
            match self.wire.flush(cx) {
                Poll::Pending => {}
                Poll::Ready(Ok(())) => worked = true,
                Poll::Ready(Err(cause)) => {
                    // What the peer said last may still wait to be read, and tells more than that it is gone.
                    let cause = self.wire.read(cx, &mut self.arrived).err().unwrap_or(cause);
                    return self.end(cause);
                }
            }
        }
        if worked { Round::Worked } else { Round::Idle }
    }

    /// The WebSocket has ended.
    fn end(&mut self, cause: CloseCause) -> Round {
        if let CloseCause::TooLarge { .. } = cause {
            self.wire.close(CloseCode::LIMIT, &cause.to_string());
        } else if let CloseCause::WebSocket(_) = cause {
            self.wire.close(PROTOCOL_ERROR, "the frames cannot be understood");
        } else if !matches!(cause, CloseCause::Code { .. } | CloseCause::Local) {
            self.seat.end(&mut self.arrived, cause);
            return Round::Over;
        }
        self.seat.end(&mut self.arrived, cause);
        let patience = self.seat.desk().peek(|core| core.config().timing.close);
        self.patience.as_mut().reset(self.runtime.now() + patience);
        self.parting = true;
        Round::Worked
    }

    /// Waits, though not for ever, until the peer has read the last word and has closed its side.
    fn part(&mut self, cx: &mut Context<'_>) -> Round {
        if self.wire.part(cx).is_ready() || self.patience.as_mut().poll_expired(cx).is_ready() {
            Round::Over
        } else {
            Round::Idle
        }
    }
}

impl<R: Runtime> Future for Connection<R> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..ROUNDS {
            match self.round(cx) {
                Round::Worked => {}
                Round::Idle => return Poll::Pending,
                Round::Over => return Poll::Ready(()),
            }
        }
        // Still at work, so nobody else wakes the task.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
