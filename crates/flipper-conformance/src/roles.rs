//! Plugins that are played for any app: for one of this project as a [`Plugin`], for a [program](crate::programs) by what it
//! is told to do.

use std::collections::BTreeMap;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use flipper_client::proto::client::Reply;
use flipper_client::{Call, Connection, Plugin};
use flipper_proto::{ErrorReport, Payload};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Sends an event of a plugin.
///
/// # Errors
/// Why it cannot be sent, for people.
pub type SendEvent = Arc<dyn Fn(&str, &Payload) -> Result<(), String> + Send + Sync>;

/// Answers a call, now or later.
pub type Answer = Box<dyn FnOnce(&Reply) + Send>;

/// What a plugin does, whoever passes on to it what the desktop wants.
pub trait Role: Send + 'static {
    /// The plugin's name.
    fn id(&self) -> &str;

    /// Whether the desktop should initialise it as soon as the app connects.
    fn run_in_background(&self) -> bool;

    /// The methods that it has. No others are called.
    fn methods(&self) -> &'static [&'static str];

    /// The desktop has initialised it.
    fn on_connect(&mut self, send: SendEvent);

    /// The desktop has left it.
    fn on_disconnect(&mut self);

    /// The desktop calls a method. Where it sends no params, they are an empty object.
    fn on_call(&mut self, method: &str, params: Payload, answer: Answer);
}

/// A plugin with the methods that tests call.
///
/// - `echo` answers its params verbatim;
/// - `reverse` takes `{"word": s}` and answers `{"word": s reversed by characters}`;
/// - `emit` takes `{"count": n, "size": bytes}`, sends that many events `row`, each `{"index": i, "data": s}` with `size`
///   bytes of `data`, and answers when they are queued;
/// - `fail` answers an error;
/// - `hold` answers nothing, until `release` is called, which has every call of `hold` answered.
pub struct Sample {
    id: String,
    background: bool,
    methods: &'static [&'static str],
    send: Option<SendEvent>,
    held: Vec<Answer>,
}

impl Sample {
    /// The plugin `test` of a [client under test](crate::check::client).
    #[must_use]
    pub fn test() -> Self {
        Self::of("test", false, &["reverse", "echo", "fail", "emit", "hold", "release"])
    }

    /// The plugin `Example` of most apps, which runs in the background.
    #[must_use]
    pub fn example() -> Self {
        Self::of("Example", true, &["reverse", "echo", "fail", "emit"])
    }

    /// A plugin that has a name and nothing else.
    #[must_use]
    pub fn named(id: impl Into<String>) -> Self {
        Self::of(id, false, &[])
    }

    fn of(id: impl Into<String>, background: bool, methods: &'static [&'static str]) -> Self {
        Self { id: id.into(), background, methods, send: None, held: Vec::new() }
    }

    fn emit(&self, params: &Emit) -> Result<Payload, ErrorReport> {
        let send = self.send.as_ref().ok_or_else(|| ErrorReport::new("the plugin is not connected"))?;
        let data = "x".repeat(params.size);
        for index in 0..params.count {
            send("row", &written(&Row { index, data: &data })?).map_err(ErrorReport::new)?;
        }
        object("queued", params.count)
    }

    fn release(&mut self) -> Result<Payload, ErrorReport> {
        let result = Reply::Success(object("held", true)?);
        let released = self.held.drain(..).map(|answer| answer(&result)).count();
        object("released", released)
    }
}

impl Role for Sample {
    fn id(&self) -> &str {
        &self.id
    }

    fn run_in_background(&self) -> bool {
        self.background
    }

    fn methods(&self) -> &'static [&'static str] {
        self.methods
    }

    fn on_connect(&mut self, send: SendEvent) {
        self.send = Some(send);
    }

    fn on_disconnect(&mut self) {
        self.send = None;
    }

    fn on_call(&mut self, method: &str, params: Payload, answer: Answer) {
        let result = match method {
            "hold" => return self.held.push(answer),
            "echo" => Ok(params),
            "reverse" => {
                read::<Word>(&params).and_then(|asked| object("word", asked.word.chars().rev().collect::<String>()))
            }
            "emit" => read::<Emit>(&params).and_then(|params| self.emit(&params)),
            "release" => self.release(),
            _ => Err(ErrorReport::new("This method always fails").named("SampleError")),
        };
        answer(&reply(result));
    }
}

#[derive(Deserialize)]
struct Word {
    word: String,
}

#[derive(Deserialize)]
struct Emit {
    count: u64,
    #[serde(default)]
    size: usize,
}

#[derive(Serialize)]
struct Row<'a> {
    index: u64,
    data: &'a str,
}

/// The plugin `Example` with a method `wait`, which answers the last of so many calls first, once all are there.
pub struct Backwards {
    calls: usize,
    kept: Vec<(Payload, Answer)>,
}

impl Backwards {
    /// For so many calls.
    #[must_use]
    pub fn after(calls: usize) -> Self {
        Self { calls, kept: Vec::new() }
    }
}

impl Role for Backwards {
    fn id(&self) -> &'static str {
        "Example"
    }

    fn run_in_background(&self) -> bool {
        false
    }

    fn methods(&self) -> &'static [&'static str] {
        &["wait"]
    }

    fn on_connect(&mut self, _: SendEvent) {}

    fn on_disconnect(&mut self) {}

    fn on_call(&mut self, _: &str, params: Payload, answer: Answer) {
        self.kept.push((params, answer));
        if self.kept.len() == self.calls {
            while let Some((params, answer)) = self.kept.pop() {
                answer(&Reply::Success(params));
            }
        }
    }
}

/// The plugin `Ticker`, in the background: while it is connected it sends one event `tick` a second, `{"count": n}`,
/// beginning at once with 0.
#[derive(Default)]
pub struct Ticker {
    /// Dropped to stop the thread that ticks.
    ticking: Option<Sender<()>>,
}

impl Role for Ticker {
    fn id(&self) -> &'static str {
        "Ticker"
    }

    fn run_in_background(&self) -> bool {
        true
    }

    fn methods(&self) -> &'static [&'static str] {
        &[]
    }

    fn on_connect(&mut self, send: SendEvent) {
        let (alive, stopped) = channel();
        self.ticking = Some(alive);
        thread::spawn(move || {
            for count in 0_u64.. {
                if object("count", count).is_ok_and(|tick| send("tick", &tick).is_err()) {
                    return;
                }
                if stopped.recv_timeout(Duration::from_secs(1)) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        });
    }

    fn on_disconnect(&mut self) {
        self.ticking = None;
    }

    fn on_call(&mut self, _: &str, _: Payload, _: Answer) {}
}

/// A role as a plugin of a client of this project.
pub(crate) struct Played<R> {
    id: String,
    background: bool,
    methods: &'static [&'static str],
    role: Mutex<R>,
}

impl<R: Role> Played<R> {
    pub(crate) fn new(role: R) -> Self {
        let (id, background, methods) = (role.id().to_owned(), role.run_in_background(), role.methods());
        Self { id, background, methods, role: Mutex::new(role) }
    }

    fn role(&self) -> MutexGuard<'_, R> {
        self.role.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: Role> Plugin for Played<R> {
    fn id(&self) -> &str {
        &self.id
    }

    fn run_in_background(&self) -> bool {
        self.background
    }

    fn on_connect(&self, connection: Connection) {
        self.role().on_connect(Arc::new(move |method, params| {
            connection.send_json(method, Some(params)).map_err(|error| error.to_string())
        }));
    }

    fn on_disconnect(&self) {
        self.role().on_disconnect();
    }

    fn has_method(&self, method: &str) -> bool {
        self.methods.contains(&method)
    }

    fn on_call(&self, call: Call) {
        let params = call.params.unwrap_or_else(Payload::empty_object);
        let responder = call.responder;
        let answer = Box::new(move |reply: &Reply| {
            // A session that ended meanwhile shows on the other side.
            let _ended = match reply.clone() {
                Reply::Success(result) => responder.success_json(result),
                Reply::Error(error) => responder.error_json(error),
            };
        });
        self.role().on_call(&call.method, params, answer);
    }
}

/// What a call is answered with.
pub(crate) fn reply(result: Result<Payload, ErrorReport>) -> Reply {
    // An error report is always JSON.
    let error = |report: ErrorReport| Payload::serialize(&report).unwrap_or_else(|_| Payload::empty_object());
    result.map_or_else(|report| Reply::Error(error(report)), Reply::Success)
}

fn read<T: DeserializeOwned>(params: &Payload) -> Result<T, ErrorReport> {
    params.parse().map_err(|error| ErrorReport::new(error.to_string()).named("InvalidParams"))
}

fn object(key: &'static str, value: impl Serialize) -> Result<Payload, ErrorReport> {
    written(&BTreeMap::from([(key, value)]))
}

fn written(value: &impl Serialize) -> Result<Payload, ErrorReport> {
    Payload::serialize(value).map_err(|error| ErrorReport::new(error.to_string()))
}
