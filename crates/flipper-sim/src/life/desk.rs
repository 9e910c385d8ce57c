//! A desktop, with somebody who reads along.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use flipper_async::Runtime as _;
use flipper_desktop::{CallError, Client, Desktop, Event, Events};
use flipper_pki::Authority;
use flipper_proto::desktop::Call;
use flipper_proto::{ClientId, Payload, ProtocolError};

use super::app::EventParams;
use super::ledger::{Ended, Ledger};
use crate::peers;
use crate::rng::Rng;
use crate::runtime::SimRuntime;
use crate::{Calendar, Sim};

/// A desktop while it runs.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) runtime: SimRuntime,
    pub(super) desktop: Desktop<SimRuntime>,
    ledger: Ledger,
}

impl Desk {
    pub(super) async fn start(
        sim: &Sim,
        reader: &SimRuntime,
        calendar: &Calendar,
        authority: &Authority,
        ledger: &Ledger,
    ) -> Result<Self, String> {
        let runtime = sim.process("desktop");
        runtime.note(format_args!("starts"));
        let mut builder = peers::desktop(calendar, authority);
        let events = builder.events();
        let desktop = builder.start_on(runtime.clone()).await.map_err(|error| error.to_string())?;
        let read = read(events, runtime.clone(), ledger.clone());
        reader.spawn(read);
        Ok(Self { runtime, desktop, ledger: ledger.clone() })
    }

    /// The clients that an app is, of which there should be one.
    pub(super) fn clients_of(&self, app: &str) -> Vec<Client> {
        self.desktop.clients().into_iter().filter(|client| client.info.query.app == app).collect()
    }

    /// Calls a method, and sees to it that the call ends as it may. Whether it must succeed is `healthy`.
    pub(super) fn call(
        &self,
        caller: &SimRuntime,
        number: u64,
        client: ClientId,
        plugin: &str,
        wish: Wish,
        healthy: bool,
    ) {
        self.ledger.calls(number);
        let (desk, plugin) = (self.clone(), plugin.to_owned());
        caller.spawn(async move {
            let mut call = Call::new(plugin.as_str(), wish.method());
            call.params = wish.params();
            let result = desk.desktop.call_with(&client, &call).await;
            let outcome = wish.judge(&result, healthy);
            desk.runtime.note(format_args!("call {number} of {client} {plugin} {wish:?}: {outcome:?}"));
            desk.ledger.call_ended(number, outcome);
        });
    }
}

/// What is asked of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Echo { bytes: usize },
    Fill { bytes: usize },
    Later { millis: u64 },
    Chatty { events: u64 },
    Refuse,
    Forget,
    Panic,
    Unknown,
}

impl Wish {
    pub(super) fn any(rng: &mut Rng, bytes: usize) -> Self {
        match rng.within(0..=9) {
            0..=2 => Self::Echo { bytes },
            3..=4 => Self::Fill { bytes },
            5 => Self::Later { millis: rng.within(0..=20_000) },
            6 => Self::Chatty { events: rng.within(0..=20) },
            7 => Self::Refuse,
            8 => Self::Forget,
            _ if rng.percent(50) => Self::Panic,
            _ => Self::Unknown,
        }
    }

    fn method(self) -> &'static str {
        match self {
            Self::Echo { .. } => "echo",
            Self::Fill { .. } => "fill",
            Self::Later { .. } => "later",
            Self::Chatty { .. } => "chatty",
            Self::Refuse => "refuse",
            Self::Forget => "forget",
            Self::Panic => "panic",
            Self::Unknown => "unknown",
        }
    }

    fn params(self) -> Option<Payload> {
        match self {
            Self::Echo { bytes } => Payload::serialize(&["e".repeat(bytes)]).ok(),
            Self::Fill { bytes } => Payload::serialize(&[bytes]).ok(),
            Self::Later { millis: number } | Self::Chatty { events: number } => Payload::serialize(&[number]).ok(),
            Self::Refuse | Self::Forget | Self::Panic | Self::Unknown => None,
        }
    }

    /// Whether the call ended as it may.
    fn judge(self, result: &Result<Payload, CallError>, healthy: bool) -> Result<Ended, String> {
        let name = match result {
            Ok(answer) => return self.judge_answer(answer),
            Err(CallError::Failed { report, .. }) => report.name.as_deref().unwrap_or(&report.message),
            // What became of it cannot be known when the client has gone.
            Err(CallError::Disconnected | CallError::NotConnected | CallError::TimedOut { .. }) if !healthy => {
                return Ok(Ended::Failed);
            }
            Err(error) => return Err(error.to_string()),
        };
        let expected = match self {
            Self::Refuse => "Refused",
            Self::Forget => "NoAnswer",
            Self::Panic => "PluginPanicked",
            Self::Unknown => "Receiver unknown not found.",
            Self::Echo { .. } | Self::Fill { .. } | Self::Later { .. } | Self::Chatty { .. } => "",
        };
        // The plugin may be gone, or was not initialised yet.
        let absent = ["ConnectionNotFound", "PluginRemoved"].contains(&name) && !healthy;
        if name == expected || absent { Ok(Ended::Failed) } else { Err(format!("{self:?} failed with {name:?}")) }
    }

    fn judge_answer(self, answer: &Payload) -> Result<Ended, String> {
        let fits = match self {
            Self::Echo { .. } => self.params().is_some_and(|params| params == *answer),
            Self::Fill { bytes } => {
                answer.parse::<(String,)>().is_ok_and(|(text,)| text.len() == bytes.next_multiple_of(8))
            }
            Self::Later { millis: number } | Self::Chatty { events: number } => {
                answer.parse::<(u64,)>().is_ok_and(|(echoed,)| echoed == number)
            }
            Self::Refuse | Self::Forget | Self::Panic | Self::Unknown => false,
        };
        if fits { Ok(Ended::Answered) } else { Err(format!("{self:?} was answered with something else")) }
    }
}

/// Reads all events of a desktop, and enters them into the books.
async fn read(mut events: Events, desk: SimRuntime, ledger: Ledger) {
    let mut sessions: BTreeMap<ClientId, u64> = BTreeMap::new();
    let mut devices: BTreeSet<String> = BTreeSet::new();
    while let Some(event) = events.next().await {
        match event {
            Event::DeviceConnected { device } => {
                if !devices.insert(device.id.clone()) {
                    ledger.wrong(format_args!("device {} came twice", device.id));
                }
            }
            Event::DeviceDisconnected { device } => {
                // All apps of a life run on one device.
                if !devices.remove(&device.id) || !sessions.is_empty() {
                    ledger.wrong(format_args!("device {} left twice, or before its apps", device.id));
                }
            }
            Event::ClientConnected { client, info } => {
                desk.note(format_args!("{client} is there"));
                if !devices.contains(&info.query.device_id) {
                    ledger.wrong(format_args!("{client} came before its device"));
                }
                let session = ledger.new_session();
                sessions.insert(client, session);
            }
            Event::ClientDisconnected { client, cause } => {
                desk.note(format_args!("{client} is gone: {cause}"));
                if sessions.remove(&client).is_none() {
                    ledger.wrong(format_args!("{client} left twice"));
                }
            }
            Event::Message { client, params, .. } => {
                let parsed = params.as_ref().and_then(|params| params.parse::<EventParams>().ok());
                match (sessions.get(&client), parsed) {
                    (Some(session), Some((stream, number, _))) => ledger.received(*session, stream, number),
                    (None, _) => ledger.wrong(format_args!("an event of {client}, which is not there")),
                    (_, None) => ledger.wrong("an event arrived damaged"),
                }
            }
            Event::ClientError { client, report, .. } => {
                desk.note(format_args!("{client} reports: {report}"));
                let known = ["EventsDropped", "PluginNotFound"];
                if !report.name.as_deref().is_some_and(|name| known.contains(&name)) {
                    ledger.wrong(format_args!("{client} reports an error: {report}"));
                }
            }
            Event::CertificateIssued { common_name, .. } => {
                desk.note(format_args!("issued a certificate to {common_name}"));
                ledger.count(|counts| counts.exchanges += 1);
            }
            Event::CertificateRefused { error, .. } => {
                desk.note(format_args!("refused a certificate"));
                let _text = error;
                ledger.count(|counts| counts.refused_exchanges += 1);
            }
            // A line on which everything takes half a minute.
            Event::PeerMisbehaved { error: ProtocolError::Unanswered(what), .. } => {
                desk.note(format_args!("{what} was not answered"));
            }
            Event::PeerMisbehaved { error, .. } => {
                ledger.wrong(format_args!("the desktop does not understand its client: {error}"));
            }
            Event::HandshakeFailed { port, cause, .. } => {
                desk.note(format_args!("a connection to the {port} port came to nothing: {cause}"));
            }
            Event::PluginsChanged { client, plugins, .. } => {
                desk.note(format_args!("{client} has plugins {plugins:?}"));
            }
            Event::ClientUnresponsive { client } => desk.note(format_args!("{client} does not respond")),
            Event::ClientResponsive { client } => desk.note(format_args!("{client} responds again")),
            Event::ConnectionRefused { peer, reason, .. } => desk.note(format_args!("refused {peer}: {reason}")),
            Event::CertificatesRenewed => desk.note(format_args!("renewed its certificates")),
            Event::ExchangeAcknowledged { .. } => desk.note(format_args!("an exchange was acknowledged")),
            other => ledger.wrong(format_args!("unexpected: {other:?}")),
        }
    }
    if events.missed() > 0 {
        ledger.wrong(format_args!("{} events of the desktop were missed", events.missed()));
    }
    desk.note(format_args!("has told its last"));
}

/// How long a call may take at most: its deadline, and a little for the way.
pub(super) const CALL_PATIENCE: Duration = Duration::from_secs(46);
