//! Messages of either side, whatever they are: what is understood is written by the other side so that it is understood
//! alike, byte for byte where it is a plugin's.
//!
//! The first byte of an input says to whom the rest is sent: to an app in a session, to a desktop in a session, to an app
//! that asked for a certificate, or to a desktop that is asked for one.
#![no_main]

use flipper_fuzz::ends::{App, Desk};
use flipper_proto::client::{self, Failure, Prepared, Reply, Step};
use flipper_proto::desktop::{self, Call, Grant, Outcome};
use flipper_proto::{ErrorReport, Generation, Payload, PluginId, ProtocolError, Text, WallTime};
use libfuzzer_sys::{Corpus, fuzz_target};
use serde::de::IgnoredAny;
use serde_json::Value;

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((to, message)) = input.split_first() else { return Corpus::Reject };
    match to {
        0 => to_app(message),
        1 => to_desktop(message),
        2 => to_asking_app(message),
        3 => to_asked_desktop(message),
        _ => return Corpus::Reject,
    }
    Corpus::Keep
});

fn to_app(message: &[u8]) {
    let mut app = App::connected(&["A"]);
    let (sent, events) = match std::str::from_utf8(message) {
        Ok(text) => app.hears(text),
        Err(_) => app.hears_bytes(message),
    };
    // Of two ids, every reader takes the one that it likes.
    let twice = events.iter().any(|event| *event == client::Event::PeerMisbehaved(ProtocolError::Duplicate("id")));
    let id = serde_json::from_slice::<Value>(message).ok().filter(|_| !twice).map(|message| message["id"].clone());
    for answer in &sent {
        let answer: Value = serde_json::from_str(answer).expect("what is sent is JSON");
        let has_kind = ["success", "error", "method"].iter().filter(|key| answer.get(key).is_some()).count() == 1;
        assert!(has_kind, "{answer}");
        if let (Some(answered), Some(asked)) = (answer.get("id"), &id) {
            assert_eq!(answered, asked);
        }
    }
    for event in events {
        match event {
            client::Event::Call { method, params, .. } => {
                assert_well_formed(message);
                call_again(&method, params);
            }
            client::Event::PeerMisbehaved(error) => assert_told(&error, message),
            client::Event::MethodQuery { .. } => assert_well_formed(message),
            client::Event::PluginConnected(_) | client::Event::PluginDisconnected(_) => {}
            other => panic!("a message leads to no {other:?}"),
        }
    }
}

/// A desktop makes the same call, the app answers with the params, and the desktop gets them back.
fn call_again(name: &Text, given: Option<Payload>) {
    let (mut app, mut desk) = (App::connected(&["A"]), Desk::connected());
    let mut call = Call::new("A", name.as_str());
    call.params.clone_from(&given);
    let asked = desk.sends(|desktop, now| desktop.call(&Desk::id(), &call, now).map(drop));
    let (_, events) = app.hears(&asked);
    let [client::Event::Call { call, method, params, expects_reply: true, .. }] = events.as_slice() else {
        panic!("{asked} was told as {events:?}");
    };
    assert_eq!((method, params), (name, &given), "in {asked}");
    let answer = given.unwrap_or_else(Payload::empty_object);
    app.client.respond(*call, &Reply::Success(answer.clone())).expect("it is the first answer");
    let (mut sent, _) = app.turn();
    let (_, events) = desk.hears(&sent.pop().expect("an answer"));
    let [desktop::Event::Reply { outcome: Outcome::Success(answered), .. }] = events.as_slice() else {
        panic!("{answer} was told as {events:?}");
    };
    assert_eq!(*answered, answer);
}

fn to_desktop(message: &[u8]) {
    let mut desk = Desk::connected();
    // One request waits, with the id 2.
    desk.sends(|desktop, now| desktop.call(&Desk::id(), &Call::new("A", "m"), now).map(drop));
    let (_, events) = match std::str::from_utf8(message) {
        Ok(text) => desk.hears(text),
        Err(_) => desk.hears_bytes(message),
    };
    for event in events {
        match event {
            desktop::Event::Message { plugin, method, params, .. } => {
                assert_well_formed(message);
                send_again(&plugin, &method, params);
            }
            desktop::Event::ClientError { report, raw, .. } => {
                assert_well_formed(message);
                // An error without a message is shown as it came.
                if serde_json::from_str::<Value>(raw.as_json()).is_ok_and(|error| error["message"].is_string()) {
                    report_again(report);
                }
            }
            desktop::Event::Reply { outcome: Outcome::Error { raw, .. }, .. } => fail_again(&raw),
            desktop::Event::Reply { .. } | desktop::Event::PluginsChanged { .. } => assert_well_formed(message),
            desktop::Event::PeerMisbehaved { error, .. } => assert_told(&error, message),
            other => panic!("a message leads to no {other:?}"),
        }
    }
}

/// An app sends the same event.
fn send_again(from: &PluginId, name: &Text, given: Option<Payload>) {
    let (mut app, mut desk) = (App::connected(&[from.as_str()]), Desk::connected());
    app.client.send(from, name, given.as_ref()).expect("the plugin is there");
    let (mut sent, _) = app.turn();
    let text = sent.pop().expect("an event");
    let (_, events) = desk.hears(&text);
    let [desktop::Event::Message { plugin, method, params, .. }] = events.as_slice() else {
        panic!("{text} was told as {events:?}");
    };
    assert_eq!((plugin, method, params), (from, name, &given), "in {text}");
}

/// An app reports the same error.
fn report_again(error: ErrorReport) {
    let (mut app, mut desk) = (App::connected(&[]), Desk::connected());
    app.client.report_error(&error).expect("it is connected");
    let (mut sent, _) = app.turn();
    let text = sent.pop().expect("a report");
    let (_, events) = desk.hears(&text);
    let [desktop::Event::ClientError { report, .. }] = events.as_slice() else {
        panic!("{text} was told as {events:?}");
    };
    assert_eq!(*report, error, "in {text}");
}

/// An app answers a call with the same error.
fn fail_again(error: &Payload) {
    let (mut app, mut desk) = (App::connected(&["A"]), Desk::connected());
    let asked = desk.sends(|desktop, now| desktop.call(&Desk::id(), &Call::new("A", "m"), now).map(drop));
    let (_, events) = app.hears(&asked);
    let [client::Event::Call { call, .. }] = events.as_slice() else { panic!("{asked} was told as {events:?}") };
    app.client.respond(*call, &Reply::Error(error.clone())).expect("it is the first answer");
    let (mut sent, _) = app.turn();
    let (_, events) = desk.hears(&sent.pop().expect("an answer"));
    let [desktop::Event::Reply { outcome: Outcome::Error { raw, .. }, .. }] = events.as_slice() else {
        panic!("{error} was told as {events:?}");
    };
    assert_eq!(raw, error);
}

fn to_asking_app(message: &[u8]) {
    let Ok(text) = std::str::from_utf8(message) else { return };
    let hear = |text: &str| {
        let (mut app, _) = App::asking(prepared("CSR", "/d/", 1));
        let (_, events) = app.hears(text);
        let granted = events.iter().find_map(|event| match event {
            client::Event::Step(Step::Granted { device_id }) => Some(Ok(device_id.clone())),
            client::Event::Failed(Failure::ExchangeRefused(error)) => Some(Err(error.clone())),
            _ => None,
        });
        (granted, app.client.counters().bad_messages)
    };
    let (answer, bad) = hear(text);
    let Some(answer) = answer else {
        assert_eq!(bad, 1, "neither an answer nor a bad message");
        return;
    };
    assert_well_formed(message);
    let result = match &answer {
        Ok(device_id) => Ok(Grant::new(device_id)),
        Err(Some(error)) if !error.message.is_empty() => Err(error.clone()),
        Err(_) => return,
    };
    let mut desk = Desk::exchanging();
    let (_, events) = desk.hears(r#"{"method":"signCertificate","csr":"CSR","destination":"/d/"}"#);
    let [desktop::Event::ExchangeRequested(request)] = events.as_slice() else { panic!("told as {events:?}") };
    let exchange = request.exchange;
    let again = desk.sends(|desktop, now| desktop.finish_exchange(exchange, result, now));
    assert_eq!(hear(&again), (Some(answer), 0), "in {again}");
}

fn to_asked_desktop(message: &[u8]) {
    let mut desk = Desk::exchanging();
    let (sent, events) = match std::str::from_utf8(message) {
        Ok(text) => desk.hears(text),
        Err(_) => desk.hears_bytes(message),
    };
    for answer in sent {
        let refusal: Value = serde_json::from_str(&answer).expect("what is sent is JSON");
        assert!(refusal["error"]["message"].is_string() && refusal.get("deviceId").is_none(), "{answer}");
    }
    for event in events {
        match event {
            desktop::Event::ExchangeRequested(request) => {
                assert_well_formed(message);
                let at = request.timestamp.map_or(0, WallTime::as_unix_millis);
                let mut prepared = prepared(&request.csr, &request.destination, at);
                prepared.pairing.clone_from(&request.pairing);
                let (_, asked) = App::asking(prepared);
                let (_, events) = Desk::exchanging().hears(&asked);
                match events.as_slice() {
                    [desktop::Event::ExchangeRequested(again)] => {
                        assert_eq!((&again.csr, &again.destination), (&request.csr, &request.destination));
                        assert_eq!((again.timestamp, &again.pairing), (request.timestamp, &request.pairing));
                    }
                    // What fitted in by a hair may do so no more.
                    [desktop::Event::PeerMisbehaved { error: ProtocolError::TooLarge { .. }, .. }] => {}
                    other => panic!("{asked} was told as {other:?}"),
                }
            }
            desktop::Event::ExchangeAcknowledged { .. } => assert_well_formed(message),
            desktop::Event::PeerMisbehaved { error, .. } => assert_told(&error, message),
            other => panic!("a message leads to no {other:?}"),
        }
    }
}

fn prepared(csr: &str, destination: &str, at: u64) -> Prepared {
    Prepared {
        generation: Generation::from_u64(1),
        csr: csr.to_owned(),
        destination: destination.to_owned(),
        wall: WallTime::from_unix_millis(at),
        pairing: None,
    }
}

/// What means something is JSON.
fn assert_well_formed(message: &[u8]) {
    assert!(serde_json::from_slice::<IgnoredAny>(message).is_ok(), "no JSON was understood");
}

fn assert_told(error: &ProtocolError, message: &[u8]) {
    if let ProtocolError::Json { at } | ProtocolError::NotText { at } = error {
        assert!(*at <= message.len(), "{error}");
    }
    assert!(error.to_string().len() < 1_000, "what a peer wrote never makes an error long");
}
