//! What all tasks of one desk share.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use event_listener::Event as Signal;
use flipper_client::Clock;
use flipper_proto::desktop::{Action, Admission, Channel, Config, Desktop, Event, Outcome, Refusal, Upgrade};
use flipper_proto::{ApiMisuse, CloseCause, ConnId, Excerpt, Instant, RequestId};

use super::news::{News, Port, Queue};
use super::options::Options;
use super::replies::Mailbox;
use super::reply::{PendingReply, ReplySlot};
use super::seat::{Line, Order, Seat};
use super::tap::Tap;

/// How many news are taken at once, and how many bytes of them: enough that the lock does not matter.
const BATCH: usize = 256;
const BATCH_BYTES: usize = 1 << 20;

/// One state machine, and those who wait for it.
pub(super) struct Shared {
    state: Mutex<State>,
    clock: Clock,
    options: Options,
    /// There are news, or there will never be any more.
    told: Signal,
    /// Reading may go on.
    roomy: Signal,
    stopping: Signal,
    ended: Signal,
}

pub(super) struct State {
    pub(super) core: Desktop,
    pub(super) lines: BTreeMap<ConnId, Line>,
    replies: BTreeMap<RequestId, ReplySlot>,
    pub(super) news: Queue,
    /// Somebody waits until there are fewer news.
    pub(super) held_back: bool,
    /// When the timer task wakes up by itself.
    armed: Option<Instant>,
    alarm: Option<Waker>,
    /// How many accept loops and connections there are, those that are on their way included.
    tasks: usize,
    stopping: bool,
    counters: Counters,
    pub(super) tap: Option<Arc<dyn Tap>>,
}

/// Sums of what came to nothing before the state machine could know of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Connections that were lost or given up before they asked for admission.
    pub failed_handshakes: u64,
    /// How many times the system gave no connection although one was there.
    pub failed_accepts: u64,
}

/// Whom to wake once the lock is free.
#[derive(Default)]
pub(super) struct Woken {
    tasks: Vec<Waker>,
    told: bool,
}

impl Shared {
    pub(super) fn new(config: Config, options: Options, clock: Clock) -> Arc<Self> {
        let state = State {
            core: Desktop::new(config),
            lines: BTreeMap::new(),
            replies: BTreeMap::new(),
            news: Queue::new(options.waiting_news, options.waiting_news_bytes),
            held_back: false,
            armed: None,
            alarm: None,
            tasks: 0,
            stopping: false,
            counters: Counters::default(),
            tap: None,
        };
        Arc::new(Self {
            state: Mutex::new(state),
            clock,
            options,
            told: Signal::new(),
            roomy: Signal::new(),
            stopping: Signal::new(),
            ended: Signal::new(),
        })
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    pub(super) fn counters(&self) -> Counters {
        self.lock().counters
    }

    /// Asks the state machine something.
    pub(super) fn peek<T>(&self, question: impl FnOnce(&Desktop) -> T) -> T {
        question(&self.lock().core)
    }

    /// Changes the state machine, and has its decisions carried out.
    pub(super) fn with_core<T>(&self, change: impl FnOnce(&mut Desktop, Instant) -> T) -> T {
        self.change(|state, now, _| change(&mut state.core, now))
    }

    /// Shows `tap` everything from now on, and who is there.
    pub(super) fn set_tap(&self, tap: Option<Arc<dyn Tap>>) {
        let before = self.change(|state, now, woken| {
            // What was decided before is not its business.
            state.settle(None, now, woken);
            if let Some(tap) = &tap {
                state.introduce(&**tap, now);
            }
            std::mem::replace(&mut state.tap, tap)
        });
        // Not under the lock: what it does when it is dropped is its own affair.
        drop(before);
    }

    /// Sends a request whose reply somebody waits for.
    pub(super) fn ask(
        self: &Arc<Self>,
        ask: impl FnOnce(&mut Desktop, Instant) -> Result<RequestId, ApiMisuse>,
    ) -> Result<PendingReply, ApiMisuse> {
        let request = self.change(|state, now, _| {
            let request = ask(&mut state.core, now)?;
            // Still under the lock, so that the reply cannot come before.
            state.replies.insert(request, ReplySlot::Wanted(None));
            Ok(request)
        })?;
        Ok(PendingReply::new(Arc::clone(self), request))
    }

    /// Sends any number of requests whose replies go to one mailbox.
    pub(super) fn ask_for<T>(
        &self,
        mailbox: &Arc<Mailbox>,
        ask: impl FnOnce(&mut Desktop, Instant, &mut Vec<RequestId>) -> T,
    ) -> T {
        self.change(|state, now, _| {
            let mut requests = Vec::new();
            let result = ask(&mut state.core, now, &mut requests);
            // Still under the lock, so that no reply can come before.
            let slots = requests.into_iter().map(|request| (request, ReplySlot::Mailbox(Arc::clone(mailbox))));
            state.replies.extend(slots);
            result
        })
    }

    pub(super) fn poll_reply(&self, request: RequestId, cx: &Context<'_>) -> Poll<Outcome> {
        let mut state = self.lock();
        match state.replies.remove(&request) {
            Some(ReplySlot::Here(outcome)) => Poll::Ready(outcome),
            Some(ReplySlot::Wanted(_)) => {
                state.replies.insert(request, ReplySlot::Wanted(Some(cx.waker().clone())));
                Poll::Pending
            }
            // It was taken before, and a future is not to be polled after that.
            Some(ReplySlot::Mailbox(_) | ReplySlot::Abandoned) | None => Poll::Pending,
        }
    }

    pub(super) fn abandon_reply(&self, request: RequestId) {
        let mut state = self.lock();
        if let Some(ReplySlot::Wanted(_)) = state.replies.remove(&request) {
            state.replies.insert(request, ReplySlot::Abandoned);
        }
    }

    // --- Connections ---

    /// Asks for admission. What has none is to be answered with this HTTP status.
    pub(super) fn admit(self: &Arc<Self>, channel: Channel, upgrade: Upgrade<'_>) -> Result<Seat, (u16, Refusal)> {
        let conn = self.change(|state, now, _| match state.core.handle_upgrade(channel, upgrade, now) {
            // One that is to be closed at once has that among its orders already.
            Admission::Accept(conn) | Admission::AcceptThenClose { conn, .. } => {
                state.lines.insert(conn, Line::default());
                Ok(conn)
            }
            Admission::Reject { status, reason } => Err((status, reason)),
        })?;
        Ok(Seat::new(Arc::clone(self), conn))
    }

    /// Ready while news are wanted.
    pub(super) async fn roomy(&self) {
        loop {
            let roomy = self.roomy.listen();
            if !self.holds_back() {
                return;
            }
            roomy.await;
        }
    }

    fn holds_back(&self) -> bool {
        let mut state = self.lock();
        let full = state.news.is_full();
        state.held_back |= full;
        full
    }

    // --- News ---

    /// The next news, up to a batch; `None` when the desk has ended.
    pub(super) async fn next_news(&self) -> Option<Vec<News>> {
        loop {
            if let Poll::Ready(news) = self.take_news() {
                return news;
            }
            let told = self.told.listen();
            // Once more: they may have come before this listened.
            if let Poll::Ready(news) = self.take_news() {
                return news;
            }
            told.await;
        }
    }

    fn take_news(&self) -> Poll<Option<Vec<News>>> {
        let mut state = self.lock();
        let mut woken = Woken::default();
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while taken.len() < BATCH && bytes < BATCH_BYTES {
            let Some((from, news)) = state.news.pop() else { break };
            bytes += news.weight();
            if state.relieve(from, &news, &mut woken) {
                self.roomy.notify(usize::MAX);
            }
            taken.push(news);
        }
        if taken.is_empty() {
            return if state.has_ended() { Poll::Ready(None) } else { Poll::Pending };
        }
        drop(state);
        woken.tasks.into_iter().for_each(Waker::wake);
        Poll::Ready(Some(taken))
    }

    pub(super) fn handshake_failed(&self, port: Port, peer: SocketAddr, cause: CloseCause) {
        tracing::debug!(%port, %peer, "a connection came to nothing: {cause}");
        self.change(|state, _, woken| {
            state.counters.failed_handshakes += 1;
            state.tell(None, News::HandshakeFailed { port, peer, cause }, woken);
        });
    }

    /// `first` is the first time since a connection was taken.
    pub(super) fn accept_failed(&self, port: Port, error: &std::io::Error, first: bool) {
        self.change(|state, _, woken| {
            state.counters.failed_accepts += 1;
            if first {
                tracing::warn!(%port, "no connection can be taken: {error}");
                state.tell(None, News::AcceptFailed { port, error: Excerpt::new(&error.to_string()) }, woken);
            }
        });
    }

    // --- Time ---

    /// Tells the state machine the time if it asked for that. Returns when to come again; `waker` is woken if that
    /// turns out to be too late.
    pub(super) fn tick(&self, waker: &Waker) -> Tick {
        self.change(|state, now, _| {
            if state.core.poll_timeout().is_some_and(|(at, _)| at <= now) {
                state.core.handle_timeout(now);
            }
            if state.has_ended() {
                return Tick::Over;
            }
            state.armed = state.core.poll_timeout().map(|(at, _)| at);
            state.alarm = Some(waker.clone());
            state.armed.map_or(Tick::Never, Tick::At)
        })
    }

    // --- The end ---

    /// Begins to end: nobody is let in any more, and everybody is asked to leave.
    pub(super) fn stop(&self) {
        self.change(|state, now, woken| {
            state.stopping = true;
            state.core.stop(now);
            self.after_task(state, woken);
        });
        self.stopping.notify(usize::MAX);
    }

    /// Ready once the desk has begun to end.
    pub(super) async fn stopping(&self) {
        loop {
            let stopping = self.stopping.listen();
            if self.lock().stopping {
                return;
            }
            stopping.await;
        }
    }

    /// Ready once every listener and every connection is gone.
    pub(super) async fn ended(&self) {
        loop {
            let ended = self.ended.listen();
            if self.lock().has_ended() {
                return;
            }
            ended.await;
        }
    }

    /// Counts a task among those that the desk ends with.
    pub(super) fn task(self: &Arc<Self>) -> Presence {
        self.lock().tasks += 1;
        Presence(Arc::clone(self))
    }

    fn after_task(&self, state: &mut State, woken: &mut Woken) {
        if state.has_ended() {
            woken.tasks.extend(state.alarm.take());
            woken.told = true;
            self.ended.notify(usize::MAX);
        }
    }

    // --- The lock ---

    /// Everything that changes anything goes through here.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State, Instant, &mut Woken) -> T) -> T {
        let mut woken = Woken::default();
        let mut state = self.lock();
        // Read under the lock, so that the state machine never sees time run backwards.
        let now = self.clock.now();
        let result = change(&mut state, now, &mut woken);
        state.settle(None, now, &mut woken);
        drop(state);
        woken.tasks.into_iter().for_each(Waker::wake);
        if woken.told {
            self.told.notify(usize::MAX);
        }
        result
    }

    /// No code of others runs under this lock but the closures of [`Shared::with_core`]; if one panics, what it left is
    /// still a state machine.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Hands out whatever the state machine decided, because of `from` if that is a connection.
    pub(super) fn settle(&mut self, from: Option<ConnId>, now: Instant, woken: &mut Woken) {
        let tap = self.tap.clone();
        let mut sent = Vec::new();
        while let Some(action) = self.core.poll_action() {
            let (conn, order) = match action {
                Action::Send { conn, text } => {
                    if tap.is_some() {
                        sent.push((conn, text.clone()));
                    }
                    (conn, Order::Send(text))
                }
                Action::Ping { conn } => (conn, Order::Ping),
                Action::Close { conn, code, reason } => (conn, Order::Close { code, reason }),
                Action::Abort { conn } => (conn, Order::Abort),
                other => {
                    tracing::error!("the driver does not know how to {other:?}");
                    continue;
                }
            };
            if let Some(line) = self.lines.get_mut(&conn) {
                line.orders.push(order);
                woken.tasks.extend(line.waker.take());
            }
        }
        while let Some(event) = self.core.poll_event() {
            if let Some(tap) = &tap {
                tap.told(&event, now);
            }
            self.tell_event(from, event, woken);
        }
        if let Some(tap) = tap {
            // After the events, so that a client is known before what is sent to it.
            sent.iter().for_each(|(conn, text)| tap.sent(*conn, text));
        }
        let next = self.core.poll_timeout().map(|(at, _)| at);
        if let Some(next) = next
            && self.armed.is_none_or(|armed| next < armed)
        {
            self.armed = Some(next);
            woken.tasks.extend(self.alarm.take());
        }
    }

    /// Tells `tap` of the clients that are there.
    fn introduce(&self, tap: &dyn Tap, now: Instant) {
        for status in self.core.clients() {
            let (client, info) = (status.client.clone(), status.info.clone());
            tap.told(&Event::ClientConnected { client: client.clone(), info }, now);
            if let Some(plugins) = status.plugins {
                let (plugins, background) = (plugins.to_vec(), status.background.to_vec());
                tap.told(&Event::PluginsChanged { client, plugins, background }, now);
            }
        }
    }

    fn tell_event(&mut self, from: Option<ConnId>, event: Event, woken: &mut Woken) {
        let Event::Reply { request, client, outcome } = event else {
            return self.tell(from, News::Event(event), woken);
        };
        match self.replies.remove(&request) {
            Some(ReplySlot::Wanted(waker)) => {
                self.replies.insert(request, ReplySlot::Here(outcome));
                woken.tasks.extend(waker);
            }
            Some(ReplySlot::Mailbox(mailbox)) => woken.tasks.extend(mailbox.put(request, outcome)),
            Some(ReplySlot::Here(_) | ReplySlot::Abandoned) => {}
            // Asked through `with_core`: whoever did so listens to the news.
            None => self.tell(from, News::Event(Event::Reply { request, client, outcome }), woken),
        }
    }

    fn tell(&mut self, from: Option<ConnId>, news: News, woken: &mut Woken) {
        let line = from.and_then(|conn| self.lines.get_mut(&conn));
        self.news.push(from, line.map(|line| &mut line.backlog), news);
        woken.told = true;
    }

    /// Some news that came from a connection were taken: whoever was held back goes on if there is room again. Returns
    /// whether there is for all.
    fn relieve(&mut self, from: Option<ConnId>, news: &News, woken: &mut Woken) -> bool {
        if let Some(line) = from.and_then(|conn| self.lines.get_mut(&conn)) {
            line.backlog.take(news);
            if line.held_back && self.news.lets_go_on(line.backlog) {
                woken.tasks.extend(line.waker.take());
            }
        }
        if !self.held_back || !self.news.is_roomy() {
            return false;
        }
        self.held_back = false;
        for line in self.lines.values_mut().filter(|line| line.held_back && self.news.lets_go_on(line.backlog)) {
            woken.tasks.extend(line.waker.take());
        }
        true
    }

    fn has_ended(&self) -> bool {
        self.stopping && self.tasks == 0
    }
}

/// What the timer task is to do.
pub(super) enum Tick {
    At(Instant),
    Never,
    Over,
}

/// A task that the desk ends with. To be dropped after everything that the task holds.
pub(super) struct Presence(Arc<Shared>);

impl Drop for Presence {
    fn drop(&mut self) {
        self.0.change(|state, _, woken| {
            state.tasks -= 1;
            self.0.after_task(state, woken);
        });
    }
}
