//! A desktop, and what must be true of it by what it was told and did so far.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use flipper_proto::desktop::{
    Action, Admission, Call, Channel, Config, Desktop, Event, Grant, PeerIdentity, Rate, Timer, Upgrade,
};
use flipper_proto::{
    ClientId, CloseCause, CloseCode, ConnId, ErrorReport, ExchangeId, Instant, PluginId, ProtocolError, RequestId,
};

use super::ops::Step;

/// No deadline after this moment reaches the end of time, where none are kept any more.
const LATEST: Instant = Instant::from_millis(u64::MAX / 2);

/// No question of a desktop's own has more bytes.
const QUESTION: usize = 64;

/// A desktop under arbitrary operations.
pub struct Run {
    desktop: Desktop,
    now: Instant,
    promises: Promises,
    /// Everything that came out, in order.
    outputs: Vec<String>,
}

impl Run {
    /// Does all of `steps`, then stops the desktop and waits for its end. Returns everything that came out, in order.
    #[must_use]
    pub fn of(steps: &[Step]) -> Vec<String> {
        let desktop = Desktop::new(config());
        let now = Instant::from_millis(5);
        let mut run = Self { desktop, now, promises: Promises::default(), outputs: Vec::new() };
        for step in steps {
            run.step(step);
            run.drain();
        }
        run.step(&Step::Stop);
        run.drain();
        while run.desktop.poll_timeout().is_some() {
            run.step(&Step::Timer);
            run.drain();
        }
        assert_eq!(run.desktop.connections(), 0);
        assert!(run.promises.clients.is_empty() && run.promises.sockets.is_empty());
        assert_eq!(run.promises.requests, BTreeSet::new(), "requests that were never ended");
        run.outputs.push(format!("{:?}", run.desktop.counters()));
        run.outputs
    }

    fn step(&mut self, step: &Step) {
        let Self { desktop, now, promises, .. } = self;
        let now = *now;
        match step {
            Step::Upgrade { channel, app, instance, fault } => self.upgrade(*channel, *app, *instance, *fault),
            Step::Message { conn, text } => desktop.handle_message(ConnId::from_u64(*conn), text.as_str(), now),
            Step::Binary { conn, bytes } => desktop.handle_binary(ConnId::from_u64(*conn), bytes, now),
            Step::Alive { conn } => desktop.handle_alive(ConnId::from_u64(*conn), now),
            Step::Writable { conn, room } => {
                let conn = ConnId::from_u64(*conn);
                desktop.handle_writable(conn, *room, now);
                promises.sockets.entry(conn).and_modify(|known| *known = *room);
            }
            Step::Closed { conn } => {
                let conn = ConnId::from_u64(*conn);
                desktop.handle_closed(conn, CloseCause::Eof, now);
                if promises.sockets.contains_key(&conn) {
                    promises.gone(conn);
                }
            }
            Step::Wait { span } => self.pass_to((now + *span).min(LATEST)),
            Step::Timer => {
                if let Some((at, timer)) = desktop.poll_timeout() {
                    assert!(at > now, "{timer:?} lies in the past");
                    self.pass_to(at);
                }
            }
            Step::Finish { exchange, granted } => {
                let exchange = ExchangeId::from_u64(*exchange);
                let result = if *granted { Ok(Grant::new("d")) } else { Err(ErrorReport::new("no")) };
                let known = promises.exchanges.remove(&exchange);
                let finished = desktop.finish_exchange(exchange, result, now);
                assert!(known || finished.is_err(), "an exchange can be finished once");
            }
            Step::Init { app, instance } => {
                let _unknown_or_full = desktop.init_plugin(&name(*app, *instance), &PluginId::new("P"));
            }
            Step::Deinit { app, instance } => {
                let _unknown_or_full = desktop.deinit_plugin(&name(*app, *instance), &PluginId::new("P"));
            }
            Step::Call { app, instance, deadline } => {
                let mut call = Call::new("P", "m");
                call.deadline = deadline.map(|millis| Duration::from_millis(millis.into()));
                promises.requests.extend(desktop.call(&name(*app, *instance), &call, now));
            }
            Step::Supported { app, instance } => {
                let asked = desktop.is_method_supported(&name(*app, *instance), &PluginId::new("P"), "m", now);
                promises.requests.extend(asked);
            }
            Step::Request { app, instance } => {
                promises.requests.extend(desktop.request(&name(*app, *instance), "x", None, None, now));
            }
            Step::Notify { app, instance } => {
                let _unknown_or_full = desktop.notify(&name(*app, *instance), &PluginId::new("P"), "m", None);
            }
            Step::Disconnect { app, instance } => {
                let _unknown = desktop.disconnect(&name(*app, *instance), CloseCode::NORMAL, now);
            }
            Step::Stop => desktop.stop(now),
        }
    }

    fn upgrade(&mut self, channel: u8, app: u8, instance: u8, fault: u8) {
        let channel = match channel {
            0 => Channel::Insecure,
            1 => Channel::Secure(PeerIdentity::Unbound { common_name: None }),
            2 => Channel::Secure(PeerIdentity::Bound { app: "com.a".into(), device_id: "d".into() }),
            _ => Channel::Browser,
        };
        let instance = if instance == 0 { String::new() } else { format!("&instance_id=i{instance}") };
        let version = if fault == 0 { 3 } else { 4 };
        let app_id = if fault == 1 { "&app_id=com.b" } else { "" };
        let device = if fault == 2 { "" } else { "&device=box" };
        let target = format!("/?os=Linux{device}&device_id=d&app=A{app}&sdk_version={version}{instance}{app_id}");
        let host = if fault == 3 { "evil.com" } else { "localhost" };
        let origin = (fault == 4).then_some("null");
        let peer = ([127, 0, 0, 1], 50_000).into();
        let upgrade = Upgrade { target: &target, host: Some(host), origin, peer };
        let admission = self.desktop.handle_upgrade(channel, upgrade, self.now);
        if let Admission::Accept(conn) | Admission::AcceptThenClose { conn, .. } = admission {
            assert_eq!(self.promises.sockets.insert(conn, 1), None, "an id that was used before");
        }
        self.outputs.push(format!("{admission:?}"));
    }

    fn pass_to(&mut self, at: Instant) {
        self.now = at;
        self.desktop.handle_timeout(at);
        let timer = self.desktop.poll_timeout();
        assert!(timer.is_none_or(|(next, _): (Instant, Timer)| next > at), "{timer:?} is due, and it is {at:?}");
    }

    fn drain(&mut self) {
        while let Some(action) = self.desktop.poll_action() {
            self.promises.action(&action);
            self.outputs.push(format!("{action:?}"));
        }
        while let Some(event) = self.desktop.poll_event() {
            self.promises.event(&event);
            self.outputs.push(format!("{event:?}"));
        }
        let told: BTreeSet<ClientId> = self.desktop.clients().map(|status| status.client.clone()).collect();
        assert_eq!(told, self.promises.clients);
        assert_eq!(self.desktop.connections(), self.promises.sockets.len());
        if self.promises.sockets.is_empty() {
            assert_eq!(self.desktop.poll_timeout(), None, "a timer of nobody");
        }
        let limits = &self.desktop.config().limits;
        assert!(self.desktop.clients().count() <= limits.clients);
        for status in self.desktop.clients() {
            assert!(status.pending_requests <= limits.pending_calls);
            assert!(status.plugins.is_none_or(|plugins| plugins.len() <= limits.plugins));
            // Beside what was wished for, only the desktop's own questions wait, each asked six times at most.
            assert!(status.queued_bytes <= limits.queued_answer_bytes + 6 * QUESTION, "{status:?}");
        }
        let pending: usize = self.desktop.clients().map(|status| status.pending_requests).sum();
        assert_eq!(pending, self.promises.requests.len());
    }
}

/// What a driver and the program around the desktop may rely on.
#[derive(Default)]
struct Promises {
    /// Open sockets, with the room that each has.
    sockets: BTreeMap<ConnId, usize>,
    /// Those of them that were given a close frame.
    closing: BTreeSet<ConnId>,
    clients: BTreeSet<ClientId>,
    requests: BTreeSet<RequestId>,
    exchanges: BTreeSet<ExchangeId>,
}

impl Promises {
    fn action(&mut self, action: &Action) {
        match action {
            Action::Send { conn, text } => {
                assert!(!self.closing.contains(conn), "a message after the close frame");
                let room = self.sockets.get_mut(conn).expect("a message for a socket that is open");
                assert!(*room > 0, "a message without room");
                *room = room.saturating_sub(text.len());
                assert!(serde_json::from_str::<serde_json::Value>(text).is_ok_and(|json| json.is_object()));
            }
            Action::Ping { conn } => assert!(self.sockets.contains_key(conn)),
            Action::Close { conn, reason, .. } => {
                assert!(self.sockets.contains_key(conn) && reason.len() <= 123);
                assert!(self.closing.insert(*conn), "a second close frame");
            }
            Action::Abort { conn } => self.gone(*conn),
            action => panic!("{action:?}"),
        }
    }

    fn gone(&mut self, conn: ConnId) {
        assert!(self.sockets.remove(&conn).is_some());
        self.closing.remove(&conn);
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::ClientConnected { client, .. } => assert!(self.clients.insert(client.clone())),
            Event::ClientDisconnected { client, .. } => assert!(self.clients.remove(client)),
            Event::Reply { request, client, .. } => {
                assert!(self.requests.remove(request), "an answer to nobody, or a second one");
                assert!(self.clients.contains(client));
            }
            Event::Message { client, .. }
            | Event::PluginsChanged { client, .. }
            | Event::ClientError { client, .. }
            | Event::ClientUnresponsive { client }
            | Event::ClientResponsive { client }
            | Event::PeerMisbehaved { client: Some(client), .. } => assert!(self.clients.contains(client)),
            Event::ExchangeRequested(request) => assert!(self.exchanges.insert(request.exchange)),
            Event::PeerMisbehaved { conn, client: None, error } => {
                assert!(self.sockets.contains_key(conn));
                assert!(!matches!(error, ProtocolError::BadId(_)), "the exchange knows no ids");
            }
            Event::ExchangeAcknowledged { .. } | Event::ConnectionRefused { .. } => {}
            event => panic!("{event:?}"),
        }
    }
}

/// A small desktop, so that its limits are met.
fn config() -> Config {
    let mut config = Config::new();
    config.limits.clients = 4;
    config.limits.pending_calls = 3;
    config.limits.plugins = 1;
    config.limits.message_bytes = 300;
    config.limits.queued_answer_bytes = 600;
    config.limits.exchange_message_bytes = 200;
    config.exchange_rate = Rate { per_second: 1, burst: 3 };
    config.timing.unresponsive = Duration::from_secs(50);
    config
}

fn name(app: u8, instance: u8) -> ClientId {
    let second = if instance == 0 { String::new() } else { format!("#i{instance}") };
    ClientId::from_text(&format!("A{app}#Linux#box#d{second}"))
}
