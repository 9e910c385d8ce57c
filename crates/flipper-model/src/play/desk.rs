//! A transcript, played to a desktop.

use std::collections::{BTreeMap, VecDeque};

use flipper_proto::desktop::{Action, Admission, Channel, Config, Desktop, Event, Outcome, PeerIdentity, Timer};
use flipper_proto::{
    ApiMisuse, ClientId, CloseCause, CloseCode, ConnId, ExchangeId, Instant, Payload, PluginId, Query, RequestId,
};
use flipper_transcript::{
    DeskNews, DeskWish, Frame, Key, Line, Loss, Plugin, Port, Reply, Setup, Side, Step, Timer as TimerWord, Transcript,
};

use super::desk_lines;
use super::input::{DeskInput, Said};
use super::{Mismatch, START, cause, closed};
use crate::json::matches;

/// What was done to a desktop, and what came out.
#[derive(Clone, Debug)]
pub struct DeskRecording {
    /// The settings that it was made with.
    pub config: Config,
    /// What it was told, and when.
    pub inputs: Vec<(Instant, DeskInput)>,
    /// For every input what it said, did and told, and when its next timer was due, one line each.
    pub outputs: Vec<Vec<String>>,
}

impl DeskRecording {
    /// Does the same to another desktop, and returns what comes out.
    #[must_use]
    pub fn replay(&self) -> Vec<Vec<String>> {
        let mut desktop = Desktop::new(self.config.clone());
        self.inputs.iter().map(|(now, input)| Turn::of(&mut desktop, input, *now).lines()).collect()
    }
}

/// Plays a transcript to a desktop, with the player in the place of the driver, the apps and the program around.
///
/// # Errors
/// [`Mismatch`]: the desktop did otherwise than the transcript says.
pub fn play_desktop(transcript: &Transcript) -> Result<DeskRecording, Mismatch> {
    let mut player = Player::new(transcript);
    let fault = |line, what| Mismatch { name: transcript.name.clone(), line, what };
    let mut last = 0;
    for (number, step) in transcript.script(Side::Desktop) {
        player.step(step).map_err(|what| fault(number, what))?;
        last = number;
    }
    player.nothing_left().map_err(|what| fault(last, what))?;
    let Player { config, inputs, outputs, .. } = player;
    Ok(DeskRecording { config, inputs, outputs })
}

/// Everything that a desktop says, does and tells in answer to one input.
struct Turn {
    said: Result<Said, ApiMisuse>,
    actions: Vec<Action>,
    events: Vec<Event>,
    timer: Option<(Instant, Timer)>,
}

impl Turn {
    fn of(desktop: &mut Desktop, input: &DeskInput, now: Instant) -> Self {
        let said = input.tell(desktop, now);
        let actions = std::iter::from_fn(|| desktop.poll_action()).collect();
        let events = std::iter::from_fn(|| desktop.poll_event()).collect();
        Self { said, actions, events, timer: desktop.poll_timeout() }
    }

    fn lines(&self) -> Vec<String> {
        let done = self.actions.iter().map(desk_lines::action);
        let told = self.events.iter().map(desk_lines::event);
        let (said, timer) = (desk_lines::said(&self.said), desk_lines::timer(self.timer));
        [said].into_iter().chain(done).chain(told).chain([timer]).collect()
    }
}

struct Player {
    config: Config,
    desktop: Desktop,
    now: Instant,
    inputs: Vec<(Instant, DeskInput)>,
    outputs: Vec<Vec<String>>,
    /// The connections, and the one that lines are about.
    conns: Vec<Option<ConnId>>,
    current: usize,
    /// What was answered to an upgrade, until a line names it.
    admission: Option<Admission>,
    /// The codes of the close frames that the desktop sent.
    closing: BTreeMap<ConnId, u16>,
    clients: BTreeMap<ConnId, ClientId>,
    /// What the desktop did and told that no line has named yet.
    actions: BTreeMap<ConnId, VecDeque<Action>>,
    events: VecDeque<Event>,
    requests: Vec<RequestId>,
    exchange: Option<ExchangeId>,
}

impl Player {
    fn new(transcript: &Transcript) -> Self {
        let mut config = Config::new();
        for setup in transcript.setup() {
            if let Setup::Set(key, value) = setup {
                set(&mut config, *key, value);
            }
        }
        Self {
            desktop: Desktop::new(config.clone()),
            config,
            now: START,
            inputs: Vec::new(),
            outputs: Vec::new(),
            conns: Vec::new(),
            current: 0,
            admission: None,
            closing: BTreeMap::new(),
            clients: BTreeMap::new(),
            actions: BTreeMap::new(),
            events: VecDeque::new(),
            requests: Vec::new(),
            exchange: None,
        }
    }

    fn step(&mut self, step: Step<'_>) -> Result<(), String> {
        match step {
            Step::Expect(Line::DeskNews(news)) => self.expect_news(news),
            Step::Expect(line) => self.expect(line),
            Step::Do(line) => {
                // The other socket may have something to say first.
                if !matches!(line, Line::Socket(_) | Line::Ended) {
                    self.nothing_left()?;
                }
                self.bring_about(line)
            }
        }
    }

    // --- What is done to the desktop ---

    fn bring_about(&mut self, line: &Line) -> Result<(), String> {
        match line {
            Line::Message { frame, .. } => {
                let conn = self.conn()?;
                self.tell(match frame {
                    Frame::Text(text) => DeskInput::Message(conn, text.clone()),
                    Frame::Binary(text) => DeskInput::Binary(conn, text.clone().into_bytes()),
                    Frame::Bytes(bytes) => DeskInput::Binary(conn, bytes.clone()),
                })?;
            }
            Line::Connect { port, query } => {
                self.current = self.conns.len();
                self.conns.push(None);
                let said = self.tell(upgrade(*port, query)?)?;
                if let Said::Admission(admission) = said {
                    self.admission = Some(admission);
                }
            }
            Line::Leave { code } => self.end(closed(*code, ""))?,
            Line::Lost(loss) => self.end(cause(*loss))?,
            Line::Ended => {
                let code = self.conns[self.current].and_then(|conn| self.closing.remove(&conn));
                if let Some(code) = code {
                    self.end(closed(code, ""))?;
                }
            }
            Line::Pong => {
                let conn = self.conn()?;
                self.tell(DeskInput::Alive(conn))?;
            }
            Line::Room(bytes) => {
                let conn = self.conn()?;
                self.tell(DeskInput::Writable(conn, *bytes))?;
            }
            Line::Socket(number) if (1..=self.conns.len()).contains(number) => self.current = number - 1,
            Line::Socket(number) => return Err(format!("there is no socket {number}")),
            Line::Advance(span) => {
                let end = self.now + *span;
                while let Some((at, _)) = self.desktop.poll_timeout().filter(|(at, _)| *at <= end) {
                    self.fire(at)?;
                }
                self.now = end;
            }
            Line::AdvanceTo(timer) => self.advance_to(*timer)?,
            Line::DeskWish { wish, refused } => self.wish(wish, *refused)?,
            _ => return Err(format!("`{line}` cannot be done to a desktop")),
        }
        Ok(())
    }

    fn tell(&mut self, input: DeskInput) -> Result<Said, String> {
        self.try_tell(input).map_err(|misuse| format!("the wish was refused: {misuse}"))
    }

    fn try_tell(&mut self, input: DeskInput) -> Result<Said, ApiMisuse> {
        let turn = Turn::of(&mut self.desktop, &input, self.now);
        self.inputs.push((self.now, input));
        self.outputs.push(turn.lines());
        for action in turn.actions {
            let (Action::Send { conn, .. }
            | Action::Ping { conn }
            | Action::Close { conn, .. }
            | Action::Abort { conn }) = action
            else {
                panic!("what is {action:?}?");
            };
            self.actions.entry(conn).or_default().push_back(action);
        }
        for event in turn.events {
            match &event {
                Event::ClientConnected { client, info } => {
                    self.clients.insert(info.conn, client.clone());
                }
                Event::ExchangeRequested(request) => self.exchange = Some(request.exchange),
                _ => {}
            }
            self.events.push_back(event);
        }
        turn.said
    }

    fn end(&mut self, cause: CloseCause) -> Result<(), String> {
        let conn = self.conn()?;
        self.conns[self.current] = None;
        self.tell(DeskInput::Closed(conn, cause)).map(drop)
    }

    fn fire(&mut self, at: Instant) -> Result<(), String> {
        self.now = self.now.max(at);
        self.tell(DeskInput::Timeout)?;
        assert!(self.desktop.poll_timeout().is_none_or(|(next, _)| next > self.now), "a timer is due at once");
        Ok(())
    }

    fn advance_to(&mut self, timer: TimerWord) -> Result<(), String> {
        for _ in 0..100 {
            let Some((at, due)) = self.desktop.poll_timeout() else { break };
            self.fire(at)?;
            if word(due) == timer {
                return Ok(());
            }
        }
        Err(format!("the timer {} is never due", timer.word()))
    }

    fn wish(&mut self, wish: &DeskWish, refused: bool) -> Result<(), String> {
        let params = |json: &Option<String>| {
            let read = |json: &String| Payload::from_json(json.as_str()).map_err(|error| format!("{json}: {error}"));
            json.as_ref().map(read).transpose()
        };
        let input = match wish {
            DeskWish::Init(plugin) => DeskInput::Init(self.client()?, plugin.clone()),
            DeskWish::Deinit(plugin) => DeskInput::Deinit(self.client()?, plugin.clone()),
            DeskWish::Call(plugin, method, json) => {
                DeskInput::Call(self.client()?, plugin.clone(), method.clone(), params(json)?)
            }
            DeskWish::Supports(plugin, method) => DeskInput::Supports(self.client()?, plugin.clone(), method.clone()),
            DeskWish::Notify(plugin, method, json) => {
                DeskInput::Notify(self.client()?, plugin.clone(), method.clone(), params(json)?)
            }
            DeskWish::Disconnect(code) => DeskInput::Disconnect(self.client()?, CloseCode::from_u16(*code)),
            DeskWish::Grant(device_id) => DeskInput::Finish(self.exchange()?, Ok(device_id.clone())),
            DeskWish::Refuse(text) => DeskInput::Finish(self.exchange()?, Err(text.clone())),
            DeskWish::Stop => DeskInput::Stop,
        };
        match self.try_tell(input) {
            Ok(_) if refused => Err(String::from("the wish was not refused")),
            Err(misuse) if !refused => Err(format!("the wish was refused: {misuse}")),
            Ok(Said::Request(request)) => {
                self.requests.push(request);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn conn(&self) -> Result<ConnId, String> {
        let conn = self.conns.get(self.current).copied().flatten();
        conn.ok_or_else(|| String::from("the socket is not open"))
    }

    /// The client of the socket, also when it is gone.
    fn client(&self) -> Result<ClientId, String> {
        let latest = || self.clients.values().next_back();
        let client = self.conns.get(self.current).copied().flatten().and_then(|conn| self.clients.get(&conn));
        client.or_else(latest).cloned().ok_or_else(|| String::from("there was no client"))
    }

    fn exchange(&self) -> Result<ExchangeId, String> {
        self.exchange.ok_or_else(|| String::from("no certificate was asked for"))
    }

    // --- What is expected of it ---

    fn expect(&mut self, line: &Line) -> Result<(), String> {
        match line {
            Line::Opened => {
                let admission = self.admission.take();
                let Some(Admission::Accept(conn) | Admission::AcceptThenClose { conn, .. }) = admission else {
                    return Err(format!("the desktop answered {admission:?}"));
                };
                self.conns[self.current] = Some(conn);
                return self.tell(DeskInput::Writable(conn, usize::MAX)).map(drop);
            }
            Line::Lost(Loss::Http(expected)) => {
                return match self.admission.take() {
                    Some(Admission::Reject { status, .. }) if status == *expected => Ok(()),
                    other => Err(format!("the desktop answered {other:?}")),
                };
            }
            _ => {}
        }
        let conn = self.conn()?;
        while let Some(action) = self.actions.get_mut(&conn).and_then(VecDeque::pop_front) {
            if self.does(conn, &action, line) {
                return Ok(());
            }
            if !matches!(action, Action::Ping { .. }) {
                return Err(format!("`{line}` was expected, and the desktop did: {action:?}"));
            }
        }
        Err(format!("`{line}` was expected, and the desktop did nothing"))
    }

    fn does(&mut self, conn: ConnId, action: &Action, line: &Line) -> bool {
        match (line, action) {
            (Line::Message { frame: Frame::Text(expected), .. }, Action::Send { text, .. }) => matches(expected, text),
            (Line::Ping, Action::Ping { .. }) => true,
            (Line::Close { code, reason }, Action::Close { code: closed, reason: given, .. }) => {
                self.closing.insert(conn, *code);
                closed.as_u16() == *code && given.contains(reason)
            }
            (Line::Abort, Action::Abort { .. }) => {
                self.conns[self.current] = None;
                true
            }
            _ => false,
        }
    }

    fn expect_news(&mut self, news: &DeskNews) -> Result<(), String> {
        match self.events.pop_front() {
            Some(event) if self.tells(&event, news) => Ok(()),
            Some(event) => Err(format!("`desk! {news}` was expected, and the desktop told: {event:?}")),
            None => Err(format!("`desk! {news}` was expected, and the desktop told nothing")),
        }
    }

    fn tells(&self, event: &Event, news: &DeskNews) -> bool {
        match (news, event) {
            (DeskNews::Connected(id), Event::ClientConnected { client, .. }) => client.as_str() == id,
            (DeskNews::Gone(text), Event::ClientDisconnected { cause, .. }) => cause.to_string().contains(text),
            (DeskNews::Unresponsive, Event::ClientUnresponsive { .. })
            | (DeskNews::Responsive, Event::ClientResponsive { .. }) => true,
            (DeskNews::Plugins(expected), Event::PluginsChanged { plugins, background, .. }) => {
                let names = |plugins: &[PluginId]| plugins.iter().map(|id| id.as_str().to_owned()).collect::<Vec<_>>();
                let of = |wanted: fn(&&Plugin) -> bool| {
                    expected.iter().filter(wanted).map(|plugin| plugin.id.clone()).collect::<Vec<_>>()
                };
                names(plugins) == of(|_| true) && names(background) == of(|plugin| plugin.background)
            }
            (DeskNews::Event(id, name, json), Event::Message { plugin, method, params, .. }) => {
                let same = match (json, params) {
                    (Some(json), Some(params)) => matches(json, params.as_json()),
                    (None, None) => true,
                    _ => false,
                };
                plugin.as_str() == id && method.as_str() == name && same
            }
            (DeskNews::Reply(number, reply), Event::Reply { request, outcome, .. }) => {
                let asked = number.checked_sub(1).and_then(|at| self.requests.get(at));
                asked == Some(request) && ended(reply, outcome)
            }
            (DeskNews::Error(json), Event::ClientError { raw, .. }) => matches(json, raw.as_json()),
            (DeskNews::Misbehaved(text), Event::PeerMisbehaved { error, .. }) => error.to_string().contains(text),
            (DeskNews::Refused(text), Event::ConnectionRefused { reason, .. }) => reason.to_string().contains(text),
            (DeskNews::Asked(directory), Event::ExchangeRequested(request)) => {
                directory == "…" || request.destination == *directory
            }
            (DeskNews::Acknowledged(well), Event::ExchangeAcknowledged { is_error, .. }) => *well != *is_error,
            _ => false,
        }
    }

    /// Everything was named that must be.
    fn nothing_left(&mut self) -> Result<(), String> {
        for actions in self.actions.values_mut() {
            actions.retain(|action| !matches!(action, Action::Ping { .. }));
        }
        let action = self.actions.values().find_map(VecDeque::front).map(|action| format!("{action:?}"));
        let event = self.events.front().map(|event| format!("{event:?}"));
        let admission = self.admission.as_ref().map(|admission| format!("{admission:?}"));
        match admission.or(action).or(event) {
            Some(left) => Err(format!("before this line, none names: {left}")),
            None => Ok(()),
        }
    }
}

fn set(config: &mut Config, key: Key, value: &str) {
    let number = || value.parse().expect("a number");
    match key {
        Key::MessageBytes => config.limits.message_bytes = number(),
        Key::PendingCalls => config.limits.pending_calls = number(),
        Key::Plugins => config.limits.plugins = number(),
        Key::QueuedBytes => config.limits.queued_answer_bytes = number(),
        // An app's own.
        Key::Os | Key::FixedOs | Key::Medium | Key::BufferedEvents | Key::Drop => {}
    }
}

/// What a visitor presents, where the transcript does not say otherwise.
fn upgrade(port: Port, pairs: &[(String, String)]) -> Result<DeskInput, String> {
    let device_id = if port == Port::Exchange { "unknown" } else { "d1" };
    let mut query = Query::new("Sample", "Linux", "box", device_id);
    query.app_id = Some(String::from("com.example.sample"));
    let (host, number) = match port {
        Port::Exchange => ("localhost", 9089),
        Port::Session => ("localhost", 9088),
        Port::Browser => ("localhost", 8333),
    };
    let (mut host, mut origin, mut identity) = (format!("{host}:{number}"), None, None);
    let mut without = None;
    for (key, value) in pairs {
        match key.as_str() {
            "os" => query.os.clone_from(value),
            "device" => query.device.clone_from(value),
            "device_id" => query.device_id.clone_from(value),
            "app" => query.app.clone_from(value),
            "app_id" => query.app_id = Some(value.clone()),
            "instance_id" => query.instance_id = Some(value.clone()),
            "sdk_version" => query.sdk_version = value.parse().ok(),
            "medium" => query.medium = value.parse().ok().and_then(flipper_proto::Medium::from_number),
            "csr_path" => query.csr_path = Some(value.clone()),
            "host" => host.clone_from(value),
            "origin" => origin = Some(value.clone()),
            "without" => without = Some(format!("{value}=")),
            "cert" => identity = Some(certificate(value)?),
            _ => return Err(format!("{key} is no key of a query")),
        }
    }
    let channel = match port {
        Port::Exchange => Channel::Insecure,
        Port::Session => Channel::Secure(identity.unwrap_or(PeerIdentity::Unbound { common_name: None })),
        Port::Browser => Channel::Browser,
    };
    let mut target = query.to_target();
    if let Some(key) = without {
        let (path, query) = target.split_at("/?".len());
        let kept: Vec<_> = query.split('&').filter(|pair| !pair.starts_with(&key)).collect();
        target = format!("{path}{}", kept.join("&"));
    }
    Ok(DeskInput::Upgrade { channel, target, host, origin })
}

/// `APP:DEVICE`, to which a certificate was issued.
fn certificate(value: &str) -> Result<PeerIdentity, String> {
    let (app, device_id) = value.split_once(':').ok_or("a certificate is written cert=APP:DEVICE")?;
    Ok(PeerIdentity::Bound { app: app.to_owned(), device_id: device_id.to_owned() })
}

fn ended(reply: &Reply, outcome: &Outcome) -> bool {
    match (reply, outcome) {
        (Reply::Success(json), Outcome::Success(value)) => matches(json, value.as_json()),
        (Reply::Error(json), Outcome::Error { raw, .. }) => matches(json, raw.as_json()),
        (Reply::Neither, Outcome::Neither)
        | (Reply::Invalid, Outcome::Invalid(_))
        | (Reply::Timeout, Outcome::TimedOut { .. })
        | (Reply::Disconnected, Outcome::Disconnected) => true,
        _ => false,
    }
}

fn word(timer: Timer) -> TimerWord {
    match timer {
        Timer::Close => TimerWord::Close,
        Timer::ExchangeIdle => TimerWord::ExchangeIdle,
        Timer::Registration => TimerWord::Registration,
        Timer::Ping => TimerWord::Ping,
        Timer::Request => TimerWord::Request,
        other => panic!("what is {other:?}?"),
    }
}
