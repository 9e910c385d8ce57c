//! The loop of one WebSocket: commands in, answers and events out.

use std::collections::VecDeque;
use std::future::{Future as _, poll_fn};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use flipper_async::client::wire::Incoming;
use flipper_async::desk::Replies;
use flipper_async::wire::Wire;
use flipper_proto::desktop::Outcome;
use flipper_proto::{CloseCause, CloseCode, RequestId, Text};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Sleep, sleep, timeout};

use crate::api::server::Server;
use crate::audience::{Events, Occurrence};

/// After so many rounds of work the task lets others run.
const ROUNDS: usize = 32;

/// How many events are told in a round.
const EVENTS: usize = 256;

/// How many requests of one observer may be under way.
pub(super) const MAX_IN_FLIGHT: usize = 1_024;

/// How many bytes of answers may wait for somebody who does not read them.
const MAX_UNREAD: usize = 256 << 20;

/// How long a peer may take to close its side.
const PATIENCE: Duration = Duration::from_secs(2);

/// What RFC 6455 has for peers that break the protocol of WebSockets, and for messages that are not taken.
const PROTOCOL_ERROR: CloseCode = CloseCode::from_u16(1002);
const POLICY: CloseCode = CloseCode::from_u16(1008);

/// What is said on a WebSocket, and what it means.
pub(super) trait Dialect: Send {
    /// Takes what the observer sent.
    fn hear(&mut self, texts: Vec<Text>, talk: &mut Talk);

    /// A request that was made by [`Talk::replies`] has ended.
    fn answer(&mut self, request: RequestId, outcome: Outcome, talk: &mut Talk);

    /// Something happened.
    fn tell(&mut self, occurrence: &Occurrence, talk: &mut Talk);

    /// So many events went missing.
    fn tell_missed(&mut self, count: u64, talk: &mut Talk);

    /// The time that [`Talk::wake_after`] was given is over.
    fn wake(&mut self, _talk: &mut Talk) {}
}

/// What a dialect has to work with.
pub(super) struct Talk {
    pub(super) server: Server,
    /// Makes requests whose replies come back to the dialect.
    pub(super) replies: Replies,
    /// What is listened to.
    pub(super) events: Option<Events>,
    /// What is to be said, in order.
    said: VecDeque<String>,
    /// What has to be looked up before it can be said, one after the other.
    errands: VecDeque<Errand>,
    errand: Option<JoinHandle<String>>,
    alarm: Option<Pin<Box<Sleep>>>,
    end: Option<End>,
}

/// Finds out what to say. It may block.
type Errand = Box<dyn FnOnce() -> String + Send>;

/// How a conversation ends.
enum End {
    /// This side closes it.
    Close(CloseCode, String),
    /// The peer has closed it.
    Closed,
    /// There is nobody left to say it to.
    Lost,
}

impl End {
    fn going_away() -> Self {
        Self::Close(CloseCode::GOING_AWAY, "the desktop is going away".to_owned())
    }
}

impl Talk {
    /// Says something.
    pub(super) fn say(&mut self, text: String) {
        self.said.push_back(text);
    }

    /// Says something that has to be read from files first.
    pub(super) fn look_up(&mut self, errand: impl FnOnce() -> String + Send + 'static) {
        self.errands.push_back(Box::new(errand));
    }

    /// Has the dialect woken once.
    pub(super) fn wake_after(&mut self, time: Duration) {
        self.alarm = Some(Box::pin(sleep(time)));
    }

    /// It is not to be woken any more.
    pub(super) fn sleep_on(&mut self) {
        self.alarm = None;
    }

    /// Whether there is something that the observer has not taken yet.
    fn is_busy(&self) -> bool {
        !self.said.is_empty() || !self.errands.is_empty() || self.errand.is_some()
    }

    /// Ends it, because of what the observer does.
    pub(super) fn refuse(&mut self, reason: &str) {
        self.end = Some(End::Close(POLICY, reason.to_owned()));
    }
}

/// A WebSocket, and what is said on it. Every round goes the same way: read, do, say, write. Answers and events take
/// turns in going first, so that neither keeps the other from being told.
///
/// Who does not read is not read from either; its events go missing, and it is told how many.
pub(super) struct Conversation<D> {
    wire: Wire,
    dialect: D,
    talk: Talk,
    arrived: Vec<Incoming>,
    taken: Vec<(RequestId, Outcome)>,
    /// Requests that have ended, and were not answered yet.
    ended: VecDeque<(RequestId, Outcome)>,
    ended_bytes: usize,
    events_first: bool,
}

impl<D: Dialect> Conversation<D> {
    pub(super) fn new(server: Server, wire: Wire, begin: impl FnOnce(&mut Talk) -> D) -> Self {
        let replies = server.desktop().desk().replies();
        let mut talk = Talk {
            server,
            replies,
            events: None,
            said: VecDeque::new(),
            errands: VecDeque::new(),
            errand: None,
            alarm: None,
            end: None,
        };
        Self {
            wire,
            dialect: begin(&mut talk),
            talk,
            arrived: Vec::new(),
            taken: Vec::new(),
            ended: VecDeque::new(),
            ended_bytes: 0,
            events_first: false,
        }
    }

    /// Ready when the connection is over.
    pub(super) async fn run(mut self) {
        let server = self.talk.server.clone();
        let end = tokio::select! {
            end = poll_fn(|cx| self.poll(cx)) => end,
            () = server.stopping() => End::going_away(),
        };
        match end {
            End::Close(code, reason) => self.wire.close(code, &reason),
            End::Closed => {}
            End::Lost => return,
        }
        // A peer that does not close its side is left behind.
        let _closed = timeout(PATIENCE, poll_fn(|cx| self.wire.part(cx))).await;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        for _ in 0..ROUNDS {
            match self.round(cx) {
                Ok(true) => {}
                Ok(false) => return Poll::Pending,
                Err(end) => return Poll::Ready(end),
            }
        }
        // Still at work, so nobody else wakes the task.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Returns whether there was anything to do.
    fn round(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        let mut worked = self.listen(cx)? | self.wake(cx) | self.run_errands(cx)?;
        if self.talk.replies.poll_take(cx, &mut self.taken).is_ready() {
            self.ended_bytes += self.taken.iter().map(|(_, outcome)| bytes_of(outcome)).sum::<usize>();
            self.ended.extend(self.taken.drain(..));
            worked = true;
        }
        if self.ended_bytes > MAX_UNREAD {
            return Err(End::Close(CloseCode::LIMIT, "too many bytes of answers wait, and are not read".to_owned()));
        }
        self.events_first = !self.events_first;
        if self.events_first {
            worked |= self.tell(cx)?;
        }
        worked |= self.answer();
        if !self.events_first {
            worked |= self.tell(cx)?;
        }
        if let Some(end) = self.talk.end.take() {
            return Err(end);
        }
        if self.wire.wants_flush() {
            match self.wire.flush(cx) {
                Poll::Pending => {}
                Poll::Ready(Ok(())) => worked = true,
                Poll::Ready(Err(_)) => return Err(End::Lost),
            }
        }
        Ok(worked)
    }

    /// Reads, unless there is something to say that the observer does not take.
    fn listen(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        if self.talk.is_busy() || !self.ended.is_empty() {
            return Ok(false);
        }
        let read = self.wire.read(cx, &mut self.arrived);
        let mut texts = Vec::with_capacity(self.arrived.len());
        for incoming in self.arrived.drain(..) {
            match incoming {
                Incoming::Text(text) => texts.push(text),
                Incoming::Binary(_) => self.talk.refuse("commands are text messages"),
                Incoming::Alive => {}
            }
        }
        let worked = !texts.is_empty();
        if worked {
            self.dialect.hear(texts, &mut self.talk);
        }
        match read {
            Ok(()) => Ok(worked),
            Err(CloseCause::TooLarge { max, .. }) => {
                Err(End::Close(CloseCode::LIMIT, format!("a message may have {max} bytes")))
            }
            Err(CloseCause::WebSocket(_)) => {
                Err(End::Close(PROTOCOL_ERROR, "the frames cannot be understood".to_owned()))
            }
            Err(CloseCause::Code { .. }) => Err(End::Closed),
            Err(_) => Err(End::Lost),
        }
    }

    fn wake(&mut self, cx: &mut Context<'_>) -> bool {
        let is_time = self.talk.alarm.as_mut().is_some_and(|alarm| alarm.as_mut().poll(cx).is_ready());
        if is_time {
            self.talk.alarm = None;
            self.dialect.wake(&mut self.talk);
        }
        is_time
    }

    /// Looks one thing up at a time, and the next one once that was taken.
    fn run_errands(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        if let Some(errand) = &mut self.talk.errand {
            let Poll::Ready(found) = Pin::new(errand).poll(cx) else { return Ok(false) };
            self.talk.errand = None;
            // An errand is cut short only where the runtime ends.
            self.talk.say(found.map_err(|_| End::going_away())?);
            return Ok(true);
        }
        if !self.talk.said.is_empty() {
            return Ok(false);
        }
        let Some(errand) = self.talk.errands.pop_front() else { return Ok(false) };
        self.talk.errand = Some(spawn_blocking(errand));
        Ok(true)
    }

    /// Says what there is to say as an answer, as far as the socket takes it.
    fn answer(&mut self) -> bool {
        let mut worked = self.send();
        while self.wire.room() > 0
            && let Some((request, outcome)) = self.ended.pop_front()
        {
            self.ended_bytes -= bytes_of(&outcome);
            self.dialect.answer(request, outcome, &mut self.talk);
            self.send();
            worked = true;
        }
        worked
    }

    /// Says what has happened, as far as the socket takes it.
    fn tell(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        if self.wire.room() == 0 || !self.talk.said.is_empty() {
            return Ok(false);
        }
        let Some(mut events) = self.talk.events.take() else { return Ok(false) };
        let polled = events.poll_batch(cx, EVENTS);
        self.talk.events = Some(events);
        match polled {
            Poll::Pending => Ok(false),
            Poll::Ready(None) => Err(End::going_away()),
            Poll::Ready(Some(batch)) => {
                if batch.missed > 0 {
                    self.dialect.tell_missed(batch.missed, &mut self.talk);
                }
                for occurrence in &batch.occurrences {
                    self.dialect.tell(occurrence, &mut self.talk);
                }
                self.send();
                Ok(true)
            }
        }
    }

    fn send(&mut self) -> bool {
        let mut worked = false;
        while self.wire.room() > 0
            && let Some(text) = self.talk.said.pop_front()
        {
            self.wire.send(text);
            worked = true;
        }
        worked
    }
}

fn bytes_of(outcome: &Outcome) -> usize {
    let held = match outcome {
        Outcome::Success(raw) | Outcome::Error { raw, .. } => raw.as_json().len(),
        _ => 0,
    };
    held + mem::size_of::<Outcome>()
}
