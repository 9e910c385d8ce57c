//! Has a desktop do what only its user can: initialise plugins, call them, see their events.

use std::collections::{BTreeMap, VecDeque};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest as _;

use crate::check::talk::{Came, Talk, seconds};

/// A way to drive a desktop. Apps are named by the name in their query.
///
/// Errors are texts for people; they fail the scenario.
pub trait Driver: Send {
    /// Whether the desktop serves an app of this name.
    ///
    /// # Errors
    /// When the desktop does not tell.
    fn serves(&mut self, app: &str) -> Result<bool, String>;

    /// Initialises a plugin of an app.
    ///
    /// # Errors
    /// When the desktop does not.
    fn init(&mut self, app: &str, plugin: &str) -> Result<(), String>;

    /// Has the desktop call a method, and does not wait for the answer.
    ///
    /// # Errors
    /// When the desktop cannot be told to.
    fn start_call(&mut self, app: &str, plugin: &str, method: &str, params: Value) -> Result<(), String>;

    /// The answer to the call that was started: what the app answered as success or as error.
    ///
    /// # Errors
    /// When there is no answer in time.
    fn finish_call(&mut self, patience: Duration) -> Result<Result<Value, Value>, String>;

    /// The params of the next event `method` of a plugin.
    ///
    /// # Errors
    /// When there is none in time.
    fn event(&mut self, app: &str, plugin: &str, method: &str, patience: Duration) -> Result<Value, String>;
}

/// Drives a desktop through a UI socket such as the official desktop has.
pub struct UiDriver {
    talk: Talk,
    patience: Duration,
    next_id: u64,
    answers: BTreeMap<u64, Result<Value, String>>,
    /// What apps have sent: their client id and the message.
    messages: VecDeque<(String, Value)>,
    call: Option<u64>,
}

impl UiDriver {
    /// Connects to the UI socket on this port.
    ///
    /// # Errors
    /// A text for people.
    pub fn connect(host: &str, port: u16, patience: Duration) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| format!("the UI socket on {host}:{port}: {error}");
        let tcp = TcpStream::connect((host, port)).map_err(|error| failed(&error))?;
        let loopback = tcp.peer_addr().is_ok_and(|address| address.ip().to_canonical().is_loopback());
        // The official desktop refuses every other name of this machine, and does not always survive that.
        let name = if loopback { "localhost" } else { host };
        let request = format!("ws://{name}:{port}/").into_client_request().map_err(|error| failed(&error))?;
        let talk = Talk::connect(tcp, None, request, false, patience).map_err(|error| failed(&error))?;
        Ok(Self { talk, patience, next_id: 0, answers: BTreeMap::new(), messages: VecDeque::new(), call: None })
    }

    fn start(&mut self, command: &str, args: &[Value]) -> Result<u64, String> {
        let id = self.next_id;
        self.next_id += 1;
        let frame = json!({"event": "exec", "payload": {"id": id, "command": command, "args": args}});
        self.talk.send(&frame.to_string()).map_err(|end| format!("the UI socket: {end}"))?;
        Ok(id)
    }

    fn exec(&mut self, command: &str, args: &[Value]) -> Result<Value, String> {
        let id = self.start(command, args)?;
        self.answer(id, self.patience)
    }

    fn answer(&mut self, id: u64, patience: Duration) -> Result<Value, String> {
        self.wait(patience, "the answer to a command", |driver| driver.answers.remove(&id))?
    }

    fn wait<T>(
        &mut self,
        patience: Duration,
        what: &str,
        mut got: impl FnMut(&mut Self) -> Option<T>,
    ) -> Result<T, String> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(got) = got(self) {
                return Ok(got);
            }
            match self.talk.receive(deadline) {
                Came::Text(text) => self.take_in(&text),
                Came::Binary(_) | Came::Pong(_) => {}
                Came::Ended(end) => return Err(format!("the UI socket: {end}")),
                Came::Nothing => {
                    return Err(format!("the UI socket: {what} did not come within {}", seconds(patience)));
                }
            }
        }
    }

    fn take_in(&mut self, text: &str) {
        let Ok(mut frame) = serde_json::from_str::<Value>(text) else { return };
        let payload = frame["payload"].take();
        let id = payload["id"].as_u64();
        match (frame["event"].as_str(), id) {
            (Some("exec-response"), Some(id)) => {
                self.answers.insert(id, Ok(payload["data"].clone()));
            }
            (Some("exec-response-error"), Some(id)) => {
                self.answers.insert(id, Err(payload["data"].to_string()));
            }
            (Some("server-event"), _) if payload["event"] == "client-message" => {
                let data = &payload["data"];
                if let (Some(client), Some(message)) = (data["id"].as_str(), data["message"].as_str())
                    && let Ok(message) = serde_json::from_str(message)
                {
                    self.messages.push_back((client.to_owned(), message));
                }
            }
            _ => {}
        }
    }

    /// The id under which the desktop knows an app.
    fn client(&mut self, app: &str) -> Result<Option<String>, String> {
        let clients = self.exec("client-list", &[])?;
        let client = clients.as_array().into_iter().flatten().find(|client| client["query"]["app"] == app);
        Ok(client.and_then(|client| client["id"].as_str()).map(str::to_owned))
    }

    fn known(&mut self, app: &str) -> Result<String, String> {
        self.client(app)?.ok_or_else(|| format!("the desktop does not list {app}"))
    }
}

impl Driver for UiDriver {
    fn serves(&mut self, app: &str) -> Result<bool, String> {
        self.client(app).map(|client| client.is_some())
    }

    fn init(&mut self, app: &str, plugin: &str) -> Result<(), String> {
        let client = self.known(app)?;
        let message = json!({"method": "init", "params": {"plugin": plugin}});
        self.exec("client-request", &[client.into(), message]).map(drop)
    }

    fn start_call(&mut self, app: &str, plugin: &str, method: &str, params: Value) -> Result<(), String> {
        let client = self.known(app)?;
        // The desktop passes ids on as they are; those of commands are used nowhere else.
        let message = json!({
            "id": self.next_id, "method": "execute", "params": {"api": plugin, "method": method, "params": params},
        });
        self.call = Some(self.start("client-request-response", &[client.into(), message])?);
        Ok(())
    }

    fn finish_call(&mut self, patience: Duration) -> Result<Result<Value, Value>, String> {
        let id = self.call.take().ok_or("no call was started")?;
        let mut answer = self.answer(id, patience)?;
        match (answer.get("success").is_some(), answer.get("error").is_some()) {
            (true, _) => Ok(Ok(answer["success"].take())),
            (false, true) => Ok(Err(answer["error"].take())),
            (false, false) => Err(format!("the desktop passed on neither success nor error: {answer}")),
        }
    }

    fn event(&mut self, app: &str, plugin: &str, method: &str, patience: Duration) -> Result<Value, String> {
        let client = self.known(app)?;
        self.wait(patience, "the event of a plugin", |driver| {
            let at = driver.messages.iter().position(|(from, message)| {
                let params = &message["params"];
                *from == client
                    && message["method"] == "execute"
                    && params["api"] == plugin
                    && params["method"] == method
            })?;
            driver.messages.remove(at).map(|(_, mut message)| message["params"]["params"].take())
        })
    }
}
