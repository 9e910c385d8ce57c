//! A program of the contract while it runs.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use flipper_client::proto::client::Reply;
use flipper_proto::{ErrorReport, Payload};

use super::message;
use crate::roles::{self, Answer, Role};
use crate::{PATIENCE, Result};

/// How many lines of its standard error are kept for reports.
const KEPT_LINES: usize = 100;

/// How often it is looked whether a program has ended that has closed its standard output.
const GLANCE: Duration = Duration::from_millis(5);

/// What a program is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the desktop is.
    pub host: String,
    /// Its ports for exchanges and for sessions.
    pub ports: (u16, u16),
    /// Where the app is to keep its keys and certificates.
    pub directory: PathBuf,
    /// The app's name.
    pub app: String,
    /// Its bundle id.
    pub app_id: String,
    /// What is being checked.
    pub scenario: String,
    /// The first wait between two attempts, and the longest.
    pub backoff: (Duration, Duration),
    /// How long a desktop may take to answer a certificate request, if not as long as usual.
    pub grant: Option<Duration>,
    /// Whether what it prints on its standard error is shown at once, and not only where something fails.
    pub shows_output: bool,
}

/// A program that runs. Dropped, it is killed.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    link: Arc<Link>,
    stage: Arc<Stage>,
    /// How many events earlier waits have gone past.
    seen: usize,
}

impl Program {
    /// Starts a program. It does nothing before the command `start`.
    ///
    /// # Errors
    /// When the system cannot start it.
    pub fn spawn(program: &Path, settings: &Settings) -> Result<Self> {
        let name = program.display().to_string();
        let mut command = Command::new(program);
        command.args(arguments(settings)).arg("--directory").arg(&settings.directory);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(if settings.shows_output { Stdio::inherit() } else { Stdio::piped() });
        let mut child = command.spawn().map_err(|error| format!("{name} does not start: {error}"))?;

        let (commands, given) = channel();
        let link = Arc::new(Link { state: Mutex::new(Asked { commands, unanswered: Some(VecDeque::new()) }) });
        let stage = Arc::new(Stage::default());
        if let Some(stdin) = child.stdin.take() {
            thread::spawn(move || write_commands(stdin, &given));
        }
        let complaints = child.stderr.take().map(|stderr| stage.keep_complaints(stderr));
        if let Some(stdout) = child.stdout.take() {
            let (link, stage) = (Arc::clone(&link), Arc::clone(&stage));
            thread::spawn(move || stage.play(stdout, &link, complaints));
        }
        Ok(Self { name, child, link, stage, seen: 0 })
    }

    /// Adds a plugin, which is played here.
    ///
    /// # Errors
    /// As [`command`](Self::command).
    pub fn add(&self, role: Box<dyn Role>) -> Result {
        let (id, methods) = (role.id().to_owned(), role.methods().join(" "));
        let background = if role.run_in_background() { "1" } else { "0" };
        lock(&self.stage.roles).insert(id.clone(), role);
        self.command(&["add", &id, background, &methods]).map(drop)
    }

    /// Removes a plugin.
    ///
    /// # Errors
    /// As [`command`](Self::command).
    pub fn remove(&self, id: &str) -> Result {
        self.command(&["remove", id])?;
        lock(&self.stage.roles).remove(id);
        Ok(())
    }

    /// Has the program do something, and gives what it answers.
    ///
    /// # Errors
    /// When it refuses, ends, or does not answer.
    pub fn command(&self, fields: &[&str]) -> Result<Vec<String>> {
        let (answer, answered) = mpsc::channel();
        self.link.ask(fields, Some(answer));
        let answer = answered.recv_timeout(PATIENCE).map_err(|_| self.broken(&format!("no answer to {fields:?}")))?;
        if answer[0] == "refused" {
            return Err(self.broken(&format!("{fields:?} is refused: {}", answer[1..].join(" "))).into());
        }
        Ok(answer)
    }

    /// Waits for the next event, after those that earlier waits found, that is looked for.
    ///
    /// # Errors
    /// When the program ends, or does not tell it.
    pub fn wait_for<T>(&mut self, what: &str, found: impl Fn(&[String]) -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + PATIENCE;
        let mut told = lock(&self.stage.told);
        loop {
            while let Some(event) = told.events.get(self.seen) {
                self.seen += 1;
                if let Some(found) = found(event) {
                    return Ok(found);
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || told.ended.is_some() {
                drop(told);
                return Err(self.broken(&format!("it did not tell: {what}")).into());
            }
            told = self.stage.more.wait_timeout(told, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// What it has told so far, calls aside.
    #[must_use]
    pub fn told(&self) -> Vec<Vec<String>> {
        lock(&self.stage.told).events.clone()
    }

    /// Stops the app, waits until it has ended, and has the program end.
    ///
    /// # Errors
    /// When it does not end, or with another status than 0.
    pub fn stop(mut self) -> Result {
        self.command(&["stop"])?;
        self.wait_for("that it has stopped", |event| (event[0] == "stopped").then_some(()))?;
        self.hang_up()
    }

    /// Closes the program's standard input, and waits until it has ended.
    ///
    /// # Errors
    /// When it does not end, or with another status than 0.
    pub fn hang_up(mut self) -> Result {
        self.link.close();
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            if Instant::now() > deadline {
                return Err(self.broken("its standard input was closed, and it did not end").into());
            }
            thread::sleep(GLANCE);
        };
        if status.success() { Ok(()) } else { Err(self.broken(&format!("it ended: {status}")).into()) }
    }

    /// What is wrong, and what the program has told.
    fn broken(&self, what: &str) -> String {
        let told = lock(&self.stage.told);
        let mut text = format!("{}: {what}", self.name);
        if let Some(how) = &told.ended {
            text = format!("{text}\nits output has ended: {how}");
        }
        for event in &told.events {
            text = format!("{text}\n  {}", event.join(" "));
        }
        for line in &told.complaints {
            text = format!("{text}\n  | {line}");
        }
        text
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Fails where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.link.close();
    }
}

/// The way to a program. It outlives the program, since plugins keep it.
#[derive(Debug)]
struct Link {
    state: Mutex<Asked>,
}

#[derive(Debug)]
struct Asked {
    /// To the thread that writes them: a program may be about to write itself, and nobody reads while this would wait.
    commands: Sender<Option<Vec<String>>>,
    /// The commands that are not answered yet, and who waits for that; nothing where nothing is answered any more.
    unanswered: Option<VecDeque<Option<Sender<Vec<String>>>>>,
}

impl Link {
    /// Gives a command. Tells whether the program still answers.
    fn ask(&self, fields: &[&str], answer: Option<Sender<Vec<String>>>) -> bool {
        let mut state = lock(&self.state);
        let Asked { commands, unanswered: Some(unanswered) } = &mut *state else { return false };
        unanswered.push_back(answer);
        commands.send(Some(fields.iter().map(|&field| field.to_owned()).collect())).is_ok()
    }

    /// Gives whoever waits for it the answer to the oldest command; back, where nobody does.
    fn answer(&self, answer: Vec<String>) -> Option<Vec<String>> {
        match lock(&self.state).unanswered.as_mut().and_then(VecDeque::pop_front) {
            Some(Some(waits)) => waits.send(answer).err().map(|unsent| unsent.0),
            Some(None) if answer[0] != "refused" => None,
            Some(None) | None => Some(answer),
        }
    }

    fn close(&self) {
        // Nobody listens where it is closed already.
        let _ = lock(&self.state).commands.send(None);
    }

    /// Nothing more is answered.
    fn give_up(&self) {
        lock(&self.state).unanswered = None;
    }
}

/// Ends, and closes the program's standard input, at the first `None`.
fn write_commands(mut stdin: ChildStdin, given: &Receiver<Option<Vec<String>>>) {
    while let Ok(Some(command)) = given.recv() {
        if message::write(&mut stdin, &command).is_err() {
            return;
        }
    }
}

/// Where the plugins are played.
#[derive(Default)]
struct Stage {
    roles: Mutex<BTreeMap<String, Box<dyn Role>>>,
    told: Mutex<Told>,
    more: Condvar,
}

#[derive(Debug, Default)]
struct Told {
    events: Vec<Vec<String>>,
    complaints: VecDeque<String>,
    /// How its output has ended.
    ended: Option<String>,
}

impl Stage {
    fn keep_complaints(self: &Arc<Self>, stderr: impl Read + Send + 'static) -> JoinHandle<()> {
        let stage = Arc::clone(self);
        thread::spawn(move || {
            let mut lines = BufReader::new(stderr).split(b'\n');
            while let Some(Ok(line)) = lines.next() {
                let complaints = &mut lock(&stage.told).complaints;
                if complaints.len() == KEPT_LINES {
                    complaints.pop_front();
                }
                complaints.push_back(String::from_utf8_lossy(&line).into_owned());
            }
        })
    }

    /// Reads what a program tells until that ends, and does its plugins' part.
    fn play(&self, stdout: impl Read, link: &Arc<Link>, complaints: Option<JoinHandle<()>>) {
        let mut stdout = BufReader::new(stdout);
        let how = loop {
            match message::read(&mut stdout) {
                Ok(Some(told)) if !told.is_empty() => self.take(told, link),
                Ok(Some(_)) => break "it told nothing at all".to_owned(),
                Ok(None) => break "by itself".to_owned(),
                Err(error) => break error.to_string(),
            }
        };
        if let Some(complaints) = complaints {
            // What it complains of last is what says why.
            let _ = complaints.join();
        }
        lock(&self.told).ended = Some(how);
        self.more.notify_all();
        link.give_up();
        lock(&self.roles).clear();
    }

    fn take(&self, told: Vec<String>, link: &Arc<Link>) {
        let fields: Vec<&str> = told.iter().map(String::as_str).collect();
        match fields[..] {
            ["call", call, plugin, method, params, _] => return self.call(call, plugin, method, params, link),
            ["done" | "refused" | "waiting", ..] => {
                if let Some(unasked) = link.answer(told) {
                    self.tell(unasked);
                }
                return;
            }
            ["connected", plugin] => {
                if let Some(role) = lock(&self.roles).get_mut(plugin) {
                    let (link, plugin) = (Arc::clone(link), plugin.to_owned());
                    role.on_connect(Arc::new(move |method, params| {
                        let is_sent = link.ask(&["send", &plugin, method, params.as_json()], None);
                        if is_sent { Ok(()) } else { Err("the program has ended".to_owned()) }
                    }));
                }
            }
            ["disconnected", plugin] => {
                if let Some(role) = lock(&self.roles).get_mut(plugin) {
                    role.on_disconnect();
                }
            }
            _ => {}
        }
        self.tell(told);
    }

    fn call(&self, call: &str, plugin: &str, method: &str, params: &str, link: &Arc<Link>) {
        let (call, link) = (call.to_owned(), Arc::clone(link));
        let answer: Answer = Box::new(move |reply| {
            let (how, json) = match reply {
                Reply::Success(result) => ("ok", result),
                Reply::Error(error) => ("error", error),
            };
            link.ask(&["respond", &call, how, json.as_json()], None);
        });
        let params = if params.is_empty() { Ok(Payload::empty_object()) } else { Payload::from_json(params) };
        match (lock(&self.roles).get_mut(plugin), params) {
            (Some(role), Ok(params)) if role.methods().contains(&method) => role.on_call(method, params, answer),
            (Some(_), Err(error)) => answer(&roles::reply(Err(ErrorReport::new(format!("not JSON: {error}"))))),
            _ => answer(&roles::reply(Err(ErrorReport::new(format!("nobody plays {method} of {plugin}"))))),
        }
    }

    fn tell(&self, event: Vec<String>) {
        lock(&self.told).events.push(event);
        self.more.notify_all();
    }
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stage").field("told", &self.told).finish_non_exhaustive()
    }
}

fn arguments(settings: &Settings) -> Vec<String> {
    let milliseconds = |wait: Duration| wait.as_millis().to_string();
    let (insecure, secure) = settings.ports;
    let (first, ceiling) = settings.backoff;
    let mut flags = vec![
        ("--host", settings.host.clone()),
        ("--ports", format!("{insecure},{secure}")),
        ("--scenario", settings.scenario.clone()),
        ("--app", settings.app.clone()),
        ("--app-id", settings.app_id.clone()),
        ("--backoff", format!("{},{}", milliseconds(first), milliseconds(ceiling))),
    ];
    flags.extend(settings.grant.map(|grant| ("--grant", milliseconds(grant))));
    flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]).collect()
}

fn lock<T>(slot: &Mutex<T>) -> MutexGuard<'_, T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}
