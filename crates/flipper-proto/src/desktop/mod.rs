//! The desktop's side: who is let in, certificate exchanges, and sessions with any number of clients.

mod action;
mod address;
mod admission;
mod alarms;
mod config;
mod connection;
mod exchange;
mod inventory;
mod liveness;
mod outbox;
mod proofs;
mod rate;
mod session;
mod state;

pub use self::action::{Action, Call, ClientInfo, DisconnectCause, Event, ExchangeRequest, Grant, Outcome, Timer};
pub use self::address::{AddressError, Host, Origin};
pub use self::admission::{Admission, Channel, PeerIdentity, Refusal, Upgrade};
pub use self::config::{Config, ProofLimit, Rate, Timing};
pub use self::proofs::{Judgement, Verdict};
pub use self::state::{ClientStatus, Counters};

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use crate::close::{CloseCause, CloseCode};
use crate::error::{ApiMisuse, ErrorReport, ProtocolError};
use crate::identity::{ClientId, PluginId};
use crate::ids::{ConnId, Counter, ExchangeId, MessageId, RequestId};
use crate::text::{Payload, Text};
use crate::time::Instant;
use crate::wire::encode;

use self::alarms::Alarm;
use self::connection::{Closing, Connection, Context, Outputs, Phase};
use self::exchange::{Exchanges, Reader};
use self::outbox::Outbox;
use self::session::Session;

/// The desktop's side of all its connections, as a state machine without IO.
///
/// Facts go in through the `handle_…` methods, which never fail; the wishes of the program around it through the others.
/// After any of them, drain [`poll_action`](Self::poll_action), then [`poll_event`](Self::poll_event), then re-arm one
/// timer with [`poll_timeout`](Self::poll_timeout).
///
/// A connection begins with [`handle_upgrade`](Self::handle_upgrade). On the exchange port it brings
/// [`Event::ExchangeRequested`]; on the two others it is a client at once, and is asked for its plugins:
///
/// ```text
///   handle_upgrade ──► refused: Reject
///        │      └────► refused: AcceptThenClose ─────────────┐
///        │                                                   ▼
///        ├── exchange port ──► Exchange ──── idle, stop ──► Closing ── 2 s ──► Abort
///        │                        │                          ▲  │
///        └── other ports ──► Session ── replaced, 4408, … ───┘  │
///                                 │                             ▼
///                                 └──── handle_closed ───────► gone
/// ```
///
/// A connection that is being closed belongs to no client any more: its end is nobody's loss, and cannot take a newer
/// connection of the same identity away.
///
/// # Example
///
/// ```
/// use flipper_proto::Instant;
/// use flipper_proto::desktop::{Action, Admission, Channel, Config, Desktop, Event, PeerIdentity, Upgrade};
///
/// let mut desktop = Desktop::new(Config::new());
///
/// // A fact: somebody connects to the port with mutual TLS.
/// let channel = Channel::Secure(PeerIdentity::Bound { app: "com.shop".into(), device_id: "d1".into() });
/// let target = "/?os=Linux&device=box&device_id=d1&app=Shop&app_id=com.shop&sdk_version=4";
/// let peer = ([127, 0, 0, 1], 50_000).into();
/// let upgrade = Upgrade { target, host: Some("localhost:9088"), origin: None, peer };
/// let now = Instant::from_millis(0);
/// let Admission::Accept(conn) = desktop.handle_upgrade(channel, upgrade, now) else { panic!("refused") };
///
/// // First do what there is to do …
/// while let Some(action) = desktop.poll_action() {
///     let Action::Send { text, .. } = action else { continue };
///     assert_eq!(text, r#"{"id":0,"method":"getPlugins"}"#);
/// }
/// // … then look at what happened …
/// while let Some(event) = desktop.poll_event() {
///     let Event::ClientConnected { client, .. } = event else { continue };
///     assert_eq!(client.as_str(), "Shop#Linux#box#d1");
/// }
/// // … then wait for the next fact, or for the timer: whichever comes first.
/// let (at, _) = desktop.poll_timeout().expect("the answer has a deadline");
/// assert_eq!(at, Instant::from_millis(5_000));
/// desktop.handle_message(conn, r#"{"id":0,"success":{"plugins":["Network"]}}"#, Instant::from_millis(7));
/// ```
#[derive(Debug)]
pub struct Desktop {
    config: Config,
    connections: BTreeMap<ConnId, Connection>,
    clients: BTreeMap<ClientId, ConnId>,
    exchanges: Exchanges,
    stopped: bool,
    out: Outputs,
    conn_ids: Counter,
    request_ids: Counter,
}

impl Desktop {
    /// A desktop without clients.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            exchanges: Exchanges::new(&config),
            config,
            connections: BTreeMap::new(),
            clients: BTreeMap::new(),
            stopped: false,
            out: Outputs::default(),
            conn_ids: Counter::default(),
            request_ids: Counter::default(),
        }
    }

    // --- Facts; `handle_upgrade` stands with the rules of admission ---

    /// A text message arrived.
    pub fn handle_message(&mut self, conn: ConnId, text: impl Into<Text>, now: Instant) {
        self.message(conn, Ok(&text.into()), now);
    }

    /// A binary message arrived. One that holds text is read like a text message.
    pub fn handle_binary(&mut self, conn: ConnId, bytes: &[u8], now: Instant) {
        match core::str::from_utf8(bytes) {
            Ok(text) => {
                self.out.counters.binary_messages += 1;
                self.message(conn, Ok(&Text::from(text)), now);
            }
            Err(error) => self.message(conn, Err(ProtocolError::NotText { at: error.valid_up_to() }), now),
        }
    }

    /// The peer gave a sign of life that is no message: a pong, a ping, or part of a long message.
    pub fn handle_alive(&mut self, conn: ConnId, now: Instant) {
        match self.parts(conn) {
            Some((Phase::Session(session), mut cx)) => session.alive(&mut cx, now),
            Some((Phase::Exchange(_) | Phase::Closing(_), _)) => {}
            None => self.out.counters.stale_facts += 1,
        }
    }

    /// The socket takes `room` more bytes. `Send` is given while there is any; a message larger than the rest of it goes
    /// all the same, and leaves none. A new connection takes one message before its room is told.
    pub fn handle_writable(&mut self, conn: ConnId, room: usize, _now: Instant) {
        match self.connections.get_mut(&conn) {
            Some(connection) => connection.outbox.set_room(conn, room, &mut self.out.ready),
            None => self.out.counters.stale_facts += 1,
        }
    }

    /// The socket has ended.
    pub fn handle_closed(&mut self, conn: ConnId, cause: CloseCause, _now: Instant) {
        match self.connections.remove(&conn) {
            Some(Connection { phase, mut outbox }) => {
                self.release(conn, phase, &mut outbox, DisconnectCause::Closed(cause));
            }
            None => self.out.counters.stale_facts += 1,
        }
    }

    /// Time has passed. Wanted when the moment of [`poll_timeout`](Self::poll_timeout) has come; harmless at any other.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((conn, alarm)) = self.out.alarms.pop_due(now) {
            self.ring(conn, alarm, now);
        }
    }

    // --- What the program around it wants ---

    /// Answers [`Event::ExchangeRequested`], at any time after it. An error tells the client what is wrong and what to
    /// do about it.
    ///
    /// # Errors
    /// [`ApiMisuse::UnknownExchange`]: it was answered before, or its connection has ended.
    pub fn finish_exchange(
        &mut self,
        exchange: ExchangeId,
        result: Result<Grant, ErrorReport>,
        now: Instant,
    ) -> Result<(), ApiMisuse> {
        let conn = self.exchanges.waiting.remove(&exchange).ok_or(ApiMisuse::UnknownExchange)?;
        if let Some((Phase::Exchange(socket), mut cx)) = self.parts(conn) {
            socket.finish(&mut cx, exchange, &result, now);
        }
        Ok(())
    }

    /// Initialises a plugin: its events are wanted, and its methods will be called. A plugin that is initialised already
    /// starts over.
    ///
    /// Whether the client has the plugin is not checked: it answers with an [`Event::ClientError`] if not. The client
    /// forgets all this when it disconnects.
    ///
    /// # Errors
    /// [`ApiMisuse::NotConnected`], [`ApiMisuse::TooLarge`], [`ApiMisuse::QueueFull`].
    pub fn init_plugin(&mut self, client: &ClientId, plugin: &PluginId) -> Result<(), ApiMisuse> {
        let (session, mut cx) = self.session(client)?;
        session.init_plugin(&mut cx, plugin)
    }

    /// Leaves a plugin: its events are not wanted any more.
    ///
    /// # Errors
    /// As [`init_plugin`](Self::init_plugin).
    pub fn deinit_plugin(&mut self, client: &ClientId, plugin: &PluginId) -> Result<(), ApiMisuse> {
        let (session, mut cx) = self.session(client)?;
        session.deinit_plugin(&mut cx, plugin)
    }

    /// Calls a method of a plugin. How it ended is told by exactly one [`Event::Reply`].
    ///
    /// # Errors
    /// [`ApiMisuse::NotConnected`], [`ApiMisuse::TooLarge`], and [`ApiMisuse::TooManyPending`] or
    /// [`ApiMisuse::QueueFull`] while the client does not keep up.
    pub fn call(&mut self, client: &ClientId, call: &Call, now: Instant) -> Result<RequestId, ApiMisuse> {
        let (plugin, method, params) = (call.plugin.as_str(), call.method.as_str(), call.params.as_ref());
        self.ask(client, call.deadline, now, |id| encode::call(id, "execute", plugin, method, params))
    }

    /// Asks whether a plugin has a method. The answer is the success `{"isSupported":true}`, or `false`.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn is_method_supported(
        &mut self,
        client: &ClientId,
        plugin: &PluginId,
        method: &str,
        now: Instant,
    ) -> Result<RequestId, ApiMisuse> {
        let plugin = plugin.as_str();
        self.ask(client, None, now, |id| encode::call(id, "isMethodSupported", plugin, method, None))
    }

    /// Sends a request of any method with params as they are, for programs that pass on the requests of others.
    ///
    /// `init` and `deinit` belong to [`init_plugin`](Self::init_plugin) and [`deinit_plugin`](Self::deinit_plugin):
    /// clients leave them unanswered.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn request(
        &mut self,
        client: &ClientId,
        method: &str,
        params: Option<&Payload>,
        deadline: Option<Duration>,
        now: Instant,
    ) -> Result<RequestId, ApiMisuse> {
        self.ask(client, deadline, now, |id| encode::request(id, method, params))
    }

    /// Calls a method of a plugin whose answer nobody wants. The client reports an [`Event::ClientError`] if it fails.
    ///
    /// # Errors
    /// As [`init_plugin`](Self::init_plugin).
    pub fn notify(
        &mut self,
        client: &ClientId,
        plugin: &PluginId,
        method: &str,
        params: Option<&Payload>,
    ) -> Result<(), ApiMisuse> {
        let (session, mut cx) = self.session(client)?;
        session.notify(&mut cx, encode::event(plugin.as_str(), method, params))
    }

    /// Closes the connection of a client with this code. What was sent to it before still goes, but for requests: they
    /// fail at once.
    ///
    /// # Errors
    /// [`ApiMisuse::NotConnected`].
    pub fn disconnect(&mut self, client: &ClientId, code: CloseCode, now: Instant) -> Result<(), ApiMisuse> {
        let conn = *self.clients.get(client).ok_or(ApiMisuse::NotConnected)?;
        self.end_session(conn, DisconnectCause::Disconnected(code), code, now);
        Ok(())
    }

    /// Closes every connection with 1001, those of the browser port with 1012, and refuses new ones from now on. Drive it
    /// on until no connection is left.
    pub fn stop(&mut self, now: Instant) {
        self.stopped = true;
        let codes = self.connections.iter().map(|(conn, connection)| (*conn, connection.code_of_stop()));
        let open: Vec<(ConnId, CloseCode)> = codes.collect();
        for (conn, code) in open {
            self.close(conn, code, "the desktop is going away", now);
        }
    }

    // --- Decisions ---

    /// The next thing to do, in order. Poll it until `None` after every fact and every wish. Its cost does not depend
    /// on the number of connections; those that have messages to send take turns.
    pub fn poll_action(&mut self) -> Option<Action> {
        loop {
            if let Some(action) = self.out.actions.pop_front() {
                return Some(action);
            }
            let conn = self.out.ready.pop_front()?;
            let connection = self.connections.get_mut(&conn);
            if let Some(send) = connection.and_then(|connection| connection.next_message(conn, &mut self.out)) {
                return Some(send);
            }
        }
    }

    /// The next thing that happened. Poll it until `None` after [`poll_action`](Self::poll_action).
    pub fn poll_event(&mut self) -> Option<Event> {
        self.out.events.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), and why. Ask anew after every fact and every wish.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        self.out.alarms.next()
    }

    // --- Questions ---

    /// All clients that are connected, in the order of their ids.
    pub fn clients(&self) -> impl Iterator<Item = ClientStatus<'_>> {
        self.clients.keys().filter_map(|client| self.client(client))
    }

    /// A client that is connected.
    #[must_use]
    pub fn client(&self, client: &ClientId) -> Option<ClientStatus<'_>> {
        let connection = self.connections.get(self.clients.get(client)?)?;
        match &connection.phase {
            Phase::Session(session) => Some(session.status(&self.config.timing, connection.outbox.bytes())),
            Phase::Exchange(_) | Phase::Closing(_) => None,
        }
    }

    /// How many connections there are, on all ports, those that are being closed included.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// What was refused, lost or ignored so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.out.counters
    }

    /// The settings that the desktop was made with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    // --- On the way ---

    /// A message arrived, or something that cannot even be one.
    fn message(&mut self, conn: ConnId, text: Result<&Text, ProtocolError>, now: Instant) {
        let Some(Connection { phase, outbox }) = self.connections.get_mut(&conn) else {
            self.out.counters.stale_facts += 1;
            return;
        };
        let mut cx = Context { conn, config: &self.config, outbox, out: &mut self.out };
        match phase {
            Phase::Session(session) => session.message(&mut cx, text, now),
            Phase::Exchange(socket) => {
                if socket.message(&mut cx, &mut self.exchanges, text, now) == Reader::Chokes {
                    self.close(conn, CloseCode::LIMIT, "the answers are not read", now);
                }
            }
            // What a peer says while it is being closed changes nothing any more.
            Phase::Closing(_) => {}
        }
    }

    /// The moment of an alarm has come.
    fn ring(&mut self, conn: ConnId, alarm: Alarm, now: Instant) {
        let Some((phase, mut cx)) = self.parts(conn) else { return };
        let end = match (phase, alarm) {
            (Phase::Session(session), Alarm::Registration) => session.inquiry_overdue(&mut cx, now),
            (Phase::Session(session), Alarm::Ping) => session.check(&mut cx, now),
            (Phase::Session(session), Alarm::Request(id)) => {
                session.request_overdue(&mut cx, id);
                None
            }
            (Phase::Exchange(_), Alarm::ExchangeIdle) => {
                self.close(conn, CloseCode::REGISTRATION, "no certificate was asked for", now);
                None
            }
            (Phase::Closing(_), Alarm::Close) => {
                self.connections.remove(&conn);
                self.out.actions.push_back(Action::Abort { conn });
                None
            }
            // An alarm is disarmed together with what it is for.
            (Phase::Session(_) | Phase::Exchange(_) | Phase::Closing(_), _) => None,
        };
        if let Some(cause) = end {
            // Not 1001: after that js-flipper never comes back.
            self.end_session(conn, cause, CloseCode::REGISTRATION, now);
        }
    }

    /// Closes the connection of a client, and tells both sides why.
    fn end_session(&mut self, conn: ConnId, cause: DisconnectCause, code: CloseCode, now: Instant) {
        let reason = cause.to_string();
        self.close_for(conn, cause, code, &reason, now);
    }

    /// Closes a connection for a reason that lies not with its client, if it has one.
    fn close(&mut self, conn: ConnId, code: CloseCode, reason: &str, now: Instant) {
        self.close_for(conn, DisconnectCause::Disconnected(code), code, reason, now);
    }

    fn close_for(&mut self, conn: ConnId, cause: DisconnectCause, code: CloseCode, reason: &str, now: Instant) {
        let Some(Connection { phase, mut outbox }) = self.connections.remove(&conn) else { return };
        let phase = match phase {
            Phase::Closing(closing) => Phase::Closing(closing),
            phase @ (Phase::Exchange(_) | Phase::Session(_)) => {
                self.release(conn, phase, &mut outbox, cause);
                self.closing(conn, code, reason, now)
            }
        };
        self.insert(conn, Connection { phase, outbox });
    }

    /// What a connection becomes that this side closes.
    fn closing(&mut self, conn: ConnId, code: CloseCode, reason: &str, now: Instant) -> Phase {
        let deadline = now.later(self.config.timing.close);
        self.out.alarms.arm(deadline, conn, Alarm::Close);
        Phase::Closing(Closing { deadline, farewell: Some((code, close_reason(reason))) })
    }

    fn insert(&mut self, conn: ConnId, mut connection: Connection) {
        connection.say_farewell(conn, &mut self.out);
        self.connections.insert(conn, connection);
    }

    /// Takes back whatever a connection has on foot.
    fn release(&mut self, conn: ConnId, phase: Phase, outbox: &mut Outbox, cause: DisconnectCause) {
        let mut cx = Context { conn, config: &self.config, outbox, out: &mut self.out };
        match phase {
            Phase::Exchange(socket) => socket.release(&mut cx, &mut self.exchanges),
            Phase::Session(session) => {
                self.clients.remove(&session.client);
                session.release(&mut cx, cause);
            }
            Phase::Closing(closing) => cx.disarm(closing.deadline, Alarm::Close),
        }
    }

    /// Sends a request that is to be answered.
    fn ask(
        &mut self,
        client: &ClientId,
        deadline: Option<Duration>,
        now: Instant,
        write: impl FnOnce(MessageId) -> String,
    ) -> Result<RequestId, ApiMisuse> {
        let after = deadline.unwrap_or(self.config.timing.call);
        let request = RequestId::from_u64(self.request_ids.next());
        let (session, mut cx) = self.session(client)?;
        session.request(&mut cx, request, after, now, write)?;
        Ok(request)
    }

    fn session(&mut self, client: &ClientId) -> Result<(&mut Session, Context<'_>), ApiMisuse> {
        let conn = *self.clients.get(client).ok_or(ApiMisuse::NotConnected)?;
        match self.parts(conn) {
            Some((Phase::Session(session), cx)) => Ok((session, cx)),
            Some((Phase::Exchange(_) | Phase::Closing(_), _)) | None => Err(ApiMisuse::NotConnected),
        }
    }

    /// What a connection is for, and what it works with.
    fn parts(&mut self, conn: ConnId) -> Option<(&mut Phase, Context<'_>)> {
        let Connection { phase, outbox } = self.connections.get_mut(&conn)?;
        Some((phase, Context { conn, config: &self.config, outbox, out: &mut self.out }))
    }

    fn next_conn(&mut self) -> ConnId {
        ConnId::from_u64(self.conn_ids.next())
    }
}

/// A reason that fits into a close frame, which holds 125 bytes with its code.
fn close_reason(reason: &str) -> String {
    let mut end = reason.len().min(123);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    String::from(&reason[..end])
}
