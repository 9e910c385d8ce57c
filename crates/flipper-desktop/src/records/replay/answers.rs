//! What recorded apps answered.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use flipper_proto::Payload;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::records::envelope::answer_of;
use crate::records::read::{Filter, Recording, RecordingApp};
use crate::records::{Direction, Kind, RecordError};

/// Where the answers to all recorded calls stand, and which plugins sent events.
pub(super) struct Answers {
    /// Answers are read when they are wanted.
    recording: Mutex<Recording>,
    calls: Mutex<BTreeMap<Call, Given>>,
    /// What apps said they have no method for.
    unsupported: BTreeSet<(String, String, String)>,
    eventful: BTreeSet<(String, String)>,
}

/// A call, such that equal ones are the same.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Call {
    client: String,
    plugin: String,
    method: String,
    params: String,
}

/// The answers to a call that was made several times: they are given in turn, and the last one from then on.
#[derive(Default)]
struct Given {
    messages: Vec<i64>,
    next: usize,
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    params: Option<RequestParams<'a>>,
}

#[derive(Deserialize)]
struct RequestParams<'a> {
    #[serde(borrow)]
    api: Option<Cow<'a, str>>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

enum Asked {
    Call(Call),
    Supports(String, String, String),
}

impl Answers {
    pub(super) fn read(path: &Path, filter: &Filter, apps: &[RecordingApp]) -> Result<Self, RecordError> {
        let recording = Recording::open(path)?;
        let clients: BTreeMap<i64, &str> = apps.iter().map(|app| (app.id, app.client.as_str())).collect();
        let mut calls: BTreeMap<Call, Given> = BTreeMap::new();
        let mut unsupported = BTreeSet::new();
        let mut eventful = BTreeSet::new();
        let mut asked = BTreeMap::new();
        recording.each_message(filter, |message| {
            let client = clients.get(&message.app).copied().unwrap_or_default();
            match (message.direction, message.kind, message.request) {
                (Direction::ToApp, _, Some(request)) => {
                    if let Some(what) = Asked::read(client, &message.text) {
                        asked.insert((message.app, request), what);
                    }
                }
                (Direction::ToDesktop, Kind::Response | Kind::Error, Some(request)) => {
                    match asked.remove(&(message.app, request)) {
                        Some(Asked::Call(call)) => calls.entry(call).or_default().messages.push(message.id),
                        Some(Asked::Supports(client, plugin, method)) if !says_yes(&message.text) => {
                            unsupported.insert((client, plugin, method));
                        }
                        Some(Asked::Supports(..)) | None => {}
                    }
                }
                (Direction::ToDesktop, Kind::Event, None) => {
                    if let Some(plugin) = message.plugin {
                        eventful.insert((client.to_owned(), plugin));
                    }
                }
                _ => {}
            }
            Ok::<(), RecordError>(())
        })?;
        Ok(Self { recording: Mutex::new(recording), calls: Mutex::new(calls), unsupported, eventful })
    }

    /// Whether a plugin sent events.
    pub(super) fn is_eventful(&self, client: &str, plugin: &str) -> bool {
        self.eventful.contains(&(client.to_owned(), plugin.to_owned()))
    }

    /// What is not known to be missing is there.
    pub(super) fn has_method(&self, client: &str, plugin: &str, method: &str) -> bool {
        !self.unsupported.contains(&(client.to_owned(), plugin.to_owned(), method.to_owned()))
    }

    /// The answer to this call, if one was recorded.
    pub(super) fn to(
        &self,
        client: &str,
        plugin: &str,
        method: &str,
        params: Option<&Payload>,
    ) -> Result<Option<Result<Payload, Payload>>, RecordError> {
        let params = params.map_or("{}", Payload::as_json);
        let call = Call {
            client: client.to_owned(),
            plugin: plugin.to_owned(),
            method: method.to_owned(),
            params: canonical(params),
        };
        let message = {
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(given) = calls.get_mut(&call) else { return Ok(None) };
            let Some(message) = given.messages.get(given.next).copied() else { return Ok(None) };
            given.next = (given.next + 1).min(given.messages.len() - 1);
            message
        };
        let message = self.recording.lock().unwrap_or_else(PoisonError::into_inner).message(message)?;
        let payload = |value: &RawValue| Payload::from_json(value.get()).unwrap_or_else(|_| Payload::empty_object());
        Ok(answer_of(&message.text).map(|answer| answer.map(payload).map_err(payload)))
    }
}

impl Asked {
    fn read(client: &str, text: &str) -> Option<Self> {
        let request: Request<'_> = serde_json::from_str(text).ok()?;
        let params = request.params?;
        let (client, plugin, method) = (client.to_owned(), params.api?.into_owned(), params.method?.into_owned());
        match &*request.method {
            "execute" => {
                let params = canonical(params.params.map_or("{}", RawValue::get));
                Some(Self::Call(Call { client, plugin, method, params }))
            }
            "isMethodSupported" => Some(Self::Supports(client, plugin, method)),
            _ => None,
        }
    }
}

/// Whether an answer to `isMethodSupported` is yes. An error is neither: the plugin was not initialised.
fn says_yes(text: &str) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Supported {
        is_supported: bool,
    }
    match answer_of(text) {
        Some(Ok(success)) => serde_json::from_str::<Supported>(success.get()).is_ok_and(|it| it.is_supported),
        Some(Err(_)) | None => true,
    }
}

/// How deep JSON is put in order; what is deeper is compared as it is.
const DEPTH: usize = 64;

/// JSON such that two texts of the same value are the same: without spaces, keys in order. Numbers stay as they are.
fn canonical(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    // Nothing else than a failure to parse can happen, and then the text itself is as good.
    if push(json, DEPTH, &mut text).is_err() {
        text.replace_range(.., json);
    }
    if text == "null" { "{}".to_owned() } else { text }
}

fn push(json: &str, depth: usize, text: &mut String) -> Result<(), serde_json::Error> {
    let json = json.trim();
    match json.as_bytes().first() {
        Some(b'{') if depth > 0 => {
            let fields: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(json)?;
            let mut separator = '{';
            for (key, value) in fields {
                text.push(separator);
                text.push_str(&serde_json::to_string(&key)?);
                text.push(':');
                push(value.get(), depth - 1, text)?;
                separator = ',';
            }
            text.push_str(if separator == '{' { "{}" } else { "}" });
        }
        Some(b'[') if depth > 0 => {
            let items: Vec<&RawValue> = serde_json::from_str(json)?;
            let mut separator = '[';
            for item in items {
                text.push(separator);
                push(item.get(), depth - 1, text)?;
                separator = ',';
            }
            text.push_str(if separator == '[' { "[]" } else { "]" });
        }
        Some(b'"') => text.push_str(&serde_json::to_string(&serde_json::from_str::<Cow<'_, str>>(json)?)?),
        _ => text.push_str(json),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_value_is_the_same_text() {
        let text = canonical(r#"{"b":[1, 2.0,{"d":null,"c":"é\u0041"}],"a":{}}"#);
        assert_eq!(text, r#"{"a":{},"b":[1,2.0,{"c":"éA","d":null}]}"#);
        assert_eq!(canonical(&text), text);
        assert_eq!(canonical("null"), "{}");
        assert_eq!(canonical(" [ ] "), "[]");
        assert_ne!(canonical("12345678901234567890123"), canonical("12345678901234567890124"));
    }

    #[test]
    fn what_is_very_deep_is_compared_as_it_is() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(canonical(&deep), deep);
    }
}
