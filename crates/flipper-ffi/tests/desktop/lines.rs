//! What comes out of a desktop, one line each, as `flipper_model` writes it: every field that there is.

use flipper_ffi::*;

use crate::program::NOTHING;

const KINDS: &[(FlipperEventKind, &str)] = &[
    (FlipperEventKind::Refused, "refused"),
    (FlipperEventKind::ExchangeRequested, "exchange-requested"),
    (FlipperEventKind::ExchangeAcknowledged, "exchange-acknowledged"),
    (FlipperEventKind::ClientConnected, "client-connected"),
    (FlipperEventKind::ClientDisconnected, "client-disconnected"),
    (FlipperEventKind::ClientUnresponsive, "client-unresponsive"),
    (FlipperEventKind::ClientResponsive, "client-responsive"),
    (FlipperEventKind::PluginsChanged, "plugins-changed"),
    (FlipperEventKind::Message, "message"),
    (FlipperEventKind::Reply, "reply"),
    (FlipperEventKind::ClientError, "client-error"),
    (FlipperEventKind::PeerMisbehaved, "peer-misbehaved"),
];

const NUMBERS: &[(FlipperEventField, &str)] = &[
    (FlipperEventField::Code, "code"),
    (FlipperEventField::Conn, "conn"),
    (FlipperEventField::Exchange, "exchange"),
    (FlipperEventField::Request, "request"),
    (FlipperEventField::Channel, "channel"),
    (FlipperEventField::Medium, "medium"),
    (FlipperEventField::WallMs, "wall"),
    (FlipperEventField::IsError, "is-error"),
    (FlipperEventField::HasRequiredFiles, "has-required-files"),
    (FlipperEventField::SdkVersion, "sdk-version"),
    (FlipperEventField::Foreground, "foreground"),
];

const TEXTS: &[(FlipperEventField, &str)] = &[
    (FlipperEventField::Plugin, "plugin"),
    (FlipperEventField::Method, "method"),
    (FlipperEventField::Params, "params"),
    (FlipperEventField::Text, "text"),
    (FlipperEventField::Client, "client"),
    (FlipperEventField::Peer, "peer"),
    (FlipperEventField::App, "app"),
    (FlipperEventField::AppId, "app-id"),
    (FlipperEventField::Os, "os"),
    (FlipperEventField::Device, "device"),
    (FlipperEventField::DeviceId, "device-id"),
    (FlipperEventField::InstanceId, "instance-id"),
    (FlipperEventField::CsrPath, "csr-path"),
    (FlipperEventField::Csr, "csr"),
    (FlipperEventField::Destination, "destination"),
    (FlipperEventField::Json, "json"),
    (FlipperEventField::ErrorName, "error-name"),
    (FlipperEventField::Stacktrace, "stacktrace"),
];

const LISTS: &[(FlipperEventField, &str)] = &[
    (FlipperEventField::Plugins, "plugins"),
    (FlipperEventField::Background, "background"),
    (FlipperEventField::Logs, "log"),
];

const CAUSES: &[&str] = &["", "closed", "replaced", "not-registered", "unresponsive", "disconnected"];
const OUTCOMES: &[&str] = &["", "success", "error", "neither", "invalid", "timed-out", "disconnected"];
const TIMERS: &[&str] = &["", "close", "exchange-idle", "registration", "ping", "request"];
const ADMISSIONS: &[&str] = &["", "accept", "reject", "accept-then-close"];
const ACTIONS: &[&str] = &["", "", "send", "ping", "close", "abort"];

/// A number, if it is there.
pub(crate) fn number(ask: impl FnOnce(*mut u64) -> FlipperResult) -> Option<u64> {
    let mut value = 0;
    match ask(&mut value) {
        FlipperResult::Ok => Some(value),
        other => {
            assert_eq!(other, FlipperResult::NotFound);
            None
        }
    }
}

/// A text, if it is there.
pub(crate) fn words(ask: impl FnOnce(*mut FlipperStr) -> FlipperResult) -> Option<String> {
    let mut value = NOTHING;
    match ask(&mut value) {
        FlipperResult::Ok => {
            // SAFETY: the handle that it belongs to is there.
            let bytes = unsafe { std::slice::from_raw_parts(value.ptr.cast::<u8>(), value.len) };
            Some(String::from_utf8(bytes.to_vec()).unwrap())
        }
        other => {
            assert_eq!(other, FlipperResult::NotFound);
            None
        }
    }
}

/// # Safety
/// The event is good.
pub(crate) unsafe fn event(event: *const FlipperEvent) -> String {
    // SAFETY: the caller's promise, here and below.
    let kind = unsafe { flipper_event_kind_of(event) };
    let (_, word) = KINDS.iter().find(|(known, _)| *known as u32 == kind).expect("a kind of a desktop");
    // SAFETY: as above.
    let ask = |field: FlipperEventField| number(|out| unsafe { flipper_event_number(event, field as u32, out) });
    let mut fields = Vec::new();
    let named = NUMBERS.iter().filter_map(|(field, name)| Some((*name, ask(*field)?.to_string())));
    fields.extend(named);
    for (field, name, values) in
        [(FlipperEventField::Cause, "cause", CAUSES), (FlipperEventField::Outcome, "outcome", OUTCOMES)]
    {
        fields.extend(ask(field).map(|number| (name, values[usize::try_from(number).unwrap()].to_owned())));
    }
    for (field, name) in TEXTS {
        // SAFETY: as above.
        let value = words(|out| unsafe { flipper_event_text(event, *field as u32, out) });
        fields.extend(value.map(|value| (*name, value)));
    }
    for (field, name) in LISTS {
        // SAFETY: as above.
        let item = |index| words(|out| unsafe { flipper_event_item(event, *field as u32, index, out) });
        fields.extend((0..).map_while(item).map(|value| (*name, value)));
    }
    line(word, fields)
}

/// # Safety
/// The action is good.
pub(crate) unsafe fn action(action: *const FlipperAction) -> String {
    let (conn, code) = (FlipperActionField::Conn as u32, FlipperActionField::Code as u32);
    let (text, reason) = (FlipperActionField::Text as u32, FlipperActionField::Reason as u32);
    // SAFETY: the caller's promise.
    unsafe {
        let mut fields = Vec::new();
        fields.extend(number(|out| flipper_action_number(action, conn, out)).map(|conn| ("conn", conn.to_string())));
        fields.extend(number(|out| flipper_action_number(action, code, out)).map(|code| ("code", code.to_string())));
        fields.extend(words(|out| flipper_action_text(action, text, out)).map(|text| ("text", text)));
        fields.extend(words(|out| flipper_action_text(action, reason, out)).map(|reason| ("reason", reason)));
        line(ACTIONS[usize::try_from(flipper_action_kind_of(action)).unwrap()], fields)
    }
}

/// # Safety
/// The admission is good.
pub(crate) unsafe fn admission(admission: *const FlipperAdmission) -> String {
    let named = [
        (FlipperAdmissionField::Conn, "conn"),
        (FlipperAdmissionField::Status, "status"),
        (FlipperAdmissionField::Code, "code"),
    ];
    // SAFETY: the caller's promise.
    unsafe {
        let mut fields = Vec::new();
        for (field, name) in named {
            let value = number(|out| flipper_admission_number(admission, field as u32, out));
            fields.extend(value.map(|value| (name, value.to_string())));
        }
        let reason = words(|out| flipper_admission_text(admission, FlipperAdmissionField::Reason as u32, out));
        fields.extend(reason.map(|reason| ("reason", reason)));
        line(ADMISSIONS[usize::try_from(flipper_admission_kind_of(admission)).unwrap()], fields)
    }
}

pub(crate) fn timer(reason: u32, at: u64) -> String {
    if at == FLIPPER_NEVER {
        assert_eq!(reason, 0);
        return String::from("timer none");
    }
    format!("timer {at} {}", TIMERS[usize::try_from(reason).unwrap()])
}

fn line(word: &str, mut fields: Vec<(&str, String)>) -> String {
    fields.sort_by_key(|(name, _)| *name);
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    [word.to_owned(), fields.join(" ")].join(" ").trim_end().to_owned()
}
