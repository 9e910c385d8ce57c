//! A transcript, played to a client.

use std::collections::VecDeque;

use flipper_proto::client::{
    Action, Client, Config, CredentialFailure, CredentialProblem, Credentials, Event, Job, JobOutcome, MediumChoice,
    Os, PluginMode, Prepared, Reply, Timer, Trust,
};
use flipper_proto::{
    ApiMisuse, AttemptId, CallId, Generation, Instant, JobId, Medium, Overflow, Payload, Query, WallTime,
};
use flipper_transcript::{
    AppNews, AppWish, Frame, JobKind, JobOutcome as Ending, Key, Line, Port, Script, Setup, Side, Step,
    Timer as TimerWord, Transcript,
};

use super::input::Input;
use super::{DAY, Mismatch, START, cause, closed, lines};
use crate::json::matches;

/// What was done to a client, and what came out.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The settings that it was made with.
    pub config: Config,
    /// What it was told, and when.
    pub inputs: Vec<(Instant, Input)>,
    /// For every input what it did, what it told and when its next timer was due, one line each.
    pub outputs: Vec<Vec<String>>,
}

impl Recording {
    /// Does the same to another client, and returns what comes out.
    #[must_use]
    pub fn replay(&self) -> Vec<Vec<String>> {
        let mut client = Client::new(self.config.clone());
        self.inputs.iter().map(|(now, input)| Turn::of(&mut client, input, *now).lines()).collect()
    }
}

/// Plays a transcript to a client, with the player in the place of the driver, the desktop and the disk.
///
/// # Errors
/// [`Mismatch`]: the client did otherwise than the transcript says.
pub fn play_app(transcript: &Transcript) -> Result<Recording, Mismatch> {
    let mut player = Player::new(transcript);
    let fault = |line, what| Mismatch { name: transcript.name.clone(), line, what };
    player.set_up(transcript).map_err(|what| fault(0, what))?;
    let mut last = 0;
    let mut script = transcript.script(Side::App);
    while let Some((number, step)) = script.next() {
        player.step(step, &script).map_err(|what| fault(number, what))?;
        last = number;
    }
    player.do_unnamed_jobs(&[]);
    player.nothing_left().map_err(|what| fault(last, what))?;
    let Player { config, inputs, outputs, .. } = player;
    Ok(Recording { config, inputs, outputs })
}

/// Everything that a client does and tells in answer to one input.
struct Turn {
    refused: Option<ApiMisuse>,
    actions: Vec<Action>,
    events: Vec<Event>,
    timer: Option<(Instant, Timer)>,
}

impl Turn {
    fn of(client: &mut Client, input: &Input, now: Instant) -> Self {
        let refused = input.tell(client, now).err();
        let actions = std::iter::from_fn(|| client.poll_action()).collect();
        let events = std::iter::from_fn(|| client.poll_event()).collect();
        Self { refused, actions, events, timer: client.poll_timeout() }
    }

    fn lines(&self) -> Vec<String> {
        let refused = self.refused.iter().map(|misuse| format!("refused {misuse}"));
        let done = self.actions.iter().map(lines::action).chain(self.events.iter().map(lines::event));
        refused.chain(done).chain([lines::timer(self.timer)]).collect()
    }
}

struct Player {
    config: Config,
    client: Client,
    now: Instant,
    inputs: Vec<(Instant, Input)>,
    outputs: Vec<Vec<String>>,
    stored: Option<flipper_transcript::Credentials>,
    /// What the client did and told that no line has named yet.
    actions: VecDeque<Action>,
    events: VecDeque<Event>,
    jobs: VecDeque<(JobId, Job)>,
    attempt: Option<AttemptId>,
    /// The code of the close frame that the client sent.
    leaving: Option<u16>,
    calls: Vec<CallId>,
    generations: u64,
}

impl Player {
    /// Stored credentials are of this generation.
    const STORED: u64 = 7;

    /// What the clock on the wall says at the origin of time.
    const WALL: u64 = 1_700_000_000_000;

    fn new(transcript: &Transcript) -> Self {
        let mut config = Config::new("Sample", "com.example.sample");
        config.device = String::from("box");
        config.device_id = String::from("own-id");
        for setup in transcript.setup() {
            if let Setup::Set(key, value) = setup {
                set(&mut config, *key, value);
            }
        }
        Self {
            client: Client::new(config.clone()),
            config,
            now: START,
            inputs: Vec::new(),
            outputs: Vec::new(),
            stored: None,
            actions: VecDeque::new(),
            events: VecDeque::new(),
            jobs: VecDeque::new(),
            attempt: None,
            leaving: None,
            calls: Vec::new(),
            generations: 0,
        }
    }

    fn set_up(&mut self, transcript: &Transcript) -> Result<(), String> {
        for setup in transcript.setup() {
            match setup {
                Setup::Plugins(plugins) => plugins.iter().try_for_each(|plugin| self.wish(add(plugin), false))?,
                Setup::Credentials(stored) => self.stored.clone_from(stored),
                Setup::Tests(_) | Setup::Set(..) => {}
            }
        }
        self.generations = if self.stored.is_some() { Self::STORED } else { 0 };
        Ok(())
    }

    /// Carries out a line. `ahead` is what follows it.
    fn step(&mut self, step: Step<'_>, ahead: &Script<'_>) -> Result<(), String> {
        if let Step::Expect(Line::Job { kind, outcome }) = step {
            return self.job(*kind, outcome);
        }
        self.do_unnamed_jobs(&named_jobs(ahead));
        match step {
            Step::Expect(line) => self.expect(line),
            Step::Do(line) => {
                if *line != Line::Ended {
                    self.nothing_left()?;
                }
                self.bring_about(line)
            }
        }
    }

    // --- What is done to the client ---

    fn bring_about(&mut self, line: &Line) -> Result<(), String> {
        match line {
            Line::Message { frame, .. } => {
                let attempt = self.attempt()?;
                self.tell(match frame {
                    Frame::Text(text) => Input::Message(attempt, text.clone()),
                    Frame::Binary(text) => Input::Binary(attempt, text.clone().into_bytes()),
                    Frame::Bytes(bytes) => Input::Binary(attempt, bytes.clone()),
                });
            }
            Line::Opened => {
                let attempt = self.attempt()?;
                self.tell(Input::Opened(attempt));
                self.tell(Input::Writable(attempt, usize::MAX));
            }
            Line::Close { code, reason } => self.end(closed(*code, reason))?,
            Line::Lost(loss) => self.end(cause(*loss))?,
            Line::Ended => {
                if let Some(code) = self.leaving.take() {
                    self.end(closed(code, ""))?;
                }
            }
            Line::Pong => {
                let attempt = self.attempt()?;
                self.tell(Input::Alive(attempt));
            }
            Line::Room(bytes) => {
                let attempt = self.attempt()?;
                self.tell(Input::Writable(attempt, *bytes));
            }
            Line::Advance(span) => {
                let end = self.now + *span;
                while let Some((at, _)) = self.client.poll_timeout().filter(|(at, _)| *at <= end) {
                    self.fire(at);
                }
                self.now = end;
            }
            Line::AdvanceTo(timer) => self.advance_to(*timer)?,
            Line::AppWish { wish, refused } => {
                let input = self.input(wish)?;
                self.wish(input, *refused)?;
            }
            _ => return Err(format!("`{line}` cannot be done to an app")),
        }
        Ok(())
    }

    fn tell(&mut self, input: Input) -> Option<ApiMisuse> {
        let turn = Turn::of(&mut self.client, &input, self.now);
        self.inputs.push((self.now, input));
        self.outputs.push(turn.lines());
        for action in turn.actions {
            match action {
                Action::Job { job, kind } => self.jobs.push_back((job, kind)),
                other => self.actions.push_back(other),
            }
        }
        self.events.extend(turn.events);
        turn.refused
    }

    fn wish(&mut self, input: Input, refused: bool) -> Result<(), String> {
        match self.tell(input) {
            None if refused => Err(String::from("the wish was not refused")),
            Some(misuse) if !refused => Err(format!("the wish was refused: {misuse}")),
            _ => Ok(()),
        }
    }

    fn end(&mut self, cause: flipper_proto::CloseCause) -> Result<(), String> {
        let attempt = self.attempt()?;
        self.attempt = None;
        self.tell(Input::Closed(attempt, cause));
        Ok(())
    }

    fn fire(&mut self, at: Instant) {
        self.now = self.now.max(at);
        self.tell(Input::Timeout);
        assert!(self.client.poll_timeout().is_none_or(|(next, _)| next > self.now), "a timer is due at once");
    }

    fn advance_to(&mut self, timer: TimerWord) -> Result<(), String> {
        for _ in 0..100 {
            let Some((at, due)) = self.client.poll_timeout() else { break };
            self.fire(at);
            if word(due) == timer {
                return Ok(());
            }
        }
        Err(format!("the timer {} is never due", timer.word()))
    }

    fn input(&self, wish: &AppWish) -> Result<Input, String> {
        let call = |number: &usize| {
            let call = number.checked_sub(1).and_then(|at| self.calls.get(at)).copied();
            call.ok_or_else(|| format!("there was no call {number}"))
        };
        Ok(match wish {
            AppWish::Start => Input::Start,
            AppWish::Stop => Input::Stop,
            AppWish::Add(plugin) => add(plugin),
            AppWish::Remove(plugin) => Input::RemovePlugin(plugin.clone()),
            AppWish::Send(plugin, method, params) => {
                let params = params.as_deref().map(payload).transpose()?;
                Input::Send(plugin.clone(), method.clone(), params)
            }
            AppWish::Respond(number, json) => Input::Respond(call(number)?, Reply::Success(payload(json)?)),
            AppWish::Error(number, json) => Input::Respond(call(number)?, Reply::Error(payload(json)?)),
            AppWish::Fail(number, text) => Input::Fail(call(number)?, text.clone()),
            AppWish::Supported(number, supported) => Input::Supported(call(number)?, *supported),
            AppWish::Report(text) => Input::Report(text.clone()),
        })
    }

    fn attempt(&self) -> Result<AttemptId, String> {
        self.attempt.ok_or_else(|| String::from("the app has no socket"))
    }

    // --- What is expected of it ---

    fn expect(&mut self, line: &Line) -> Result<(), String> {
        if let Line::AppNews(news) = line {
            return self.expect_news(news);
        }
        while let Some(action) = self.actions.pop_front() {
            if self.does(&action, line)? {
                return Ok(());
            }
            if !matches!(action, Action::Ping { .. }) {
                return Err(format!("`{line}` was expected, and the app did: {}", lines::action(&action)));
            }
        }
        Err(format!("`{line}` was expected, and the app did nothing"))
    }

    /// Whether the client does what the line says.
    fn does(&mut self, action: &Action, line: &Line) -> Result<bool, String> {
        match (line, action) {
            (Line::Connect { port, query }, Action::Connect { attempt, endpoint, trust }) => {
                let fits = match trust {
                    Trust::Exchange => (Port::Exchange, 9089),
                    Trust::Mutual(_) => (Port::Session, 9088),
                };
                if (*port, endpoint.port) != fits {
                    return Ok(false);
                }
                check_query(&endpoint.target, query)?;
                (self.attempt, self.leaving) = (Some(*attempt), None);
                Ok(true)
            }
            (Line::Message { frame: Frame::Text(expected), .. }, Action::Send { attempt, text }) => {
                Ok(self.attempt == Some(*attempt) && matches(expected, text))
            }
            (Line::Ping, Action::Ping { attempt }) => Ok(self.attempt == Some(*attempt)),
            (Line::Leave { code }, Action::Close { attempt, code: closed }) => {
                self.leaving = Some(*code);
                Ok(self.attempt == Some(*attempt) && closed.as_u16() == *code)
            }
            (Line::Abort, Action::Abort { attempt }) => Ok(self.attempt.take() == Some(*attempt)),
            _ => Ok(false),
        }
    }

    fn expect_news(&mut self, news: &AppNews) -> Result<(), String> {
        while let Some(event) = self.events.pop_front() {
            if tells(&event, news) {
                if let Event::Call { call, .. } | Event::MethodQuery { call, .. } = event {
                    self.calls.push(call);
                }
                return Ok(());
            }
            if !may_be_left_out(&event) {
                return Err(format!("`app! {news}` was expected, and the app was told: {}", lines::event(&event)));
            }
        }
        Err(format!("`app! {news}` was expected, and the app was told nothing"))
    }

    /// Everything was named that must be.
    fn nothing_left(&mut self) -> Result<(), String> {
        self.actions.retain(|action| !matches!(action, Action::Ping { .. }));
        self.events.retain(|event| !may_be_left_out(event));
        let left = self.actions.front().map(lines::action).or_else(|| self.events.front().map(lines::event));
        left.map_or(Ok(()), |left| Err(format!("before this line, none names: {left}")))
    }

    // --- The disk ---

    fn job(&mut self, kind: JobKind, ending: &Ending) -> Result<(), String> {
        let given = self.jobs.pop_front();
        let (job, given) = given.ok_or_else(|| format!("the job {} was expected, and there was none", kind.word()))?;
        if job_word(&given) != kind {
            return Err(format!("the job {} was expected, and there was {given:?}", kind.word()));
        }
        let outcome = match ending {
            Ending::Done => self.outcome(&given),
            Ending::Failed(text) => {
                let (kind, text) = (CredentialProblem::Io, text.clone());
                JobOutcome::Failed(CredentialFailure { kind, text })
            }
        };
        self.tell(Input::JobDone(job, outcome));
        Ok(())
    }

    /// Does the jobs that no line names. One that a line ahead names waits for that, and the later ones with it.
    fn do_unnamed_jobs(&mut self, named: &[JobKind]) {
        while let Some((job, kind)) = self.jobs.pop_front_if(|(_, kind)| !named.contains(&job_word(kind))) {
            let outcome = self.outcome(&kind);
            self.tell(Input::JobDone(job, outcome));
        }
    }

    fn outcome(&mut self, job: &Job) -> JobOutcome {
        match job {
            Job::Load => JobOutcome::Loaded { credentials: self.load(), problem: None },
            Job::NewGeneration => {
                self.generations += 1;
                let number = self.generations;
                JobOutcome::Prepared(Prepared {
                    generation: Generation::from_u64(number),
                    csr: format!("CSR {number}"),
                    destination: format!("/app/{number}/"),
                    wall: WallTime::from_unix_millis(Self::WALL + self.now.as_millis()),
                    pairing: None,
                })
            }
            Job::StoreGrant { generation, grant } => {
                let mut credentials = self.credentials(*generation, 30);
                credentials.device_id.clone_from(&grant.device_id);
                (credentials.medium, credentials.os) = (grant.medium, grant.os.clone());
                JobOutcome::Stored(credentials)
            }
            _ => JobOutcome::Done,
        }
    }

    fn load(&self) -> Option<Credentials> {
        let stored = self.stored.as_ref()?;
        let mut credentials = self.credentials(Generation::from_u64(Self::STORED), stored.days.unwrap_or(30));
        credentials.device_id = stored.device_id.clone().unwrap_or_default();
        let medium = stored.medium.and_then(|number| Medium::from_number(u64::from(number)));
        credentials.medium = medium.unwrap_or(Medium::FsAccess);
        credentials.os.clone_from(&stored.os);
        Some(credentials)
    }

    fn credentials(&self, generation: Generation, days: u32) -> Credentials {
        crate::client::credentials(generation.as_u64(), self.now + DAY * days)
    }
}

/// The jobs that lines ahead name, up to the next socket.
fn named_jobs(ahead: &Script<'_>) -> Vec<JobKind> {
    let lines = ahead.clone().map(|(_, Step::Do(line) | Step::Expect(line))| line);
    let until = lines.take_while(|line| !matches!(line, Line::Connect { .. }));
    until.filter_map(|line| if let Line::Job { kind, .. } = line { Some(*kind) } else { None }).collect()
}

fn set(config: &mut Config, key: Key, value: &str) {
    let number = || value.parse().expect("a number");
    match key {
        Key::Os => config.os = Os::Automatic(value.to_owned()),
        Key::FixedOs => config.os = Os::Fixed(value.to_owned()),
        Key::Medium => {
            let medium = value.parse().ok().and_then(Medium::from_number);
            config.medium = MediumChoice::Fixed(medium.expect("a medium"));
        }
        Key::MessageBytes => config.limits.message_bytes = number(),
        Key::PendingCalls => config.limits.pending_calls = number(),
        Key::Plugins => config.limits.plugins = number(),
        Key::BufferedEvents => config.limits.buffered_events = number(),
        Key::QueuedBytes => config.limits.queued_answer_bytes = number(),
        Key::Drop => {
            config.overflow = if value == "newest" { Overflow::DropNewest } else { Overflow::DropOldest };
        }
    }
}

fn add(plugin: &flipper_transcript::Plugin) -> Input {
    let mode = if plugin.background { PluginMode::Background } else { PluginMode::Foreground };
    Input::AddPlugin(plugin.id.clone(), mode)
}

fn payload(json: &str) -> Result<Payload, String> {
    Payload::from_json(json).map_err(|error| format!("{json} is no JSON: {error}"))
}

fn check_query(target: &str, expected: &[(String, String)]) -> Result<(), String> {
    let query = Query::parse(target).map_err(|error| format!("{target}: {error}"))?;
    for (key, value) in expected {
        let found = match key.as_str() {
            "os" => Some(query.os.clone()),
            "device" => Some(query.device.clone()),
            "device_id" => Some(query.device_id.clone()),
            "app" => Some(query.app.clone()),
            "app_id" => query.app_id.clone(),
            "sdk_version" => query.sdk_version.map(|version| version.to_string()),
            "medium" => query.medium.map(|medium| medium.number().to_string()),
            "csr_path" => query.csr_path.clone(),
            // Said of a desktop's visitor, not by an app.
            "host" | "origin" | "cert" | "without" => continue,
            _ => return Err(format!("{key} is no key of a query that can be compared")),
        };
        if found.as_deref().unwrap_or("") != value {
            return Err(format!("{key}={value} was expected in {target}"));
        }
    }
    Ok(())
}

fn tells(event: &Event, news: &AppNews) -> bool {
    let same = |params: &Option<Payload>, expected: &Option<String>| match (params, expected) {
        (Some(params), Some(expected)) => matches(expected, params.as_json()),
        (None, None) => true,
        _ => false,
    };
    match (news, event) {
        (AppNews::Connected(id), Event::PluginConnected(plugin))
        | (AppNews::Disconnected(id), Event::PluginDisconnected(plugin)) => plugin.as_str() == id,
        (AppNews::Call(id, name, json), Event::Call { plugin, method, params, expects_reply: true, .. })
        | (AppNews::Tell(id, name, json), Event::Call { plugin, method, params, expects_reply: false, .. }) => {
            plugin.as_str() == id && method.as_str() == name && same(params, json)
        }
        (AppNews::Supports(id, name), Event::MethodQuery { plugin, method, .. }) => {
            plugin.as_str() == id && method.as_str() == name
        }
        (AppNews::State(text), Event::StateChanged(state)) => state.to_string() == *text,
        (AppNews::Step(text), Event::Step(step)) => step.to_string().contains(text),
        (AppNews::Failed(text), Event::Failed(failure)) => failure.to_string().contains(text),
        (AppNews::Misbehaved(text), Event::PeerMisbehaved(error)) => error.to_string().contains(text),
        _ => false,
    }
}

fn may_be_left_out(event: &Event) -> bool {
    matches!(event, Event::StateChanged(_) | Event::Step(_) | Event::Failed(_))
}

fn job_word(job: &Job) -> JobKind {
    match job {
        Job::Load => JobKind::Load,
        Job::NewGeneration => JobKind::Prepare,
        Job::Fetch { .. } => JobKind::Fetch,
        Job::StoreGrant { .. } => JobKind::Store,
        Job::Promote { .. } => JobKind::Promote,
        Job::Discard { .. } => JobKind::Discard,
        Job::Prune => JobKind::Prune,
        other => panic!("what is {other:?}?"),
    }
}

fn word(timer: Timer) -> TimerWord {
    match timer {
        Timer::Retry => TimerWord::Retry,
        Timer::Connect => TimerWord::Connect,
        Timer::Grant => TimerWord::Grant,
        Timer::Close => TimerWord::Close,
        Timer::Ping => TimerWord::Ping,
        Timer::Stable => TimerWord::Stable,
        Timer::Events => TimerWord::Events,
        other => panic!("what is {other:?}?"),
    }
}
