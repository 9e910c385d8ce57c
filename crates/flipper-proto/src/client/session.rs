//! A session: the requests of the desktop, the answers and events on their way to it, and whether it is still there.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::close::{CloseCause, CloseCode};
use crate::error::{ApiMisuse, ErrorReport, ProtocolError};
use crate::identity::PluginId;
use crate::ids::{AttemptId, CallId, MessageId};
use crate::limits::Limits;
use crate::text::{Payload, Text};
use crate::time::Instant;
use crate::wire::decode::{Envelope, Field, Params};
use crate::wire::encode;

use super::action::{Action, Event, Job, Timer};
use super::bursts::Bursts;
use super::config::{Config, Timing};
use super::plugins::Plugins;
use super::state::{Failure, Purpose};
use super::{AfterClose, Client, Errand, Phase};

/// An open session and how alive its peer is.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) attempt: AttemptId,
    opened_at: Instant,
    /// When the session counts as stable; `None` once it does.
    stable_at: Option<Instant>,
    last_alive: Instant,
    /// When to look whether the peer has been silent, and to ping it.
    check_at: Instant,
    /// Checks in a row that found it silent. The first sends a ping; every further one finds the last ping missed.
    ///
    /// Silence is counted in checks and never read off the clock: after a breakpoint in this program, or when the machine
    /// wakes up, the clock has run on while nobody listened.
    silent_checks: u32,
}

impl Session {
    pub(super) fn new(attempt: AttemptId, now: Instant, config: &Config) -> Self {
        Self {
            attempt,
            opened_at: now,
            stable_at: Some(now + config.backoff.stable),
            last_alive: now,
            check_at: now + config.timing.ping,
            silent_checks: 0,
        }
    }

    pub(super) fn alive(&mut self, now: Instant, timing: &Timing) {
        self.last_alive = now;
        self.check_at = now + timing.ping;
        self.silent_checks = 0;
    }

    pub(super) fn is_unresponsive(&self, timing: &Timing) -> bool {
        self.silent_checks > timing.missed_pings
    }

    pub(super) fn next_timer(&self) -> (Instant, Timer) {
        match self.stable_at {
            Some(at) if at <= self.check_at => (at, Timer::Stable),
            Some(_) | None => (self.check_at, Timer::Ping),
        }
    }
}

/// The calls that plugins have not answered yet.
#[derive(Debug, Default)]
pub(super) struct Calls {
    pending: BTreeMap<CallId, PendingCall>,
    bytes: usize,
}

#[derive(Debug)]
pub(super) struct PendingCall {
    /// `None` where the desktop does not wait for an answer.
    pub(super) id: Option<MessageId>,
    plugin: PluginId,
    /// The size of its message, which whoever has the params keeps.
    bytes: usize,
}

impl Calls {
    fn insert(&mut self, call: CallId, pending: PendingCall) {
        self.bytes += pending.bytes;
        self.pending.insert(call, pending);
    }

    /// Whether there is room for one more.
    fn check(&self, bytes: usize, limits: &Limits) -> Result<(), ProtocolError> {
        if self.pending.len() >= limits.pending_calls {
            return Err(ProtocolError::TooManyCalls { max: limits.pending_calls });
        }
        if !self.pending.is_empty() && self.bytes.saturating_add(bytes) > limits.pending_call_bytes {
            return Err(ProtocolError::CallsTooLarge { max: limits.pending_call_bytes });
        }
        Ok(())
    }

    /// Takes a call out, to be answered.
    pub(super) fn take(&mut self, call: CallId) -> Result<PendingCall, ApiMisuse> {
        let pending = self.pending.remove(&call).ok_or(ApiMisuse::UnknownCall)?;
        self.bytes -= pending.bytes;
        Ok(pending)
    }

    /// The calls of one plugin.
    pub(super) fn of(&self, plugin: &PluginId) -> Vec<CallId> {
        self.pending.iter().filter(|(_, pending)| pending.plugin == *plugin).map(|(call, _)| *call).collect()
    }
}

/// What is on its way to the desktop: answers first, then the plugins' events in turns.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// How many bytes the socket takes.
    pub(super) room: usize,
    answers: VecDeque<String>,
    answer_bytes: usize,
    /// Messages were given to the driver since it told that all of them are with the system.
    in_flight: bool,
    /// Close with this code once everything is sent.
    closing: Option<CloseCode>,
}

impl Outbox {
    /// A new socket takes a first message before it has told its room.
    pub(super) fn open(&mut self) {
        *self = Self { room: 1, ..Self::default() };
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn close(&mut self, code: CloseCode) {
        self.closing = Some(code);
    }

    pub(super) fn push(&mut self, text: String) {
        self.answer_bytes += text.len();
        self.answers.push_back(text);
    }

    /// Until when the events that wait have to.
    pub(super) fn pause(&self, plugins: &Plugins, bursts: &Bursts) -> Option<Instant> {
        let urgent = self.closing.is_some() || !plugins.has_events() || plugins.is_pressed();
        if urgent { None } else { bursts.pause() }
    }

    pub(super) fn next(&mut self, plugins: &mut Plugins, bursts: &mut Bursts) -> Option<String> {
        if self.room == 0 {
            return None;
        }
        let text = if let Some(answer) = self.answers.pop_front() {
            self.answer_bytes -= answer.len();
            answer
        } else if self.pause(plugins, bursts).is_some() {
            return None;
        } else {
            let (event, report) = plugins.next_event()?;
            if let Some(report) = report {
                self.push(report);
            }
            if !plugins.has_events() {
                bursts.end();
            }
            event
        };
        self.room = self.room.saturating_sub(text.len());
        self.in_flight = true;
        Some(text)
    }

    pub(super) fn flushed(&mut self) {
        self.in_flight = false;
    }

    /// Whether all answers are with the system, and all events that were given out.
    pub(super) fn is_flushed(&self) -> bool {
        self.answers.is_empty() && !self.in_flight
    }

    /// The code to close with, once, when nothing is left to be sent.
    pub(super) fn close_when_empty(&mut self, plugins: &Plugins) -> Option<CloseCode> {
        if self.answers.is_empty() && !plugins.has_events() { self.closing.take() } else { None }
    }
}

impl Client {
    /// A message of the desktop.
    pub(super) fn session_message(&mut self, text: &Text) {
        let max = self.config.limits.message_bytes;
        if text.len() > max {
            return self.misbehaved(ProtocolError::TooLarge { size: text.len(), max });
        }
        let envelope = match Envelope::decode(text) {
            Ok(envelope) => envelope,
            Err(error) => return self.misbehaved(error),
        };
        let id = envelope.good_id();
        if let Some(fault) = envelope.fault() {
            return self.refuse(id, fault);
        }
        match envelope.method {
            Field::Is(method) => self.request(text, id, &method, envelope.params),
            Field::WrongType => self.refuse(id, ProtocolError::WrongType("method")),
            // Clients ask nothing, so an answer can be to nobody.
            Field::Missing => match id {
                Some(id) => self.misbehaved(ProtocolError::UnexpectedReply(id)),
                None => self.misbehaved(ProtocolError::Missing("method")),
            },
        }
    }

    fn request(&mut self, text: &Text, id: Option<MessageId>, method: &str, params: Field<Params<'_>>) {
        let done = match method {
            "getPlugins" => {
                self.answer_plugins(id, false);
                Ok(())
            }
            "getBackgroundPlugins" => {
                self.answer_plugins(id, true);
                Ok(())
            }
            "init" | "deinit" => params
                .required("params")
                .and_then(|params| params.plugin.required("plugin"))
                .map(|plugin| self.set_plugin(id, method, &plugin)),
            "execute" => self.execute(text, id, params),
            "isMethodSupported" => self.method_query(text, id, params),
            unknown => Err(ProtocolError::UnknownMethod(unknown.into())),
        };
        if let Err(error) = done {
            self.refuse(id, error);
        }
    }

    fn answer_plugins(&mut self, id: Option<MessageId>, background_only: bool) {
        let Some(id) = id else { return };
        let text = if background_only {
            encode::plugins(id, self.plugins.background_ids())
        } else {
            encode::plugins(id, self.plugins.ids())
        };
        self.queue_answer(Some(id), text);
        if !background_only && self.plugins.lay_ghosts() {
            self.announce_plugins();
        }
    }

    /// `init` and `deinit`, which are answered only if they fail.
    fn set_plugin(&mut self, id: Option<MessageId>, method: &str, plugin: &str) {
        let Some(plugin) = self.plugins.known(plugin) else {
            let report = ErrorReport::new(format!("Plugin {plugin} not found for method {method}"));
            return self.answer_error(id, &report.named("PluginNotFound"));
        };
        // A user interface that was reloaded initialises its plugins again: they start over.
        if self.plugins.connected(plugin.as_str()).is_some() {
            self.plugins.disconnect(&plugin);
            self.events.push_back(Event::PluginDisconnected(plugin.clone()));
        }
        if method == "init" {
            if let Some(report) = self.plugins.connect(&plugin) {
                self.queue_answer(None, report);
            }
            self.events.push_back(Event::PluginConnected(plugin));
        }
    }

    fn execute(&mut self, text: &Text, id: Option<MessageId>, params: Field<Params<'_>>) -> Result<(), ProtocolError> {
        let params = params.required("params")?;
        let api = params.api.required("api")?;
        let method = params.method.required("method")?;
        let Some((call, plugin)) = self.new_call(text, id, &api, "execute")? else { return Ok(()) };
        let params = params.params.map(|params| Payload::part_of(text, params));
        let method = text.share(method);
        self.events.push_back(Event::Call { call, plugin, method, params, expects_reply: id.is_some() });
        Ok(())
    }

    fn method_query(
        &mut self,
        text: &Text,
        id: Option<MessageId>,
        params: Field<Params<'_>>,
    ) -> Result<(), ProtocolError> {
        let params = params.required("params")?;
        let api = params.api.required("api")?;
        let method = params.method.required("method")?;
        let Some((call, plugin)) = self.new_call(text, id, &api, "isMethodSupported")? else { return Ok(()) };
        let method = text.share(method);
        self.events.push_back(Event::MethodQuery { call, plugin, method });
        Ok(())
    }

    /// Registers a call to a connected plugin. One to another plugin is answered here.
    fn new_call(
        &mut self,
        text: &Text,
        id: Option<MessageId>,
        api: &str,
        method: &str,
    ) -> Result<Option<(CallId, PluginId)>, ProtocolError> {
        let Some(plugin) = self.plugins.connected(api) else {
            let report = ErrorReport::new(format!("Connection {api} not found for method {method}"));
            self.answer_error(id, &report.named("ConnectionNotFound"));
            return Ok(None);
        };
        self.calls.check(text.len(), &self.config.limits)?;
        let call = CallId::from_u64(self.call_ids.next());
        self.calls.insert(call, PendingCall { id, plugin: plugin.clone(), bytes: text.len() });
        Ok(Some((call, plugin)))
    }

    /// Tells both sides of a request that breaks the protocol.
    fn refuse(&mut self, id: Option<MessageId>, error: ProtocolError) {
        let report = ErrorReport::new(format!("{error}"));
        // The official clients answer an unknown method with the message alone.
        let unknown = matches!(error, ProtocolError::UnknownMethod(_));
        let report = if unknown { report } else { report.named("InvalidRequest") };
        self.answer_error(id, &report);
        self.misbehaved(error);
    }

    fn answer_error(&mut self, id: Option<MessageId>, report: &ErrorReport) {
        self.queue_answer(id, encode::error(id, &encode::report(report)));
    }

    /// Queues an answer, or in its place an error that is small enough, as long as there is room for that.
    pub(super) fn queue_answer(&mut self, id: Option<MessageId>, text: String) {
        let (size, waiting, limits) = (text.len(), self.outbox.answer_bytes, &self.config.limits);
        let report = if size > limits.message_bytes {
            let max = limits.message_bytes;
            ErrorReport::new(format!("The answer has {size} bytes, {max} are allowed")).named("AnswerTooLarge")
        } else if waiting.saturating_add(size) > limits.queued_answer_bytes {
            ErrorReport::new(format!("The answer was dropped: {waiting} bytes of answers wait to be read"))
                .named("AnswerDropped")
        } else {
            return self.outbox.push(text);
        };
        if waiting >= limits.queued_answer_bytes.saturating_mul(2) {
            self.counters.answers_dropped += 1;
            return;
        }
        self.counters.answers_replaced += 1;
        self.outbox.push(encode::error(id, &encode::report(&report)));
    }

    /// Tells a connected desktop that the set of plugins is another.
    pub(super) fn announce_plugins(&mut self) {
        if let Phase::Connected(_) = self.phase {
            self.queue_answer(None, encode::refresh_plugins());
        }
    }

    pub(super) fn session_timeout(&mut self, now: Instant) {
        let Phase::Connected(session) = &mut self.phase else { return };
        self.bursts.pass(now);
        let attempt = session.attempt;
        if session.stable_at.is_some_and(|at| at <= now) {
            session.stable_at = None;
            self.promote();
            self.prune();
        }
        let Phase::Connected(session) = &mut self.phase else { return };
        if session.check_at > now {
            return;
        }
        let timing = &self.config.timing;
        // Without a pause, silence would never add up.
        let ping = timing.ping.max(Duration::from_millis(1));
        session.silent_checks = session.silent_checks.saturating_add(1);
        if ping.saturating_mul(session.silent_checks) >= timing.unresponsive {
            let after = now.saturating_duration_since(session.last_alive);
            let deadline = now.later(timing.close);
            self.failed(Failure::Unresponsive { after }, now);
            self.leave_session();
            self.plugins.end_turns();
            self.begin_close(attempt, CloseCode::GOING_AWAY, deadline, AfterClose::Retry);
        } else {
            session.check_at = now + ping;
            self.actions.push_back(Action::Ping { attempt });
        }
        self.tell_state();
    }

    /// Has older credentials deleted, in a stable session and once the disk knows those in use: until then it might be
    /// the wrong ones that go, or none.
    pub(super) fn prune(&mut self) {
        let stable = matches!(&self.phase, Phase::Connected(session) if session.stable_at.is_none());
        let promoting = self.errands.values().any(|errand| matches!(errand, Errand::Promotion(_)));
        if stable && !promoting && self.vault.unpromoted.is_none() && core::mem::take(&mut self.vault.prunable) {
            self.chore(Job::Prune);
        }
    }

    pub(super) fn session_ended(&mut self, session: &Session, cause: CloseCause, now: Instant) {
        self.leave_session();
        self.drop_queue();
        if let CloseCause::Code { code, .. } = &cause {
            self.session_refused(*code, now);
        }
        let failure = if let CloseCause::Code { code: 1011, reason } = &cause {
            if self.replace_os(now) {
                return self.advance(now);
            }
            self.not_understood(reason.clone())
        } else {
            self.connection_failure(Purpose::Session, cause)
        };
        if now.saturating_duration_since(session.opened_at) >= self.config.backoff.stable {
            self.retries.reset();
        } else {
            self.retries.short_sessions = self.retries.short_sessions.saturating_add(1);
        }
        if self.retries.looping() {
            let sessions = self.retries.short_sessions;
            return self.retry_after(Failure::ReconnectLoop { sessions, cause: Box::new(failure) }, now);
        }
        self.retry_after(failure, now);
    }

    /// Ends what only a session has: connected plugins and calls that wait.
    pub(super) fn leave_session(&mut self) {
        self.calls = Calls::default();
        let disconnected = self.plugins.disconnect_all();
        self.events.extend(disconnected.map(Event::PluginDisconnected));
    }
}
