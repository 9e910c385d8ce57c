//! The driver of an app: one task, one loop.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use flipper_client::wire::Incoming;
use flipper_client::{App, Jobs, Turn};
use flipper_proto::client::{Action, JobOutcome, Trust};
use flipper_proto::{AttemptId, CloseCause, Instant, JobId};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use crate::connect::connect;
use crate::runtime::{Runtime, Sleep as _};
use crate::wire::Wire;

/// After so many rounds of work the task lets others run.
const ROUNDS: usize = 32;

/// Drives an app until it is stopped. Every round goes the same way: due timer, finished jobs, read, events, decisions,
/// write. It reads and writes in the same round, so that two peers that flood each other never wait for each other.
pub(crate) struct Driver<R: Runtime> {
    runtime: R,
    app: Arc<App>,
    jobs: Arc<Jobs>,
    socket: Socket,
    /// A socket that the peer closes, until it has ended or a new one is wanted.
    lingering: Option<Box<Wire>>,
    running: FuturesUnordered<Running>,
    alarm: Pin<Box<R::Sleep>>,
    /// When the alarm goes off; `None` once it has.
    armed: Option<Instant>,
    incoming: Vec<Incoming>,
    actions: VecDeque<Action>,
}

type Running = Pin<Box<dyn Future<Output = (JobId, JobOutcome)> + Send>>;

enum Socket {
    None,
    Opening { attempt: AttemptId, opening: Pin<Box<dyn Future<Output = Result<Wire, CloseCause>> + Send>> },
    Open { attempt: AttemptId, wire: Box<Wire> },
}

impl<R: Runtime> Driver<R> {
    pub(crate) fn new(runtime: R, app: Arc<App>, jobs: Jobs) -> Self {
        Self {
            alarm: Box::pin(runtime.sleep_until(runtime.now())),
            runtime,
            app,
            jobs: Arc::new(jobs),
            socket: Socket::None,
            lingering: None,
            running: FuturesUnordered::new(),
            armed: None,
            incoming: Vec::new(),
            actions: VecDeque::new(),
        }
    }

    /// One round. Says whether there may be more to do at once.
    fn round(&mut self, turn: &mut Turn, cx: &mut Context<'_>) -> bool {
        let now = self.app.clock().now();
        let due = turn.tick(now);
        let worked = self.finish_jobs(turn, cx, now);
        let read = self.read(turn, cx, now);
        let told = turn.deliver();
        let acted = self.carry_out(turn, now);
        let written = self.write(turn, cx, now);
        due | worked | read | told | acted | written
    }

    fn finish_jobs(&mut self, turn: &Turn, cx: &mut Context<'_>, now: Instant) -> bool {
        let mut any = false;
        while let Poll::Ready(Some((job, outcome))) = self.running.poll_next_unpin(cx) {
            turn.core(|core| core.handle_job_done(job, outcome, now));
            any = true;
        }
        any
    }

    fn read(&mut self, turn: &Turn, cx: &mut Context<'_>, now: Instant) -> bool {
        if let Some(wire) = &mut self.lingering
            && wire.linger(cx).is_ready()
        {
            self.lingering = None;
        }
        match &mut self.socket {
            Socket::None => false,
            Socket::Opening { attempt, opening } => {
                let attempt = *attempt;
                match opening.as_mut().poll(cx) {
                    Poll::Pending => return false,
                    Poll::Ready(Ok(wire)) => {
                        self.socket = Socket::Open { attempt, wire: Box::new(wire) };
                        turn.core(|core| core.handle_opened(attempt, now));
                    }
                    Poll::Ready(Err(cause)) => {
                        self.socket = Socket::None;
                        turn.core(|core| core.handle_closed(attempt, cause, now));
                    }
                }
                true
            }
            Socket::Open { attempt, wire } => {
                let attempt = *attempt;
                let end = wire.read(cx, &mut self.incoming).err();
                let any = end.is_some() || !self.incoming.is_empty();
                if any {
                    turn.receive(attempt, &mut self.incoming, now);
                }
                if let Some(cause) = end {
                    self.end(turn, attempt, cause, now);
                }
                any
            }
        }
    }

    fn carry_out(&mut self, turn: &Turn, now: Instant) -> bool {
        turn.core(|core| {
            if let Socket::Open { attempt, wire } = &self.socket {
                core.handle_writable(*attempt, wire.room(), now);
                if !wire.wants_flush() {
                    core.handle_flushed(*attempt, now);
                }
            }
            self.actions.extend(std::iter::from_fn(|| core.poll_action()));
        });
        let any = !self.actions.is_empty();
        while let Some(action) = self.actions.pop_front() {
            self.carry_out_one(turn, action);
        }
        any
    }

    fn carry_out_one(&mut self, turn: &Turn, action: Action) {
        match action {
            Action::Send { attempt, text } => {
                if let Some(wire) = self.wire(attempt) {
                    wire.send(text);
                }
            }
            Action::Ping { attempt } => {
                if let Some(wire) = self.wire(attempt) {
                    wire.ping();
                }
            }
            Action::Close { attempt, code } => {
                if let Some(wire) = self.wire(attempt) {
                    wire.close(code, "");
                }
            }
            Action::Abort { .. } => self.socket = Socket::None,
            Action::Connect { attempt, endpoint, trust } => {
                // A desktop must never see two sockets of one app: the official one then forgets the newer.
                self.lingering = None;
                let tls = match trust {
                    Trust::Exchange => Ok(None),
                    Trust::Mutual(generation) => self.jobs.tls_config(generation).map(Some),
                };
                let max = turn.core(|core| core.config().limits.message_bytes);
                let runtime = self.runtime.clone();
                let opening = Box::pin(async move { connect(runtime, endpoint, tls?, max).await });
                self.socket = Socket::Opening { attempt, opening };
            }
            Action::Job { job, kind } => {
                let jobs = Arc::clone(&self.jobs);
                let app = Arc::clone(&self.app);
                let work = self.runtime.unblock(move || (job, jobs.run(kind, app.clock().now())));
                self.running.push(Box::pin(work));
            }
            other => tracing::error!("the driver does not know how to {other:?}"),
        }
    }

    fn write(&mut self, turn: &Turn, cx: &mut Context<'_>, now: Instant) -> bool {
        let Socket::Open { attempt, wire } = &mut self.socket else { return false };
        if !wire.wants_flush() {
            return false;
        }
        let attempt = *attempt;
        match wire.flush(cx) {
            Poll::Pending => false,
            Poll::Ready(Ok(())) => true,
            Poll::Ready(Err(cause)) => {
                // What the peer said last may still wait to be read, and tells more than that it is gone.
                let cause = wire.read(cx, &mut self.incoming).err().unwrap_or(cause);
                self.incoming.clear();
                self.end(turn, attempt, cause, now);
                true
            }
        }
    }

    fn end(&mut self, turn: &Turn, attempt: AttemptId, cause: CloseCause, now: Instant) {
        if let Socket::Open { wire, .. } = std::mem::replace(&mut self.socket, Socket::None)
            && matches!(cause, CloseCause::Code { .. })
        {
            self.lingering = Some(wire);
        }
        turn.core(|core| core.handle_closed(attempt, cause, now));
    }

    /// The socket of this attempt, if it is open.
    fn wire(&mut self, wanted: AttemptId) -> Option<&mut Wire> {
        match &mut self.socket {
            Socket::Open { attempt, wire } if *attempt == wanted => Some(wire),
            _ => None,
        }
    }

    /// Sets the alarm for the next timer. Says whether it has gone off already.
    fn arm(&mut self, turn: &Turn, cx: &mut Context<'_>) -> bool {
        let Some((at, _)) = turn.core(|core| core.poll_timeout()) else { return false };
        // An alarm that goes off early does no harm, and most timers only ever move on.
        if self.armed.is_none_or(|armed| at < armed) {
            self.alarm.as_mut().reset(self.app.clock().when(at));
            self.armed = Some(at);
        }
        if self.alarm.as_mut().poll_expired(cx).is_pending() {
            return false;
        }
        self.armed = None;
        true
    }
}

impl<R: Runtime> Future for Driver<R> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut turn = this.app.turn(cx.waker());
        for _ in 0..ROUNDS {
            if this.round(&mut turn, cx) || this.arm(&turn, cx) {
                continue;
            }
            if this.running.is_empty() && turn.is_over() {
                this.lingering = None;
                this.app.finish();
                return Poll::Ready(());
            }
            if turn.rest() {
                return Poll::Pending;
            }
        }
        // Still at work, so nobody else wakes the task.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<R: Runtime> Drop for Driver<R> {
    /// A runtime that is shut down drops its tasks: whoever waits for the end must not wait for ever.
    fn drop(&mut self) {
        self.app.finish();
    }
}
