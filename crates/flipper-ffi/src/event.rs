//! What a state machine tells.

use flipper_proto::Payload;
use flipper_proto::client::Event;
use flipper_proto::desktop;

use crate::client;
use crate::desktop::event as of_desktop;
use crate::exclusive::guard;
use crate::pointer::{self, FlipperStr};
use crate::result::FlipperResult;

/// An event, with the words for it where it is to be shown to people.
#[derive(Debug)]
pub struct FlipperEvent {
    told: Told,
    shown: String,
}

#[derive(Debug)]
enum Told {
    Client(Event),
    Desktop(desktop::Event),
}

impl FlipperEvent {
    pub(crate) fn of_client(event: Event) -> Self {
        let shown = match &event {
            Event::StateChanged(state) => state.to_string(),
            Event::Step(step) => step.to_string(),
            Event::Failed(failure) => failure.to_string(),
            Event::PeerMisbehaved(error) => error.to_string(),
            _ => String::new(),
        };
        Self { told: Told::Client(event), shown }
    }

    pub(crate) fn of_desktop(event: desktop::Event) -> Self {
        let shown = of_desktop::shown(&event);
        Self { told: Told::Desktop(event), shown }
    }

    /// The certificate request that it tells of.
    pub(crate) fn exchange_request(&self) -> Option<&desktop::ExchangeRequest> {
        match &self.told {
            Told::Desktop(desktop::Event::ExchangeRequested(request)) => Some(request),
            Told::Client(_) | Told::Desktop(_) => None,
        }
    }

    fn kind(&self) -> Option<FlipperEventKind> {
        match &self.told {
            Told::Client(event) => kind(event),
            Told::Desktop(event) => of_desktop::kind(event),
        }
    }

    fn number(&self, field: u32) -> Option<u64> {
        match &self.told {
            Told::Client(event) => number(event, field),
            Told::Desktop(event) => of_desktop::number(event, field),
        }
    }

    fn text(&self, field: u32) -> Option<&str> {
        match &self.told {
            Told::Client(event) => text(event, &self.shown, field),
            Told::Desktop(event) => of_desktop::text(event, &self.shown, field),
        }
    }

    fn item(&self, field: u32, index: usize) -> Option<&str> {
        match &self.told {
            Told::Client(_) => None,
            Told::Desktop(event) => of_desktop::item(event, field, index),
        }
    }
}

/// What an event is. Each has the fields that are named there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperEventKind {
    /// The client is in another state: state, text; and what the state has.
    State = 1,
    /// A step on the way: step, text; and what the step has.
    Step = 2,
    /// Something failed, and the client goes on by itself: failure, text; and what the failure has.
    Failed = 3,
    /// The desktop sent something that is not understood, and the session goes on: text.
    Misbehaved = 4,
    /// The desktop initialised a plugin: plugin.
    Connected = 5,
    /// The desktop has left a plugin, or is gone: plugin.
    Disconnected = 6,
    /// The desktop calls a method and waits for an answer: call, plugin, method, and params if there are any.
    Call = 7,
    /// The same, and nobody waits. An error that it is answered with is sent all the same.
    Tell = 8,
    /// The desktop asks whether there is a method: call, plugin, method.
    Supports = 9,
    /// A desktop refused a connection, before or after the upgrade: channel, peer, text.
    Refused = 101,
    /// A client asks a desktop for a certificate, to be answered with `flipper_desktop_grant` or `flipper_desktop_refuse`:
    /// exchange, connection, peer, csr, destination, medium, the list of logs, what the client says of itself (app, os,
    /// device, device id; and what else it tells); wall time, pairing id, nonce and proof, if it sends them. Nothing of it
    /// is proven.
    ExchangeRequested = 102,
    /// A client tells how its exchange went, which most never do: connection, is error, the list of logs, what the client
    /// says of itself; and has required files, if it tells.
    ExchangeAcknowledged = 103,
    /// Somebody gave so many wrong proofs of a pairing that no more are taken from there for a while: peer, pairing id,
    /// wait.
    PairingLocked = 104,
    /// A client is there: client, connection, channel, peer, what the client says of itself.
    ClientConnected = 105,
    /// A client is gone, and every request to it was told to have failed before: client, cause, text; and code, if there
    /// is one.
    ClientDisconnected = 106,
    /// A client leaves pings unanswered, perhaps because it is stopped at a breakpoint. Its session goes on: client.
    ClientUnresponsive = 107,
    /// A client that was unresponsive is back: client.
    ClientResponsive = 108,
    /// A client told which plugins it has: client, the lists of plugins and of background plugins.
    PluginsChanged = 109,
    /// An event of a client's plugin: client, plugin, method, and params if there are any.
    Message = 110,
    /// A request to a client has ended, exactly once: request, client, outcome, and what the outcome has.
    Reply = 111,
    /// A client reports an error outside any call: client, json; and text, error name and stack trace, if it has them.
    ClientError = 112,
    /// A peer sent a desktop something that is not understood. Its connection goes on: connection, text; and client, but on
    /// the exchange port.
    PeerMisbehaved = 113,
}

/// A field of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperEventField {
    /// Number: which call.
    Call = 1,
    /// Number: a `flipper_state_kind`.
    State = 2,
    /// Number: when the next attempt is made, in a state that waits for it.
    Until = 3,
    /// Number: 1 while the peer does not respond, else 0.
    Unresponsive = 4,
    /// Number: a `flipper_client_step`.
    Step = 5,
    /// Number: a `flipper_client_failure`.
    Failure = 6,
    /// Number: which credentials.
    Generation = 7,
    /// Number: a `flipper_exchange_reason`.
    ExchangeReason = 8,
    /// Number: a `flipper_close_kind`.
    CloseKind = 9,
    /// Number: the code of the close frame, or the HTTP status.
    Code = 10,
    /// Number: a `flipper_credential_problem`.
    CredentialProblem = 11,
    /// Text: whose.
    Plugin = 20,
    /// Text: the method.
    Method = 21,
    /// Text: the params, JSON as it came.
    Params = 22,
    /// Text: what happened, for people. Failures say what to do, too.
    Text = 23,
    /// Number: which connection of a desktop.
    Conn = 51,
    /// Number: which certificate request.
    Exchange = 52,
    /// Number: which request to a client.
    Request = 53,
    /// Number: a `flipper_outcome`.
    Outcome = 54,
    /// Number: a `flipper_channel`.
    Channel = 55,
    /// Number: how certificates travel: 1 through the file system, 2 through a store, 3 not at all.
    Medium = 56,
    /// Number: the client's clock, in Unix milliseconds.
    WallMs = 57,
    /// Number: whether it failed, 0 or 1.
    IsError = 58,
    /// Number: whether the client has all its files now, 0 or 1.
    HasRequiredFiles = 59,
    /// Number: for how many milliseconds.
    WaitMs = 60,
    /// Number: which version of the protocol the client speaks.
    SdkVersion = 61,
    /// Number: whether the client asks to be shown, 0 or 1.
    Foreground = 62,
    /// Number: a `flipper_gone_cause`.
    Cause = 63,
    /// Number: since when a client is there, in milliseconds on the caller's clock.
    ConnectedAtMs = 65,
    /// Number: whether a client has told which plugins it has, 0 or 1.
    Registered = 66,
    /// Number: how many requests to a client have not ended yet.
    PendingRequests = 68,
    /// Number: how many bytes wait for a client to read.
    QueuedBytes = 69,
    /// Text: the client's id.
    Client = 71,
    /// Text: the peer's address and port.
    Peer = 72,
    /// Text: the app's name.
    App = 73,
    /// Text: the app's bundle id.
    AppId = 74,
    /// Text: the operating system.
    Os = 75,
    /// Text: the device's name.
    Device = 76,
    /// Text: the device's id.
    DeviceId = 77,
    /// Text: which process of the app it is.
    InstanceId = 78,
    /// Text: the directory of the app's credentials, as the app sees it.
    CsrPath = 79,
    /// Text: the certificate request, in PEM as the client says.
    Csr = 80,
    /// Text: where the client wants the certificates: file names are appended to it as they are.
    Destination = 81,
    /// Text: the answer or the error, JSON as it came.
    Json = 82,
    /// Text: the name of an error.
    ErrorName = 83,
    /// Text: where an error happened.
    Stacktrace = 84,
    /// Text: which pairing.
    PairingId = 85,
    /// Text: what makes a proof of a pairing fresh.
    PairingNonce = 86,
    /// Text: the proof of a pairing.
    PairingProof = 87,
    /// List: the ids of all plugins.
    Plugins = 91,
    /// List: the ids of those that the client wants initialised as soon as it connects.
    Background = 92,
    /// List: the ids of those that the desktop has initialised.
    Initialised = 93,
    /// List: the client's own log.
    Logs = 94,
}

/// The numbers of clients.
const NUMBERS: [FlipperEventField; 10] = [
    FlipperEventField::Call,
    FlipperEventField::State,
    FlipperEventField::Until,
    FlipperEventField::Step,
    FlipperEventField::Failure,
    FlipperEventField::Generation,
    FlipperEventField::ExchangeReason,
    FlipperEventField::CloseKind,
    FlipperEventField::Code,
    FlipperEventField::CredentialProblem,
];

/// Frees an event, with all texts that were taken from it.
///
/// Threads: any, and no other call with it goes on or follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_event_free(event: *mut FlipperEvent) {
    // SAFETY: the caller's promise.
    unsafe { pointer::free(event) };
}

/// What an event is: a `flipper_event_kind`, or 0 for NULL.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_event_kind_of(event: *const FlipperEvent) -> u32 {
    // SAFETY: the caller's promise.
    let kind = unsafe { pointer::shared(event) }.ok().and_then(FlipperEvent::kind);
    kind.map_or(0, |kind| kind as u32)
}

/// A field that is a number. `field` is a `flipper_event_field`.
///
/// FLIPPER_RESULT_NOT_FOUND: the event has no such field, or has it not this time.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_event_number(event: *const FlipperEvent, field: u32, out: *mut u64) -> FlipperResult {
    // SAFETY: the caller's promise.
    guard(|| unsafe { pointer::write(out, pointer::shared(event)?.number(field).ok_or(FlipperResult::NotFound)?) })
}

/// A field that is a text, valid until the event is freed. `field` is a `flipper_event_field`.
///
/// FLIPPER_RESULT_NOT_FOUND: the event has no such field, or has it not this time.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_event_text(
    event: *const FlipperEvent,
    field: u32,
    out: *mut FlipperStr,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    guard(|| unsafe {
        let text = pointer::shared(event)?.text(field).ok_or(FlipperResult::NotFound)?;
        pointer::write(out, FlipperStr::of(text))
    })
}

/// A text at a place of a list, which begins with 0. FLIPPER_RESULT_NOT_FOUND after the last one.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_event_item(
    event: *const FlipperEvent,
    field: u32,
    index: usize,
    out: *mut FlipperStr,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    guard(|| unsafe {
        let text = pointer::shared(event)?.item(field, index).ok_or(FlipperResult::NotFound)?;
        pointer::write(out, FlipperStr::of(text))
    })
}

fn kind(event: &Event) -> Option<FlipperEventKind> {
    Some(match event {
        Event::StateChanged(_) => FlipperEventKind::State,
        Event::Step(_) => FlipperEventKind::Step,
        Event::Failed(_) => FlipperEventKind::Failed,
        Event::PeerMisbehaved(_) => FlipperEventKind::Misbehaved,
        Event::PluginConnected(_) => FlipperEventKind::Connected,
        Event::PluginDisconnected(_) => FlipperEventKind::Disconnected,
        Event::Call { expects_reply: true, .. } => FlipperEventKind::Call,
        Event::Call { expects_reply: false, .. } => FlipperEventKind::Tell,
        Event::MethodQuery { .. } => FlipperEventKind::Supports,
        _ => return None,
    })
}

fn number(event: &Event, field: u32) -> Option<u64> {
    let field = NUMBERS.into_iter().find(|known| *known as u32 == field)?;
    client::number(event, field)
}

fn text<'a>(event: &'a Event, shown: &'a str, field: u32) -> Option<&'a str> {
    let is = |wanted: FlipperEventField| field == wanted as u32;
    match event {
        Event::Call { plugin, .. }
        | Event::MethodQuery { plugin, .. }
        | Event::PluginConnected(plugin)
        | Event::PluginDisconnected(plugin)
            if is(FlipperEventField::Plugin) =>
        {
            Some(plugin.as_str())
        }
        Event::Call { method, .. } | Event::MethodQuery { method, .. } if is(FlipperEventField::Method) => Some(method),
        Event::Call { params, .. } if is(FlipperEventField::Params) => params.as_ref().map(Payload::as_json),
        Event::StateChanged(_) | Event::Step(_) | Event::Failed(_) | Event::PeerMisbehaved(_)
            if is(FlipperEventField::Text) =>
        {
            Some(shown)
        }
        _ => None,
    }
}
