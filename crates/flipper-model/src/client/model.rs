//! A client, and what must be true of it by what it was told and did so far.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use flipper_proto::client::{
    Action, Client, CredentialFailure, CredentialProblem, Event, Job, JobOutcome, Prepared, Reply, State, Trust,
};
use flipper_proto::{
    AttemptId, CallId, CloseCause, ErrorReport, Excerpt, Generation, Instant, JobId, Medium, Payload, PluginId,
    WallTime,
};

use super::credentials;
use super::ops::{Op, Outcome, PLUGINS, Pick, Settings, UNFIT};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// No deadline after this moment reaches the end of time, where none are kept any more.
const LATEST: Instant = Instant::from_millis(u64::MAX / 2);

/// How events and requests begin. Events have limits of their own, and of requests there is one at a time.
const WISH: &str = r#"{"method":"#;

/// No report of dropped events has more bytes.
const REPORT: usize = 160;

/// A client, and what must be true of it.
pub struct Model {
    client: Client,
    now: Instant,
    log: Vec<String>,
    attempts: Vec<AttemptId>,
    jobs: Vec<(JobId, Job)>,
    open_jobs: BTreeSet<JobId>,
    calls: Vec<CallId>,
    /// Those of them that wait for their answers.
    pending: BTreeMap<CallId, PluginId>,
    /// Requests of the session that came and were not answered, and may be.
    unanswered: u64,
    socket: Option<Socket>,
    told: State,
    connected: BTreeSet<PluginId>,
    made: BTreeSet<Generation>,
    stored: BTreeSet<Generation>,
    discarded: BTreeSet<Generation>,
    /// The numbers of the events that were sent and are neither on the wire nor known to be dropped, by plugin.
    waiting: BTreeMap<PluginId, VecDeque<u64>>,
    next_event: u64,
}

struct Socket {
    attempt: AttemptId,
    open: bool,
    closing: bool,
    room: usize,
}

impl Model {
    fn new(settings: &Settings) -> Self {
        Self {
            client: Client::new(settings.config()),
            now: Instant::ZERO,
            log: Vec::new(),
            attempts: Vec::new(),
            jobs: Vec::new(),
            open_jobs: BTreeSet::new(),
            calls: Vec::new(),
            pending: BTreeMap::new(),
            unanswered: 0,
            socket: None,
            told: State::Stopped,
            connected: BTreeSet::new(),
            made: BTreeSet::new(),
            stored: BTreeSet::new(),
            discarded: BTreeSet::new(),
            waiting: BTreeMap::new(),
            next_event: 0,
        }
    }

    /// Carries out operations on a new client.
    #[must_use]
    pub fn play(settings: &Settings, ops: &[Op]) -> Self {
        let mut model = Self::new(settings);
        for op in ops {
            model.apply(op);
            model.check();
        }
        let counters = model.client.counters();
        model.note(&counters);
        model
    }

    /// Everything that the client did and told, and every timer that it asked for.
    #[must_use]
    pub fn log(&self) -> &[String] {
        &self.log
    }

    fn note(&mut self, what: &impl std::fmt::Debug) {
        self.log.push(format!("{what:?}"));
    }

    fn attempt(&self, pick: Pick) -> AttemptId {
        pick.of(&self.attempts).unwrap_or(AttemptId::from_u64(u64::MAX))
    }

    fn call(&self, pick: Pick) -> CallId {
        pick.of(&self.calls).unwrap_or(CallId::from_u64(u64::MAX))
    }

    /// A message is about to arrive, which may be a request.
    fn heard(&mut self, attempt: Pick) -> AttemptId {
        let attempt = self.attempt(attempt);
        if self.socket.as_ref().is_some_and(|socket| socket.attempt == attempt && socket.open) {
            self.unanswered += 1;
        }
        attempt
    }

    fn apply(&mut self, op: &Op) {
        let now = self.now;
        match op {
            Op::Go(plugin) => self.go(plugin),
            Op::Start => self.client.start(now),
            Op::Stop => self.client.stop(now),
            Op::AddPlugin(id, mode) => {
                if self.client.add_plugin(*id, *mode).is_ok() {
                    self.waiting.insert(PluginId::new(id), VecDeque::new());
                }
            }
            Op::RemovePlugin(id) => {
                let known = self.waiting.remove(*id).is_some();
                self.pending.retain(|_, plugin| plugin.as_str() != *id);
                assert_eq!(self.client.remove_plugin(id).is_ok(), known);
            }
            Op::Send(id) => {
                let params = Payload::serialize(&self.next_event).unwrap();
                let sent = self.client.send(&PluginId::new(id), "e", Some(&params));
                assert_eq!(sent.is_ok(), self.waiting.contains_key(*id));
                if let Some(waiting) = self.waiting.get_mut(*id) {
                    waiting.push_back(self.next_event);
                }
                self.next_event += 1;
            }
            Op::Respond(call, good) => {
                let call = self.call(*call);
                let answer = Payload::from_json("{\"x\":1.10}").unwrap();
                let answered = match good {
                    true => self.client.respond(call, &Reply::Success(answer)),
                    false => self.client.respond_error(call, &ErrorReport::new("no")),
                };
                assert_eq!(answered.is_ok(), self.pending.remove(&call).is_some(), "a call is answered once");
            }
            Op::Supported(call, supported) => {
                let call = self.call(*call);
                let answered = self.client.respond_supported(call, *supported);
                assert_eq!(answered.is_ok(), self.pending.remove(&call).is_some(), "a call is answered once");
            }
            Op::Report => {
                let _not_connected = self.client.report_error(&ErrorReport::new("oops"));
            }
            Op::Opened(attempt) => {
                let attempt = self.attempt(*attempt);
                self.client.handle_opened(attempt, now);
                if let Some(socket) = self.socket.as_mut().filter(|socket| socket.attempt == attempt && !socket.open) {
                    (socket.open, socket.room) = (true, 1);
                }
            }
            Op::Message(attempt, text) => {
                let attempt = self.heard(*attempt);
                self.client.handle_message(attempt, text.as_str(), now);
            }
            Op::Binary(attempt, bytes) => {
                let attempt = self.heard(*attempt);
                self.client.handle_binary(attempt, bytes, now);
            }
            Op::Alive(attempt) => self.client.handle_alive(self.attempt(*attempt), now),
            Op::Writable(attempt, room) => {
                let attempt = self.attempt(*attempt);
                self.client.handle_writable(attempt, *room, now);
                if let Some(socket) = self.socket.as_mut().filter(|socket| socket.attempt == attempt && socket.open) {
                    socket.room = *room;
                }
            }
            Op::Closed(attempt, cause) => {
                let attempt = self.attempt(*attempt);
                self.socket.take_if(|socket| socket.attempt == attempt);
                self.client.handle_closed(attempt, cause.clone(), now);
            }
            Op::JobDone(job, outcome) => {
                let ids: Vec<JobId> = self.jobs.iter().map(|(id, _)| *id).collect();
                let job = job.of(&ids).unwrap_or(JobId::from_u64(u64::MAX));
                let outcome = self.outcome(job, outcome);
                self.open_jobs.remove(&job);
                self.client.handle_job_done(job, outcome, now);
            }
            Op::Wait(span) => self.now = (now + *span).min(LATEST),
            Op::Timeout(span) => self.timeout((now + *span).min(LATEST)),
            Op::Due => {
                if let Some((at, _)) = self.client.poll_timeout() {
                    self.timeout(at.max(now));
                }
            }
        }
    }

    fn go(&mut self, plugin: &'static str) {
        let (latest, room) = (Pick::Latest, 10_000);
        if let Some(job) = self.open_jobs.last().copied() {
            let at = self.jobs.iter().rposition(|(id, _)| *id == job).unwrap_or(0);
            let pick = Pick::Exactly(u16::try_from(at).unwrap_or(u16::MAX));
            return self.apply(&Op::JobDone(pick, Outcome::Fitting { medium: Medium::FsAccess, valid_days: 30 }));
        }
        match self.client.state() {
            State::Stopped => self.apply(&Op::Start),
            State::Waiting { .. } => self.apply(&Op::Due),
            State::Closing => {
                let cause = CloseCause::Code { code: 1000, reason: Excerpt::default() };
                self.apply(&Op::Closed(latest, cause));
            }
            _ if self.socket.as_ref().is_some_and(|socket| !socket.open) => self.apply(&Op::Opened(latest)),
            _ if self.socket.as_ref().is_some_and(|socket| socket.room == 0) => self.apply(&Op::Writable(latest, room)),
            State::Exchanging => self.apply(&Op::Message(latest, String::from(r#"{"deviceId":""}"#))),
            State::Connected { .. } => {
                if self.next_event.is_multiple_of(2) {
                    self.apply(&Op::Respond(Pick::Latest, true));
                }
                let text = if self.connected.contains(plugin) {
                    let method = if self.attempts.len().is_multiple_of(2) { "execute" } else { "isMethodSupported" };
                    format!(r#"{{"id":5,"method":"{method}","params":{{"api":"{plugin}","method":"m"}}}}"#)
                } else {
                    format!(r#"{{"method":"init","params":{{"plugin":"{plugin}"}}}}"#)
                };
                self.apply(&Op::Message(latest, text));
            }
            _ => self.apply(&Op::Due),
        }
    }

    fn timeout(&mut self, now: Instant) {
        self.now = now;
        self.client.handle_timeout(now);
        let next = self.client.poll_timeout();
        assert!(next.is_none_or(|(at, _)| at > now), "after handle_timeout({now:?}), {next:?} is due");
    }

    fn outcome(&mut self, job: JobId, outcome: &Outcome) -> JobOutcome {
        let first = self.open_jobs.contains(&job);
        let kind = self.jobs.iter().find(|(id, _)| *id == job).map_or(Job::Prune, |(_, kind)| kind.clone());
        let failed = || CredentialFailure { kind: CredentialProblem::Io, text: String::from("disk") };
        match outcome {
            Outcome::Failed => JobOutcome::Failed(failed()),
            Outcome::Unfit(index) => {
                let generation = Generation::from_u64(1_000_000 + self.next_event);
                let prepared = Prepared {
                    generation,
                    csr: String::new(),
                    destination: String::new(),
                    wall: WallTime::default(),
                    pairing: None,
                };
                let unfit: [_; UNFIT as usize] = [
                    JobOutcome::Done,
                    JobOutcome::Prepared(prepared),
                    JobOutcome::Stored(credentials(generation.as_u64(), self.now)),
                    JobOutcome::Loaded { credentials: None, problem: Some(failed()) },
                ];
                unfit[usize::from(*index % UNFIT)].clone()
            }
            Outcome::Fitting { medium, valid_days } => {
                let credentials = |generation: u64| {
                    let mut credentials = credentials(generation, self.now + DAY * u32::from(*valid_days));
                    credentials.medium = *medium;
                    credentials
                };
                match kind {
                    Job::Load => {
                        let found = self.client.config().seed.is_multiple_of(2);
                        JobOutcome::Loaded { credentials: found.then(|| credentials(job.as_u64())), problem: None }
                    }
                    Job::NewGeneration => {
                        // Generations are numbered by the job that made them, apart from those of a Load.
                        let generation = Generation::from_u64(10_000 + job.as_u64());
                        if first {
                            self.made.insert(generation);
                        }
                        let (csr, destination) = (String::from("CSR"), String::from("/d/"));
                        let wall = WallTime::default();
                        JobOutcome::Prepared(Prepared { generation, csr, destination, wall, pairing: None })
                    }
                    Job::StoreGrant { generation, .. } => {
                        self.stored.insert(generation);
                        JobOutcome::Stored(credentials(generation.as_u64()))
                    }
                    _ => JobOutcome::Done,
                }
            }
        }
    }

    /// Takes everything that the client gives, and holds it against what was before.
    fn check(&mut self) {
        let mut answers = 0;
        while let Some(action) = self.client.poll_action() {
            self.note(&action);
            if let Action::Send { text, .. } = &action
                && !text.starts_with(WISH)
            {
                answers += text.len();
            }
            self.check_action(action);
        }
        // Short errors may double the queue, the last of them goes beyond that, and every plugin may have lost events.
        let limits = &self.client.config().limits;
        let most = 2 * limits.queued_answer_bytes + limits.message_bytes + PLUGINS.len() * REPORT;
        assert!(answers <= most, "{answers} bytes of answers waited, {most} may");
        while let Some(event) = self.client.poll_event() {
            self.note(&event);
            self.check_event(event);
        }
        let state = self.client.state();
        assert_eq!(self.told, state, "the state is not the one that was told last");
        let timeout = self.client.poll_timeout();
        self.note(&timeout);
        assert_eq!(self.client.poll_action(), None);
        assert_eq!(self.client.poll_event(), None);
        let works = !self.open_jobs.is_empty();
        assert!(
            state == State::Stopped || timeout.is_some() || works,
            "{state:?} has neither a timer nor a job to wait for"
        );
        for plugin in PLUGINS {
            assert_eq!(self.client.is_plugin_connected(plugin), self.connected.contains(plugin));
        }
        self.check_events_kept();
    }

    fn check_action(&mut self, action: Action) {
        match action {
            Action::Connect { attempt, trust, .. } => {
                assert!(self.socket.is_none(), "a second socket beside one that has not ended");
                if let Trust::Mutual(generation) = trust {
                    assert!(!self.discarded.contains(&generation), "{generation} was discarded");
                }
                self.attempts.push(attempt);
                self.unanswered = 0;
                self.socket = Some(Socket { attempt, open: false, closing: false, room: 0 });
            }
            Action::Send { attempt, text } => {
                let socket = self.socket.as_mut().expect("a socket");
                assert!(socket.attempt == attempt && socket.open && !socket.closing, "no socket to send on");
                assert!(socket.room > 0, "no room to send");
                socket.room = socket.room.saturating_sub(text.len());
                let message: serde_json::Value = serde_json::from_str(&text).expect("what is sent is JSON");
                self.check_sent(&message);
            }
            Action::Ping { attempt } => {
                let socket = self.socket.as_ref().expect("a socket");
                assert!(socket.attempt == attempt && socket.open && !socket.closing, "no socket to ping");
            }
            Action::Close { attempt, .. } => {
                let socket = self.socket.as_mut().expect("a socket");
                assert!(socket.attempt == attempt && socket.open && !socket.closing, "no socket to close");
                socket.closing = true;
            }
            Action::Abort { attempt } => {
                assert_eq!(self.socket.take().expect("a socket").attempt, attempt);
            }
            Action::Job { job, kind } => {
                assert!(self.jobs.last().is_none_or(|(last, _)| *last < job));
                match &kind {
                    Job::Discard { generation } => {
                        assert!(self.discarded.insert(*generation), "{generation} is discarded twice");
                    }
                    Job::Promote { generation } => {
                        assert!(self.stored.contains(generation) && !self.discarded.contains(generation));
                    }
                    _ => {}
                }
                self.jobs.push((job, kind));
                self.open_jobs.insert(job);
            }
            other => panic!("what is {other:?}?"),
        }
    }

    /// There are no more answers than requests. Events are in order; what is missing between two of them was dropped.
    fn check_sent(&mut self, message: &serde_json::Value) {
        if message.get("id").is_some() {
            self.unanswered = self.unanswered.checked_sub(1).expect("an answer to no request");
        }
        if message["method"] != "execute" {
            return;
        }
        assert_eq!(message.get("id"), None, "an event must have no id");
        let plugin = message["params"]["api"].as_str().unwrap();
        let number = message["params"]["params"].as_u64().unwrap();
        let waiting = self.waiting.get_mut(plugin).expect("an event of a plugin that is there");
        let at = waiting.iter().position(|waits| *waits == number).expect("an event that was not sent before");
        waiting.drain(..=at);
    }

    fn check_event(&mut self, event: Event) {
        match event {
            Event::StateChanged(state) => {
                assert_ne!(state, self.told, "the same state is told twice");
                if !matches!(state, State::Connected { .. }) {
                    self.pending.clear();
                }
                self.told = state;
            }
            Event::PluginConnected(plugin) => assert!(self.connected.insert(plugin)),
            Event::PluginDisconnected(plugin) => assert!(self.connected.remove(&plugin)),
            Event::Call { call, plugin, .. } | Event::MethodQuery { call, plugin, .. } => {
                // A plugin may be disconnected by the same turn, but never called before it is connected.
                assert!(self.connected.contains(&plugin));
                assert!(self.calls.last().is_none_or(|last| *last < call));
                self.calls.push(call);
                self.pending.insert(call, plugin);
                assert!(self.pending.len() <= self.client.config().limits.pending_calls);
            }
            _ => {}
        }
    }

    /// No event is lost without being counted.
    fn check_events_kept(&self) {
        for (plugin, waiting) in &self.waiting {
            let kept = self.client.waiting_events(plugin.as_str()).unwrap();
            assert!(kept <= waiting.len());
            assert!(kept <= self.client.config().limits.buffered_events.max(1));
        }
    }

    /// After a stop, when every job is done, no key is left that nobody can use.
    pub fn finish(mut self) {
        self.apply(&Op::Stop);
        self.check();
        self.timeout(self.now + Duration::from_secs(60));
        self.check();
        assert_eq!(self.client.state(), State::Stopped);
        while let Some(job) = self.open_jobs.first().copied() {
            let stored = self.stored.clone();
            let outcome = self.outcome(job, &Outcome::Fitting { medium: Medium::FsAccess, valid_days: 30 });
            self.stored = stored;
            self.open_jobs.remove(&job);
            self.client.handle_job_done(job, outcome, self.now);
            self.check();
        }
        assert_eq!(self.client.state(), State::Stopped);
        let left: Vec<_> = self.made.difference(&self.stored).filter(|made| !self.discarded.contains(made)).collect();
        assert!(left.is_empty(), "keys that nobody needs are left: {left:?}");
    }
}
