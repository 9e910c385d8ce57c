//! A desktop under test, in virtual time, with the test in the place of the driver, the clients and the program around.

#![allow(dead_code, reason = "every test file uses a part of it")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that fails panics")]

use std::collections::VecDeque;

use flipper_proto::desktop::{
    Action, Admission, Call, Channel, Config, Desktop, DisconnectCause, Event, ExchangeRequest, Outcome, PeerIdentity,
    Timer, Upgrade,
};
use flipper_proto::{ClientId, CloseCause, ConnId, Excerpt, Instant, Payload, PluginId, ProtocolError, RequestId};

/// A desktop that is asked for everything after every fact, as a driver does. When it is dropped, nothing may be left
/// that the test did not look at: see [`assert_quiet`](Self::assert_quiet).
pub(crate) struct Desk {
    pub(crate) desktop: Desktop,
    pub(crate) now: Instant,
    actions: VecDeque<Action>,
    events: VecDeque<Event>,
}

/// The query of a client called `name`, which knows background plugins.
pub(crate) fn target(name: &str) -> String {
    format!("/?os=Linux&device=box&device_id=d1&app={name}&sdk_version=4")
}

/// The id of that client.
pub(crate) fn id(name: &str) -> ClientId {
    ClientId::from_text(&format!("{name}#Linux#box#d1"))
}

/// A request of a program on the desktop's own machine.
pub(crate) fn from_here<'a>(host: &'a str, target: &'a str) -> Upgrade<'a> {
    Upgrade { target, host: Some(host), origin: None, peer: ([127, 0, 0, 1], 50_000).into() }
}

pub(crate) fn unbound() -> PeerIdentity {
    PeerIdentity::Unbound { common_name: None }
}

pub(crate) fn bound(app: &str, device_id: &str) -> PeerIdentity {
    PeerIdentity::Bound { app: app.into(), device_id: device_id.into() }
}

pub(crate) fn payload(json: &str) -> Payload {
    Payload::from_json(json).unwrap()
}

pub(crate) fn plugins(names: &[&str]) -> Vec<PluginId> {
    names.iter().map(|name| PluginId::new(name)).collect()
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self::with(Config::new())
    }

    pub(crate) fn with(config: Config) -> Self {
        let mut desktop = Desktop::new(config);
        assert_eq!(desktop.poll_action(), None);
        assert_eq!(desktop.poll_event(), None);
        assert_eq!(desktop.poll_timeout(), None);
        Self { desktop, now: Instant::from_millis(1_000), actions: VecDeque::new(), events: VecDeque::new() }
    }

    // --- Facts, each followed by what a driver does then ---

    pub(crate) fn upgrade(&mut self, channel: Channel, upgrade: Upgrade<'_>) -> Admission {
        let admission = self.desktop.handle_upgrade(channel, upgrade, self.now);
        self.drain();
        admission
    }

    /// A connection as an official client makes it, with a socket that takes everything.
    pub(crate) fn accept(&mut self, channel: Channel, target: &str) -> ConnId {
        let host = match channel {
            Channel::Insecure => "localhost:9089",
            Channel::Secure(_) => "localhost:9088",
            Channel::Browser => "localhost:8333",
        };
        let Admission::Accept(conn) = self.upgrade(channel, from_here(host, target)) else {
            panic!("not accepted: {target}")
        };
        self.writable(conn, usize::MAX);
        conn
    }

    /// A client called `name` that was asked for its plugins and has not answered yet.
    pub(crate) fn connect(&mut self, name: &str) -> ConnId {
        let conn = self.accept(Channel::Secure(unbound()), &target(name));
        match self.event() {
            Event::ClientConnected { client, info } => assert_eq!((client, info.conn), (id(name), conn)),
            event => panic!("{event:?}"),
        }
        assert_eq!(self.sent(conn), [r#"{"id":0,"method":"getPlugins"}"#]);
        conn
    }

    /// A client called `name` that has told its plugins, none of them a background plugin. The next request to it has
    /// the id 2.
    pub(crate) fn client(&mut self, name: &str, plugins: &[&str]) -> ConnId {
        let conn = self.connect(name);
        self.message(conn, &format!(r#"{{"id":0,"success":{{"plugins":{plugins:?}}}}}"#));
        assert_eq!(self.sent(conn), [r#"{"id":1,"method":"getBackgroundPlugins"}"#]);
        self.message(conn, r#"{"id":1,"success":{"plugins":[]}}"#);
        match self.event() {
            Event::PluginsChanged { client, plugins: told, background } => {
                assert_eq!((client, told, background.len()), (id(name), self::plugins(plugins), 0));
            }
            event => panic!("{event:?}"),
        }
        conn
    }

    pub(crate) fn message(&mut self, conn: ConnId, text: &str) {
        self.desktop.handle_message(conn, text, self.now);
        self.drain();
    }

    pub(crate) fn binary(&mut self, conn: ConnId, bytes: &[u8]) {
        self.desktop.handle_binary(conn, bytes, self.now);
        self.drain();
    }

    pub(crate) fn alive(&mut self, conn: ConnId) {
        self.desktop.handle_alive(conn, self.now);
        self.drain();
    }

    pub(crate) fn writable(&mut self, conn: ConnId, room: usize) {
        self.desktop.handle_writable(conn, room, self.now);
        self.drain();
    }

    pub(crate) fn closed(&mut self, conn: ConnId) {
        self.desktop.handle_closed(conn, CloseCause::Eof, self.now);
        self.drain();
    }

    pub(crate) fn stop(&mut self) {
        self.desktop.stop(self.now);
        self.drain();
    }

    /// Lets time pass, and has every timer in it fire at its moment.
    pub(crate) fn advance(&mut self, millis: u64) {
        let end = Instant::from_millis(self.now.as_millis() + millis);
        while let Some((at, _)) = self.desktop.poll_timeout().filter(|(at, _)| *at <= end) {
            self.fire(at);
        }
        self.now = end;
    }

    /// Lets time pass to the next timer, and returns what it is for.
    pub(crate) fn advance_to_timer(&mut self) -> Timer {
        let (at, timer) = self.desktop.poll_timeout().expect("a timer");
        self.fire(at);
        timer
    }

    pub(crate) fn fire(&mut self, at: Instant) {
        assert!(at >= self.now, "a timer in the past");
        self.now = at;
        self.desktop.handle_timeout(at);
        self.drain();
        self.assert_no_due_timer();
    }

    // --- Wishes ---

    pub(crate) fn call(&mut self, name: &str, method: &str) -> RequestId {
        let request = self.desktop.call(&id(name), &Call::new("P", method), self.now).unwrap();
        self.drain();
        request
    }

    pub(crate) fn init(&mut self, name: &str, plugin: &str) {
        self.desktop.init_plugin(&id(name), &PluginId::new(plugin)).unwrap();
        self.drain();
    }

    // --- What the desktop decides and tells ---

    pub(crate) fn drain(&mut self) {
        self.actions.extend(std::iter::from_fn(|| self.desktop.poll_action()));
        self.events.extend(std::iter::from_fn(|| self.desktop.poll_event()));
    }

    pub(crate) fn actions(&mut self) -> Vec<Action> {
        self.actions.drain(..).collect()
    }

    /// What was sent on this connection, which must be all there was to do.
    pub(crate) fn sent(&mut self, to: ConnId) -> Vec<String> {
        let text = |action| match action {
            Action::Send { conn, text } if conn == to => text,
            action => panic!("{action:?}"),
        };
        self.actions().into_iter().map(text).collect()
    }

    /// The close frame that was given on this connection, which must be all there was to do.
    pub(crate) fn close_frame(&mut self, of: ConnId) -> (u16, String) {
        match self.actions().as_slice() {
            [Action::Close { conn, code, reason }] if *conn == of => (code.as_u16(), reason.clone()),
            actions => panic!("{actions:?}"),
        }
    }

    pub(crate) fn events(&mut self) -> Vec<Event> {
        self.events.drain(..).collect()
    }

    /// The one event that there is.
    pub(crate) fn event(&mut self) -> Event {
        let mut events = self.events();
        assert_eq!(events.len(), 1, "{events:?}");
        events.remove(0)
    }

    /// How the one request ended that did.
    pub(crate) fn outcome(&mut self) -> (RequestId, Outcome) {
        match self.event() {
            Event::Reply { request, outcome, .. } => (request, outcome),
            event => panic!("{event:?}"),
        }
    }

    /// What a client did wrong, which must be all that happened.
    pub(crate) fn misbehaviour(&mut self) -> ProtocolError {
        match self.event() {
            Event::PeerMisbehaved { error, .. } => error,
            event => panic!("{event:?}"),
        }
    }

    /// The certificate request that came, which must be all that happened.
    pub(crate) fn exchange_request(&mut self) -> ExchangeRequest {
        match self.event() {
            Event::ExchangeRequested(request) => request,
            event => panic!("{event:?}"),
        }
    }

    /// Why the client called `name` is gone, which must be all that happened.
    pub(crate) fn disconnected(&mut self, name: &str) -> DisconnectCause {
        match self.event() {
            Event::ClientDisconnected { client, cause } if client == id(name) => cause,
            event => panic!("{event:?}"),
        }
    }

    pub(crate) fn assert_no_due_timer(&self) {
        if let Some((at, timer)) = self.desktop.poll_timeout() {
            assert!(at > self.now, "{timer:?} is due at {at:?}, and it is {:?}", self.now);
        }
    }

    /// Nothing is left to do or to be told, and no timer is due.
    pub(crate) fn assert_quiet(&mut self) {
        self.drain();
        assert_eq!(self.actions, []);
        assert_eq!(self.events, []);
        self.assert_no_due_timer();
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.assert_quiet();
        }
    }
}

/// What a `PeerMisbehaved` carries of a peer's text.
pub(crate) fn excerpt(text: &str) -> Excerpt {
    Excerpt::new(text)
}
