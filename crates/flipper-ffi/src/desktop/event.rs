//! What a desktop tells, field by field.

use flipper_proto::desktop::{Channel, DisconnectCause, Event, Outcome};
use flipper_proto::{ConnId, Payload, PluginId, Query, Text};

use super::admission::FlipperChannel;
use super::proof::millis;
use crate::close::FlipperCloseKind;
use crate::event::{FlipperEventField as Field, FlipperEventKind};

/// How a request ended, as the field "outcome" says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperOutcome {
    /// The client answered with the JSON.
    Success = 1,
    /// The client answered with an error: the JSON, and its message as text.
    Error = 2,
    /// The client answered with neither a result nor an error.
    Neither = 3,
    /// The client's answer cannot be understood: text.
    Invalid = 4,
    /// No answer came in time. One that comes later is dropped.
    TimedOut = 5,
    /// The client is gone. Whether it got the request is not known.
    Disconnected = 6,
}

/// Why a client is gone, as the field "cause" says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperGoneCause {
    /// Its connection ended: close kind; and code, if it came with one.
    Closed = 1,
    /// A newer connection of the same identity took over.
    Replaced = 2,
    /// It never told which plugins it has.
    NotRegistered = 3,
    /// It was silent for too long.
    Unresponsive = 4,
    /// This side wanted it so; code.
    Disconnected = 5,
}

/// The words for an event where it is to be shown to people.
pub(crate) fn shown(event: &Event) -> String {
    match event {
        Event::ConnectionRefused { reason, .. } => reason.to_string(),
        Event::ClientDisconnected { cause, .. } => cause.to_string(),
        Event::ClientError { report, .. } | Event::Reply { outcome: Outcome::Error { report, .. }, .. } => {
            report.message.clone()
        }
        Event::Reply { outcome: Outcome::Invalid(error), .. } | Event::PeerMisbehaved { error, .. } => {
            error.to_string()
        }
        _ => String::new(),
    }
}

pub(crate) fn kind(event: &Event) -> Option<FlipperEventKind> {
    Some(match event {
        Event::ConnectionRefused { .. } => FlipperEventKind::Refused,
        Event::ExchangeRequested(_) => FlipperEventKind::ExchangeRequested,
        Event::ExchangeAcknowledged { .. } => FlipperEventKind::ExchangeAcknowledged,
        Event::PairingLocked { .. } => FlipperEventKind::PairingLocked,
        Event::ClientConnected { .. } => FlipperEventKind::ClientConnected,
        Event::ClientDisconnected { .. } => FlipperEventKind::ClientDisconnected,
        Event::ClientUnresponsive { .. } => FlipperEventKind::ClientUnresponsive,
        Event::ClientResponsive { .. } => FlipperEventKind::ClientResponsive,
        Event::PluginsChanged { .. } => FlipperEventKind::PluginsChanged,
        Event::Message { .. } => FlipperEventKind::Message,
        Event::Reply { .. } => FlipperEventKind::Reply,
        Event::ClientError { .. } => FlipperEventKind::ClientError,
        Event::PeerMisbehaved { .. } => FlipperEventKind::PeerMisbehaved,
        _ => return None,
    })
}

pub(crate) fn number(event: &Event, field: u32) -> Option<u64> {
    let is = |wanted: Field| field == wanted as u32;
    match event {
        _ if is(Field::Conn) => conn(event).map(ConnId::as_u64),
        Event::ConnectionRefused { channel, .. } if is(Field::Channel) => Some(number_of_channel(channel)),
        Event::ClientConnected { info, .. } if is(Field::Channel) => Some(number_of_channel(&info.channel)),
        Event::ExchangeRequested(request) if is(Field::Exchange) => Some(request.exchange.as_u64()),
        Event::ExchangeRequested(request) if is(Field::Medium) => Some(request.medium.number().into()),
        Event::ExchangeRequested(request) if is(Field::WallMs) => request.timestamp.map(|wall| wall.as_unix_millis()),
        Event::ExchangeAcknowledged { is_error, .. } if is(Field::IsError) => Some(u64::from(*is_error)),
        Event::ExchangeAcknowledged { has_required_files, .. } if is(Field::HasRequiredFiles) => {
            has_required_files.map(u64::from)
        }
        Event::PairingLocked { wait, .. } if is(Field::WaitMs) => Some(millis(*wait)),
        Event::ClientDisconnected { cause, .. } if is(Field::Cause) => kind_of_cause(cause).map(|cause| cause as u64),
        Event::ClientDisconnected { cause, .. } if is(Field::Code) => code(cause),
        Event::ClientDisconnected { cause: DisconnectCause::Closed(cause), .. } if is(Field::CloseKind) => {
            FlipperCloseKind::of(cause).map(|kind| kind as u64)
        }
        Event::Reply { request, .. } if is(Field::Request) => Some(request.as_u64()),
        Event::Reply { outcome, .. } if is(Field::Outcome) => kind_of_outcome(outcome).map(|kind| kind as u64),
        _ => number_of_query(query(event)?, field),
    }
}

/// What a client says of itself.
pub(super) fn number_of_query(query: &Query, field: u32) -> Option<u64> {
    let is = |wanted: Field| field == wanted as u32;
    match query {
        Query { medium, .. } if is(Field::Medium) => medium.map(|medium| medium.number().into()),
        Query { sdk_version, .. } if is(Field::SdkVersion) => sdk_version.map(u64::from),
        Query { foreground, .. } if is(Field::Foreground) => foreground.map(u64::from),
        _ => None,
    }
}

pub(crate) fn text<'a>(event: &'a Event, shown: &'a str, field: u32) -> Option<&'a str> {
    let is = |wanted: Field| field == wanted as u32;
    match event {
        _ if is(Field::Text) => Some(shown).filter(|shown| !shown.is_empty()),
        _ if is(Field::Client) => client(event),
        _ if is(Field::Peer) => peer(event).map(Text::as_str),
        Event::ExchangeRequested(request) if is(Field::Csr) => Some(&request.csr),
        Event::ExchangeRequested(request) if is(Field::Destination) => Some(&request.destination),
        Event::ExchangeRequested(request) if is(Field::PairingId) => request.pairing.as_ref().map(|it| &*it.id),
        Event::ExchangeRequested(request) if is(Field::PairingNonce) => request.pairing.as_ref().map(|it| &*it.nonce),
        Event::ExchangeRequested(request) if is(Field::PairingProof) => request.pairing.as_ref().map(|it| &*it.proof),
        Event::PairingLocked { id, .. } if is(Field::PairingId) => Some(id.as_str()),
        Event::Message { plugin, .. } if is(Field::Plugin) => Some(plugin.as_str()),
        Event::Message { method, .. } if is(Field::Method) => Some(method.as_str()),
        Event::Message { params, .. } if is(Field::Params) => params.as_ref().map(Payload::as_json),
        Event::Reply { outcome: Outcome::Success(json) | Outcome::Error { raw: json, .. }, .. } if is(Field::Json) => {
            Some(json.as_json())
        }
        Event::ClientError { raw, .. } if is(Field::Json) => Some(raw.as_json()),
        Event::ClientError { report, .. } | Event::Reply { outcome: Outcome::Error { report, .. }, .. }
            if is(Field::ErrorName) =>
        {
            report.name.as_deref()
        }
        Event::ClientError { report, .. } | Event::Reply { outcome: Outcome::Error { report, .. }, .. }
            if is(Field::Stacktrace) =>
        {
            report.stacktrace.as_deref()
        }
        _ => text_of_query(query(event)?, field),
    }
}

/// What a client says of itself.
pub(super) fn text_of_query(query: &Query, field: u32) -> Option<&str> {
    let is = |wanted: Field| field == wanted as u32;
    match query {
        Query { app, .. } if is(Field::App) => Some(app),
        Query { os, .. } if is(Field::Os) => Some(os),
        Query { device, .. } if is(Field::Device) => Some(device),
        Query { device_id, .. } if is(Field::DeviceId) => Some(device_id),
        Query { app_id, .. } if is(Field::AppId) => app_id.as_deref(),
        Query { instance_id, .. } if is(Field::InstanceId) => instance_id.as_deref(),
        Query { csr_path, .. } if is(Field::CsrPath) => csr_path.as_deref(),
        _ => None,
    }
}

/// The text at a place of a list.
pub(crate) fn item(event: &Event, field: u32, index: usize) -> Option<&str> {
    let is = |wanted: Field| field == wanted as u32;
    match event {
        Event::PluginsChanged { plugins, .. } if is(Field::Plugins) => plugins.get(index).map(PluginId::as_str),
        Event::PluginsChanged { background, .. } if is(Field::Background) => {
            background.get(index).map(PluginId::as_str)
        }
        Event::ExchangeAcknowledged { logs, .. } if is(Field::Logs) => logs.get(index).map(String::as_str),
        Event::ExchangeRequested(request) if is(Field::Logs) => request.logs.get(index).map(String::as_str),
        _ => None,
    }
}

fn conn(event: &Event) -> Option<ConnId> {
    match event {
        Event::ExchangeRequested(request) => Some(request.conn),
        Event::ClientConnected { info, .. } => Some(info.conn),
        Event::ExchangeAcknowledged { conn, .. } | Event::PeerMisbehaved { conn, .. } => Some(*conn),
        _ => None,
    }
}

fn client(event: &Event) -> Option<&str> {
    match event {
        Event::ClientConnected { client, .. }
        | Event::ClientDisconnected { client, .. }
        | Event::ClientUnresponsive { client }
        | Event::ClientResponsive { client }
        | Event::PluginsChanged { client, .. }
        | Event::Message { client, .. }
        | Event::Reply { client, .. }
        | Event::ClientError { client, .. }
        | Event::PeerMisbehaved { client: Some(client), .. } => Some(client.as_str()),
        _ => None,
    }
}

fn peer(event: &Event) -> Option<&Text> {
    match event {
        Event::ConnectionRefused { peer, .. } | Event::PairingLocked { peer, .. } => Some(peer),
        Event::ExchangeRequested(request) => Some(&request.peer),
        Event::ClientConnected { info, .. } => Some(&info.peer),
        _ => None,
    }
}

fn query(event: &Event) -> Option<&Query> {
    match event {
        Event::ExchangeRequested(request) => Some(&request.query),
        Event::ExchangeAcknowledged { query, .. } => Some(query),
        Event::ClientConnected { info, .. } => Some(&info.query),
        _ => None,
    }
}

pub(super) fn number_of_channel(channel: &Channel) -> u64 {
    let channel = match channel {
        Channel::Insecure => FlipperChannel::Insecure,
        Channel::Secure(_) => FlipperChannel::Secure,
        Channel::Browser => FlipperChannel::Browser,
    };
    channel as u64
}

fn kind_of_cause(cause: &DisconnectCause) -> Option<FlipperGoneCause> {
    Some(match cause {
        DisconnectCause::Closed(_) => FlipperGoneCause::Closed,
        DisconnectCause::Replaced => FlipperGoneCause::Replaced,
        DisconnectCause::NotRegistered => FlipperGoneCause::NotRegistered,
        DisconnectCause::Unresponsive { .. } => FlipperGoneCause::Unresponsive,
        DisconnectCause::Disconnected(_) => FlipperGoneCause::Disconnected,
        _ => return None,
    })
}

fn code(cause: &DisconnectCause) -> Option<u64> {
    match cause {
        DisconnectCause::Closed(cause) => FlipperCloseKind::code(cause).map(u64::from),
        DisconnectCause::Disconnected(code) => Some(u64::from(code.as_u16())),
        _ => None,
    }
}

fn kind_of_outcome(outcome: &Outcome) -> Option<FlipperOutcome> {
    Some(match outcome {
        Outcome::Success(_) => FlipperOutcome::Success,
        Outcome::Error { .. } => FlipperOutcome::Error,
        Outcome::Neither => FlipperOutcome::Neither,
        Outcome::Invalid(_) => FlipperOutcome::Invalid,
        Outcome::TimedOut { .. } => FlipperOutcome::TimedOut,
        Outcome::Disconnected => FlipperOutcome::Disconnected,
        _ => return None,
    })
}
