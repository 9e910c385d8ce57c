//! Messages that are handed on to apps, and their answers.

use std::borrow::Cow;

use flipper_proto::desktop::{Desktop as Core, Outcome};
use flipper_proto::{ApiMisuse, ClientId, ErrorReport, Instant, Payload, PluginId, RequestId, Text};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::frames;
use super::page::Page;
use crate::api::socket::conversation::MAX_IN_FLIGHT;

/// A message for an app.
pub(super) struct Relay {
    client: ClientId,
    /// Whether it is to be answered.
    answered: bool,
    /// The id that the observer gave it, which its answer carries.
    id: Option<Payload>,
    what: What,
}

enum What {
    Init(PluginId),
    Deinit(PluginId),
    Notify { plugin: PluginId, method: String, params: Option<Payload> },
    Request { method: String, params: Option<Payload> },
}

/// What became of it.
pub(super) enum Relayed {
    /// The app is asked.
    Asked(RequestId, Question),
    /// The command is answered with this.
    Done(Option<String>),
    /// The command is not carried out.
    Refused(String),
}

/// A request that is under way, but for the command that made it.
pub(super) struct Question {
    client: ClientId,
    id: Option<Payload>,
}

/// A request that is under way.
pub(super) struct Asked {
    exec: Box<RawValue>,
    question: Question,
}

/// A message as observers write it.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct OfPlugin<'a> {
    #[serde(borrow)]
    plugin: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Execute<'a> {
    #[serde(borrow)]
    api: Cow<'a, str>,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

impl Relay {
    /// Reads a command that is for an app; `None` if it is another one.
    pub(super) fn read(text: &Text, command: &str, args: &[&RawValue]) -> Option<Result<Self, String>> {
        let answered = match command {
            "client-request" => false,
            "client-request-response" => true,
            _ => return None,
        };
        let &[client, message] = args else {
            return Some(Err(format!("Error: {command} takes two arguments, a client id and a message")));
        };
        Some(Self::of(text, answered, client, message).map_err(|error| format!("Error: {command}: {error}")))
    }

    fn of(text: &Text, answered: bool, client: &RawValue, message: &RawValue) -> Result<Self, String> {
        let wrong = |what: &str, error: serde_json::Error| format!("{what} cannot be understood: {error}");
        let client: String = serde_json::from_str(client.get()).map_err(|error| wrong("the client id", error))?;
        let Message { id, method, params } =
            serde_json::from_str(message.get()).map_err(|error| wrong("the message", error))?;
        let payload = |value: &RawValue| Payload::part_of(text, value);
        let of_params = params.map_or("null", RawValue::get);
        let what = match &*method {
            "init" | "deinit" => {
                let OfPlugin { plugin } = serde_json::from_str(of_params).map_err(|error| wrong("`params`", error))?;
                let plugin = PluginId::new(&plugin);
                if method == "init" { What::Init(plugin) } else { What::Deinit(plugin) }
            }
            "execute" if !answered => {
                let Execute { api, method, params } =
                    serde_json::from_str(of_params).map_err(|error| wrong("`params`", error))?;
                let (plugin, method) = (PluginId::new(&api), method.into_owned());
                What::Notify { plugin, method, params: params.map(payload) }
            }
            _ if answered => What::Request { method: method.into_owned(), params: params.map(payload) },
            _ => return Err(format!("{method} is answered; send it with client-request-response")),
        };
        Ok(Self { client: ClientId::from_text(&client), answered, id: id.map(payload), what })
    }

    /// The client, if there is none of this id.
    pub(super) fn gone(&self, core: &Core) -> Option<ClientId> {
        let client = actual(core, self.client.clone());
        core.client(&client).is_none().then_some(client)
    }

    pub(super) fn carry_out(self, core: &mut Core, under_way: usize, page: Option<&Page>, now: Instant) -> Relayed {
        let Self { client, answered, id, what } = self;
        let client = actual(core, client);
        let page = page.map(|page| (page.number, page.hosting.holds()));
        if answered && under_way >= MAX_IN_FLIGHT {
            let busy = ApiMisuse::TooManyPending { max: MAX_IN_FLIGHT };
            return Relayed::Done(Some(refusal(id.as_ref(), &client, &busy)));
        }
        let done = match &what {
            What::Init(plugin) => {
                let done = core.init_plugin(&client, plugin);
                if let (Ok(()), Some((page, holds))) = (&done, page) {
                    holds.take(page, &client, plugin);
                }
                done.map(|()| None)
            }
            What::Deinit(plugin) => match page {
                Some((page, holds)) if !holds.release(page, &client, plugin) => Ok(None),
                _ => core.deinit_plugin(&client, plugin).map(|()| None),
            },
            What::Notify { plugin, method, params } => {
                core.notify(&client, plugin, method, params.as_ref()).map(|()| None)
            }
            What::Request { method, params } => core.request(&client, method, params.as_ref(), None, now).map(Some),
        };
        match done {
            Ok(Some(request)) => Relayed::Asked(request, Question { client, id }),
            // Apps leave these unanswered, and whoever asked does not expect that.
            Ok(None) if answered => Relayed::Done(Some(data(id.as_ref(), Some(("success", "{}")), 0))),
            Ok(None) => Relayed::Done(None),
            Err(misuse) if answered => Relayed::Done(Some(refusal(id.as_ref(), &client, &misuse))),
            Err(misuse) => Relayed::Refused(format!("Error: Client '{client}': {misuse}")),
        }
    }
}

/// The client that an observer means, who may know it by another id.
fn actual(core: &Core, client: ClientId) -> ClientId {
    if !client.as_str().contains("%23") || core.client(&client).is_some() {
        return client;
    }
    let meant = core.clients().find(|status| *frames::shown(status.client) == *client.as_str());
    meant.map_or(client, |status| status.client.clone())
}

impl Question {
    /// The question of this command.
    pub(super) fn of(self, exec: &RawValue) -> Asked {
        Asked { exec: exec.to_owned(), question: self }
    }
}

impl Asked {
    /// The answer to the command.
    pub(super) fn answer(&self, outcome: Outcome) -> String {
        let Question { client, id } = &self.question;
        let id = id.as_ref();
        // As if the app had been asked under the observer's id.
        let bare = "{\"id\":}".len() + id.map_or(0, |id| id.as_json().len());
        let of_app = |field: &str, raw: &Payload| {
            let length = bare + ",\"\":".len() + field.len() + raw.as_json().encode_utf16().count();
            data(id, Some((field, raw.as_json())), length)
        };
        let data = match outcome {
            Outcome::Success(raw) => of_app("success", &raw),
            Outcome::Error { raw, .. } => of_app("error", &raw),
            Outcome::Neither => data(id, None, bare),
            Outcome::Invalid(error) => error_data(id, "BAD_ANSWER", &error.to_string()),
            Outcome::TimedOut { after } => {
                let message = format!("Client '{client}' did not answer within {:.0} s", after.as_secs_f64());
                error_data(id, "TIMED_OUT", &message)
            }
            // No other outcome is known, and none that is not would have an answer in it.
            Outcome::Disconnected | _ => disconnected(id, client),
        };
        frames::response(self.exec.get(), Some(&data))
    }
}

/// A request that was never sent.
fn refusal(id: Option<&Payload>, client: &ClientId, misuse: &ApiMisuse) -> String {
    match misuse {
        ApiMisuse::NotConnected => disconnected(id, client),
        ApiMisuse::TooLarge { .. } => error_data(id, "TOO_LARGE", &misuse.to_string()),
        _ => error_data(id, "BUSY", &format!("Client '{client}' does not keep up: {misuse}")),
    }
}

fn disconnected(id: Option<&Payload>, client: &ClientId) -> String {
    let message = format!("Client '{client}' is no longer connected, failed to deliver the message");
    error_data(id, "CLIENT_DISCONNECTED", &message)
}

fn error_data(id: Option<&Payload>, name: &str, message: &str) -> String {
    let report = ErrorReport::new(message).named(name).with_stacktrace("");
    data(id, Some(("error", &frames::to_json(&report))), 0)
}

/// What an app answered, and how long that was.
fn data(id: Option<&Payload>, result: Option<(&str, &str)>, length: usize) -> String {
    let mut text = String::with_capacity(result.map_or(0, |(_, json)| json.len()) + 80);
    text.push('{');
    if let Some(id) = id {
        for part in ["\"id\":", id.as_json(), ","] {
            text.push_str(part);
        }
    }
    if let Some((field, json)) = result {
        for part in ["\"", field, "\":", json, ","] {
            text.push_str(part);
        }
    }
    text.push_str("\"length\":");
    text.push_str(&length.to_string());
    text.push('}');
    text
}
