//! The UI socket of the official desktop, as `flipper-server-client` and scripts use it.
//!
//! `{"event":"exec","payload":{"id":1,"command":"client-list","args":[]}}` is answered with `exec-response` or
//! `exec-response-error`; what happens is told as `server-event`. Unlike there, the ids that observers choose never reach
//! the apps, so that any number of observers may use the same ones; and a request to an app that leaves is answered.

mod frames;
mod page;
mod relay;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use flipper_proto::desktop::Outcome;
use flipper_proto::{ClientId, RequestId, Text};
use serde_json::value::RawValue;

use self::frames::{Exec, Frame, listed, push_event};
use self::page::{Page, Said};
use self::relay::{Asked, Relay, Relayed};
use super::conversation::{Dialect, Talk};
use crate::audience::Occurrence;
use crate::devices::Device;
use crate::event::Event;

/// One observer that speaks it.
pub(super) struct Official {
    /// The clients that have told their plugins: when one does so again, they are others.
    introduced: BTreeSet<ClientId>,
    under_way: BTreeMap<RequestId, Asked>,
    /// What the observer is, if it is the page of the official desktop.
    page: Option<Page>,
}

impl Official {
    pub(super) fn new(talk: &mut Talk) -> Self {
        let page = Page::of(talk);
        let mut official = Self { introduced: BTreeSet::new(), under_way: BTreeMap::new(), page };
        if official.page.is_none() {
            official.follow(talk);
        }
        official
    }

    /// Tells what happens from now on.
    fn follow(&mut self, talk: &mut Talk) {
        talk.events = Some(talk.server.desktop().events());
        let clients = talk.server.desktop().clients();
        let introduced = clients.into_iter().filter(|client| client.plugins.is_some()).map(|client| client.id);
        self.introduced = introduced.collect();
    }

    /// Carries out what is not for apps, and gives the answer unless it comes later.
    fn carry_out(&mut self, command: &str, id: &RawValue, args: &[&RawValue], talk: &mut Talk) -> Option<String> {
        if let Some(page) = &self.page {
            let said = page.carry_out(command, id, args, talk);
            if command == "get-config" {
                // A page that was just opened: it asks for everything else itself.
                talk.sleep_on();
                self.follow(talk);
            }
            match said {
                Said::Now(data) => return Some(frames::response(id.get(), Some(&data))),
                Said::Later => return None,
                Said::NotMine => {}
            }
        }
        Some(match answer(command, args, self.page.is_some(), talk) {
            Ok(data) => frames::response(id.get(), data.as_deref()),
            Err(why) => frames::error(id.get(), &why),
        })
    }

    /// Hands on what is for apps, all under one lock.
    fn relay(&mut self, relays: &mut Vec<(&RawValue, Relay)>, talk: &mut Talk) {
        if relays.is_empty() {
            return;
        }
        let mut answers = Vec::new();
        let mut gone = Vec::new();
        talk.replies.ask(|core, now, asked| {
            for (id, relay) in relays.drain(..) {
                gone.extend(self.page.as_ref().and_then(|_| relay.gone(core)));
                match relay.carry_out(core, self.under_way.len(), self.page.as_ref(), now) {
                    Relayed::Asked(request, what) => {
                        asked.push(request);
                        self.under_way.insert(request, what.of(id));
                    }
                    Relayed::Done(data) => answers.push(frames::response(id.get(), data.as_deref())),
                    Relayed::Refused(why) => answers.push(frames::error(id.get(), &why)),
                }
            }
        });
        answers.into_iter().for_each(|answer| talk.say(answer));
        // A page may know an app from before the desktop was started again.
        for client in gone {
            let gone = frames::Gone { id: frames::shown(&client) };
            talk.say(push_event("client-disconnected", &frames::to_json(&gone)));
        }
    }
}

/// Carries out what is not for apps.
fn answer(command: &str, args: &[&RawValue], is_page: bool, talk: &Talk) -> Result<Option<String>, String> {
    let clients = || talk.server.desktop().clients();
    // As there, one that nothing can be run on is none.
    let devices = || {
        let of_apps = clients();
        let is_shown = move |device: &Device| {
            if is_page { page::is_shown(device, &of_apps) } else { device.not_ready.is_none() }
        };
        talk.server.desktop().devices().into_iter().filter(is_shown)
    };
    let first = || -> Result<Cow<'_, str>, String> {
        let text = args.first().and_then(|arg| serde_json::from_str::<String>(arg.get()).ok());
        text.map(Cow::Owned).ok_or_else(|| format!("Error: {command} takes a string"))
    };
    Ok(match command {
        "get-server-state" => Some("{\"state\":\"started\"}".to_owned()),
        "client-list" => Some(frames::to_json(&clients().iter().map(listed).collect::<Vec<_>>())),
        "client-find" => {
            let id = ClientId::from_text(&first()?);
            talk.server.desktop().client(&id).map(|client| frames::to_json(&listed(&client)))
        }
        "device-list" => {
            let devices: Vec<_> = devices().collect();
            Some(frames::to_json(&devices.iter().map(frames::Device::new).collect::<Vec<_>>()))
        }
        "device-find" => {
            let serial = first()?;
            let found = devices().find(|device| *serial == device.id);
            found.map(|device| frames::to_json(&frames::Device::new(&device)))
        }
        _ => {
            let more = if is_page { format!(", {}", page::COMMANDS) } else { String::new() };
            return Err(format!(
                "Error: this desktop has no command {command}; it has get-server-state, client-list, client-find, \
                 device-list, device-find, client-request and client-request-response{more}"
            ));
        }
    })
}

impl Dialect for Official {
    fn hear(&mut self, texts: Vec<Text>, talk: &mut Talk) {
        let mut relays = Vec::new();
        for text in &texts {
            let frame = match serde_json::from_str::<Frame<'_>>(text) {
                Ok(frame) => frame,
                Err(error) => {
                    talk.say(frames::not_understood(&error.to_string()));
                    continue;
                }
            };
            let Some(Exec { id, command, args }) = frame.exec() else {
                talk.say(frames::not_understood("only the event `exec` is understood here"));
                continue;
            };
            match Relay::read(text, &command, &args) {
                Some(Ok(relay)) => relays.push((id, relay)),
                Some(Err(why)) => talk.say(frames::error(id.get(), &why)),
                None => {
                    // Commands are carried out in order.
                    self.relay(&mut relays, talk);
                    if let Some(said) = self.carry_out(&command, id, &args, talk) {
                        talk.say(said);
                    }
                }
            }
        }
        self.relay(&mut relays, talk);
    }

    fn answer(&mut self, request: RequestId, outcome: Outcome, talk: &mut Talk) {
        if let Some(asked) = self.under_way.remove(&request) {
            talk.say(asked.answer(outcome));
        }
    }

    fn wake(&mut self, talk: &mut Talk) {
        self.follow(talk);
        if let Some(page) = &self.page {
            page.catch_up(talk);
        }
    }

    fn tell(&mut self, occurrence: &Occurrence, talk: &mut Talk) {
        let device_of_app = match (&self.page, &occurrence.event) {
            (Some(page), Event::ClientConnected { client, info }) => {
                page.hosting.note_told(&frames::shown(client));
                let devices = talk.server.desktop().devices();
                devices.into_iter().find(|device| device.id == info.query.device_id)
            }
            (Some(page), Event::ClientDisconnected { client, .. }) => {
                page.hosting.holds().forget(page.number, Some(client));
                None
            }
            _ => None,
        };
        let mut say = |event: &str, data: &str| talk.say(push_event(event, data));
        match &occurrence.event {
            Event::ClientConnected { client, info } => {
                if let Some(device) = device_of_app {
                    // A page shows no app whose device it does not know; one that it knows may be told again.
                    say("device-connected", &frames::to_json(&frames::Device::new(&device)));
                }
                say("client-connected", &frames::to_json(&frames::Listed::new(client, &info.query)));
            }
            Event::ClientDisconnected { client, .. } => {
                self.introduced.remove(client);
                say("client-disconnected", &frames::to_json(&frames::Gone { id: frames::shown(client) }));
            }
            // Pages take a device that they know for one that has changed.
            Event::DeviceConnected { device } | Event::DeviceChanged { device } if device.not_ready.is_none() => {
                say("device-connected", &frames::to_json(&frames::Device::new(device)));
            }
            Event::DeviceChanged { device } | Event::DeviceDisconnected { device } => {
                say("device-disconnected", &frames::to_json(&frames::Device::new(device)));
            }
            Event::PluginsChanged { client, .. } => {
                let is_first = self.introduced.insert(client.clone());
                if !is_first {
                    say("client-message", &frames::message(client, "{\"method\":\"refreshPlugins\"}"));
                }
            }
            // What a plugin tells before the page has initialised it, it tells the page once more after that.
            Event::Message { client, plugin, .. }
                if self.page.as_ref().is_some_and(|page| !page.looks_at(client, plugin)) => {}
            Event::Message { client, plugin, method, params } => {
                let text = frames::execute(plugin.as_str(), method, params.as_ref());
                say("client-message", &frames::message(client, &text));
            }
            Event::ClientError { client, raw, .. } => {
                say("client-message", &frames::message(client, &format!("{{\"error\":{raw}}}")));
            }
            Event::CertificateIssued { request, .. } => {
                say("client-setup", &frames::to_json(&frames::Setup::new(&request.query)));
            }
            Event::CertificateRefused { request, error, .. } => {
                let client = frames::Setup::new(&request.query);
                let failed = frames::SetupError { client, kind: "error", message: error.to_string() };
                say("client-setup-error", &frames::to_json(&failed));
                if self.page.is_some() {
                    // It does not know that one.
                    let title = format!("{} cannot connect", request.query.app);
                    let notification = frames::Notification { kind: "error", title, description: error.to_string() };
                    say("notification", &frames::to_json(&notification));
                }
            }
            _ => {}
        }
    }

    fn tell_missed(&mut self, count: u64, talk: &mut Talk) {
        let notification = frames::Notification {
            kind: "error",
            title: "Events went missing".to_owned(),
            description: format!("{count} events were not taken in time, and are lost"),
        };
        talk.say(push_event("notification", &frames::to_json(&notification)));
    }
}

impl Drop for Official {
    fn drop(&mut self) {
        if let Some(page) = &self.page {
            page.hosting.holds().forget(page.number, None);
        }
    }
}
