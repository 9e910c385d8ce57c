//! A session with a client: requests and their answers, and what comes from its plugins.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use core::time::Duration;

use crate::error::{ApiMisuse, Excerpt, ProtocolError};
use crate::identity::{ClientId, PluginId};
use crate::ids::{MessageId, RequestId};
use crate::text::{Payload, Text};
use crate::time::Instant;
use crate::wire::decode::{Envelope, Field, Params};
use crate::wire::encode;
use crate::wire::exchange::decode_report;
use crate::wire::wrapper::{self, Content, Wrapped};

use super::action::{Action, ClientInfo, DisconnectCause, Event, Outcome};
use super::admission::Channel;
use super::alarms::Alarm;
use super::config::Timing;
use super::connection::Context;
use super::inventory::Inventory;
use super::liveness::{Check, Liveness};
use super::outbox::Place;
use super::state::ClientStatus;

/// A client that is connected.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) client: ClientId,
    pub(super) info: ClientInfo,
    pub(super) liveness: Liveness,
    pub(super) inventory: Inventory,
    /// The plugins that this desktop has initialised.
    pub(super) initialised: BTreeSet<PluginId>,
    /// Those among them that were initialised after the client was last asked which plugins it has, and the id of the
    /// request that came next.
    pub(super) initialised_since: BTreeMap<PluginId, MessageId>,
    /// The name by which the client wraps its messages, if it does.
    wrapped_as: Option<Text>,
    requests: BTreeMap<MessageId, PendingRequest>,
    next_id: MessageId,
}

/// A request that the client has not answered yet.
#[derive(Debug)]
struct PendingRequest {
    request: RequestId,
    place: Place,
    deadline: Instant,
    after: Duration,
}

impl Session {
    pub(super) fn open(cx: &mut Context<'_>, client: ClientId, info: ClientInfo, now: Instant) -> Self {
        let liveness = Liveness::new(now, &cx.config.timing);
        cx.arm(liveness.check_at(), Alarm::Ping);
        cx.event(Event::ClientConnected { client: client.clone(), info: info.clone() });
        let mut session = Self {
            client,
            info,
            liveness,
            inventory: Inventory::default(),
            initialised: BTreeSet::new(),
            initialised_since: BTreeMap::new(),
            wrapped_as: None,
            requests: BTreeMap::new(),
            next_id: MessageId::ZERO,
        };
        session.inquire(cx, now);
        session
    }

    // --- What the client sends ---

    /// A message of the client, or something that cannot even be one.
    pub(super) fn message(&mut self, cx: &mut Context<'_>, text: Result<&Text, ProtocolError>, now: Instant) {
        self.alive(cx, now);
        if let Err(error) = text.and_then(|text| self.unwrap(cx, text, now)) {
            self.misbehaved(cx, error);
        }
    }

    /// Takes a message out of its wrapper, if it has one, and reads it.
    fn unwrap(&mut self, cx: &mut Context<'_>, text: &Text, now: Instant) -> Result<(), ProtocolError> {
        let (size, max) = (text.len(), cx.config.limits.message_bytes);
        if size > max {
            return Err(ProtocolError::TooLarge { size, max });
        }
        let wrapped = if self.info.channel == Channel::Browser { Wrapped::decode(text) } else { None };
        let Some(Wrapped { app, content }) = wrapped else { return self.read(cx, text, now) };
        // The official desktop takes all that comes for the one client of the connection. Mixed up like that, nobody
        // could tell whose events they are.
        if self.wrapped_as.as_deref().is_some_and(|known| *known != *app) {
            return Err(ProtocolError::OtherApp(Excerpt::new(&app)));
        }
        self.wrapped_as.get_or_insert_with(|| text.share(app));
        match content {
            Content::Connect { plugins: Some(plugins) } => self.introduced(cx, plugins.get(), now),
            Content::Connect { plugins: None } => Ok(()),
            Content::Message(message) => self.read(cx, &text.part(message.get()), now),
            Content::Nothing => Err(ProtocolError::Missing("payload")),
        }
    }

    /// Whether the client speaks the oldest format, in which there are no background plugins.
    pub(super) fn wraps(&self) -> bool {
        self.wrapped_as.is_some()
    }

    fn read(&mut self, cx: &mut Context<'_>, text: &Text, now: Instant) -> Result<(), ProtocolError> {
        let envelope = Envelope::decode(text)?;
        // Whatever has an id is an answer, even if it has a method too: clients ask nothing.
        if let Some(id) = envelope.good_id() {
            return self.answered(cx, text, id, &envelope, now);
        }
        if let Some(fault) = envelope.fault() {
            return Err(fault);
        }
        match envelope.method {
            Field::Is(method) => match &*method {
                "execute" => self.executed(cx, text, envelope.params)?,
                "refreshPlugins" => self.refresh(cx, now),
                other => return Err(ProtocolError::UnknownMethod(other.into())),
            },
            Field::WrongType => return Err(ProtocolError::WrongType("method")),
            Field::Missing => {
                let error = envelope.error.ok_or(ProtocolError::Missing("method"))?;
                self.client_error(cx, Payload::part_of(text, error));
            }
        }
        Ok(())
    }

    /// An event of a plugin.
    fn executed(&mut self, cx: &mut Context<'_>, text: &Text, params: Field<Params<'_>>) -> Result<(), ProtocolError> {
        let params = params.required("params")?;
        let api = params.api.required("api")?;
        let method = params.method.required("method")?;
        cx.event(Event::Message {
            client: self.client.clone(),
            plugin: self.inventory.plugin(&api),
            method: text.share(method),
            params: params.params.map(|params| Payload::part_of(text, params)),
        });
        Ok(())
    }

    fn answered(
        &mut self,
        cx: &mut Context<'_>,
        text: &Text,
        id: MessageId,
        envelope: &Envelope<'_>,
        now: Instant,
    ) -> Result<(), ProtocolError> {
        if self.inventory.awaits(id) {
            self.inquiry_answered(cx, id, outcome(text, envelope), now);
        } else if self.inventory.has_late(id) {
            cx.out.counters.late_replies += 1;
            self.inquiry_answered_late(cx, id, outcome(text, envelope));
        } else if self.inventory.gave_up(id) {
            cx.out.counters.late_replies += 1;
            self.inquiry_answered_too_late(cx, now);
        } else if let Some(pending) = self.requests.remove(&id) {
            cx.disarm(pending.deadline, Alarm::Request(id));
            // A client can answer what was not even sent yet, by guessing its id.
            cx.outbox.take_back(pending.place);
            let outcome = outcome(text, envelope);
            if let Outcome::Invalid(_) = outcome {
                cx.out.counters.bad_messages += 1;
            }
            self.tell(cx, pending.request, outcome);
        } else if id < self.next_id {
            cx.out.counters.late_replies += 1;
        } else {
            return Err(ProtocolError::UnexpectedReply(id));
        }
        Ok(())
    }

    pub(super) fn client_error(&mut self, cx: &mut Context<'_>, raw: Payload) {
        let report = decode_report(raw.as_json());
        cx.event(Event::ClientError { client: self.client.clone(), report, raw });
    }

    pub(super) fn misbehaved(&mut self, cx: &mut Context<'_>, error: ProtocolError) {
        cx.out.counters.bad_messages += 1;
        if let ProtocolError::UnexpectedReply(_) = error {
            cx.out.counters.unexpected_replies += 1;
        }
        cx.event(Event::PeerMisbehaved { conn: cx.conn, client: Some(self.client.clone()), error });
    }

    // --- What is asked of the client ---

    /// Sends a request that is to be answered. `write` puts it into words, given its id.
    pub(super) fn request(
        &mut self,
        cx: &mut Context<'_>,
        request: RequestId,
        after: Duration,
        now: Instant,
        write: impl FnOnce(MessageId) -> String,
    ) -> Result<(), ApiMisuse> {
        let max = cx.config.limits.pending_calls;
        if self.requests.len() >= max {
            return Err(ApiMisuse::TooManyPending { max });
        }
        let id = self.next_id;
        let place = self.queue(cx, write(id))?;
        self.next_id = id.successor();
        let deadline = now.later(after);
        cx.arm(deadline, Alarm::Request(id));
        self.requests.insert(id, PendingRequest { request, place, deadline, after });
        Ok(())
    }

    /// Sends what has no answer.
    pub(super) fn notify(&mut self, cx: &mut Context<'_>, text: String) -> Result<(), ApiMisuse> {
        self.queue(cx, text).map(drop)
    }

    pub(super) fn init_plugin(&mut self, cx: &mut Context<'_>, plugin: &PluginId) -> Result<(), ApiMisuse> {
        self.notify(cx, encode::for_plugin("init", plugin.as_str()))?;
        self.initialised.insert(plugin.clone());
        self.initialised_since.insert(plugin.clone(), self.next_id);
        Ok(())
    }

    pub(super) fn deinit_plugin(&mut self, cx: &mut Context<'_>, plugin: &PluginId) -> Result<(), ApiMisuse> {
        self.notify(cx, encode::for_plugin("deinit", plugin.as_str()))?;
        self.initialised.remove(plugin);
        self.initialised_since.remove(plugin);
        Ok(())
    }

    /// The id of the request that comes next.
    pub(super) fn next_id(&self) -> MessageId {
        self.next_id
    }

    /// A request of the desktop's own, whose answer is nobody's business but this module's.
    pub(super) fn own_request(&mut self, cx: &mut Context<'_>, method: &str) -> MessageId {
        let id = self.next_id;
        self.next_id = id.successor();
        cx.send(self.wrap(encode::request(id, method, None)));
        id
    }

    fn queue(&self, cx: &mut Context<'_>, text: String) -> Result<Place, ApiMisuse> {
        let text = self.wrap(text);
        let (size, limits) = (text.len(), &cx.config.limits);
        if size > limits.message_bytes {
            return Err(ApiMisuse::TooLarge { size, max: limits.message_bytes });
        }
        if cx.outbox.bytes().saturating_add(size) > limits.queued_answer_bytes {
            return Err(ApiMisuse::QueueFull { max: limits.queued_answer_bytes });
        }
        Ok(cx.send(text))
    }

    fn wrap(&self, text: String) -> String {
        match &self.wrapped_as {
            Some(app) => wrapper::wrap(app, &text),
            None => text,
        }
    }

    /// The deadline of a request has come.
    pub(super) fn request_overdue(&mut self, cx: &mut Context<'_>, id: MessageId) {
        if let Some(pending) = self.requests.remove(&id) {
            cx.outbox.take_back(pending.place);
            self.tell(cx, pending.request, Outcome::TimedOut { after: pending.after });
        }
    }

    fn tell(&self, cx: &mut Context<'_>, request: RequestId, outcome: Outcome) {
        cx.event(Event::Reply { request, client: self.client.clone(), outcome });
    }

    // --- Whether the client is there ---

    pub(super) fn alive(&mut self, cx: &mut Context<'_>, now: Instant) {
        if self.liveness.alive(now, &cx.config.timing) {
            cx.event(Event::ClientResponsive { client: self.client.clone() });
        }
        self.resume_inquiry(cx, now);
    }

    /// Looks whether the client is there. Returns why it is to be given up, if so.
    pub(super) fn check(&mut self, cx: &mut Context<'_>, now: Instant) -> Option<DisconnectCause> {
        match self.liveness.check(now, &cx.config.timing) {
            Check::Alive => {}
            Check::Silent { newly_unresponsive } => {
                if newly_unresponsive {
                    cx.event(Event::ClientUnresponsive { client: self.client.clone() });
                }
                cx.out.actions.push_back(Action::Ping { conn: cx.conn });
            }
            Check::GaveUp { after } => return Some(DisconnectCause::Unresponsive { after }),
        }
        cx.arm(self.liveness.check_at(), Alarm::Ping);
        None
    }

    /// Ends the session: every request fails at once, and one that was not sent yet never will be.
    pub(super) fn release(mut self, cx: &mut Context<'_>, cause: DisconnectCause) {
        cx.disarm(self.liveness.check_at(), Alarm::Ping);
        self.drop_inquiry(cx);
        for (id, pending) in core::mem::take(&mut self.requests) {
            cx.disarm(pending.deadline, Alarm::Request(id));
            cx.outbox.take_back(pending.place);
            self.tell(cx, pending.request, Outcome::Disconnected);
        }
        cx.event(Event::ClientDisconnected { client: self.client, cause });
    }

    pub(super) fn status(&self, timing: &Timing, queued_bytes: usize) -> ClientStatus<'_> {
        ClientStatus {
            client: &self.client,
            info: &self.info,
            plugins: self.inventory.plugins(),
            background: self.inventory.background(),
            initialised: &self.initialised,
            unresponsive: self.liveness.is_unresponsive(timing),
            pending_requests: self.requests.len(),
            queued_bytes,
        }
    }
}

/// What an answer says. Of a result and an error beside each other, the official UI takes the result unless JavaScript
/// finds it false.
fn outcome(text: &Text, envelope: &Envelope<'_>) -> Outcome {
    if let Some(fault) = envelope.fault() {
        return Outcome::Invalid(fault);
    }
    let success = envelope.success.map(|value| Payload::part_of(text, value));
    let error = envelope.error.filter(|error| error.get() != "null");
    match (success, error) {
        (Some(value), Some(_)) if value.is_truthy() => Outcome::Success(value),
        (_, Some(error)) => Outcome::Error { report: decode_report(error.get()), raw: Payload::part_of(text, error) },
        (Some(value), None) => Outcome::Success(value),
        (None, None) => Outcome::Neither,
    }
}
