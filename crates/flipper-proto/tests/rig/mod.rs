//! A client under test, in virtual time, with the test in the place of the driver, the desktop and the disk.

#![allow(dead_code, reason = "every test file uses a part of it")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that fails panics")]

use std::collections::VecDeque;
use std::time::Duration;

use flipper_proto::client::{
    Action, Client, Config, Credentials, Endpoint, Event, Failure, Job, JobOutcome, Os, PluginMode, Prepared, State,
    Step, Timer, Trust,
};
use flipper_proto::{
    AttemptId, CallId, CloseCause, CloseCode, Excerpt, Generation, Instant, JobId, Medium, Payload, PluginId, WallTime,
};

/// What the clock on the wall says at [`Instant::ZERO`].
pub(crate) const WALL: u64 = 1_700_000_000_000;
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) struct Rig {
    pub(crate) client: Client,
    pub(crate) now: Instant,
    actions: VecDeque<Action>,
    events: VecDeque<Event>,
    generations: u64,
}

impl Rig {
    pub(crate) fn new(config: Config) -> Self {
        let mut client = Client::new(config);
        assert_eq!(client.poll_action(), None);
        assert_eq!(client.poll_event(), None);
        assert_eq!(client.poll_timeout(), None);
        let (actions, events) = (VecDeque::new(), VecDeque::new());
        Self { client, now: Instant::from_millis(1_000), actions, events, generations: 0 }
    }

    /// A rig whose client has these plugins, all of them background plugins.
    pub(crate) fn with_plugins(config: Config, plugins: &[&str]) -> Self {
        let mut rig = Self::new(config);
        for plugin in plugins {
            rig.client.add_plugin(*plugin, PluginMode::Background).unwrap();
        }
        rig
    }

    /// A rig that is in a session under stored credentials, with a socket that takes everything.
    pub(crate) fn connected(config: Config, plugins: &[&str]) -> (Self, AttemptId) {
        let mut rig = Self::with_plugins(config, plugins);
        let attempt = rig.start_with(Some(credentials(7)));
        rig.open_session(attempt);
        rig.events();
        (rig, attempt)
    }

    /// The same, with these plugins initialised.
    pub(crate) fn in_use(config: Config, plugins: &[&str]) -> (Self, AttemptId) {
        let (mut rig, attempt) = Self::connected(config, plugins);
        for plugin in plugins {
            rig.init(attempt, plugin);
        }
        rig.events();
        rig.assert_quiet();
        (rig, attempt)
    }

    // --- Facts and wishes, each followed by what a driver does then ---

    pub(crate) fn start(&mut self) {
        self.client.start(self.now);
        self.drain();
    }

    pub(crate) fn stop(&mut self) {
        self.client.stop(self.now);
        self.drain();
    }

    pub(crate) fn opened(&mut self, attempt: AttemptId) {
        self.client.handle_opened(attempt, self.now);
        self.drain();
    }

    pub(crate) fn writable(&mut self, attempt: AttemptId, room: usize) {
        self.client.handle_writable(attempt, room, self.now);
        self.drain();
    }

    pub(crate) fn message(&mut self, attempt: AttemptId, text: &str) {
        self.client.handle_message(attempt, text, self.now);
        self.drain();
    }

    pub(crate) fn binary(&mut self, attempt: AttemptId, bytes: &[u8]) {
        self.client.handle_binary(attempt, bytes, self.now);
        self.drain();
    }

    pub(crate) fn alive(&mut self, attempt: AttemptId) {
        self.client.handle_alive(attempt, self.now);
        self.drain();
    }

    pub(crate) fn closed(&mut self, attempt: AttemptId, cause: CloseCause) {
        self.client.handle_closed(attempt, cause, self.now);
        self.drain();
    }

    pub(crate) fn job_done(&mut self, job: JobId, outcome: JobOutcome) {
        self.client.handle_job_done(job, outcome, self.now);
        self.drain();
    }

    pub(crate) fn send(&mut self, plugin: &str, method: &str, params: &str) {
        let params = Payload::from_json(params).unwrap();
        self.client.send(&PluginId::new(plugin), method, Some(&params)).unwrap();
        self.drain();
    }

    /// Answers a call with this JSON.
    pub(crate) fn respond(&mut self, call: CallId, json: &str) {
        let value = Payload::from_json(json).unwrap();
        self.client.respond(call, &flipper_proto::client::Reply::Success(value)).unwrap();
        self.drain();
    }

    /// Lets time pass, with every timer at its moment.
    pub(crate) fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some((at, _)) = self.client.poll_timeout()
            && at <= end
        {
            assert!(at >= self.now, "a timer lies in the past");
            self.now = at;
            self.timeout();
        }
        self.now = end;
    }

    /// Jumps to the next timer, which must be this one.
    pub(crate) fn pass_to(&mut self, timer: Timer) -> Duration {
        let (at, due) = self.client.poll_timeout().expect("a timer");
        assert_eq!(due, timer);
        let waited = at.saturating_duration_since(self.now);
        self.now = at;
        self.timeout();
        waited
    }

    /// The clock has come to `self.now`; whatever timers were due are handled in one go, and late.
    pub(crate) fn timeout(&mut self) {
        self.client.handle_timeout(self.now);
        self.drain();
        if let Some((at, timer)) = self.client.poll_timeout() {
            assert!(at > self.now, "after handle_timeout, {timer:?} is due again at once");
        }
    }

    /// Takes what the client has decided and told since. Call it after a wish that went to `client` itself.
    pub(crate) fn drain(&mut self) {
        while let Some(action) = self.client.poll_action() {
            self.actions.push_back(action);
        }
        while let Some(event) = self.client.poll_event() {
            self.events.push_back(event);
        }
    }

    // --- What the client did ---

    pub(crate) fn actions(&mut self) -> Vec<Action> {
        self.actions.drain(..).collect()
    }

    pub(crate) fn events(&mut self) -> Vec<Event> {
        self.events.drain(..).collect()
    }

    pub(crate) fn take_action(&mut self) -> Action {
        self.actions.pop_front().expect("an action")
    }

    pub(crate) fn take_connect(&mut self) -> (AttemptId, Endpoint, Trust) {
        match self.take_action() {
            Action::Connect { attempt, endpoint, trust } => (attempt, endpoint, trust),
            other => panic!("expected Connect, not {other:?}"),
        }
    }

    pub(crate) fn take_job(&mut self) -> (JobId, Job) {
        match self.take_action() {
            Action::Job { job, kind } => (job, kind),
            other => panic!("expected Job, not {other:?}"),
        }
    }

    pub(crate) fn take_close(&mut self) -> (AttemptId, CloseCode) {
        match self.take_action() {
            Action::Close { attempt, code } => (attempt, code),
            other => panic!("expected Close, not {other:?}"),
        }
    }

    pub(crate) fn take_sent(&mut self) -> String {
        match self.take_action() {
            Action::Send { text, .. } => text,
            other => panic!("expected Send, not {other:?}"),
        }
    }

    /// All messages sent, where nothing but messages is expected.
    pub(crate) fn sent(&mut self) -> Vec<String> {
        (0..self.actions.len()).map(|_| self.take_sent()).collect()
    }

    /// The jobs given, where nothing but jobs is expected.
    pub(crate) fn jobs(&mut self) -> Vec<Job> {
        (0..self.actions.len()).map(|_| self.take_job().1).collect()
    }

    /// The failures told, leaving other events out.
    pub(crate) fn failures(&mut self) -> Vec<Failure> {
        let failure = |event| if let Event::Failed(failure) = event { Some(failure) } else { None };
        self.events().into_iter().filter_map(failure).collect()
    }

    /// The steps told, leaving other events out.
    pub(crate) fn steps(&mut self) -> Vec<Step> {
        let step = |event| if let Event::Step(step) = event { Some(step) } else { None };
        self.events().into_iter().filter_map(step).collect()
    }

    /// The only event, which must be a call.
    pub(crate) fn take_call(&mut self) -> CallId {
        match self.events().as_slice() {
            [Event::Call { call, .. }] => *call,
            other => panic!("expected one call, not {other:?}"),
        }
    }

    pub(crate) fn assert_no_actions(&self) {
        assert_eq!(self.actions, []);
    }

    /// Nothing is left that the test has not looked at, and no timer is due.
    pub(crate) fn assert_quiet(&self) {
        assert_eq!(self.actions, [], "actions that nobody looked at");
        assert_eq!(self.events, [], "events that nobody looked at");
        if let Some((at, timer)) = self.client.poll_timeout() {
            assert!(at > self.now, "{timer:?} is due");
        }
    }

    // --- Ways that many tests go ---

    /// Starts, and loads these credentials. The attempt to open a session, if there are any.
    pub(crate) fn start_with(&mut self, credentials: Option<Credentials>) -> AttemptId {
        self.start();
        let (job, kind) = self.take_job();
        assert_eq!(kind, Job::Load);
        let found = credentials.is_some();
        self.generations = credentials.as_ref().map_or(0, |found| found.generation.as_u64());
        self.job_done(job, JobOutcome::Loaded { credentials, problem: None });
        if found && matches!(self.actions.front(), Some(Action::Connect { trust: Trust::Mutual(_), .. })) {
            self.take_connect().0
        } else {
            AttemptId::from_u64(u64::MAX)
        }
    }

    pub(crate) fn open_session(&mut self, attempt: AttemptId) {
        self.opened(attempt);
        self.writable(attempt, usize::MAX);
        assert_eq!(self.client.state(), State::Connected { unresponsive: false });
    }

    pub(crate) fn init(&mut self, attempt: AttemptId, plugin: &str) {
        self.message(attempt, &format!(r#"{{"method":"init","params":{{"plugin":"{plugin}"}}}}"#));
        assert!(self.client.is_plugin_connected(plugin));
    }

    /// The attempt to open an exchange's socket, which the client has decided on.
    pub(crate) fn dial(&mut self) -> AttemptId {
        let (attempt, endpoint, trust) = self.take_connect();
        assert_eq!((endpoint.port, trust), (9089, Trust::Exchange));
        assert_eq!(self.client.state(), State::Exchanging);
        attempt
    }

    /// Makes the key that the client asks for.
    pub(crate) fn make_key(&mut self) -> Generation {
        let (job, kind) = self.take_job();
        assert_eq!(kind, Job::NewGeneration);
        let prepared = self.new_generation();
        let generation = prepared.generation;
        self.job_done(job, JobOutcome::Prepared(prepared));
        generation
    }

    /// What a driver makes of `Job::NewGeneration`.
    pub(crate) fn new_generation(&mut self) -> Prepared {
        self.generations += 1;
        Prepared {
            generation: Generation::from_u64(self.generations),
            csr: format!("CSR {}", self.generations),
            destination: format!("/app/{}/", self.generations),
            wall: WallTime::from_unix_millis(WALL + self.now.as_millis()),
            pairing: None,
        }
    }

    /// Goes through an exchange that the client wants, up to the request that it sent.
    pub(crate) fn ask(&mut self) -> (AttemptId, Generation) {
        let attempt = self.dial();
        self.opened(attempt);
        let generation = self.make_key();
        self.writable(attempt, usize::MAX);
        let request = self.take_sent();
        assert!(request.starts_with(r#"{"method":"signCertificate","#), "{request}");
        (attempt, generation)
    }

    /// Goes through a whole exchange that the client wants. The attempt to open a session with what it brought.
    pub(crate) fn exchange(&mut self) -> (AttemptId, Generation) {
        let (attempt, generation) = self.ask();
        self.grant(attempt, "");
        let (job, kind) = self.take_job();
        assert!(matches!(kind, Job::StoreGrant { .. }), "{kind:?}");
        self.job_done(job, JobOutcome::Stored(credentials(generation.as_u64())));
        let acknowledgement = self.take_sent();
        assert!(acknowledgement.starts_with(r#"{"method":"signCertificateAck","#), "{acknowledgement}");
        assert_eq!(self.take_close(), (attempt, CloseCode::NORMAL));
        self.closed(attempt, code(1000));
        let (attempt, _, trust) = self.take_connect();
        assert_eq!(trust, Trust::Mutual(generation));
        (attempt, generation)
    }

    pub(crate) fn grant(&mut self, attempt: AttemptId, device_id: &str) {
        self.message(attempt, &format!(r#"{{"deviceId":"{device_id}"}}"#));
    }

    /// An attempt fails; waits until the next one is due.
    pub(crate) fn fail(&mut self, attempt: AttemptId, cause: CloseCause) -> Duration {
        self.closed(attempt, cause);
        self.pass_to(Timer::Retry)
    }
}

/// The settings of the tests: an app on Linux that leaves everything else alone.
pub(crate) fn config() -> Config {
    let mut config = Config::new("Sample", "com.example.sample");
    config.os = Os::Automatic(String::from("Linux"));
    config.device = String::from("box");
    config.device_id = String::from("own-id");
    config
}

/// Stored credentials of this generation, as a desktop gave them that answers with an empty device id.
pub(crate) fn credentials(generation: u64) -> Credentials {
    Credentials {
        generation: Generation::from_u64(generation),
        device_id: String::new(),
        medium: Medium::FsAccess,
        os: None,
        csr: format!("CSR {generation}"),
        csr_path: format!("/app/{generation}/"),
        valid_until: Instant::ZERO + 30 * DAY,
    }
}

pub(crate) fn code(code: u16) -> CloseCause {
    CloseCause::Code { code, reason: Excerpt::default() }
}

pub(crate) fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
