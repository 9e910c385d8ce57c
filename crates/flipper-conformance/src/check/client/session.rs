//! A session with the client under test, from the desktop's end.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use flipper_proto::Query;
use serde_json::{Value, json};

use crate::check::outcome::{Stop, Verdict, excerpt, expect};
use crate::check::talk::{Came, Head, Talk, seconds};

/// The plugin that every client under test has.
pub(super) const PLUGIN: &str = "test";

/// A session that is open.
///
/// Whatever the client sends is looked at, whatever a scenario waits for: an answer that nobody asked for, or a message
/// that the protocol does not know, fails every scenario.
pub(super) struct Session {
    pub(super) talk: Talk,
    pub(super) head: Head,
    pub(super) query: Query,
    patience: Duration,
    next_id: u64,
    waiting: BTreeSet<u64>,
    answers: BTreeMap<u64, Answer>,
    /// The params of events of the plugin, with their method.
    events: VecDeque<(String, Value)>,
    errors: VecDeque<Value>,
    pongs: VecDeque<Vec<u8>>,
    connected: bool,
}

/// An answer of the client.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) result: Result<Value, Value>,
}

impl Session {
    pub(super) fn new(talk: Talk, head: Head, query: Query, patience: Duration) -> Self {
        Self {
            talk,
            head,
            query,
            patience,
            next_id: 1,
            waiting: BTreeSet::new(),
            answers: BTreeMap::new(),
            events: VecDeque::new(),
            errors: VecDeque::new(),
            pongs: VecDeque::new(),
            connected: false,
        }
    }

    // --- What is sent ---

    pub(super) fn send(&mut self, text: &str) -> Verdict {
        self.talk.send(text).map_err(|end| Stop::failed("the session goes on", end.to_string()))
    }

    /// Sends a request with an id that was not used before, and gives the id.
    pub(super) fn start(&mut self, method: &str, params: Option<Value>) -> Verdict<u64> {
        let id = self.next_id;
        self.next_id += 1;
        self.start_with_id(id, method, params)?;
        Ok(id)
    }

    pub(super) fn start_with_id(&mut self, id: u64, method: &str, params: Option<Value>) -> Verdict {
        let mut message = json!({"id": id, "method": method});
        if let Some(params) = params {
            message["params"] = params;
        }
        self.expect_answer(id);
        self.send(&message.to_string())
    }

    /// An answer with this id is no surprise any more.
    pub(super) fn expect_answer(&mut self, id: u64) {
        self.waiting.insert(id);
    }

    /// Sends a request without an id.
    pub(super) fn tell(&mut self, method: &str, params: Value) -> Verdict {
        self.send(&json!({"method": method, "params": params}).to_string())
    }

    pub(super) fn ask(&mut self, method: &str, params: Option<Value>) -> Verdict<Answer> {
        let id = self.start(method, params)?;
        self.answer(id)
    }

    /// `init` as the official UI sends it: without an id.
    pub(super) fn init(&mut self) -> Verdict {
        self.connected = true;
        self.tell("init", json!({"plugin": PLUGIN}))
    }

    pub(super) fn deinit(&mut self) -> Verdict {
        self.connected = false;
        self.tell("deinit", json!({"plugin": PLUGIN}))
    }

    pub(super) fn execute(&mut self, method: &str, params: Value) -> Verdict<Answer> {
        self.ask("execute", Some(call(method, params)))
    }

    /// What a method of the plugin answers, which must not be an error.
    pub(super) fn success(&mut self, method: &str, params: Value) -> Verdict<Value> {
        let answer = self.execute(method, params)?;
        answer.result.map_err(|_| Stop::failed(format!("success of {method}"), excerpt(&answer.text)))
    }

    /// Initialises the plugin, and goes on only if it has these methods.
    pub(super) fn needs(&mut self, methods: &[&str]) -> Verdict {
        self.init()?;
        for method in methods {
            let answer = self.ask("isMethodSupported", Some(json!({"api": PLUGIN, "method": method})))?;
            match answer.result.as_ref().ok().and_then(|success| success["isSupported"].as_bool()) {
                Some(true) => {}
                Some(false) => {
                    return Err(Stop::skipped(format!("the client's plugin {PLUGIN} has no method {method}")));
                }
                None => return Err(Stop::failed(r#"{"isSupported": true or false}"#, excerpt(&answer.text))),
            }
        }
        Ok(())
    }

    // --- What comes ---

    /// The answer to the request with this id.
    pub(super) fn answer(&mut self, id: u64) -> Verdict<Answer> {
        let what = format!("an answer with id {id}");
        self.wait(&what, |session| session.answers.remove(&id))
    }

    /// The next event `name` of the plugin.
    pub(super) fn event(&mut self, name: &str) -> Verdict<Value> {
        self.wait(&format!("an event {name}"), |session| {
            let at = session.events.iter().position(|(method, _)| method == name)?;
            session.events.remove(at).map(|(_, params)| params)
        })
    }

    pub(super) fn pong(&mut self) -> Verdict<Vec<u8>> {
        self.wait("a pong", |session| session.pongs.pop_front())
    }

    /// The errors without an id that have come so far.
    pub(super) fn take_errors(&mut self) -> Vec<Value> {
        self.errors.drain(..).collect()
    }

    /// Goes on if the session does: an answer comes, and by then nothing that nobody asked for has come.
    ///
    /// An answer that must not come would be here by now in every client that answers in turn.
    pub(super) fn goes_on(&mut self) -> Verdict {
        let answer = self.ask("getPlugins", None)?;
        plugins(&answer).map(drop)
    }

    fn wait<T>(&mut self, what: &str, mut got: impl FnMut(&mut Self) -> Option<T>) -> Verdict<T> {
        let deadline = Instant::now() + self.patience;
        loop {
            if let Some(got) = got(self) {
                return Ok(got);
            }
            match self.talk.receive(deadline) {
                Came::Text(text) => self.look_at(&text)?,
                Came::Binary(_) => return Err(Stop::failed("text messages", "a binary message")),
                Came::Pong(payload) => self.pongs.push_back(payload),
                Came::Ended(end) => return Err(Stop::failed(what, end.to_string())),
                Came::Nothing => {
                    return Err(Stop::failed(
                        format!("{what} within {}", seconds(self.patience)),
                        "nothing of the kind",
                    ));
                }
            }
        }
    }

    fn look_at(&mut self, text: &str) -> Verdict {
        let shown = excerpt(text);
        let message: Value = match serde_json::from_str(text) {
            Ok(message @ Value::Object(_)) => message,
            Ok(_) | Err(_) => return Err(Stop::failed("messages that are JSON objects", shown)),
        };
        match &message["id"] {
            Value::Null => {}
            id => match id.as_u64().filter(|id| self.waiting.remove(id)) {
                Some(id) => {
                    let answer = read_answer(message, text)?;
                    self.answers.insert(id, answer);
                    return Ok(());
                }
                None => return Err(Stop::failed(format!("no answer to id {id}, which nobody waits for"), shown)),
            },
        }
        match message["method"].as_str() {
            Some("execute") => {
                let params = &message["params"];
                let (Some(_), Some(method)) = (params["api"].as_str(), params["method"].as_str()) else {
                    return Err(Stop::failed("an event with params.api and params.method", shown));
                };
                self.events.push_back((method.to_owned(), params["params"].clone()));
            }
            Some("refreshPlugins") => {}
            Some(_) | None if message["error"]["message"].is_string() => {
                self.errors.push_back(message["error"].clone());
            }
            Some(_) | None => {
                return Err(Stop::failed("an answer with an id, an event, refreshPlugins, or an error", shown));
            }
        }
        Ok(())
    }

    // --- Its end ---

    /// Whether it can serve another scenario, as far as is known without asking.
    pub(super) fn is_open(&mut self) -> bool {
        match self.talk.receive(Instant::now() + Duration::from_millis(1)) {
            Came::Text(text) => self.look_at(&text).is_ok(),
            Came::Nothing | Came::Pong(_) => true,
            Came::Binary(_) | Came::Ended(_) => false,
        }
    }

    /// Leaves the session as the next scenario expects it.
    pub(super) fn tidy(&mut self) -> Verdict {
        if self.connected {
            self.deinit()?;
        }
        self.goes_on()?;
        self.events.clear();
        self.errors.clear();
        Ok(())
    }

    /// Closes the WebSocket, and waits until the client has closed it, too.
    pub(super) fn close(mut self, code: u16, reason: &'static str) -> Verdict {
        self.begin_close(code, reason)?;
        if self.is_closed_within(self.patience) { Ok(()) } else { Err(self.stays_open()) }
    }

    /// Sends a close frame, and does not wait for the answer.
    pub(super) fn begin_close(&mut self, code: u16, reason: &'static str) -> Verdict {
        self.talk.close(code, reason).map_err(|end| Stop::failed("the client answers the close frame", end.to_string()))
    }

    /// Whether the client has closed the connection, or does within this time.
    pub(super) fn is_closed_within(&mut self, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        loop {
            match self.talk.receive(deadline) {
                Came::Ended(_) => return true,
                Came::Nothing => return false,
                Came::Text(_) | Came::Binary(_) | Came::Pong(_) => {}
            }
        }
    }

    /// The failure where it does not.
    pub(super) fn stays_open(&self) -> Stop {
        let within = format!("the client answers the close frame within {}", seconds(self.patience));
        Stop::failed(within, "the connection stays open")
    }
}

impl Answer {
    /// The success, which it must be.
    pub(super) fn expect_success(&self, expected: &Value) -> Verdict {
        let is = matches!(&self.result, Ok(success) if success == expected);
        expect(is, format!(r#""success":{}"#, excerpt(&expected.to_string())), excerpt(&self.text))
    }

    /// The error, which it must be, with this message and, unless `None`, this name.
    pub(super) fn expect_error(&self, message: &str, name: Option<&str>) -> Verdict {
        let is = match &self.result {
            Ok(_) => false,
            Err(error) => error["message"] == message && name.is_none_or(|name| error["name"] == name),
        };
        let expected = match name {
            Some(name) => json!({"message": message, "name": name}),
            None => json!({"message": message}),
        };
        expect(is, format!(r#""error":{expected}"#), excerpt(&self.text))
    }
}

/// The params of a call of the plugin.
pub(super) fn call(method: &str, params: Value) -> Value {
    json!({"api": PLUGIN, "method": method, "params": params})
}

/// The names in the answer to `getPlugins` or `getBackgroundPlugins`.
pub(super) fn plugins(answer: &Answer) -> Verdict<Vec<String>> {
    let names = answer.result.as_ref().ok().and_then(|success| success["plugins"].as_array());
    let names = names.and_then(|names| names.iter().map(|name| name.as_str().map(str::to_owned)).collect());
    names.ok_or_else(|| Stop::failed(r#""success":{"plugins":[names]}"#, excerpt(&answer.text)))
}

fn read_answer(mut message: Value, text: &str) -> Verdict<Answer> {
    let shown = || excerpt(text);
    let (success, error) = (message.get_mut("success").map(Value::take), message.get_mut("error").map(Value::take));
    let result = match (success, error) {
        (Some(success), None) => Ok(success),
        (None, Some(error)) if error["message"].is_string() => Err(error),
        (None, Some(_)) => return Err(Stop::failed("an error with a message", shown())),
        (Some(_), Some(_)) | (None, None) => return Err(Stop::failed("either success or error", shown())),
    };
    Ok(Answer { text: text.to_owned(), result })
}
