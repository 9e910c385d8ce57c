//! The UI socket of the official desktop, as `flipper-server-client` and scripts use it.
//!
//! `{"event":"exec","payload":{"id":1,"command":"client-list","args":[]}}` is answered with `exec-response` or
//! `exec-response-error`; what happens is told as `server-event`. Unlike there, the ids that observers choose never reach
//! the apps, so that any number of observers may use the same ones; and a request to an app that leaves is answered.

mod frames;
mod relay;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use flipper_proto::desktop::Outcome;
use flipper_proto::{ClientId, RequestId, Text};
use serde_json::value::RawValue;

use self::frames::{Exec, Frame, listed, push_event};
use self::relay::{Asked, Relay, Relayed};
use super::conversation::{Dialect, Talk};
use crate::audience::Occurrence;
use crate::event::Event;

/// One observer that speaks it.
pub(super) struct Official {
    /// The clients that have told their plugins: when one does so again, they are others.
    introduced: BTreeSet<ClientId>,
    under_way: BTreeMap<RequestId, Asked>,
}

impl Official {
    pub(super) fn new(talk: &mut Talk) -> Self {
        talk.events = Some(talk.server.desktop().events());
        let clients = talk.server.desktop().clients();
        let introduced = clients.into_iter().filter(|client| client.plugins.is_some()).map(|client| client.id);
        Self { introduced: introduced.collect(), under_way: BTreeMap::new() }
    }

    /// Hands on what is for apps, all under one lock.
    fn relay(&mut self, relays: &mut Vec<(&RawValue, Relay)>, talk: &mut Talk) {
        if relays.is_empty() {
            return;
        }
        let mut answers = Vec::new();
        talk.replies.ask(|core, now, asked| {
            for (id, relay) in relays.drain(..) {
                match relay.carry_out(core, self.under_way.len(), now) {
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
    }
}

/// Carries out what is not for apps.
fn answer(command: &str, args: &[&RawValue], talk: &Talk) -> Result<Option<String>, String> {
    let clients = || talk.server.desktop().clients();
    // As there, one that nothing can be run on is none.
    let devices = || talk.server.desktop().devices().into_iter().filter(|device| device.not_ready.is_none());
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
            return Err(format!(
                "Error: this desktop has no command {command}; it has get-server-state, client-list, client-find, \
                 device-list, device-find, client-request and client-request-response"
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
                    let said = match answer(&command, &args, talk) {
                        Ok(data) => frames::response(id.get(), data.as_deref()),
                        Err(why) => frames::error(id.get(), &why),
                    };
                    talk.say(said);
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

    fn tell(&mut self, occurrence: &Occurrence, talk: &mut Talk) {
        let mut say = |event: &str, data: &str| talk.say(push_event(event, data));
        match &occurrence.event {
            Event::ClientConnected { client, info } => {
                say("client-connected", &frames::to_json(&frames::Listed::new(client, &info.query)));
            }
            Event::ClientDisconnected { client, .. } => {
                self.introduced.remove(client);
                say("client-disconnected", &frames::to_json(&frames::Gone { id: client.as_str() }));
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
            }
            _ => {}
        }
    }

    fn tell_missed(&mut self, count: u64, talk: &mut Talk) {
        let notification = frames::Notification {
            kind: "error",
            title: "Events went missing",
            description: format!("{count} events were not taken in time, and are lost"),
        };
        talk.say(push_event("notification", &frames::to_json(&notification)));
    }
}
