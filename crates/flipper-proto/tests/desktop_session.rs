//! What a desktop and a client that is connected say to each other, to the byte.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that fails panics")]

mod desk;

use std::time::Duration;

use flipper_proto::desktop::{Action, Call, Channel, Config, DisconnectCause, Event, Outcome, Timer};
use flipper_proto::{ApiMisuse, CloseCause, CloseCode, ConnId, ErrorReport, MessageId, PluginId, ProtocolError, Text};

use self::desk::{Desk, excerpt, id, payload, plugins, target, unbound};

// --- Which plugins a client has ---

#[test]
fn a_client_is_asked_for_its_plugins() {
    let mut desk = Desk::new();
    let conn = desk.connect("A");
    assert_eq!(desk.desktop.client(&id("A")).unwrap().plugins, None);

    desk.message(conn, r#"{"id":0,"success":{"plugins":["Network","B\u00e9","Network"],"more":1}}"#);
    assert_eq!(desk.sent(conn), [r#"{"id":1,"method":"getBackgroundPlugins"}"#]);
    assert_eq!(desk.desktop.client(&id("A")).unwrap().plugins, None);
    desk.message(conn, r#"{"success":{"plugins":["Network","unknown"]},"id":1}"#);

    let (all, background) = (plugins(&["Network", "Bé"]), plugins(&["Network"]));
    let event = Event::PluginsChanged { client: id("A"), plugins: all.clone(), background: background.clone() };
    assert_eq!(desk.event(), event);
    let status = desk.desktop.client(&id("A")).unwrap();
    assert_eq!((status.plugins, status.background), (Some(all.as_slice()), background.as_slice()));
}

#[test]
fn old_clients_have_no_background_plugins() {
    for version in ["", "&sdk_version=3", "&sdk_version=x"] {
        let mut desk = Desk::new();
        let target = format!("/?os=Linux&device=box&device_id=d1&app=A{version}");
        let conn = desk.accept(Channel::Secure(unbound()), &target);
        desk.event();
        desk.sent(conn);
        desk.message(conn, r#"{"id":0,"success":{"plugins":["P"]}}"#);
        let event = Event::PluginsChanged { client: id("A"), plugins: plugins(&["P"]), background: vec![] };
        assert_eq!(desk.event(), event, "{version}");
    }
}

#[test]
fn a_client_whose_plugins_changed_is_asked_again() {
    let mut desk = Desk::new();
    let conn = desk.client("A", &["P", "Q"]);
    desk.init("A", "P");
    desk.init("A", "Q");
    desk.actions();

    desk.message(conn, r#"{"method":"refreshPlugins"}"#);
    assert_eq!(desk.sent(conn), [r#"{"id":2,"method":"getPlugins"}"#]);
    // However often it says so, it is asked once more, after it has answered.
    desk.message(conn, r#"{"method":"refreshPlugins"}"#);
    desk.message(conn, r#"{"id":2,"success":{"plugins":["Q"]}}"#);
    assert_eq!(desk.sent(conn), [r#"{"id":3,"method":"getBackgroundPlugins"}"#]);
    desk.message(conn, r#"{"method":"refreshPlugins"}"#);
    desk.message(conn, r#"{"id":3,"success":{"plugins":["Q"]}}"#);
    assert_eq!(desk.sent(conn), [r#"{"id":4,"method":"getPlugins"}"#]);
    let event = Event::PluginsChanged { client: id("A"), plugins: plugins(&["Q"]), background: plugins(&["Q"]) };
    assert_eq!(desk.event(), event);
    // With the plugin goes that it was initialised.
    let initialised = desk.desktop.client(&id("A")).unwrap().initialised;
    assert_eq!(initialised.iter().map(PluginId::as_str).collect::<Vec<_>>(), ["Q"]);

    desk.message(conn, r#"{"id":4,"success":{"plugins":["P"]}}"#);
    desk.message(conn, r#"{"id":5,"success":{"plugins":[]}}"#);
    let event = Event::PluginsChanged { client: id("A"), plugins: plugins(&["P"]), background: vec![] };
    assert_eq!(desk.event(), event);
    assert_eq!(desk.sent(conn), [r#"{"id":5,"method":"getBackgroundPlugins"}"#]);
    assert!(desk.desktop.client(&id("A")).unwrap().initialised.is_empty());
}

#[test]
fn an_answer_without_plugins_is_as_good_as_none() {
    let table = [
        (r#""success":{"plugins":"P"}"#, ProtocolError::WrongType("plugins")),
        (r#""success":{"plugins":["P",1]}"#, ProtocolError::WrongType("plugins")),
        (r#""success":{"plugins":null}"#, ProtocolError::WrongType("plugins")),
        (r#""success":{}"#, ProtocolError::WrongType("plugins")),
        (r#""success":[["P"]]"#, ProtocolError::WrongType("plugins")),
        (r#""success":["P"]"#, ProtocolError::WrongType("plugins")),
        (r#""success":null"#, ProtocolError::WrongType("plugins")),
        (r#""x":1"#, ProtocolError::Missing("success")),
        (r#""success":{},"success":{}"#, ProtocolError::Duplicate("success")),
    ];
    let mut desk = Desk::new();
    let conn = desk.connect("A");
    for (fields, error) in table {
        desk.message(conn, &format!(r#"{{"id":0,{fields}}}"#));
        assert_eq!(desk.misbehaviour(), error, "{fields}");
    }
    desk.message(conn, r#"{"id":0,"error":{"message":"busy"}}"#);
    let (report, raw) = (ErrorReport::new("busy"), payload(r#"{"message":"busy"}"#));
    assert_eq!(desk.event(), Event::ClientError { client: id("A"), report, raw });

    // It is asked again in its time, and an answer to the first question is still welcome.
    desk.advance(5_000);
    assert_eq!(desk.sent(conn), [r#"{"id":1,"method":"getPlugins"}"#]);
    desk.message(conn, r#"{"id":0,"success":{"plugins":[]}}"#);
    assert_eq!(desk.sent(conn), [r#"{"id":2,"method":"getBackgroundPlugins"}"#]);
    desk.message(conn, r#"{"id":1,"success":{"plugins":["late"]}}"#);
    assert_eq!(desk.desktop.counters().late_replies, 1);
    desk.message(conn, r#"{"id":2,"success":{"plugins":[]}}"#);
    desk.event();
}

#[test]
fn more_plugins_than_the_limit_are_left_out() {
    let mut config = Config::new();
    config.limits.plugins = 2;
    let mut desk = Desk::with(config);
    let conn = desk.connect("A");
    desk.message(conn, r#"{"id":0,"success":{"plugins":["A","A","B","A","C","D"]}}"#);
    assert_eq!(desk.misbehaviour(), ProtocolError::TooManyPlugins { max: 2 });
    desk.message(conn, r#"{"id":1,"success":{"plugins":["B","A","B"]}}"#);
    let event =
        Event::PluginsChanged { client: id("A"), plugins: plugins(&["A", "B"]), background: plugins(&["B", "A"]) };
    assert_eq!(desk.event(), event);
    desk.actions();
}

#[test]
fn plugins_are_initialised_and_left_without_an_answer() {
    let mut desk = Desk::new();
    let conn = desk.client("A", &["P"]);
    desk.init("A", "P");
    desk.init("A", "a \"q\"");
    let sent = desk.sent(conn);
    assert_eq!(sent[0], r#"{"method":"init","params":{"plugin":"P"}}"#);
    assert_eq!(sent[1], r#"{"method":"init","params":{"plugin":"a \"q\""}}"#);
    assert_eq!(desk.desktop.client(&id("A")).unwrap().initialised.len(), 2);

    desk.desktop.deinit_plugin(&id("A"), &PluginId::new("P")).unwrap();
    desk.drain();
    assert_eq!(desk.sent(conn), [r#"{"method":"deinit","params":{"plugin":"P"}}"#]);
    assert_eq!(desk.desktop.client(&id("A")).unwrap().initialised.len(), 1);

    // What a client answers to a plugin that it does not have.
    desk.message(conn, r#"{"error":{"message":"Plugin X not found for method init","name":"PluginNotFound"}}"#);
    let report = ErrorReport::new("Plugin X not found for method init").named("PluginNotFound");
    let raw = payload(r#"{"message":"Plugin X not found for method init","name":"PluginNotFound"}"#);
    assert_eq!(desk.event(), Event::ClientError { client: id("A"), report, raw });

    // A new connection knows nothing of all this.
    desk.closed(conn);
    desk.disconnected("A");
    desk.client("A", &["P"]);
    assert!(desk.desktop.client(&id("A")).unwrap().initialised.is_empty());
}

// --- Events of plugins ---

#[test]
fn events_are_handed_out_verbatim_and_without_a_copy() {
    let mut desk = Desk::new();
    let conn = desk.client("A", &["P"]);
    let text = Text::from(
        r#"{"method":"execute","params":{"api":"P","method":"row","params":{"n":1.10,"big":12345678901234567890, "x":[ ]}}}"#,
    );
    desk.desktop.handle_message(conn, text.clone(), desk.now);
    desk.drain();

    let Event::Message { client, plugin, method, params: Some(params) } = desk.event() else { panic!() };
    assert_eq!((client, plugin.as_str(), &*method), (id("A"), "P", "row"));
    assert_eq!(params.as_json(), r#"{"n":1.10,"big":12345678901234567890, "x":[ ]}"#);
    let message = text.as_bytes().as_ptr_range();
    assert!(message.contains(&params.as_json().as_ptr()) && message.contains(&method.as_ptr()));
}

#[test]
fn events_of_every_shape() {
    let table = [
        (r#"{"params":{"method":"m","api":"P"},"method":"execute"}"#, "P", "m", None),
        (r#"{"method":"execute","id":null,"params":{"api":"P","method":"m","params":null}}"#, "P", "m", Some("null")),
        (r#"{"method":"execute","params":{"api":"P","method":"m","params":[]}}"#, "P", "m", Some("[]")),
        (r#"{"method":"execute","params":{"api":"P\u0021","method":"\"","params":"x"}}"#, "P!", "\"", Some("\"x\"")),
        // Of a plugin that the client did not name, and of one that is not initialised: neither is lost.
        (r#"{"method":"execute","params":{"api":"unknown","method":"m","params":0}}"#, "unknown", "m", Some("0")),
        (r#"{"method":"execute","params":{"api":"","method":""},"success":1,"error":2}"#, "", "", None),
    ];
    let mut desk = Desk::new();
    let conn = desk.client("A", &["P"]);
    for (text, api, name, value) in table {
        desk.message(conn, text);
        let Event::Message { plugin, method, params, .. } = desk.event() else { panic!("{text}") };
        assert_eq!((plugin.as_str(), &*method), (api, name), "{text}");
        let params = params.as_ref().map(flipper_proto::Payload::as_json);
        assert_eq!(params, value, "{text}");
    }
}

#[test]
fn bad_messages_are_told_and_the_session_goes_on() {
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let json = |at| ProtocolError::Json { at };
    let bad_id = |text| ProtocolError::BadId(excerpt(text));
    let table = [
        (String::new(), json(0)),
        (" ".into(), json(1)),
        ("x".into(), json(0)),
        ("{".into(), json(1)),
        ("{}{}".into(), json(2)),
        (r#"{"method":"execute","params":{"api":"P","method":"m","params":NaN}}"#.into(), json(62)),
        ("null".into(), ProtocolError::WrongType("message")),
        ("true".into(), ProtocolError::WrongType("message")),
        ("-1.5".into(), ProtocolError::WrongType("message")),
        ("\"execute\"".into(), ProtocolError::WrongType("message")),
        (r#"[{"method":"execute"}]"#.into(), ProtocolError::WrongType("message")),
        (deep.clone(), ProtocolError::WrongType("message")),
        ("{}".into(), ProtocolError::Missing("method")),
        (r#"{"success":1}"#.into(), ProtocolError::Missing("method")),
        (format!(r#"{{"x":{deep}}}"#), ProtocolError::Missing("method")),
        (r#"{"method":null}"#.into(), ProtocolError::Missing("method")),
        (r#"{"method":1}"#.into(), ProtocolError::WrongType("method")),
        (r#"{"method":{"execute":1}}"#.into(), ProtocolError::WrongType("method")),
        (r#"{"method":"explode"}"#.into(), ProtocolError::UnknownMethod(excerpt("explode"))),
        (r#"{"method":"signCertificate","csr":"x"}"#.into(), ProtocolError::UnknownMethod(excerpt("signCertificate"))),
        (r#"{"method":"execute"}"#.into(), ProtocolError::Missing("params")),
        (r#"{"method":"execute","params":null}"#.into(), ProtocolError::Missing("params")),
        (r#"{"method":"execute","params":[]}"#.into(), ProtocolError::WrongType("params")),
        (r#"{"method":"execute","params":"P"}"#.into(), ProtocolError::WrongType("params")),
        (r#"{"method":"execute","params":{}}"#.into(), ProtocolError::Missing("api")),
        (r#"{"method":"execute","params":{"api":1,"method":"m"}}"#.into(), ProtocolError::WrongType("api")),
        (r#"{"method":"execute","params":{"api":"P"}}"#.into(), ProtocolError::Missing("method")),
        (r#"{"method":"execute","params":{"api":"P","method":[]}}"#.into(), ProtocolError::WrongType("method")),
        (r#"{"method":"execute","method":"execute"}"#.into(), ProtocolError::Duplicate("method")),
        (r#"{"method":"execute","params":{"api":"P","api":"Q","method":"m"}}"#.into(), ProtocolError::Duplicate("api")),
        (r#"{"id":"2","success":1}"#.into(), bad_id("\"2\"")),
        (r#"{"id":2.0,"success":1}"#.into(), bad_id("2.0")),
        (r#"{"id":2.5,"success":1}"#.into(), bad_id("2.5")),
        (r#"{"id":2e0,"success":1}"#.into(), bad_id("2e0")),
        (r#"{"id":-1,"success":1}"#.into(), bad_id("-1")),
        (r#"{"id":9007199254740992,"success":1}"#.into(), bad_id("9007199254740992")),
        (r#"{"id":99999999999999999999,"success":1}"#.into(), bad_id("99999999999999999999")),
        (r#"{"id":true}"#.into(), bad_id("true")),
        (r#"{"id":[2]}"#.into(), bad_id("[2]")),
        (r#"{"id":"x","method":"execute","params":{"api":"P","method":"m"}}"#.into(), bad_id("\"x\"")),
    ];
    let mut desk = Desk::new();
    let conn = desk.client("A", &["P"]);
    let call = desk.call("A", "m");
    desk.sent(conn);
    for (number, (text, error)) in table.into_iter().enumerate() {
        desk.message(conn, &text);
        let client = Some(id("A"));
        assert_eq!(desk.event(), Event::PeerMisbehaved { conn, client, error }, "{}", excerpt(&text));
        assert_eq!(desk.desktop.counters().bad_messages, number as u64 + 1);
        desk.assert_quiet();
    }
    desk.binary(conn, b"\xC3\x28");
    assert_eq!(desk.misbehaviour(), ProtocolError::NotText { at: 0 });

    // As deep as it likes where the value is nobody's business here.
    desk.message(conn, &format!(r#"{{"method":"execute","params":{{"api":"P","method":"m","params":{deep}}}}}"#));
    let Event::Message { params: Some(params), .. } = desk.event() else { panic!() };
    assert_eq!(params.as_json(), deep);
    assert!(params.parse::<serde_json::Value>().is_err());

    desk.message(conn, r#"{"id":2,"success":1}"#);
    assert_eq!(desk.outcome(), (call, Outcome::Success(payload("1"))));
}

#[test]
fn messages_over_the_limit_are_told_and_dropped() {
    let mut config = Config::new();
    config.limits.message_bytes = 100;
    let mut desk = Desk::with(config);
    let conn = desk.client("A", &["P"]);
    let event = |size: usize| {
        let frame = r#"{"method":"execute","params":{"api":"P","method":"m","params":""}}"#;
        frame.replace("\"\"", &format!("\"{}\"", "x".repeat(size - frame.len())))
    };
    desk.message(conn, &event(100));
    assert!(matches!(desk.event(), Event::Message { .. }));
    desk.message(conn, &event(101));
    assert_eq!(desk.misbehaviour(), ProtocolError::TooLarge { size: 101, max: 100 });
}

#[test]
fn a_binary_message_with_text_is_read() {
    let mut desk = Desk::new();
    let conn = desk.client("A", &["P"]);
    desk.binary(conn, br#"{"method":"execute","params":{"api":"P","method":"m"}}"#);
    assert!(matches!(desk.event(), Event::Message { .. }));
    assert_eq!(desk.desktop.counters().binary_messages, 1);
}

#[test]
fn errors_outside_of_calls() {
    let table = [
        (
            r#"{"message":"m","name":"n","stacktrace":"s","code":7}"#,
            ErrorReport::new("m").named("n").with_stacktrace("s"),
        ),
        (r#"{"code":7}"#, ErrorReport::new(r#"{"code":7}"#)),
        (r#"{"name":"n"}"#, ErrorReport::new("").named("n")),
        (r#"{"message":5}"#, ErrorReport::new(r#"{"message":5}"#)),
        (r#""text""#, ErrorReport::new("text")),
        ("[1.10]", ErrorReport::new("[1.10]")),
        ("null", ErrorReport::new("null")),
    ];
    let mut desk = Desk::new();
    let conn = desk.client("A", &["P"]);
    for (error, report) in table {
        desk.message(conn, &format!(r#"{{"error":{error}}}"#));
        let (client, raw) = (id("A"), payload(error));
        assert_eq!(desk.event(), Event::ClientError { client, report, raw }, "{error}");
    }
}

// --- Requests and their answers ---

#[test]
fn a_call_is_sent_and_answered() {
    let mut desk = Desk::new();
    let conn = desk.client("A", &["P"]);
    let with_params = Call::new("P", "m\n").with_params(payload(r#"{"n":1.10}"#));
    let request = desk.desktop.call(&id("A"), &with_params, desk.now).unwrap();
    desk.drain();
    let sent = r#"{"id":2,"method":"execute","params":{"api":"P","method":"m\n","params":{"n":1.10}}}"#;
    assert_eq!(desk.sent(conn), [sent]);
    assert_eq!(desk.desktop.client(&id("A")).unwrap().pending_requests, 1);

    desk.message(conn, r#"{"success":{"word":"olleh", "n": 1.0e400},"id":2}"#);
    let Event::Reply { request: replied, client, outcome } = desk.event() else { panic!() };
    assert_eq!((replied, client), (request, id("A")));
    assert_eq!(outcome, Outcome::Success(payload(r#"{"word":"olleh", "n": 1.0e400}"#)));
    assert_eq!(desk.desktop.client(&id("A")).unwrap().pending_requests, 0);
    // Its deadline goes with it: what is left is the next ping.
    assert_eq!(desk.desktop.poll_timeout().map(|(_, timer)| timer), Some(Timer::Ping));
    desk.closed(conn);
    desk.disconnected("A");
    assert_eq!(desk.desktop.poll_timeout(), None);
}

#[test]
fn all_kinds_of_requests() {
    let mut desk = Desk::new();
    let conn = desk.client("A", &["P"]);
    let (client, plugin, now) = (id("A"), PluginId::new("P"), desk.now);

    desk.desktop.is_method_supported(&client, &plugin, "m", now).unwrap();
    desk.desktop.request(&client, "getPlugins", None, None, now).unwrap();
    desk.desktop.request(&client, "x\"y", Some(&payload("[1, 2]")), None, now).unwrap();
    desk.desktop.notify(&client, &plugin, "m", None).unwrap();
    desk.desktop.notify(&client, &plugin, "m", Some(&payload("0"))).unwrap();
    desk.drain();
    let sent = [
        r#"{"id":2,"method":"isMethodSupported","params":{"api":"P","method":"m"}}"#,
        r#"{"id":3,"method":"getPlugins"}"#,
        r#"{"id":4,"method":"x\"y","params":[1, 2]}"#,
        r#"{"method":"execute","params":{"api":"P","method":"m"}}"#,
        r#"{"method":"execute","params":{"api":"P","method":"m","params":0}}"#,
    ];
    assert_eq!(desk.sent(conn), sent);
    for id in 2..5 {
        desk.message(conn, &format!(r#"{{"id":{id},"success":{{}}}}"#));
        desk.outcome();
    }
}

#[test]
fn how_a_call_can_be_answered() {
    let error = |json: &str, report| Outcome::Error { report, raw: payload(json) };
    let success = |json: &str| Outcome::Success(payload(json));
    let table = [
        (r#""success":{}"#, success("{}")),
        // Falsy results complete a call here, unlike in the official UI.
        (r#""success":null"#, success("null")),
        (r#""success":false"#, success("false")),
        (r#""success":0"#, success("0")),
        (r#""success":"","error":null"#, success("\"\"")),
        (
            r#""error":{"message":"m","name":"n"}"#,
            error(r#"{"message":"m","name":"n"}"#, ErrorReport::new("m").named("n")),
        ),
        (r#""error":"text""#, error("\"text\"", ErrorReport::new("text"))),
        (r#""error":[1]"#, error("[1]", ErrorReport::new("[1]"))),
        (r#""error":false"#, error("false", ErrorReport::new("false"))),
        // Both: the official UI takes the result, if it is truthy.
        (r#""success":1,"error":"e""#, success("1")),
        (r#""success":0,"error":"e""#, error("\"e\"", ErrorReport::new("e"))),
        (r#""success":null,"error":"e""#, error("\"e\"", ErrorReport::new("e"))),
        (r#""error":null"#, Outcome::Neither),
        (r#""result":1"#, Outcome::Neither),
        // Whatever has an id is an answer.
        (r#""method":"execute","params":{"api":"P","method":"m"}"#, Outcome::Neither),
        (r#""method":7,"success":1"#, success("1")),
        (r#""success":1,"success":2"#, Outcome::Invalid(ProtocolError::Duplicate("success"))),
        (r#""error":1,"x":{},"error":1"#, Outcome::Invalid(ProtocolError::Duplicate("error"))),
    ];
    let mut desk = Desk::new();
    let conn = desk.client("A", &["P"]);
    for (number, (fields, outcome)) in table.into_iter().enumerate() {
        let request = desk.call("A", "m");
        desk.sent(conn);
        desk.message(conn, &format!(r#"{{"id":{},{fields}}}"#, number + 2));
        assert_eq!(desk.outcome(), (request, outcome), "{fields}");
    }
    assert_eq!(desk.desktop.counters().bad_messages, 2);
}

#[test]
fn answers_find_their_calls_in_any_order_and_on_any_connection() {
    let mut desk = Desk::new();
    let (a, b) = (desk.client("A", &["P"]), desk.client("B", &["P"]));
    // The ids on the wire are the same on both; the requests are not.
    let of_a: Vec<_> = (0..3).map(|_| desk.call("A", "m")).collect();
    assert_eq!(desk.sent(a).len(), 3);
    let of_b: Vec<_> = (0..3).map(|_| desk.call("B", "m")).collect();
    assert_eq!(desk.sent(b).len(), 3);

    for (conn, id, request) in [(b, 4, of_b[2]), (a, 3, of_a[1]), (a, 4, of_a[2]), (b, 2, of_b[0])] {
        let value = format!("\"{conn}-{id}\"");
        desk.message(conn, &format!(r#"{{"id":{id},"success":{value}}}"#));
        assert_eq!(desk.outcome(), (request, Outcome::Success(payload(&value))));
    }
    desk.message(b, r#"{"id":3,"success":1}"#);
    assert_eq!(desk.outcome().0, of_b[1]);
    desk.message(a, r#"{"id":2,"success":1}"#);
    assert_eq!(desk.outcome().0, of_a[0]);
}

#[test]
fn late_and_unexpected_answers() {
    let mut desk = Desk::new();
    let conn = desk.client("A", &["P"]);
    desk.call("A", "m");
    desk.sent(conn);
    desk.message(conn, r#"{"id":2,"success":1}"#);
    desk.outcome();
    desk.message(conn, r#"{"id":2,"success":2}"#);
    desk.message(conn, r#"{"id":0,"error":1,"error":2}"#);
    desk.assert_quiet();
    assert_eq!(desk.desktop.counters().late_replies, 2);

    for id in [3, 9_007_199_254_740_991] {
        desk.message(conn, &format!(r#"{{"id":{id},"method":"refreshPlugins"}}"#));
        assert_eq!(desk.misbehaviour(), ProtocolError::UnexpectedReply(MessageId::new(id).unwrap()));
    }
    assert_eq!(desk.desktop.counters().unexpected_replies, 2);
}

#[test]
fn every_call_has_a_deadline() {
    let mut desk = Desk::new();
    let conn = desk.client("A", &["P"]);
    let usual = desk.call("A", "m");
    let short = Call::new("P", "m").within(Duration::from_millis(7));
    let short = desk.desktop.call(&id("A"), &short, desk.now).unwrap();
    let none = desk.desktop.request(&id("A"), "x", None, Some(Duration::ZERO), desk.now).unwrap();
    desk.drain();
    assert_eq!(desk.sent(conn).len(), 3);

    // Not even a deadline of nothing has passed yet.
    desk.assert_quiet();
    desk.advance(1);
    assert_eq!(desk.outcome(), (none, Outcome::TimedOut { after: Duration::ZERO }));
    desk.advance(6);
    assert_eq!(desk.outcome(), (short, Outcome::TimedOut { after: Duration::from_millis(7) }));
    desk.advance(1);
    desk.message(conn, r#"{"id":3,"success":1}"#);
    assert_eq!(desk.desktop.counters().late_replies, 1);

    for _ in 0..4 {
        desk.advance(9_998);
        desk.alive(conn);
    }
    desk.assert_quiet();
    desk.advance(5_000);
    assert_eq!(desk.outcome(), (usual, Outcome::TimedOut { after: Duration::from_secs(45) }));
}

#[test]
fn all_calls_fail_at_once_when_the_client_goes() {
    let mut desk = Desk::new();
    let a = desk.client("A", &["P"]);
    let b = desk.client("B", &["P"]);
    let of_b = desk.call("B", "m");
    desk.sent(b);
    let requests: Vec<_> = (0..100).map(|_| desk.call("A", "m")).collect();
    assert_eq!(desk.sent(a).len(), 100);

    desk.closed(a);
    let mut events = desk.events();
    let cause = DisconnectCause::Closed(CloseCause::Eof);
    assert_eq!(events.pop(), Some(Event::ClientDisconnected { client: id("A"), cause }));
    let failed: Vec<_> = events
        .into_iter()
        .map(|event| match event {
            Event::Reply { request, outcome: Outcome::Disconnected, .. } => request,
            event => panic!("{event:?}"),
        })
        .collect();
    assert_eq!(failed, requests);

    // A late answer on the old socket is nobody's.
    desk.message(a, r#"{"id":2,"success":1}"#);
    assert_eq!(desk.desktop.counters().stale_facts, 1);
    desk.message(b, r#"{"id":2,"success":1}"#);
    assert_eq!(desk.outcome().0, of_b);
    assert_eq!(desk.desktop.call(&id("A"), &Call::new("P", "m"), desk.now), Err(ApiMisuse::NotConnected));
}

#[test]
fn a_client_is_disconnected_on_request() {
    let mut desk = Desk::new();
    let conn = desk.client("A", &["P"]);
    desk.call("A", "m");
    desk.sent(conn);

    desk.desktop.disconnect(&id("A"), CloseCode::NORMAL, desk.now).unwrap();
    desk.drain();
    assert_eq!(desk.close_frame(conn), (1000, "closed by this desktop with code 1000".into()));
    let events = desk.events();
    assert!(matches!(&events[0], Event::Reply { outcome: Outcome::Disconnected, .. }));
    let cause = DisconnectCause::Disconnected(CloseCode::NORMAL);
    assert_eq!(events[1], Event::ClientDisconnected { client: id("A"), cause });
    assert_eq!(desk.desktop.disconnect(&id("A"), CloseCode::NORMAL, desk.now), Err(ApiMisuse::NotConnected));

    // What it still says is not heard, and its end is told to nobody a second time.
    desk.message(conn, r#"{"id":2,"success":1}"#);
    desk.message(conn, "garbage");
    desk.closed(conn);
    assert_eq!(desk.desktop.connections(), 0);
    assert_eq!(desk.desktop.poll_timeout(), None);
}

#[test]
fn nobody_is_asked_who_is_not_there() {
    let mut desk = Desk::new();
    let (client, plugin, now) = (id("A"), PluginId::new("P"), desk.now);
    let desktop = &mut desk.desktop;
    assert_eq!(desktop.init_plugin(&client, &plugin), Err(ApiMisuse::NotConnected));
    assert_eq!(desktop.deinit_plugin(&client, &plugin), Err(ApiMisuse::NotConnected));
    assert_eq!(desktop.call(&client, &Call::new("P", "m"), now), Err(ApiMisuse::NotConnected));
    assert_eq!(desktop.is_method_supported(&client, &plugin, "m", now), Err(ApiMisuse::NotConnected));
    assert_eq!(desktop.request(&client, "m", None, None, now), Err(ApiMisuse::NotConnected));
    assert_eq!(desktop.notify(&client, &plugin, "m", None), Err(ApiMisuse::NotConnected));
    assert_eq!(desktop.disconnect(&client, CloseCode::NORMAL, now), Err(ApiMisuse::NotConnected));
    assert!(desktop.client(&client).is_none());
}

#[test]
fn stopping_closes_everybody() {
    let mut desk = Desk::new();
    let conns: [ConnId; 3] = ["A", "B", "C"].map(|name| desk.client(name, &[]));
    desk.stop();
    let closed = desk.actions().into_iter().map(|action| match action {
        Action::Close { conn, code, reason } => (conn, code, reason),
        action => panic!("{action:?}"),
    });
    let expected = conns.map(|conn| (conn, CloseCode::GOING_AWAY, "the desktop is going away".into()));
    assert_eq!(closed.collect::<Vec<_>>(), expected);
    assert_eq!(desk.events().len(), 3);
    assert_eq!(desk.desktop.clients().count(), 0);

    desk.stop();
    desk.assert_quiet();
    desk.closed(conns[0]);
    desk.advance(2_000);
    assert_eq!(desk.actions(), [Action::Abort { conn: conns[1] }, Action::Abort { conn: conns[2] }]);
    assert_eq!((desk.desktop.connections(), desk.desktop.poll_timeout()), (0, None));
}

#[test]
fn the_browser_port_speaks_the_same() {
    let mut desk = Desk::new();
    let conn = desk.accept(Channel::Browser, &target("A"));
    desk.event();
    assert_eq!(desk.sent(conn), [r#"{"id":0,"method":"getPlugins"}"#]);
    desk.message(conn, r#"{"id":0,"success":{"plugins":["P"]}}"#);
    desk.message(conn, r#"{"id":1,"success":{"plugins":[]}}"#);
    desk.event();
    desk.sent(conn);
    let request = desk.call("A", "m");
    assert_eq!(desk.sent(conn).len(), 1);
    desk.message(conn, r#"{"id":2,"success":[]}"#);
    assert_eq!(desk.outcome(), (request, Outcome::Success(payload("[]"))));
}
