//! The API's own WebSocket: `{"id":1,"call":{…}}` is answered with `{"id":1,"success":…}` or `{"id":1,"error":…}`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use flipper_pki::WallClock;
use flipper_proto::desktop::{Call, Desktop as Core, Outcome};
use flipper_proto::{ApiMisuse, ClientId, CloseCode, ConnId, Instant, Payload, PluginId, RequestId, Text, WallTime};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::conversation::{Dialect, MAX_IN_FLIGHT, Talk};
use crate::api::failure::Failure;
use crate::api::find::find;
use crate::audience::Occurrence;
use crate::error::CallError;
use crate::event::Event;
use crate::filter::Filter;
use crate::json;

/// The longest `id`, in bytes.
const MAX_ID: usize = 256;

/// What an observer has asked for.
pub(super) struct Commands {
    /// The ids of the commands whose requests are under way.
    under_way: BTreeMap<RequestId, Id>,
    /// The connections that a snapshot told of: that they are there needs not be told again.
    told: BTreeSet<ConnId>,
    events_only: bool,
}

/// The `id` of a command, as it came; `null` if it cannot be read.
struct Id(Option<Payload>);

/// A command, as it travels. Exactly one of the fields beside `id` is there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    call: Option<CallOf<'a>>,
    #[serde(borrow, default)]
    supports: Option<MethodOf<'a>>,
    #[serde(borrow, default)]
    init: Option<PluginOf<'a>>,
    #[serde(borrow, default)]
    deinit: Option<PluginOf<'a>>,
    #[serde(borrow, default)]
    disconnect: Option<AppOf<'a>>,
    #[serde(borrow, default)]
    app: Option<AppOf<'a>>,
    #[serde(default)]
    apps: Option<Nothing>,
    #[serde(default)]
    devices: Option<Nothing>,
    #[serde(default)]
    status: Option<Nothing>,
    #[serde(borrow, default)]
    subscribe: Option<Subscription<'a>>,
    #[serde(default)]
    unsubscribe: Option<Nothing>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallOf<'a> {
    #[serde(borrow)]
    app: Cow<'a, str>,
    #[serde(borrow)]
    plugin: Cow<'a, str>,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(default)]
    timeout_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MethodOf<'a> {
    #[serde(borrow)]
    app: Cow<'a, str>,
    #[serde(borrow)]
    plugin: Cow<'a, str>,
    #[serde(borrow)]
    method: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PluginOf<'a> {
    #[serde(borrow)]
    app: Cow<'a, str>,
    #[serde(borrow)]
    plugin: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AppOf<'a> {
    #[serde(borrow)]
    app: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Subscription<'a> {
    #[serde(borrow, default)]
    app: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    plugin: Option<Cow<'a, str>>,
    #[serde(default)]
    snapshot: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// A command, understood.
enum Command<'a> {
    /// One that the state machine carries out.
    Wish(Wish<'a>),
    /// One that is carried out here.
    Own(Own<'a>),
}

/// What is wanted of the state machine.
struct Wish<'a> {
    app: Cow<'a, str>,
    what: What,
}

enum What {
    Call(Call),
    Supports { plugin: PluginId, method: String },
    Init(PluginId),
    Deinit(PluginId),
    Disconnect,
}

enum Own<'a> {
    App(Cow<'a, str>),
    Apps,
    Devices,
    Status,
    Subscribe(Subscription<'a>),
    Unsubscribe,
}

impl Commands {
    pub(super) fn new() -> Self {
        Self { under_way: BTreeMap::new(), told: BTreeSet::new(), events_only: false }
    }

    /// Takes no commands: tells events from the beginning.
    pub(super) fn events_only(talk: &mut Talk, filter: Filter, snapshot: bool) -> Self {
        let mut commands = Self { events_only: true, ..Self::new() };
        commands.subscribe(filter, snapshot, talk);
        commands
    }

    /// Carries out what the state machine is to do, all under one lock.
    fn carry_out(&mut self, wishes: &mut Vec<(Id, Wish<'_>)>, talk: &mut Talk) {
        if wishes.is_empty() {
            return;
        }
        let mut answers = Vec::new();
        talk.replies.ask(|core, now, asked| {
            for (id, wish) in wishes.drain(..) {
                match wish.carry_out(core, self.under_way.len(), now) {
                    Ok(Some(request)) => {
                        asked.push(request);
                        self.under_way.insert(request, id);
                    }
                    Ok(None) => answers.push(id.success("{}")),
                    Err(failure) => answers.push(id.failure(&failure)),
                }
            }
        });
        answers.into_iter().for_each(|answer| talk.say(answer));
    }

    fn do_own(&mut self, id: &Id, own: Own<'_>, talk: &mut Talk) {
        let server = &talk.server;
        let answer = match own {
            Own::App(app) => {
                let found = server.desktop().desk().peek(|core| find(core, &app));
                let client = found
                    .and_then(|client| server.desktop().client(&client).ok_or_else(|| CallError::NotConnected.into()));
                match client {
                    Ok(client) => id.answer(&json::App::from(&client)),
                    Err(failure) => id.failure(&failure),
                }
            }
            Own::Apps => id.answer(&server.apps()),
            Own::Devices => id.answer(&json::Device::list(&server.desktop().devices(), &server.apps())),
            Own::Status => id.answer(&server.status()),
            Own::Subscribe(Subscription { app, plugin, snapshot }) => {
                let mut filter = Filter::new();
                if let Some(app) = app {
                    filter = filter.app(app);
                }
                if let Some(plugin) = plugin {
                    filter = filter.plugin(plugin);
                }
                talk.say(id.success("{}"));
                return self.subscribe(filter, snapshot, talk);
            }
            Own::Unsubscribe => {
                talk.events = None;
                id.success("{}")
            }
        };
        talk.say(answer);
    }

    fn subscribe(&mut self, filter: Filter, snapshot: bool, talk: &mut Talk) {
        self.told.clear();
        // Before the snapshot is taken, so that nothing goes missing between the two.
        talk.events = Some(talk.server.desktop().events_of(filter.clone()));
        if !snapshot {
            return;
        }
        for client in talk.server.desktop().clients() {
            if filter.names(&client.id) {
                self.told.insert(client.info.conn);
                talk.say(json::Event::snapshot(json::App::from(&client), now()).to_json());
            }
        }
    }
}

impl Dialect for Commands {
    fn hear(&mut self, texts: Vec<Text>, talk: &mut Talk) {
        if self.events_only {
            return talk.refuse("this socket only tells events; commands are for /api/v1/socket");
        }
        let mut wishes = Vec::new();
        for text in &texts {
            match read(text) {
                Ok((id, Command::Wish(wish))) => wishes.push((id, wish)),
                Ok((id, Command::Own(own))) => {
                    // Commands are carried out in order.
                    self.carry_out(&mut wishes, talk);
                    self.do_own(&id, own, talk);
                }
                Err((id, failure)) => talk.say(id.failure(&failure)),
            }
        }
        self.carry_out(&mut wishes, talk);
    }

    fn answer(&mut self, request: RequestId, outcome: Outcome, talk: &mut Talk) {
        let Some(id) = self.under_way.remove(&request) else { return };
        talk.say(match CallError::of_outcome(outcome) {
            Ok(success) => id.success(success.as_json()),
            Err(error) => id.failure(&error.into()),
        });
    }

    fn tell(&mut self, occurrence: &Occurrence, talk: &mut Talk) {
        if let Event::ClientConnected { info, .. } = &occurrence.event
            && self.told.remove(&info.conn)
        {
            return;
        }
        talk.say(json::Event::line(occurrence));
    }

    fn tell_missed(&mut self, count: u64, talk: &mut Talk) {
        talk.say(json::Event::missed(count, now()).to_json());
    }
}

impl Wish<'_> {
    /// Returns the request, if the answer is still to come.
    fn carry_out(self, core: &mut Core, under_way: usize, now: Instant) -> Result<Option<RequestId>, Failure> {
        let asks = matches!(self.what, What::Call(_) | What::Supports { .. });
        if asks && under_way >= MAX_IN_FLIGHT {
            return Err(CallError::Busy(ApiMisuse::TooManyPending { max: MAX_IN_FLIGHT }).into());
        }
        let done = self.what.carry_out(core, &ClientId::from_text(&self.app), now);
        let done = match done {
            // It may be a name.
            Err(ApiMisuse::NotConnected) => {
                let client = find(core, &self.app)?;
                self.what.carry_out(core, &client, now)
            }
            done => done,
        };
        done.map_err(|misuse| CallError::from(misuse).into())
    }
}

impl What {
    fn carry_out(&self, core: &mut Core, client: &ClientId, now: Instant) -> Result<Option<RequestId>, ApiMisuse> {
        match self {
            Self::Call(call) => core.call(client, call, now).map(Some),
            Self::Supports { plugin, method } => core.is_method_supported(client, plugin, method, now).map(Some),
            Self::Init(plugin) => core.init_plugin(client, plugin).map(|()| None),
            Self::Deinit(plugin) => core.deinit_plugin(client, plugin).map(|()| None),
            Self::Disconnect => core.disconnect(client, CloseCode::NORMAL, now).map(|()| None),
        }
    }
}

/// Reads a command. An error is answered under the command's id, or under `null` if that cannot be read.
fn read(text: &Text) -> Result<(Id, Command<'_>), (Id, Failure)> {
    let message: Message<'_> = serde_json::from_str(text)
        .map_err(|error| (Id::NONE, Failure::bad_request(format!("the message is no command: {error}"))))?;
    let id = match message.id {
        Some(id) if id.get().len() <= MAX_ID && !id.get().starts_with(['{', '[']) => {
            Id(Some(Payload::part_of(text, id)))
        }
        Some(_) => return Err((Id::NONE, Failure::bad_request("`id` is a number or a short string"))),
        None => return Err((Id::NONE, Failure::bad_request("the command has no `id`, so that it cannot be answered"))),
    };
    let wish = |app, what| Command::Wish(Wish { app, what });
    let Message {
        call, supports, init, deinit, disconnect, app, apps, devices, status, subscribe, unsubscribe, ..
    } = message;
    let named = [
        call.map(|of| {
            let mut call = Call::new(&*of.plugin, of.method);
            call.params = of.params.map(|params| Payload::part_of(text, params));
            call.deadline = of.timeout_ms.map(Duration::from_millis);
            wish(of.app, What::Call(call))
        }),
        supports.map(|of| {
            wish(of.app, What::Supports { plugin: PluginId::new(&of.plugin), method: of.method.into_owned() })
        }),
        init.map(|of| wish(of.app, What::Init(PluginId::new(&of.plugin)))),
        deinit.map(|of| wish(of.app, What::Deinit(PluginId::new(&of.plugin)))),
        disconnect.map(|of| wish(of.app, What::Disconnect)),
        app.map(|of| Command::Own(Own::App(of.app))),
        apps.map(|Nothing {}| Command::Own(Own::Apps)),
        devices.map(|Nothing {}| Command::Own(Own::Devices)),
        status.map(|Nothing {}| Command::Own(Own::Status)),
        subscribe.map(|subscription| Command::Own(Own::Subscribe(subscription))),
        unsubscribe.map(|Nothing {}| Command::Own(Own::Unsubscribe)),
    ];
    let mut named = named.into_iter().flatten();
    match (named.next(), named.next()) {
        (Some(command), None) => Ok((id, command)),
        (None, _) => Err((id, Failure::bad_request("the message names no command"))),
        (Some(_), Some(_)) => Err((id, Failure::bad_request("the message names several commands; send one at a time"))),
    }
}

impl Id {
    const NONE: Self = Self(None);

    fn as_json(&self) -> &str {
        self.0.as_ref().map_or("null", Payload::as_json)
    }

    fn success(&self, json: &str) -> String {
        let id = self.as_json();
        let mut text = String::with_capacity(id.len() + json.len() + 18);
        for part in ["{\"id\":", id, ",\"success\":", json, "}"] {
            text.push_str(part);
        }
        text
    }

    fn answer(&self, value: &impl Serialize) -> String {
        // Nothing that is told here can fail to be written.
        self.success(&serde_json::to_string(value).unwrap_or_default())
    }

    /// As on every route, under this id.
    fn failure(&self, failure: &Failure) -> String {
        let error = failure.to_json();
        format!("{{\"id\":{},{}", self.as_json(), error.get(1..).unwrap_or_default())
    }
}

fn now() -> WallTime {
    WallClock::default().now()
}
