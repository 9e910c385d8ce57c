//! What the desktop sends over its UI socket: answers by id, and events in the order in which they came.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::Write as _;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;

/// Something that the desktop tells all its UIs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ServerEvent {
    /// `client-connected`, `client-disconnected`, `client-message`, `client-setup`, `device-connected`, `notification`,
    /// ….
    pub name: String,
    /// What comes with it, as the desktop says it.
    pub data: Value,
}

impl ServerEvent {
    /// The message, if this is one of the app `client_id`, and is JSON.
    pub fn message_of(&self, client_id: &str) -> Option<Value> {
        if self.name != "client-message" || self.data["id"] != client_id {
            return None;
        }
        serde_json::from_str(self.data["message"].as_str()?).ok()
    }
}

/// An app as the desktop lists it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ConnectedClient {
    /// `escape(app)#os#device#device_id`.
    pub id: String,
    /// What the app said of itself.
    pub query: ClientQuery,
}

/// How an app presented itself in its connection query.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ClientQuery {
    /// The app's name.
    pub app: String,
    /// The operating system that it claims.
    pub os: String,
    /// The name of the device.
    pub device: String,
    /// The id of the device.
    pub device_id: String,
    /// The protocol's version.
    pub sdk_version: Option<u32>,
    /// `FS_ACCESS`, `WWW` or `NONE`.
    pub medium: Option<String>,
}

/// A device as the desktop lists it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ListedDevice {
    /// The device id that apps give.
    pub serial: String,
    /// What the UI shows.
    pub title: String,
    /// The operating system.
    pub os: String,
}

#[derive(Default)]
pub(super) struct Inbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Numbered, so that a wait need not look twice at an event although others take some out meanwhile.
    events: VecDeque<(u64, ServerEvent)>,
    events_seen: u64,
    /// `None` until the answer comes. Answers that nobody expects are dropped.
    replies: HashMap<u64, Option<Reply>>,
    closed: Option<String>,
}

type Reply = Result<Value, String>;

/// How a wait ended.
pub(super) enum Wait<T> {
    Got(T),
    Closed(String),
    TimedOut {
        /// The names of the events that wait to be taken.
        events: String,
    },
}

#[derive(Deserialize)]
#[serde(tag = "event", content = "payload", rename_all = "kebab-case")]
enum Frame {
    ExecResponse(ReplyPayload),
    ExecResponseError(ReplyPayload),
    ServerEvent {
        event: String,
        #[serde(default)]
        data: Value,
    },
    /// The desktop did not understand us.
    Error {
        message: String,
    },
}

#[derive(Deserialize)]
struct ReplyPayload {
    id: u64,
    /// Missing where a command answers nothing.
    #[serde(default)]
    data: Value,
}

impl Inbox {
    /// Takes a frame in. An error means that the desktop speaks another language.
    pub(super) fn accept(&self, text: &str) -> Result<(), String> {
        let frame = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut state = self.lock();
        match frame {
            Frame::ExecResponse(ReplyPayload { id, data }) => state.settle(id, Ok(data)),
            Frame::ExecResponseError(ReplyPayload { id, data }) => {
                let message = data.as_str().map_or_else(|| data.to_string(), str::to_owned);
                state.settle(id, Err(message));
            }
            // Repeats what the desktop prints, and tells of every command: nothing that a test waits for.
            Frame::ServerEvent { event, .. } if event == "server-log" => return Ok(()),
            Frame::ServerEvent { event: name, data } => {
                let number = state.events_seen;
                state.events_seen += 1;
                state.events.push_back((number, ServerEvent { name, data }));
            }
            Frame::Error { message } => return Err(message),
        }
        self.changed.notify_all();
        Ok(())
    }

    pub(super) fn close(&self, why: String) {
        self.lock().closed.get_or_insert(why);
        self.changed.notify_all();
    }

    pub(super) fn expect_reply(&self, id: u64) {
        self.lock().replies.insert(id, None);
    }

    pub(super) fn forget_reply(&self, id: u64) {
        self.lock().replies.remove(&id);
    }

    pub(super) fn has_reply(&self, id: u64) -> bool {
        matches!(self.lock().replies.get(&id), Some(Some(_)))
    }

    pub(super) fn wait_for_reply(&self, patience: Duration, id: u64) -> Wait<Reply> {
        self.wait(patience, |state| state.replies.get_mut(&id)?.take())
    }

    pub(super) fn wait_for_event(
        &self,
        patience: Duration,
        mut wanted: impl FnMut(&ServerEvent) -> bool,
    ) -> Wait<ServerEvent> {
        let mut looked_at = 0;
        self.wait(patience, |state| {
            let first = state.events.partition_point(|(number, _)| *number < looked_at);
            looked_at = state.events_seen;
            let found = state.events.iter().skip(first).position(|(_, event)| wanted(event))?;
            state.events.remove(first + found).map(|(_, event)| event)
        })
    }

    pub(super) fn wait_closed(&self, patience: Duration) {
        self.wait(patience, |state| state.closed.as_ref().map(drop));
    }

    pub(super) fn take_events(&self) -> Vec<ServerEvent> {
        let events = std::mem::take(&mut self.lock().events);
        events.into_iter().map(|(_, event)| event).collect()
    }

    fn wait<T>(&self, patience: Duration, mut got: impl FnMut(&mut State) -> Option<T>) -> Wait<T> {
        // `None`: so far away that it is never reached.
        let deadline = Instant::now().checked_add(patience);
        let mut state = self.lock();
        loop {
            if let Some(got) = got(&mut state) {
                return Wait::Got(got);
            }
            if let Some(why) = &state.closed {
                return Wait::Closed(why.clone());
            }
            let left = deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Wait::TimedOut { events: state.summary() };
            }
            (state, _) = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A test's predicate may panic under this lock, but only before anything is changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn settle(&mut self, id: u64, reply: Reply) {
        if let Some(expected) = self.replies.get_mut(&id) {
            *expected = Some(reply);
        }
    }

    fn summary(&self) -> String {
        let mut counts = BTreeMap::<_, u32>::new();
        for (_, event) in &self.events {
            *counts.entry(event.name.as_str()).or_default() += 1;
        }
        let mut summary = String::new();
        for (name, count) in counts {
            let separator = if summary.is_empty() { "" } else { ", " };
            let _ = write!(summary, "{separator}{count} {name}");
        }
        if summary.is_empty() {
            summary.push_str("none");
        }
        summary
    }
}
