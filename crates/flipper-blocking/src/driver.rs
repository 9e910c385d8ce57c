//! The driver of an app: one thread, one loop.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Poll, Waker};

use flipper_client::wire::Incoming;
use flipper_client::{App, Jobs, Turn};
use flipper_proto::client::{Action, CredentialFailure, CredentialProblem, Endpoint, Event, Job, JobOutcome, Trust};
use flipper_proto::{AttemptId, CloseCause, Instant, JobId};
use polling::Events;

use crate::bell::{Bell, RingsAtLast};
use crate::crew::Crew;
use crate::dial::Dialer;
use crate::handlers::Handlers;
use crate::opening::Opening;
use crate::wire::Wire;

/// Drives an app until it is stopped. Every round goes the same way: due timer, finished jobs, read, events, decisions,
/// write. It reads and writes in the same round, so that two peers that flood each other never wait for each other.
pub(crate) struct Driver {
    app: Arc<App>,
    jobs: Arc<Jobs>,
    bell: Arc<Bell>,
    crew: Arc<Crew>,
    handlers: Arc<Handlers>,
    dialer: Dialer,
    socket: Socket,
    /// A socket that the peer closes, until it has ended or a new one is wanted.
    lingering: Option<Box<Wire>>,
    /// Jobs that are not done yet.
    running: usize,
    done: (Sender<Done>, Receiver<Done>),
    incoming: Vec<Incoming>,
    events: Vec<Event>,
    actions: VecDeque<Action>,
    /// Whether there is room for what could be read.
    reads: bool,
}

type Done = (JobId, JobOutcome);

enum Socket {
    None,
    Opening { attempt: AttemptId, opening: Box<Opening> },
    Open { attempt: AttemptId, wire: Box<Wire> },
}

impl Driver {
    pub(crate) fn new(app: Arc<App>, jobs: Jobs, bell: Arc<Bell>, crew: Arc<Crew>, handlers: Arc<Handlers>) -> Self {
        Self {
            app,
            jobs: Arc::new(jobs),
            dialer: Dialer::new(Arc::clone(&bell)),
            bell,
            crew,
            handlers,
            socket: Socket::None,
            lingering: None,
            running: 0,
            done: channel(),
            incoming: Vec::new(),
            events: Vec::new(),
            actions: VecDeque::new(),
            reads: true,
        }
    }

    /// Drives the app to its end.
    pub(crate) fn run(mut self) {
        let waker = Waker::from(Arc::clone(&self.bell));
        let mut rang_for = Events::new();
        loop {
            let turn = self.app.turn(&waker);
            loop {
                if self.round(&turn) {
                    continue;
                }
                if self.running == 0 && turn.is_over() {
                    return;
                }
                if turn.rest() {
                    break;
                }
            }
            if let Err(error) = self.wait(&turn, &mut rang_for) {
                tracing::error!("Flipper ends, because its sockets cannot be waited for: {error}");
                return;
            }
        }
    }

    /// One round. Says whether there may be more to do at once.
    fn round(&mut self, turn: &Turn) -> bool {
        let now = self.app.clock().now();
        let due = turn.tick(now);
        let worked = self.finish_jobs(turn, now);
        let read = self.read(turn, now);
        let told = turn.take_events(&mut self.events);
        if told {
            self.handlers.hand_over(&mut self.events, self.app.is_observed());
        }
        let acted = self.carry_out(turn, now);
        let written = self.write(turn, now);
        due | worked | read | told | acted | written
    }

    fn finish_jobs(&mut self, turn: &Turn, now: Instant) -> bool {
        let mut any = false;
        while let Ok((job, outcome)) = self.done.1.try_recv() {
            self.running -= 1;
            turn.core(|core| core.handle_job_done(job, outcome, now));
            any = true;
        }
        any
    }

    fn read(&mut self, turn: &Turn, now: Instant) -> bool {
        if let Some(wire) = &mut self.lingering
            && wire.linger().is_ready()
        {
            self.lingering = None;
        }
        match &mut self.socket {
            Socket::None => false,
            Socket::Opening { attempt, opening } => {
                let attempt = *attempt;
                match opening.go_on() {
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
                self.reads = self.handlers.has_room();
                if !self.reads {
                    return false;
                }
                let attempt = *attempt;
                let end = wire.read(&mut self.incoming).err();
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
            self.carry_out_one(turn, action, now);
        }
        any
    }

    fn carry_out_one(&mut self, turn: &Turn, action: Action, now: Instant) {
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
                    wire.close(code);
                }
            }
            Action::Abort { .. } => self.socket = Socket::None,
            Action::Connect { attempt, endpoint, trust } => {
                // A desktop must never see two sockets of one app: the official one then forgets the newer.
                self.lingering = None;
                match self.open(turn, endpoint, trust) {
                    Ok(opening) => self.socket = Socket::Opening { attempt, opening: Box::new(opening) },
                    Err(cause) => turn.core(|core| core.handle_closed(attempt, cause, now)),
                }
            }
            Action::Job { job, kind } => self.start_job(job, kind),
            other => tracing::error!("the driver does not know how to {other:?}"),
        }
    }

    fn open(&self, turn: &Turn, endpoint: Endpoint, trust: Trust) -> Result<Opening, CloseCause> {
        let tls = match trust {
            Trust::Exchange => None,
            Trust::Mutual(generation) => Some(self.jobs.tls_config(generation)?),
        };
        let (max, budget) = turn.core(|core| (core.config().limits.message_bytes, core.config().timing.connect));
        Opening::begin(&self.dialer, Arc::clone(&self.bell), endpoint, tls, max, budget)
    }

    /// Does a job on a thread of its own. Whatever becomes of that, there is an outcome.
    fn start_job(&mut self, job: JobId, kind: Job) {
        let (jobs, app, sender) = (Arc::clone(&self.jobs), Arc::clone(&self.app), self.done.0.clone());
        let rings = RingsAtLast(Arc::clone(&self.bell));
        let started = self.crew.spawn("flipper-work", move || {
            let _rings = rings;
            let work = AssertUnwindSafe(|| jobs.run(kind, app.clock().now()));
            let outcome =
                catch_unwind(work).unwrap_or_else(|_| failed("the work on the credentials panicked".to_owned()));
            // The driver waits for it, unless it has failed itself.
            let _nobody = sender.send((job, outcome));
        });
        self.running += 1;
        if let Err(error) = started {
            let outcome = failed(format!("no thread could be started to work on the credentials: {error}"));
            let _never = self.done.0.send((job, outcome));
        }
    }

    fn write(&mut self, turn: &Turn, now: Instant) -> bool {
        let Socket::Open { attempt, wire } = &mut self.socket else { return false };
        if !wire.wants_flush() {
            return false;
        }
        let attempt = *attempt;
        match wire.flush() {
            Poll::Pending => false,
            Poll::Ready(Ok(())) => true,
            Poll::Ready(Err(cause)) => {
                // What the peer said last may still wait to be read, and tells more than that it is gone.
                let cause = wire.read(&mut self.incoming).err().unwrap_or(cause);
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

    /// Waits for a socket, for somebody who rings, or for the next timer.
    fn wait(&mut self, turn: &Turn, rang_for: &mut Events) -> io::Result<()> {
        match &mut self.socket {
            Socket::None => {}
            Socket::Opening { opening, .. } => opening.watch()?,
            Socket::Open { wire, .. } => wire.watch(self.reads)?,
        }
        if let Some(wire) = &mut self.lingering {
            wire.watch(true)?;
        }
        let timer = turn.core(|core| core.poll_timeout());
        self.bell.wait(rang_for, timer.map(|(at, _)| self.app.clock().when(at)))?;
        match &mut self.socket {
            Socket::None => {}
            Socket::Opening { opening, .. } => opening.rang(rang_for),
            Socket::Open { wire, .. } => wire.rang(rang_for),
        }
        if let Some(wire) = &mut self.lingering {
            wire.rang(rang_for);
        }
        Ok(())
    }
}

impl Drop for Driver {
    /// Whatever ended the driver: whoever waits for the end must not wait for ever.
    fn drop(&mut self) {
        self.handlers.close();
        self.app.finish();
    }
}

fn failed(text: String) -> JobOutcome {
    JobOutcome::Failed(CredentialFailure { kind: CredentialProblem::Io, text })
}
