//! An app that is connected, as far as a scenario plays it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::check::outcome::{Stop, Verdict, excerpt};
use crate::check::talk::{Came, End, Talk, seconds};

/// The plugin of every app that is played.
pub(super) const PLUGIN: &str = "test";

/// A session with the desktop, from the app's end.
pub(super) struct App {
    pub(super) talk: Talk,
    pub(super) name: String,
    patience: Duration,
    /// The requests that the desktop has sent, in order.
    asked: Vec<String>,
}

impl App {
    pub(super) fn new(talk: Talk, name: String, patience: Duration) -> Self {
        Self { talk, name, patience, asked: Vec::new() }
    }

    pub(super) fn send(&mut self, text: &str) -> Verdict {
        self.talk.send(text).map_err(|end| Stop::failed("the session goes on", end.to_string()))
    }

    pub(super) fn send_json(&mut self, message: &Value) -> Verdict {
        self.send(&message.to_string())
    }

    /// Waits for a request of this method; the usual ones that come before it are answered.
    pub(super) fn request(&mut self, method: &str) -> Verdict<Value> {
        let deadline = Instant::now() + self.patience;
        loop {
            match self.talk.receive(deadline) {
                Came::Text(text) => {
                    let message = self.serve(&text)?;
                    if message["method"] == method {
                        return Ok(message);
                    }
                }
                Came::Binary(_) => return Err(Stop::failed("text messages", "a binary message")),
                Came::Pong(_) => {}
                Came::Ended(end) => return Err(Stop::failed(format!("a request {method}"), end.to_string())),
                Came::Nothing => {
                    let within = format!("a request {method} within {}", seconds(self.patience));
                    return Err(Stop::failed(within, self.summary()));
                }
            }
        }
    }

    /// Answers what every app can answer, and gives the message.
    fn serve(&mut self, text: &str) -> Verdict<Value> {
        let message: Value =
            serde_json::from_str(text).map_err(|_| Stop::failed("requests as JSON objects", excerpt(text)))?;
        let method = message["method"].as_str().unwrap_or_default().to_owned();
        let plugins = match method.as_str() {
            "getPlugins" => json!([PLUGIN]),
            "getBackgroundPlugins" => json!([]),
            _ => {
                self.asked.push(method);
                return Ok(message);
            }
        };
        if !message["id"].is_number() {
            return Err(Stop::failed(format!("{method} with a number as id"), excerpt(text)));
        }
        self.send_json(&json!({"id": message["id"], "success": {"plugins": plugins}}))?;
        self.asked.push(method);
        Ok(message)
    }

    /// Goes on if the desktop still answers on this connection.
    pub(super) fn goes_on(&mut self) -> Verdict {
        let payload = b"still there?";
        self.talk.ping(payload).map_err(|end| Stop::failed("the session goes on", end.to_string()))?;
        let deadline = Instant::now() + self.patience;
        loop {
            match self.talk.receive(deadline) {
                Came::Pong(pong) if pong == payload => return Ok(()),
                Came::Pong(pong) => return Err(Stop::failed("a pong with what was sent", format!("{pong:?}"))),
                Came::Text(text) => {
                    self.serve(&text)?;
                }
                Came::Binary(_) => return Err(Stop::failed("text messages", "a binary message")),
                Came::Ended(end) => return Err(Stop::failed("the session goes on", end.to_string())),
                Came::Nothing => {
                    return Err(Stop::failed(format!("a pong within {}", seconds(self.patience)), self.summary()));
                }
            }
        }
    }

    /// How the desktop ends the session, which it must.
    pub(super) fn end(&mut self, what: &str) -> Verdict<End> {
        let deadline = Instant::now() + self.patience;
        loop {
            match self.talk.receive(deadline) {
                Came::Ended(end) => return Ok(end),
                // Nothing is answered: this end may have begun to close.
                Came::Text(_) | Came::Binary(_) | Came::Pong(_) => {}
                Came::Nothing => {
                    let within = format!("{what} within {}", seconds(self.patience));
                    return Err(Stop::failed(within, "the connection stays open"));
                }
            }
        }
    }

    /// Whether the desktop has asked this, up to now.
    pub(super) fn was_asked(&self, method: &str) -> bool {
        self.asked.iter().any(|asked| asked == method)
    }

    fn summary(&self) -> String {
        if self.asked.is_empty() { "nothing".to_owned() } else { self.asked.join(", ") }
    }
}
