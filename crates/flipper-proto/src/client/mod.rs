//! The app's side: from nothing to a session, and back to one for ever.

mod action;
mod backoff;
mod bursts;
mod config;
mod exchange;
mod plugins;
mod policy;
mod session;
mod state;

pub use self::action::{Action, Endpoint, Event, Job, JobOutcome, Prepared, Reply, Timer, Trust};
pub use self::config::{Backoff, Config, MediumChoice, Os, Ports, Timing};
pub use self::plugins::PluginMode;
pub use self::state::{
    Counters, CredentialFailure, CredentialProblem, Credentials, ExchangeReason, Failure, Grant, Purpose, State, Step,
};

use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::{String, ToString};
use core::mem;

use crate::close::{CloseCause, CloseCode};
use crate::error::{ApiMisuse, ErrorReport, ProtocolError};
use crate::identity::PluginId;
use crate::ids::{AttemptId, CallId, Counter, Generation, JobId};
use crate::text::{Payload, Text};
use crate::time::Instant;
use crate::wire::encode;

use self::backoff::Retries;
use self::bursts::Bursts;
use self::exchange::Exchange;
use self::plugins::Plugins;
use self::policy::Vault;
use self::session::{Calls, Outbox, Session};

/// The app's side of a connection, as a state machine without IO.
///
/// Facts go in through the `handle_…` methods, which never fail; an app's wishes through the others. After any of them,
/// drain [`poll_action`](Self::poll_action), then [`poll_event`](Self::poll_event), then re-arm one timer with
/// [`poll_timeout`](Self::poll_timeout). The crate's documentation holds the loop.
#[derive(Debug)]
pub struct Client {
    config: Config,
    phase: Phase,
    plugins: Plugins,
    calls: Calls,
    outbox: Outbox,
    bursts: Bursts,
    vault: Vault,
    errands: BTreeMap<JobId, Errand>,
    retries: Retries,
    /// What the client presents instead of its real operating system, since a desktop refused that.
    presented_os: Option<String>,
    history: exchange::History,
    last_failure: Option<Failure>,
    told_state: State,
    counters: Counters,
    actions: VecDeque<Action>,
    events: VecDeque<Event>,
    attempts: Counter,
    jobs: Counter,
    call_ids: Counter,
}

/// Where the client is, with all that belongs to being there.
#[derive(Debug)]
enum Phase {
    Stopped,
    Loading { job: JobId },
    Waiting { until: Instant },
    Exchange(Exchange),
    Opening { attempt: AttemptId, generation: Generation, deadline: Instant },
    Connected(Session),
    Closing { attempt: AttemptId, deadline: Instant, then: AfterClose },
}

/// What a closing socket makes room for.
#[derive(Clone, Copy, Debug)]
enum AfterClose {
    Stop,
    Advance,
    Retry,
}

/// A job that no phase waits for.
#[derive(Debug)]
enum Errand {
    /// It puts the disk in order. Its end changes nothing here.
    Chore,
    /// It puts these credentials in use. If that fails, it is tried again.
    Promotion(Generation),
    /// It makes or works on credentials that nobody wants any more, and that go once it is done. Those of a key that is
    /// still being made are known only then.
    Abandoned(Option<Generation>),
}

impl Client {
    /// A client that is stopped and has no plugins.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let bursts = Bursts::new(config.event_pause);
        Self {
            retries: Retries::new(config.backoff.clone(), config.seed),
            config,
            phase: Phase::Stopped,
            plugins: Plugins::default(),
            calls: Calls::default(),
            outbox: Outbox::default(),
            bursts,
            vault: Vault::default(),
            errands: BTreeMap::new(),
            presented_os: None,
            history: exchange::History::default(),
            last_failure: None,
            told_state: State::Stopped,
            counters: Counters::default(),
            actions: VecDeque::new(),
            events: VecDeque::new(),
            attempts: Counter::default(),
            jobs: Counter::default(),
            call_ids: Counter::default(),
        }
    }

    // --- Facts ---

    /// The socket of `attempt` is open: the upgrade was answered with 101.
    pub fn handle_opened(&mut self, attempt: AttemptId, now: Instant) {
        if let Phase::Exchange(exchange) = &self.phase
            && exchange.is_opening(attempt)
        {
            self.exchange_opened();
        } else if let Phase::Opening { attempt: current, generation, .. } = self.phase
            && current == attempt
        {
            self.prove(generation, now);
            self.outbox.open();
            self.phase = Phase::Connected(Session::new(attempt, now, &self.config));
            self.tell_state();
        } else {
            self.counters.stale_facts += 1;
        }
    }

    /// A text message arrived.
    pub fn handle_message(&mut self, attempt: AttemptId, text: impl Into<Text>, now: Instant) {
        if let Phase::Connected(session) = &mut self.phase
            && session.attempt == attempt
        {
            session.alive(now, &self.config.timing);
            self.bursts.pass(now);
            self.session_message(&text.into());
            self.tell_state();
        } else if let Phase::Exchange(exchange) = &self.phase
            && exchange.awaits_answer(attempt)
        {
            self.exchange_answered(&text.into(), now);
        } else if !self.has_socket(attempt) {
            self.counters.stale_facts += 1;
        }
        // What else a peer sends, after its answer or while it is being closed, changes nothing any more.
    }

    /// A binary message arrived. One that holds text is read like a text message.
    pub fn handle_binary(&mut self, attempt: AttemptId, bytes: &[u8], now: Instant) {
        if !self.has_socket(attempt) {
            self.counters.stale_facts += 1;
            return;
        }
        match core::str::from_utf8(bytes) {
            Ok(text) => {
                self.counters.binary_messages += 1;
                self.handle_message(attempt, text, now);
            }
            Err(error) => {
                self.handle_alive(attempt, now);
                self.misbehaved(ProtocolError::NotText { at: error.valid_up_to() });
            }
        }
    }

    /// The peer gave a sign of life that is no message: a pong, a ping, or part of a long message.
    pub fn handle_alive(&mut self, attempt: AttemptId, now: Instant) {
        if let Phase::Connected(session) = &mut self.phase
            && session.attempt == attempt
        {
            session.alive(now, &self.config.timing);
            self.tell_state();
        }
    }

    /// The socket takes `room` more bytes. `Send` is given while there is any; a message larger than the rest of it goes
    /// all the same, and leaves none.
    pub fn handle_writable(&mut self, attempt: AttemptId, room: usize, now: Instant) {
        if self.has_socket(attempt) {
            self.bursts.pass(now);
            self.outbox.room = room;
        }
    }

    /// Every message that was given for `attempt` is with the system. Needed for [`is_flushed`](Self::is_flushed) alone:
    /// tell it in every turn in which it is so, before actions are polled.
    pub fn handle_flushed(&mut self, attempt: AttemptId, _now: Instant) {
        if self.has_socket(attempt) {
            self.outbox.flushed();
        }
    }

    /// The socket of `attempt` has ended, or could not be opened.
    pub fn handle_closed(&mut self, attempt: AttemptId, cause: CloseCause, now: Instant) {
        if !self.has_socket(attempt) {
            self.counters.stale_facts += 1;
            return;
        }
        match mem::replace(&mut self.phase, Phase::Stopped) {
            Phase::Exchange(exchange) => self.exchange_closed(exchange, cause, now),
            Phase::Opening { generation, .. } => self.opening_failed(generation, cause, now),
            Phase::Connected(session) => self.session_ended(&session, cause, now),
            Phase::Closing { then, .. } => self.closed(then, now),
            phase @ (Phase::Stopped | Phase::Loading { .. } | Phase::Waiting { .. }) => {
                self.phase = phase;
            }
        }
    }

    /// The work of `job` is done.
    pub fn handle_job_done(&mut self, job: JobId, outcome: JobOutcome, now: Instant) {
        match &self.phase {
            Phase::Loading { job: current } if *current == job => return self.loaded(outcome, now),
            Phase::Exchange(exchange) if exchange.works_on(job) => return self.exchange_worked(outcome, now),
            Phase::Stopped
            | Phase::Loading { .. }
            | Phase::Waiting { .. }
            | Phase::Exchange(_)
            | Phase::Opening { .. }
            | Phase::Connected(_)
            | Phase::Closing { .. } => {}
        }
        match (self.errands.remove(&job), outcome) {
            // A key that nobody waits for any more must not stay on the disk.
            (Some(Errand::Abandoned(Some(generation))), _) => self.chore(Job::Discard { generation }),
            (Some(Errand::Abandoned(None)), JobOutcome::Prepared(prepared)) => {
                self.chore(Job::Discard { generation: prepared.generation });
            }
            (Some(Errand::Promotion(generation)), JobOutcome::Failed(failure)) => {
                if self.vault.proven.as_ref().is_some_and(|proven| proven.generation == generation) {
                    self.vault.unpromoted = Some(generation);
                }
                self.failed(Failure::Credentials(failure), now);
            }
            (Some(Errand::Chore), JobOutcome::Failed(failure)) => self.failed(Failure::Credentials(failure), now),
            (Some(Errand::Promotion(_)), _) => self.prune(),
            (Some(Errand::Chore | Errand::Abandoned(None)), _) => {}
            (None, _) => self.counters.stale_facts += 1,
        }
    }

    /// Time has passed. Wanted when the moment of [`poll_timeout`](Self::poll_timeout) has come; harmless at any other.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_none_or(|(at, _)| at > now) {
            return;
        }
        match self.phase {
            Phase::Stopped | Phase::Loading { .. } => {}
            Phase::Waiting { .. } => self.resume(now),
            Phase::Exchange(_) => self.exchange_timed_out(now),
            Phase::Opening { attempt, generation, .. } => {
                self.actions.push_back(Action::Abort { attempt });
                self.opening_failed(generation, CloseCause::Timeout, now);
            }
            Phase::Connected(_) => self.session_timeout(now),
            Phase::Closing { attempt, then, .. } => {
                self.actions.push_back(Action::Abort { attempt });
                self.closed(then, now);
            }
        }
    }

    // --- What the app wants ---

    /// Begins to look for the desktop, and goes on until [`stop`](Self::stop). Does nothing if it has begun.
    pub fn start(&mut self, now: Instant) {
        match &mut self.phase {
            Phase::Stopped => {
                if self.vault.proven.is_some() {
                    self.advance(now);
                } else {
                    self.load();
                }
            }
            Phase::Closing { then: then @ AfterClose::Stop, .. } => *then = AfterClose::Advance,
            Phase::Loading { .. }
            | Phase::Waiting { .. }
            | Phase::Exchange(_)
            | Phase::Opening { .. }
            | Phase::Connected(_)
            | Phase::Closing { .. } => {}
        }
    }

    /// Ends whatever is going on, and stays stopped until [`start`](Self::start). A session sends the answers and events
    /// that are queued before it closes, as far as the desktop reads them in time.
    pub fn stop(&mut self, now: Instant) {
        let deadline = now.later(self.config.timing.close);
        self.retries.reset();
        self.vault.strikes = 0;
        self.vault.exchange_failed = false;
        match mem::replace(&mut self.phase, Phase::Stopped) {
            Phase::Stopped | Phase::Loading { .. } | Phase::Waiting { .. } => {}
            Phase::Exchange(exchange) => self.drop_exchange(&exchange),
            Phase::Opening { attempt, .. } => self.actions.push_back(Action::Abort { attempt }),
            Phase::Connected(session) => {
                self.begin_close(session.attempt, CloseCode::NORMAL, deadline, AfterClose::Stop);
                self.leave_session();
            }
            Phase::Closing { attempt, deadline, .. } => {
                self.phase = Phase::Closing { attempt, deadline, then: AfterClose::Stop };
            }
        }
        self.tell_state();
    }

    /// Adds a plugin. A desktop that is connected is told.
    ///
    /// # Errors
    /// [`ApiMisuse::DuplicatePlugin`], [`ApiMisuse::TooManyPlugins`].
    pub fn add_plugin(&mut self, id: impl Into<PluginId>, mode: PluginMode) -> Result<(), ApiMisuse> {
        self.plugins.add(id.into(), mode, &self.config.limits)?;
        self.announce_plugins();
        Ok(())
    }

    /// Removes a plugin, with the events that wait in it. Its calls that are not answered yet are answered with an
    /// error. A desktop that is connected is told.
    ///
    /// # Errors
    /// [`ApiMisuse::UnknownPlugin`].
    pub fn remove_plugin(&mut self, id: &str) -> Result<(), ApiMisuse> {
        let plugin = self.plugins.known(id).ok_or(ApiMisuse::UnknownPlugin)?;
        let connected = self.plugins.remove(id)?;
        for call in self.calls.of(&plugin) {
            let report = ErrorReport::new(format!("Plugin {id} was removed")).named("PluginRemoved");
            let _answered = self.respond_error(call, &report);
        }
        if connected {
            self.events.push_back(Event::PluginDisconnected(plugin));
        }
        self.announce_plugins();
        Ok(())
    }

    /// Sends an event of a plugin. Until the desktop has initialised the plugin, and while it does not read, events wait
    /// in the plugin's buffer, whose bounds are in [`Limits`](crate::Limits).
    ///
    /// # Errors
    /// [`ApiMisuse::UnknownPlugin`], [`ApiMisuse::TooLarge`].
    pub fn send(&mut self, plugin: &PluginId, method: &str, params: Option<&Payload>) -> Result<(), ApiMisuse> {
        let event = encode::event(plugin.as_str(), method, params);
        self.check_size(event.len())?;
        let pushed = self.plugins.push(plugin, event, &self.config.limits, self.config.overflow);
        self.counters.events_dropped = self.plugins.all_dropped();
        pushed
    }

    /// Answers a call, at any time after its [`Event::Call`]. An answer over the limit for messages, or one that finds
    /// the desktop not reading and the queue full, is replaced by an error that says so.
    ///
    /// # Errors
    /// [`ApiMisuse::UnknownCall`]: the call was answered before, or its session has ended.
    pub fn respond(&mut self, call: CallId, reply: &Reply) -> Result<(), ApiMisuse> {
        let pending = self.calls.take(call)?;
        let text = match (reply, pending.id) {
            (Reply::Success(value), Some(id)) => encode::success(id, value.as_json()),
            (Reply::Success(_), None) => return Ok(()),
            (Reply::Error(value), id) => encode::error(id, value.as_json()),
        };
        self.queue_answer(pending.id, text);
        Ok(())
    }

    /// Answers a call with an error of the usual shape.
    ///
    /// # Errors
    /// As [`respond`](Self::respond).
    pub fn respond_error(&mut self, call: CallId, error: &ErrorReport) -> Result<(), ApiMisuse> {
        let pending = self.calls.take(call)?;
        self.queue_answer(pending.id, encode::error(pending.id, &encode::report(error)));
        Ok(())
    }

    /// Answers [`Event::MethodQuery`].
    ///
    /// # Errors
    /// As [`respond`](Self::respond).
    pub fn respond_supported(&mut self, call: CallId, supported: bool) -> Result<(), ApiMisuse> {
        let pending = self.calls.take(call)?;
        if let Some(id) = pending.id {
            self.queue_answer(Some(id), encode::success(id, &format!("{{\"isSupported\":{supported}}}")));
        }
        Ok(())
    }

    /// Tells the desktop of an error outside any call. Without a session it goes nowhere.
    ///
    /// # Errors
    /// [`ApiMisuse::NotConnected`], [`ApiMisuse::TooLarge`].
    pub fn report_error(&mut self, error: &ErrorReport) -> Result<(), ApiMisuse> {
        if !matches!(self.phase, Phase::Connected(_)) {
            return Err(ApiMisuse::NotConnected);
        }
        let text = encode::error(None, &encode::report(error));
        self.check_size(text.len())?;
        self.queue_answer(None, text);
        Ok(())
    }

    // --- Decisions ---

    /// The next thing to do, in order. Poll it until `None` after every fact and every wish.
    pub fn poll_action(&mut self) -> Option<Action> {
        if let Some(action) = self.actions.pop_front() {
            return Some(action);
        }
        let attempt = match &self.phase {
            Phase::Connected(session) => session.attempt,
            Phase::Closing { attempt, .. } => *attempt,
            Phase::Exchange(exchange) => exchange.socket()?,
            Phase::Stopped | Phase::Loading { .. } | Phase::Waiting { .. } | Phase::Opening { .. } => return None,
        };
        if let Some(text) = self.outbox.next(&mut self.plugins, &mut self.bursts) {
            return Some(Action::Send { attempt, text });
        }
        let code = self.outbox.close_when_empty(&self.plugins)?;
        Some(Action::Close { attempt, code })
    }

    /// The next thing that happened. Poll it until `None` after [`poll_action`](Self::poll_action).
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), and why. Ask anew after every fact and every wish.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        let next = match &self.phase {
            Phase::Stopped | Phase::Loading { .. } => None,
            Phase::Waiting { until } => Some((*until, Timer::Retry)),
            Phase::Exchange(exchange) => exchange.deadline(),
            Phase::Opening { deadline, .. } => Some((*deadline, Timer::Connect)),
            Phase::Connected(session) => Some(match self.outbox.pause(&self.plugins, &self.bursts) {
                Some(until) if until < session.next_timer().0 => (until, Timer::Events),
                Some(_) | None => session.next_timer(),
            }),
            Phase::Closing { deadline, .. } => Some((*deadline, Timer::Close)),
        };
        next.filter(|(at, _)| *at < Instant::NEVER)
    }

    // --- Questions ---

    /// Where the client is.
    #[must_use]
    pub fn state(&self) -> State {
        match &self.phase {
            Phase::Stopped => State::Stopped,
            Phase::Loading { .. } => State::Preparing,
            Phase::Waiting { until } => State::Waiting { until: *until },
            Phase::Exchange(_) => State::Exchanging,
            Phase::Opening { .. } => State::Connecting,
            Phase::Connected(session) => {
                State::Connected { unresponsive: session.is_unresponsive(&self.config.timing) }
            }
            Phase::Closing { .. } => State::Closing,
        }
    }

    /// The latest failure, also when the client has got over it since.
    #[must_use]
    pub fn last_failure(&self) -> Option<&Failure> {
        self.last_failure.as_ref()
    }

    /// What was lost, refused or ignored so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Whether the desktop has initialised this plugin.
    #[must_use]
    pub fn is_plugin_connected(&self, id: &str) -> bool {
        self.plugins.connected(id).is_some()
    }

    /// How many events of a plugin wait to be sent.
    ///
    /// # Errors
    /// [`ApiMisuse::UnknownPlugin`].
    pub fn waiting_events(&self, plugin: &str) -> Result<usize, ApiMisuse> {
        self.plugins.waiting(plugin)
    }

    /// How many events of a plugin were dropped because its buffer was full.
    ///
    /// # Errors
    /// [`ApiMisuse::UnknownPlugin`].
    pub fn dropped_events(&self, plugin: &str) -> Result<u64, ApiMisuse> {
        self.plugins.dropped(plugin)
    }

    /// Whether everything that this plugin has sent, and every answer and error, has left the app: it was given to the
    /// system, in a session that goes on. Whether the desktop has read it nobody can tell.
    #[must_use]
    pub fn is_flushed(&self, plugin: &str) -> bool {
        let connected = matches!(self.phase, Phase::Connected(_));
        connected && self.outbox.is_flushed() && self.plugins.waiting(plugin) == Ok(0)
    }

    /// The settings that the client was made with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    // --- On the way ---

    fn begin_close(&mut self, attempt: AttemptId, code: CloseCode, deadline: Instant, then: AfterClose) {
        self.outbox.close(code);
        self.phase = Phase::Closing { attempt, deadline, then };
    }

    fn closed(&mut self, then: AfterClose, now: Instant) {
        self.phase = Phase::Stopped;
        self.drop_queue();
        match then {
            AfterClose::Stop => {}
            AfterClose::Advance => return self.advance(now),
            AfterClose::Retry => self.phase = Phase::Waiting { until: now.later(self.retries.next_wait()) },
        }
        self.tell_state();
    }

    fn has_socket(&self, attempt: AttemptId) -> bool {
        match &self.phase {
            Phase::Exchange(exchange) => exchange.has_socket(attempt),
            Phase::Opening { attempt: current, .. } | Phase::Closing { attempt: current, .. } => *current == attempt,
            Phase::Connected(session) => session.attempt == attempt,
            Phase::Stopped | Phase::Loading { .. } | Phase::Waiting { .. } => false,
        }
    }

    fn start_job(&mut self, kind: Job) -> JobId {
        let job = JobId::from_u64(self.jobs.next());
        self.actions.push_back(Action::Job { job, kind });
        job
    }

    /// Starts a job that nothing waits for.
    fn chore(&mut self, kind: Job) {
        let job = self.start_job(kind);
        self.errands.insert(job, Errand::Chore);
    }

    /// Forgets what was queued for a socket that is gone. The events of plugins stay with them.
    fn drop_queue(&mut self) {
        self.outbox.clear();
        self.plugins.end_turns();
    }

    fn step(&mut self, step: Step, now: Instant) {
        self.history.push(now, &step.to_string(), true);
        self.events.push_back(Event::Step(step));
    }

    fn failed(&mut self, failure: Failure, now: Instant) {
        self.history.push(now, &failure.to_string(), false);
        self.last_failure = Some(failure.clone());
        self.events.push_back(Event::Failed(failure));
    }

    fn misbehaved(&mut self, error: ProtocolError) {
        self.counters.bad_messages += 1;
        if let ProtocolError::UnexpectedReply(_) = error {
            self.counters.unexpected_replies += 1;
        }
        self.last_failure = Some(Failure::Protocol(error.clone()));
        self.events.push_back(Event::PeerMisbehaved(error));
    }

    fn tell_state(&mut self) {
        let state = self.state();
        if state != self.told_state {
            self.told_state = state.clone();
            self.events.push_back(Event::StateChanged(state));
        }
    }

    fn check_size(&self, size: usize) -> Result<(), ApiMisuse> {
        let max = self.config.limits.message_bytes;
        if size > max { Err(ApiMisuse::TooLarge { size, max }) } else { Ok(()) }
    }
}
