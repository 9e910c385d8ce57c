//! Apps and a desktop, joined in memory: text messages instead of bytes, virtual time, and a disk that never fails.

#![allow(dead_code, reason = "every test file uses a part of it")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that fails panics")]

use std::collections::{BTreeMap, VecDeque};

use flipper_proto::client::{self, Client, Credentials, Endpoint, Job, JobOutcome, PluginMode, Prepared, Trust};
use flipper_proto::desktop::{self, Admission, Channel, Desktop, ExchangeRequest, Grant, PeerIdentity, Upgrade};
use flipper_proto::{
    AttemptId, ClientId, CloseCause, CloseCode, ConnId, ErrorReport, Excerpt, Generation, Instant, WallTime,
};

/// How long after an exchange the certificates of these tests expire.
const VALIDITY: u64 = 30 * 24 * 60 * 60 * 1_000;

/// The number of an app.
pub(crate) type AppNo = usize;

/// Any number of apps and one desktop, which can go away and come back.
pub(crate) struct Pair {
    pub(crate) apps: Vec<App>,
    pub(crate) desktop: Desktop,
    pub(crate) now: Instant,
    /// What the desktop answers to certificate requests.
    pub(crate) answer: Result<Grant, ErrorReport>,
    /// Every certificate request that was answered.
    pub(crate) exchanges: Vec<ExchangeRequest>,
    /// Whether anybody listens.
    pub(crate) is_up: bool,
    /// How many bytes a socket takes at once.
    pub(crate) room: usize,
    desktop_events: VecDeque<desktop::Event>,
    wires: BTreeMap<(AppNo, AttemptId), Wire>,
    /// Everything that went over a wire, in order.
    pub(crate) transcript: Vec<String>,
}

pub(crate) struct App {
    pub(crate) client: Client,
    /// What is on its disk, by generation, and whom the certificate is bound to.
    pub(crate) disk: BTreeMap<Generation, Stored>,
    /// Stopped at a breakpoint: nothing that is sent to it arrives.
    pub(crate) is_frozen: bool,
    events: VecDeque<client::Event>,
    /// The states and steps that it told, apart from what else it told.
    pub(crate) journey: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct Stored {
    pub(crate) credentials: Option<Credentials>,
    pub(crate) identity: PeerIdentity,
}

/// A connection, with what is under way on it.
struct Wire {
    conn: ConnId,
    to_app: VecDeque<Frame>,
    to_desktop: VecDeque<Frame>,
}

#[derive(Clone, Debug)]
enum Frame {
    Text(String),
    Ping,
    Pong,
    Close(CloseCode, String),
    /// The answer to a close frame.
    Closed,
    /// The end without one.
    Lost,
}

impl Pair {
    pub(crate) fn new(config: desktop::Config) -> Self {
        Self {
            apps: Vec::new(),
            desktop: Desktop::new(config),
            now: Instant::from_millis(1_000),
            answer: Ok(Grant::new("device-1")),
            exchanges: Vec::new(),
            is_up: true,
            room: usize::MAX,
            desktop_events: VecDeque::new(),
            wires: BTreeMap::new(),
            transcript: Vec::new(),
        }
    }

    /// A desktop, and an app called `A` with these background plugins, in a session that has brought no news since.
    pub(crate) fn connected(plugins: &[&str]) -> (Self, ClientId) {
        let mut pair = Self::new(desktop::Config::new());
        let app = pair.add_app("A", None, plugins);
        pair.start(app);
        let client = pair.desktop.clients().next().expect("a client").client.clone();
        assert_eq!(pair.desktop_events().len(), 3, "it thanked for the certificate, connected and told its plugins");
        assert_eq!(pair.app_events(app), []);
        pair.assert_quiet();
        (pair, client)
    }

    pub(crate) fn add_app(&mut self, name: &str, instance: Option<&str>, plugins: &[&str]) -> AppNo {
        let mut config = client::Config::new(name, "com.example.a");
        config.instance_id = instance.map(Into::into);
        config.device = "box".into();
        config.seed = self.apps.len() as u64;
        let mut client = Client::new(config);
        for plugin in plugins {
            client.add_plugin(*plugin, PluginMode::Background).unwrap();
        }
        let (disk, events, journey) = (BTreeMap::new(), VecDeque::new(), Vec::new());
        self.apps.push(App { client, disk, is_frozen: false, events, journey });
        self.apps.len() - 1
    }

    // --- What tests do ---

    /// Starts an app, and lets everything happen that needs no time to pass.
    pub(crate) fn start(&mut self, app: AppNo) {
        self.apps[app].client.start(self.now);
        self.drive();
    }

    pub(crate) fn stop(&mut self, app: AppNo) {
        self.apps[app].client.stop(self.now);
        self.drive();
    }

    /// The desktop's process ends without a word.
    pub(crate) fn kill_desktop(&mut self) {
        self.is_up = false;
        for wire in self.wires.values_mut() {
            wire.to_desktop.clear();
            wire.to_app.push_back(Frame::Lost);
        }
        self.desktop = Desktop::new(self.desktop.config().clone());
        self.desktop_events.clear();
        self.drive();
    }

    /// Another process of it begins.
    pub(crate) fn start_desktop(&mut self) {
        self.desktop = Desktop::new(self.desktop.config().clone());
        self.is_up = true;
    }

    /// The app's process is stopped, or goes on: then its driver finds the timers due before it reads.
    pub(crate) fn freeze(&mut self, app: AppNo, is_frozen: bool) {
        self.apps[app].is_frozen = is_frozen;
        if !is_frozen {
            self.apps[app].client.handle_timeout(self.now);
        }
        self.drive();
    }

    /// Lets everything happen that needs no time to pass.
    pub(crate) fn drive(&mut self) {
        for _ in 0..100_000 {
            if !self.step() {
                return;
            }
        }
        panic!("the two never come to rest");
    }

    /// Lets time pass, with every timer at its moment.
    pub(crate) fn advance(&mut self, millis: u64) {
        let end = Instant::from_millis(self.now.as_millis() + millis);
        while let Some(at) = self.next_timer().filter(|at| *at <= end) {
            assert!(at > self.now, "a timer lies in the past");
            self.now = at;
            self.desktop.handle_timeout(at);
            for app in self.apps.iter_mut().filter(|app| !app.is_frozen) {
                app.client.handle_timeout(at);
            }
            self.drive();
        }
        self.now = end;
    }

    fn next_timer(&self) -> Option<Instant> {
        let apps = self.apps.iter().filter(|app| !app.is_frozen);
        let apps = apps.filter_map(|app| app.client.poll_timeout()).map(|(at, _)| at);
        apps.chain(self.desktop.poll_timeout().map(|(at, _)| at)).min()
    }

    // --- What tests look at ---

    /// What an app was told, without the steps on its way.
    pub(crate) fn app_events(&mut self, app: AppNo) -> Vec<client::Event> {
        self.apps[app].events.drain(..).collect()
    }

    pub(crate) fn desktop_events(&mut self) -> Vec<desktop::Event> {
        self.desktop_events.drain(..).collect()
    }

    /// The one event that the desktop told.
    pub(crate) fn desktop_event(&mut self) -> desktop::Event {
        let mut events = self.desktop_events();
        assert_eq!(events.len(), 1, "{events:?}");
        events.remove(0)
    }

    /// Nothing is under way, nothing was told that nobody looked at, and no timer is due.
    pub(crate) fn assert_quiet(&mut self) {
        self.drive();
        for app in &self.apps {
            assert_eq!(app.events, [], "events of an app that nobody looked at");
        }
        assert_eq!(self.desktop_events, [], "events of the desktop that nobody looked at");
        assert!(self.next_timer().is_none_or(|at| at > self.now), "a timer is due");
        let frozen = |app: &AppNo| self.apps[*app].is_frozen;
        assert!(self.wires.iter().all(|((app, _), wire)| wire.to_app.is_empty() || frozen(app)));
    }

    // --- What the drivers do ---

    /// Does one thing of all that there is to do. Returns whether there was one.
    fn step(&mut self) -> bool {
        for app in 0..self.apps.len() {
            if self.app_step(app) {
                return true;
            }
        }
        if let Some(action) = self.desktop.poll_action() {
            self.desktop_action(action);
            return true;
        }
        if let Some(event) = self.desktop.poll_event() {
            self.desktop_event_told(event);
            return true;
        }
        self.deliver()
    }

    fn app_step(&mut self, app: AppNo) -> bool {
        if self.apps[app].is_frozen {
            return false;
        }
        if let Some(action) = self.apps[app].client.poll_action() {
            self.app_action(app, action);
            return true;
        }
        let side = &mut self.apps[app];
        match side.client.poll_event() {
            Some(client::Event::StateChanged(state)) => side.journey.push(state.to_string()),
            Some(client::Event::Step(step)) => side.journey.push(step.to_string()),
            Some(event) => side.events.push_back(event),
            None => return false,
        }
        true
    }

    fn app_action(&mut self, app: AppNo, action: client::Action) {
        match action {
            client::Action::Connect { attempt, endpoint, trust } => self.connect(app, attempt, &endpoint, trust),
            client::Action::Send { attempt, text } => self.queue_for_desktop(app, attempt, Frame::Text(text)),
            client::Action::Ping { attempt } => self.queue_for_desktop(app, attempt, Frame::Ping),
            client::Action::Close { attempt, code } => {
                self.queue_for_desktop(app, attempt, Frame::Close(code, String::new()));
            }
            client::Action::Abort { attempt } => self.queue_for_desktop(app, attempt, Frame::Lost),
            client::Action::Job { job, kind } => {
                let outcome = self.work(app, kind);
                self.apps[app].client.handle_job_done(job, outcome, self.now);
            }
            action => panic!("{action:?}"),
        }
    }

    fn connect(&mut self, app: AppNo, attempt: AttemptId, endpoint: &Endpoint, trust: Trust) {
        let now = self.now;
        let client = &mut self.apps[app].client;
        if !self.is_up {
            return client.handle_closed(attempt, CloseCause::Refused, now);
        }
        let channel = match trust {
            Trust::Exchange => Channel::Insecure,
            Trust::Mutual(generation) => Channel::Secure(self.apps[app].disk[&generation].identity.clone()),
        };
        let host = format!("{}:{}", endpoint.host, endpoint.port);
        let peer = ([127, 0, 0, 1], 50_000).into();
        let upgrade = Upgrade { target: &endpoint.target, host: Some(&host), origin: None, peer };
        let admission = self.desktop.handle_upgrade(channel, upgrade, now);
        let client = &mut self.apps[app].client;
        match admission {
            Admission::Reject { status, .. } => client.handle_closed(attempt, CloseCause::Http(status), now),
            Admission::Accept(conn) | Admission::AcceptThenClose { conn, .. } => {
                client.handle_opened(attempt, now);
                client.handle_writable(attempt, self.room, now);
                self.desktop.handle_writable(conn, self.room, now);
                let wire = Wire { conn, to_app: VecDeque::new(), to_desktop: VecDeque::new() };
                self.wires.insert((app, attempt), wire);
            }
        }
    }

    fn work(&mut self, app: AppNo, job: Job) -> JobOutcome {
        let now = self.now;
        let App { client, disk, .. } = &mut self.apps[app];
        match job {
            Job::Load => {
                let credentials = disk.values().rev().find_map(|stored| stored.credentials.clone());
                JobOutcome::Loaded { credentials, problem: None }
            }
            Job::NewGeneration => {
                let number = disk.keys().next_back().map_or(1, |last| last.as_u64() + 1);
                let generation = Generation::from_u64(number);
                let identity = PeerIdentity::Unbound { common_name: None };
                disk.insert(generation, Stored { credentials: None, identity });
                let wall = WallTime::from_unix_millis(1_700_000_000_000 + now.as_millis());
                let (csr, destination) = (format!("CSR {number}"), format!("/app/{number}/"));
                JobOutcome::Prepared(Prepared { generation, csr, destination, wall, pairing: None })
            }
            Job::StoreGrant { generation, grant } => {
                let credentials = Credentials {
                    generation,
                    device_id: grant.device_id.clone(),
                    medium: grant.medium,
                    os: grant.os,
                    csr: format!("CSR {}", generation.as_u64()),
                    csr_path: format!("/app/{}/", generation.as_u64()),
                    valid_until: Instant::from_millis(now.as_millis() + VALIDITY),
                };
                // What the desktop's authority writes into the certificate.
                let identity = PeerIdentity::Bound { app: client.config().app_id.clone(), device_id: grant.device_id };
                disk.insert(generation, Stored { credentials: Some(credentials.clone()), identity });
                JobOutcome::Stored(credentials)
            }
            Job::Discard { generation } => {
                disk.remove(&generation);
                JobOutcome::Done
            }
            Job::Promote { .. } | Job::Fetch { .. } => JobOutcome::Done,
            Job::Prune => {
                let last = disk.keys().next_back().copied();
                disk.retain(|generation, _| Some(*generation) == last);
                JobOutcome::Done
            }
            job => panic!("{job:?}"),
        }
    }

    fn desktop_action(&mut self, action: desktop::Action) {
        match action {
            desktop::Action::Send { conn, text } => self.queue_for_app(conn, Frame::Text(text)),
            desktop::Action::Ping { conn } => self.queue_for_app(conn, Frame::Ping),
            desktop::Action::Close { conn, code, reason } => self.queue_for_app(conn, Frame::Close(code, reason)),
            desktop::Action::Abort { conn } => self.queue_for_app(conn, Frame::Lost),
            action => panic!("{action:?}"),
        }
    }

    fn desktop_event_told(&mut self, event: desktop::Event) {
        let desktop::Event::ExchangeRequested(request) = event else { return self.desktop_events.push_back(event) };
        self.desktop.finish_exchange(request.exchange, self.answer.clone(), self.now).unwrap();
        self.exchanges.push(request);
    }

    fn queue_for_desktop(&mut self, app: AppNo, attempt: AttemptId, frame: Frame) {
        self.transcript.push(format!("app {app}> {frame:?}"));
        if let Some(wire) = self.wires.get_mut(&(app, attempt)) {
            wire.to_desktop.push_back(frame);
        }
    }

    fn queue_for_app(&mut self, conn: ConnId, frame: Frame) {
        self.transcript.push(format!("{conn}> {frame:?}"));
        if let Some(wire) = self.wires.values_mut().find(|wire| wire.conn == conn) {
            wire.to_app.push_back(frame);
        }
    }

    /// Delivers one frame, of the oldest connection that has one.
    fn deliver(&mut self) -> bool {
        let frozen = |app: AppNo| self.apps[app].is_frozen;
        let next = self.wires.iter_mut().find_map(|(&(app, attempt), wire)| {
            let to_desktop = wire.to_desktop.pop_front().map(|frame| (frame, true));
            let frame = to_desktop.or_else(|| {
                let reads = !frozen(app);
                if reads { wire.to_app.pop_front().map(|frame| (frame, false)) } else { None }
            });
            frame.map(|(frame, to_desktop)| (app, attempt, wire.conn, frame, to_desktop))
        });
        let Some((app, attempt, conn, frame, to_desktop)) = next else { return false };
        if to_desktop {
            self.at_desktop(app, attempt, conn, frame);
        } else {
            self.at_app(app, attempt, conn, frame);
        }
        true
    }

    fn at_desktop(&mut self, app: AppNo, attempt: AttemptId, conn: ConnId, frame: Frame) {
        let now = self.now;
        match frame {
            Frame::Text(text) => {
                self.desktop.handle_message(conn, text, now);
                self.apps[app].client.handle_writable(attempt, self.room, now);
            }
            Frame::Ping => {
                self.desktop.handle_alive(conn, now);
                self.queue_for_app(conn, Frame::Pong);
            }
            Frame::Pong => self.desktop.handle_alive(conn, now),
            Frame::Close(code, reason) => {
                self.desktop.handle_closed(conn, closed_with(code, &reason), now);
                self.queue_for_app(conn, Frame::Closed);
            }
            Frame::Closed => {
                self.desktop.handle_closed(conn, CloseCause::Local, now);
                self.wires.remove(&(app, attempt));
            }
            Frame::Lost => {
                self.desktop.handle_closed(conn, CloseCause::Eof, now);
                self.wires.remove(&(app, attempt));
            }
        }
    }

    fn at_app(&mut self, app: AppNo, attempt: AttemptId, conn: ConnId, frame: Frame) {
        let now = self.now;
        let client = &mut self.apps[app].client;
        match frame {
            Frame::Text(text) => {
                client.handle_message(attempt, text, now);
                self.desktop.handle_writable(conn, self.room, now);
            }
            Frame::Ping => {
                client.handle_alive(attempt, now);
                self.queue_for_desktop(app, attempt, Frame::Pong);
            }
            Frame::Pong => client.handle_alive(attempt, now),
            Frame::Close(code, reason) => {
                client.handle_closed(attempt, closed_with(code, &reason), now);
                self.queue_for_desktop(app, attempt, Frame::Closed);
            }
            Frame::Closed => {
                client.handle_closed(attempt, CloseCause::Local, now);
                self.wires.remove(&(app, attempt));
            }
            Frame::Lost => {
                client.handle_closed(attempt, CloseCause::Eof, now);
                self.wires.remove(&(app, attempt));
            }
        }
    }
}

/// Every test ends with it.
impl Drop for Pair {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.assert_quiet();
        }
    }
}

fn closed_with(code: CloseCode, reason: &str) -> CloseCause {
    CloseCause::Code { code: code.as_u16(), reason: Excerpt::new(reason) }
}
