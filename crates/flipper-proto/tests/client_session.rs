//! The requests of a desktop: every method, every answer, to the byte.

#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

mod rig;

use flipper_proto::client::{Event, PluginMode, Reply, State};
use flipper_proto::{ApiMisuse, AttemptId, CallId, CloseCause, ErrorReport, MessageId, Payload, ProtocolError};

use self::rig::{Rig, config};

fn payload(json: &str) -> Payload {
    Payload::from_json(json).unwrap()
}

fn execute(id: &str, api: &str, method: &str) -> String {
    format!(r#"{{{id}"method":"execute","params":{{"api":"{api}","method":"{method}","params":{{}}}}}}"#)
}

/// Sends `request`, and returns what is sent in answer, at most one message.
fn answer(rig: &mut Rig, attempt: AttemptId, request: &str) -> Option<String> {
    rig.message(attempt, request);
    let mut sent = rig.sent();
    assert!(sent.len() <= 1, "{sent:?}");
    sent.pop()
}

#[test]
fn get_plugins_names_all_of_them_in_order() {
    let (mut rig, attempt) = Rig::connected(config(), &["B", "A"]);
    rig.client.add_plugin("C", PluginMode::Foreground).unwrap();
    rig.drain();
    assert_eq!(rig.sent(), [r#"{"method":"refreshPlugins"}"#]);

    let all = answer(&mut rig, attempt, r#"{"id":0,"method":"getPlugins"}"#);
    assert_eq!(all.as_deref(), Some(r#"{"id":0,"success":{"plugins":["A","B","C"]}}"#));
    let background = answer(&mut rig, attempt, r#"{"method":"getBackgroundPlugins","id":9007199254740991}"#);
    assert_eq!(background.as_deref(), Some(r#"{"id":9007199254740991,"success":{"plugins":["A","B"]}}"#));
    rig.assert_quiet();
}

#[test]
fn a_client_without_plugins_says_so() {
    let (mut rig, attempt) = Rig::connected(config(), &[]);

    for method in ["getPlugins", "getBackgroundPlugins"] {
        let answer = answer(&mut rig, attempt, &format!(r#"{{"id":3,"method":"{method}","params":{{}}}}"#));
        assert_eq!(answer.as_deref(), Some(r#"{"id":3,"success":{"plugins":[]}}"#));
    }
    rig.assert_quiet();
}

#[test]
fn names_of_plugins_are_escaped() {
    let name = "tab\t\"quoted\" \\ é\u{1}";
    let (mut rig, attempt) = Rig::connected(config(), &[name]);

    let all = answer(&mut rig, attempt, r#"{"id":1,"method":"getPlugins"}"#);

    let expected = r#"{"id":1,"success":{"plugins":["tab\t\"quoted\" \\ é\u0001"]}}"#;
    assert_eq!(all.as_deref(), Some(expected));
}

#[test]
fn without_an_id_nothing_is_answered() {
    let (mut rig, attempt) = Rig::in_use(config(), &["A"]);

    for request in [
        r#"{"method":"getPlugins"}"#,
        r#"{"method":"getBackgroundPlugins","id":null}"#,
        r#"{"method":"init","params":{"plugin":"A"}}"#,
        r#"{"method":"deinit","params":{"plugin":"A"}}"#,
    ] {
        assert_eq!(answer(&mut rig, attempt, request), None, "{request}");
    }
}

#[test]
fn init_and_deinit_answer_only_failures() {
    for id in ["", r#""id":4,"#] {
        let (mut rig, attempt) = Rig::connected(config(), &["A"]);

        let init = format!(r#"{{{id}"method":"init","params":{{"plugin":"A"}}}}"#);
        assert_eq!(answer(&mut rig, attempt, &init), None);
        assert_eq!(rig.events(), [Event::PluginConnected("A".into())]);

        let deinit = format!(r#"{{{id}"method":"deinit","params":{{"plugin":"A"}}}}"#);
        assert_eq!(answer(&mut rig, attempt, &deinit), None);
        assert_eq!(rig.events(), [Event::PluginDisconnected("A".into())]);

        for method in ["init", "deinit"] {
            let request = format!(r#"{{{id}"method":"{method}","params":{{"plugin":"X"}}}}"#);
            let error = format!(
                r#"{{{id}"error":{{"message":"Plugin X not found for method {method}","name":"PluginNotFound"}}}}"#
            );
            assert_eq!(answer(&mut rig, attempt, &request), Some(error));
        }
        rig.assert_quiet();
    }
}

#[test]
fn deinit_of_a_plugin_that_is_not_connected_does_nothing() {
    let (mut rig, attempt) = Rig::connected(config(), &["A"]);

    assert_eq!(answer(&mut rig, attempt, r#"{"id":1,"method":"deinit","params":{"plugin":"A"}}"#), None);
    rig.assert_quiet();
}

#[test]
fn init_twice_starts_the_plugin_over() {
    let (mut rig, attempt) = Rig::connected(config(), &["A"]);

    rig.init(attempt, "A");
    rig.init(attempt, "A");

    let (connected, disconnected) = (Event::PluginConnected("A".into()), Event::PluginDisconnected("A".into()));
    assert_eq!(rig.events(), [connected.clone(), disconnected, connected]);
    rig.assert_quiet();
}

#[test]
fn execute_hands_the_params_on_as_they_are() {
    let (mut rig, attempt) = Rig::in_use(config(), &["A"]);

    for (sent, expected) in [
        (
            r#","params":{"n": [1.10, 1e400, 12345678901234567890]}"#,
            Some(r#"{"n": [1.10, 1e400, 12345678901234567890]}"#),
        ),
        (r#","params":null"#, Some("null")),
        (r#","params":"text \u00e9""#, Some(r#""text \u00e9""#)),
        (r#","params":-0.0"#, Some("-0.0")),
        ("", None),
    ] {
        rig.message(attempt, &format!(r#"{{"id":1,"method":"execute","params":{{"api":"A","method":"m"{sent}}}}}"#));
        let events = rig.events();
        let [Event::Call { params, .. }] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!(params.as_ref().map(Payload::as_json), expected);
    }
    rig.assert_quiet();
}

#[test]
fn the_order_of_keys_does_not_matter() {
    let (mut rig, attempt) = Rig::in_use(config(), &["A"]);

    rig.message(
        attempt,
        r#" {"params":{"params":[7],"method":"m\u0021","other":{},"api":"A"},"x":[{}],"method":"execute","id":5} "#,
    );

    let events = rig.events();
    let [Event::Call { call, method, params, expects_reply: true, .. }] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!((method.as_str(), params.as_ref().map(Payload::as_json)), ("m!", Some("[7]")));
    rig.respond(*call, "{}");
    assert_eq!(rig.sent(), [r#"{"id":5,"success":{}}"#]);
}

#[test]
fn answers_are_written_verbatim() {
    let (mut rig, attempt) = Rig::in_use(config(), &["A"]);

    for json in ["null", "false", "0", "\"\"", "1.10", "1e400", "[1,  2]", r#"{"a":"\u00e9"}"#] {
        rig.message(attempt, &execute(r#""id":8,"#, "A", "m"));
        let call = rig.take_call();
        rig.respond(call, json);
        assert_eq!(rig.sent(), [format!(r#"{{"id":8,"success":{json}}}"#)]);
    }
    rig.assert_quiet();
}

#[test]
fn plugins_answer_with_errors_of_any_shape() {
    let (mut rig, attempt) = Rig::in_use(config(), &["A"]);
    let call = |rig: &mut Rig, id: &str| {
        rig.message(attempt, &execute(id, "A", "m"));
        rig.take_call()
    };

    let first = call(&mut rig, r#""id":1,"#);
    rig.client.respond(first, &Reply::Error(payload("[1,null]"))).unwrap();
    let second = call(&mut rig, r#""id":2,"#);
    let report = ErrorReport::new("no \"luck\"").named("Sad").with_stacktrace("here").with_hint("try");
    rig.client.respond_error(second, &report).unwrap();
    let third = call(&mut rig, r#""id":3,"#);
    rig.client.respond_error(third, &ErrorReport::new("Receiver m not found.")).unwrap();
    rig.drain();

    assert_eq!(
        rig.sent(),
        [
            r#"{"id":1,"error":[1,null]}"#,
            r#"{"id":2,"error":{"message":"no \"luck\"","name":"Sad","stacktrace":"here","hint":"try"}}"#,
            r#"{"id":3,"error":{"message":"Receiver m not found."}}"#,
        ]
    );
    rig.assert_quiet();
}

#[test]
fn a_call_without_an_id_is_answered_only_with_an_error() {
    let (mut rig, attempt) = Rig::in_use(config(), &["A"]);

    rig.message(attempt, &execute("", "A", "m"));
    let events = rig.events();
    let [Event::Call { call, expects_reply: false, .. }] = events.as_slice() else { panic!("{events:?}") };
    rig.respond(*call, "{}");
    assert_eq!(rig.sent(), [""; 0]);

    rig.message(attempt, &execute("", "A", "m"));
    let call = rig.take_call();
    rig.client.respond_error(call, &ErrorReport::new("failed")).unwrap();
    rig.drain();
    assert_eq!(rig.sent(), [r#"{"error":{"message":"failed"}}"#]);
    rig.assert_quiet();
}

#[test]
fn a_plugin_that_is_not_connected_is_not_called() {
    let (mut rig, attempt) = Rig::connected(config(), &["A"]);

    for id in ["", r#""id":6,"#] {
        for api in ["A", "X"] {
            for method in ["execute", "isMethodSupported"] {
                let request = format!(r#"{{{id}"method":"{method}","params":{{"api":"{api}","method":"m"}}}}"#);
                let error = format!(
                    r#"{{{id}"error":{{"message":"Connection {api} not found for method {method}","name":"ConnectionNotFound"}}}}"#
                );
                assert_eq!(answer(&mut rig, attempt, &request), Some(error));
            }
        }
    }
    assert_eq!(rig.client.counters().bad_messages, 0);
    rig.assert_quiet();
}

#[test]
fn is_method_supported_asks_the_plugin() {
    let (mut rig, attempt) = Rig::in_use(config(), &["A"]);

    for (id, supported, expected) in [
        (r#""id":2,"#, true, Some(r#"{"id":2,"success":{"isSupported":true}}"#)),
        (r#""id":3,"#, false, Some(r#"{"id":3,"success":{"isSupported":false}}"#)),
        ("", true, None),
    ] {
        rig.message(
            attempt,
            &format!(r#"{{{id}"method":"isMethodSupported","params":{{"api":"A","method":"mockResponses"}}}}"#),
        );
        let events = rig.events();
        let [Event::MethodQuery { call, plugin, method }] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!((plugin.as_str(), method.as_str()), ("A", "mockResponses"));
        rig.client.respond_supported(*call, supported).unwrap();
        rig.drain();
        assert_eq!(rig.sent(), expected.into_iter().collect::<Vec<_>>());
    }
    rig.assert_quiet();
}

#[test]
fn an_unknown_method_is_answered_whatever_its_params() {
    for params in
        ["", r#","params":{}"#, r#","params":5"#, r#","params":[[]]"#, r#","params":"x""#, r#","params":null"#]
    {
        for id in ["", r#""id":1,"#] {
            let (mut rig, attempt) = Rig::connected(config(), &[]);

            let error = answer(&mut rig, attempt, &format!(r#"{{{id}"method":"reticulate"{params}}}"#));

            let expected = format!(r#"{{{id}"error":{{"message":"Received unknown method: reticulate"}}}}"#);
            assert_eq!(error, Some(expected));
            assert_eq!(rig.events(), [Event::PeerMisbehaved(ProtocolError::UnknownMethod("reticulate".into()))]);
            rig.assert_quiet();
        }
    }
}

#[test]
fn methods_without_params_ignore_them() {
    let (mut rig, attempt) = Rig::connected(config(), &["A"]);

    for params in ["5", "[]", "\"x\"", "{\"plugin\":7}"] {
        let plugins = answer(&mut rig, attempt, &format!(r#"{{"id":1,"method":"getPlugins","params":{params}}}"#));
        assert_eq!(plugins.as_deref(), Some(r#"{"id":1,"success":{"plugins":["A"]}}"#));
    }
    rig.assert_quiet();
}

#[test]
fn an_id_may_be_used_again_even_while_it_waits() {
    let (mut rig, attempt) = Rig::in_use(config(), &["A"]);

    rig.message(attempt, &execute(r#""id":0,"#, "A", "first"));
    let first = rig.take_call();
    rig.message(attempt, &execute(r#""id":0,"#, "A", "second"));
    let second = rig.take_call();
    rig.respond(second, "2");
    rig.respond(first, "1");

    assert_eq!(rig.sent(), [r#"{"id":0,"success":2}"#, r#"{"id":0,"success":1}"#]);
    rig.assert_quiet();
}

#[test]
fn calls_are_answered_once_in_any_order_and_any_time() {
    let (mut rig, attempt) = Rig::in_use(config(), &["A", "B"]);
    let mut calls = Vec::new();
    for id in 1..=3 {
        rig.message(attempt, &execute(&format!(r#""id":{id},"#), if id == 2 { "B" } else { "A" }, "m"));
        calls.push(rig.take_call());
    }
    rig.pass(rig::secs(5));
    rig.message(attempt, r#"{"method":"deinit","params":{"plugin":"A"}}"#);

    for call in [calls[2], calls[0], calls[1]] {
        rig.respond(call, "{}");
        assert_eq!(rig.client.respond(call, &Reply::Success(payload("1"))), Err(ApiMisuse::UnknownCall));
        assert_eq!(rig.client.respond_error(call, &ErrorReport::new("x")), Err(ApiMisuse::UnknownCall));
        assert_eq!(rig.client.respond_supported(call, true), Err(ApiMisuse::UnknownCall));
    }

    assert_eq!(rig.sent(), [r#"{"id":3,"success":{}}"#, r#"{"id":1,"success":{}}"#, r#"{"id":2,"success":{}}"#]);
    assert_eq!(rig.client.respond(CallId::from_u64(99), &Reply::Success(payload("1"))), Err(ApiMisuse::UnknownCall));
}

#[test]
fn answers_after_the_session_go_nowhere() {
    let (mut rig, attempt) = Rig::in_use(config(), &["A"]);
    rig.message(attempt, &execute(r#""id":1,"#, "A", "m"));
    let old = rig.take_call();

    rig.closed(attempt, CloseCause::Reset);
    assert_eq!(rig.client.respond(old, &Reply::Success(payload("1"))), Err(ApiMisuse::UnknownCall));

    rig.pass_to(flipper_proto::client::Timer::Retry);
    let (attempt, ..) = rig.take_connect();
    rig.open_session(attempt);
    rig.init(attempt, "A");
    rig.events();
    rig.message(attempt, &execute(r#""id":1,"#, "A", "m"));
    let new = rig.take_call();
    assert_ne!(old, new);
    assert_eq!(rig.client.respond(old, &Reply::Success(payload("1"))), Err(ApiMisuse::UnknownCall));
    rig.respond(new, "2");
    assert_eq!(rig.sent(), [r#"{"id":1,"success":2}"#]);
}

#[test]
fn removing_a_plugin_answers_its_calls() {
    let (mut rig, attempt) = Rig::in_use(config(), &["A", "B"]);
    for (id, api) in [(1, "A"), (2, "B"), (3, "A")] {
        rig.message(attempt, &execute(&format!(r#""id":{id},"#), api, "m"));
    }
    rig.message(attempt, r#"{"id":4,"method":"isMethodSupported","params":{"api":"A","method":"m"}}"#);
    rig.events();

    rig.client.remove_plugin("A").unwrap();
    rig.drain();

    let error = r#""error":{"message":"Plugin A was removed","name":"PluginRemoved"}}"#;
    assert_eq!(
        rig.sent(),
        [
            format!(r#"{{"id":1,{error}"#),
            format!(r#"{{"id":3,{error}"#),
            format!(r#"{{"id":4,{error}"#),
            String::from(r#"{"method":"refreshPlugins"}"#),
        ]
    );
    assert_eq!(rig.events(), [Event::PluginDisconnected("A".into())]);
    assert_eq!(rig.client.remove_plugin("A"), Err(ApiMisuse::UnknownPlugin));
    rig.assert_quiet();
}

/// A desktop that knows a plugin as initialised would not initialise its successor of the same name.
#[test]
fn a_plugin_that_was_replaced_is_left_out_once() {
    let (mut rig, attempt) = Rig::in_use(config(), &["A", "B"]);
    rig.client.remove_plugin("A").unwrap();
    rig.client.add_plugin("A", PluginMode::Foreground).unwrap();
    rig.drain();
    rig.events();
    assert_eq!(rig.sent().len(), 2);

    rig.message(attempt, r#"{"method":"getPlugins"}"#);
    rig.message(attempt, r#"{"id":1,"method":"getPlugins"}"#);
    assert_eq!(rig.sent(), [r#"{"id":1,"success":{"plugins":["B"]}}"#, r#"{"method":"refreshPlugins"}"#]);
    rig.message(attempt, r#"{"id":2,"method":"getPlugins"}"#);
    assert_eq!(rig.sent(), [r#"{"id":2,"success":{"plugins":["A","B"]}}"#]);
    rig.assert_quiet();

    // One that was not in use, or is initialised anew before, is never left out.
    rig.client.remove_plugin("A").unwrap();
    rig.client.add_plugin("A", PluginMode::Foreground).unwrap();
    rig.client.remove_plugin("B").unwrap();
    rig.client.add_plugin("B", PluginMode::Foreground).unwrap();
    rig.init(attempt, "B");
    rig.events();
    rig.actions();
    rig.message(attempt, r#"{"id":3,"method":"getPlugins"}"#);
    assert_eq!(rig.sent(), [r#"{"id":3,"success":{"plugins":["A","B"]}}"#]);
    rig.assert_quiet();

    // Nor is one in the next session, whose desktop knows nothing yet.
    rig.client.remove_plugin("B").unwrap();
    rig.client.add_plugin("B", PluginMode::Foreground).unwrap();
    rig.drain();
    rig.actions();
    rig.fail(attempt, CloseCause::Eof);
    let (attempt, ..) = rig.take_connect();
    rig.open_session(attempt);
    rig.message(attempt, r#"{"id":4,"method":"getPlugins"}"#);
    assert_eq!(rig.sent(), [r#"{"id":4,"success":{"plugins":["A","B"]}}"#]);
}

#[test]
fn a_changed_set_of_plugins_is_announced_to_a_connected_desktop_only() {
    let mut rig = Rig::new(config());
    rig.client.add_plugin("early", PluginMode::Foreground).unwrap();
    assert_eq!(rig.client.add_plugin("early", PluginMode::Background), Err(ApiMisuse::DuplicatePlugin));
    let attempt = rig.start_with(Some(rig::credentials(1)));
    rig.client.add_plugin("on the way", PluginMode::Foreground).unwrap();
    rig.open_session(attempt);
    rig.events();
    rig.assert_quiet();

    rig.client.add_plugin("late", PluginMode::Foreground).unwrap();
    rig.client.remove_plugin("early").unwrap();
    rig.drain();
    assert_eq!(rig.sent(), [r#"{"method":"refreshPlugins"}"#; 2]);

    rig.stop();
    rig.actions();
    rig.client.remove_plugin("late").unwrap();
    rig.drain();
    assert_eq!(rig.actions(), []);
}

#[test]
fn the_number_of_plugins_is_limited() {
    let mut config = config();
    config.limits.plugins = 2;
    let mut rig = Rig::with_plugins(config, &["A", "B"]);

    assert_eq!(rig.client.add_plugin("C", PluginMode::Foreground), Err(ApiMisuse::TooManyPlugins { max: 2 }));
    assert_eq!(rig.client.add_plugin("A", PluginMode::Foreground), Err(ApiMisuse::DuplicatePlugin));
    rig.client.remove_plugin("A").unwrap();
    rig.client.add_plugin("C", PluginMode::Foreground).unwrap();
}

#[test]
fn the_number_of_pending_calls_is_limited() {
    let mut config = config();
    config.limits.pending_calls = 2;
    let (mut rig, attempt) = Rig::in_use(config, &["A"]);
    for id in 1..=2 {
        rig.message(attempt, &execute(&format!(r#""id":{id},"#), "A", "m"));
    }
    let events = rig.events();

    for id in ["", r#""id":3,"#] {
        let error = answer(&mut rig, attempt, &execute(id, "A", "m"));
        let expected = format!(
            r#"{{{id}"error":{{"message":"more than 2 calls wait for their answers","name":"InvalidRequest"}}}}"#
        );
        assert_eq!(error, Some(expected));
        assert_eq!(rig.events(), [Event::PeerMisbehaved(ProtocolError::TooManyCalls { max: 2 })]);
    }
    let Event::Call { call, .. } = &events[0] else { panic!("{events:?}") };
    rig.respond(*call, "{}");
    rig.sent();
    assert_eq!(answer(&mut rig, attempt, &execute(r#""id":3,"#, "A", "m")), None);
    rig.take_call();
    assert_eq!(rig.client.state(), State::Connected { unresponsive: false });
}

#[test]
fn the_size_of_pending_calls_is_limited() {
    let call = |id: u64| execute(&format!(r#""id":{id},"#), "A", "m");
    let mut config = config();
    config.limits.pending_call_bytes = call(1).len() * 2 - 1;
    let (mut rig, attempt) = Rig::in_use(config.clone(), &["A"]);
    rig.message(attempt, &call(1));
    let first = rig.take_call();

    let refused = ProtocolError::CallsTooLarge { max: config.limits.pending_call_bytes };
    let error = answer(&mut rig, attempt, &call(2));
    assert_eq!(error, Some(format!(r#"{{"id":2,"error":{{"message":"{refused}","name":"InvalidRequest"}}}}"#)));
    assert_eq!(rig.events(), [Event::PeerMisbehaved(refused)]);

    // An answer makes room, and a call that is alone has room in any case.
    rig.respond(first, "{}");
    rig.sent();
    assert_eq!(answer(&mut rig, attempt, &call(3)), None);
    let third = rig.take_call();
    rig.respond(third, "{}");
    rig.sent();
    let large = execute(r#""id":4,"#, "A", &"m".repeat(config.limits.pending_call_bytes));
    assert_eq!(answer(&mut rig, attempt, &large), None);
    rig.take_call();
}

#[test]
fn answers_to_nobody_are_counted() {
    let (mut rig, attempt) = Rig::connected(config(), &[]);
    let id = MessageId::new(7).unwrap();

    for answer in [r#"{"id":7,"success":{}}"#, r#"{"id":7,"error":{"message":"x"}}"#, r#"{"id":7}"#] {
        rig.message(attempt, answer);
        assert_eq!(rig.events(), [Event::PeerMisbehaved(ProtocolError::UnexpectedReply(id))]);
    }
    assert_eq!(rig.client.counters().unexpected_replies, 3);
    rig.assert_quiet();
}

#[test]
fn errors_outside_calls_go_to_a_connected_desktop() {
    let mut rig = Rig::new(config());
    let report = ErrorReport::new("boom").named("Oops");
    assert_eq!(rig.client.report_error(&report), Err(ApiMisuse::NotConnected));

    let (mut rig, _) = Rig::connected(config(), &[]);
    rig.client.report_error(&report).unwrap();
    rig.drain();
    assert_eq!(rig.sent(), [r#"{"error":{"message":"boom","name":"Oops"}}"#]);
}

#[test]
fn what_is_too_large_to_be_sent_is_refused_or_replaced() {
    let mut config = config();
    config.limits.message_bytes = 100;
    let (mut rig, attempt) = Rig::in_use(config, &["A"]);
    let large = payload(&format!("\"{}\"", "x".repeat(100)));

    let size = r#"{"method":"execute","params":{"api":"A","method":"m","params":}}"#.len() + 102;
    assert_eq!(rig.client.send(&"A".into(), "m", Some(&large)), Err(ApiMisuse::TooLarge { size, max: 100 }));
    let report = ErrorReport::new("x".repeat(100));
    let size = r#"{"error":{"message":""}}"#.len() + 100;
    assert_eq!(rig.client.report_error(&report), Err(ApiMisuse::TooLarge { size, max: 100 }));
    rig.message(attempt, &execute(r#""id":1,"#, "A", "m"));
    let call = rig.take_call();
    rig.respond(call, large.as_json());

    let replaced =
        [r#"{"id":1,"error":{"message":"The answer has 121 bytes, 100 are allowed","name":"AnswerTooLarge"}}"#];
    assert_eq!(rig.sent(), replaced);
    assert_eq!(rig.client.counters().answers_replaced, 1);
    rig.assert_quiet();
}
