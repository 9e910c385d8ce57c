//! What a client tells.

use flipper_proto::Payload;
use flipper_proto::client::Event;

use crate::client;
use crate::exclusive::guard;
use crate::pointer::{self, FlipperStr};
use crate::result::FlipperResult;

/// An event, with the words for it where it is to be shown to people.
#[derive(Debug)]
pub struct FlipperEvent {
    event: Event,
    shown: String,
}

impl FlipperEvent {
    pub(crate) fn new(event: Event) -> Self {
        let shown = match &event {
            Event::StateChanged(state) => state.to_string(),
            Event::Step(step) => step.to_string(),
            Event::Failed(failure) => failure.to_string(),
            Event::PeerMisbehaved(error) => error.to_string(),
            _ => String::new(),
        };
        Self { event, shown }
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
    /// Number: a `flipper_client_step`.
    Step = 4,
    /// Number: a `flipper_client_failure`.
    Failure = 5,
    /// Number: which credentials.
    Generation = 6,
    /// Number: a `flipper_exchange_reason`.
    ExchangeReason = 7,
    /// Number: a `flipper_close_kind`.
    CloseKind = 8,
    /// Number: the code of the close frame, or the HTTP status.
    Code = 9,
    /// Number: a `flipper_credential_problem`.
    CredentialProblem = 10,
    /// Text: whose.
    Plugin = 20,
    /// Text: the method.
    Method = 21,
    /// Text: the params, JSON as it came.
    Params = 22,
    /// Text: what happened, for people. Failures say what to do, too.
    Text = 23,
}

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
    let kind = unsafe { pointer::shared(event) }.ok().and_then(|event| kind(&event.event));
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
    guard(|| unsafe {
        let event = &pointer::shared(event)?.event;
        let field = NUMBERS.into_iter().find(|known| *known as u32 == field);
        let number = field.and_then(|field| client::number(event, field)).ok_or(FlipperResult::NotFound)?;
        pointer::write(out, number)
    })
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
        let text = text(pointer::shared(event)?, field).ok_or(FlipperResult::NotFound)?;
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

fn text(event: &FlipperEvent, field: u32) -> Option<&str> {
    let is = |wanted: FlipperEventField| field == wanted as u32;
    match &event.event {
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
            Some(&event.shown)
        }
        _ => None,
    }
}
