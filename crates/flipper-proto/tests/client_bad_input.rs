//! Whatever a desktop sends: each error has a name and a place, and the session goes on.

mod rig;

use flipper_proto::client::{Event, Failure, State};
use flipper_proto::{AttemptId, Excerpt, ProtocolError};

use self::rig::{Rig, config};

const DEEP: usize = 100_000;

fn rig() -> (Rig, AttemptId) {
    Rig::in_use(config(), &["A"])
}

/// Sends `text`, which must be understood as this error and answered so, and looks whether the session goes on.
#[track_caller]
fn check(rig: &mut Rig, attempt: AttemptId, text: &str, error: &ProtocolError, answer: Option<&str>) {
    let shown = Excerpt::new(text);
    let before = rig.client.counters().bad_messages;

    rig.message(attempt, text);

    assert_eq!(rig.events(), [Event::PeerMisbehaved(error.clone())], "{shown}");
    assert_eq!(rig.client.last_failure(), Some(&Failure::Protocol(error.clone())), "{shown}");
    assert_eq!(rig.client.counters().bad_messages, before + 1, "{shown}");
    assert_eq!(rig.sent(), answer.into_iter().collect::<Vec<_>>(), "{shown}");
    assert_goes_on(rig, attempt);
}

#[track_caller]
fn assert_goes_on(rig: &mut Rig, attempt: AttemptId) {
    assert_eq!(rig.client.state(), State::Connected { unresponsive: false });
    rig.message(attempt, r#"{"id":1,"method":"getPlugins"}"#);
    assert_eq!(rig.sent(), [r#"{"id":1,"success":{"plugins":["A"]}}"#]);
    rig.assert_quiet();
}

#[test]
fn what_is_no_json() {
    let (mut rig, attempt) = rig();

    for (text, at) in [
        ("", 0),
        ("hello", 0),
        ("\u{feff}{}", 0),
        ("{", 1),
        ("{\"id\":1", 7),
        ("{\"id\":1,}", 8),
        ("{\"id\":01}", 7),
        ("{\"id\":NaN}", 6),
        ("{'id':1}", 1),
        ("{\"id\":1}}", 8),
        ("{}{}", 2),
        ("\n\n{\"x\": \u{1}}", 8),
        ("{\"method\":\"a\u{1}b\"}", 12),
    ] {
        check(&mut rig, attempt, text, &ProtocolError::Json { at }, None);
    }
    for text in [
        "nul",
        "[1,",
        "\"open",
        r#"{"method":"\ud800"}"#,
        r#"{"method":"\x"}"#,
        r#"{"id":1e}"#,
        r#"{"params":{"plugin":}}"#,
        r#"{"x":[1 2]}"#,
        "{\"id\":1,\"method\":\"getPlugins\"} trailing",
    ] {
        rig.message(attempt, text);
        let events = rig.events();
        let [Event::PeerMisbehaved(ProtocolError::Json { at })] = events.as_slice() else {
            panic!("{text}: {events:?}")
        };
        assert!(*at > 0 && *at <= text.len(), "{text}: {at}");
        assert_goes_on(&mut rig, attempt);
    }
}

#[test]
fn what_is_no_object() {
    let (mut rig, attempt) = rig();

    for text in ["5", "-5", "1.5", "\"getPlugins\"", "\"\\u0041\"", "[]", "[{\"id\":1}]", "null", "true", " false "] {
        check(&mut rig, attempt, text, &ProtocolError::WrongType("message"), None);
    }
}

#[test]
fn what_has_no_method() {
    let (mut rig, attempt) = rig();

    for text in
        ["{}", r#"{"params":{"plugin":"A"}}"#, r#"{"method":null}"#, r#"{"error":{"message":"x"}}"#, r#"{"success":1}"#]
    {
        check(&mut rig, attempt, text, &ProtocolError::Missing("method"), None);
    }
}

#[test]
fn fields_of_the_wrong_type() {
    let (mut rig, attempt) = rig();

    for wrong in ["5", "-1", "1.10", "true", "[\"A\"]", "{\"plugin\":\"A\"}"] {
        for (request, field) in [
            (format!(r#"{{"id":3,"method":{wrong}}}"#), "method"),
            (format!(r#"{{"id":3,"method":"init","params":{{"plugin":{wrong}}}}}"#), "plugin"),
            (format!(r#"{{"id":3,"method":"deinit","params":{{"plugin":{wrong}}}}}"#), "plugin"),
            (format!(r#"{{"id":3,"method":"execute","params":{{"api":{wrong},"method":"m"}}}}"#), "api"),
            (format!(r#"{{"id":3,"method":"execute","params":{{"api":"A","method":{wrong}}}}}"#), "method"),
            (format!(r#"{{"id":3,"method":"isMethodSupported","params":{{"api":{wrong},"method":"m"}}}}"#), "api"),
            (format!(r#"{{"id":3,"method":"isMethodSupported","params":{{"api":"A","method":{wrong}}}}}"#), "method"),
        ] {
            let answer = format!(
                r#"{{"id":3,"error":{{"message":"`{field}` has the wrong JSON type","name":"InvalidRequest"}}}}"#
            );
            check(&mut rig, attempt, &request, &ProtocolError::WrongType(field), Some(&answer));
        }
    }
    for wrong in ["5", "-1", "1.10", "true", "\"A\"", "\"\\u0041\"", "[\"A\"]"] {
        for method in ["init", "deinit", "execute", "isMethodSupported"] {
            let request = format!(r#"{{"method":"{method}","params":{wrong}}}"#);
            let answer = r#"{"error":{"message":"`params` has the wrong JSON type","name":"InvalidRequest"}}"#;
            check(&mut rig, attempt, &request, &ProtocolError::WrongType("params"), Some(answer));
        }
    }
}

#[test]
fn fields_that_are_missing() {
    let (mut rig, attempt) = rig();

    for (request, field) in [
        (r#""method":"init""#, "params"),
        (r#""method":"init","params":null"#, "params"),
        (r#""method":"init","params":{}"#, "plugin"),
        (r#""method":"deinit","params":{"plugin":null}"#, "plugin"),
        (r#""method":"execute""#, "params"),
        (r#""method":"execute","params":{"method":"m"}"#, "api"),
        (r#""method":"execute","params":{"api":"A"}"#, "method"),
        (r#""method":"execute","params":{"api":"A","method":null}"#, "method"),
        (r#""method":"isMethodSupported","params":{"plugin":"A","method":"m"}"#, "api"),
        (r#""method":"isMethodSupported","params":{"api":"A","params":{}}"#, "method"),
    ] {
        for id in ["", r#""id":3,"#] {
            let text = format!("{{{id}{request}}}");
            let answer =
                format!(r#"{{{id}"error":{{"message":"the message lacks `{field}`","name":"InvalidRequest"}}}}"#);
            check(&mut rig, attempt, &text, &ProtocolError::Missing(field), Some(&answer));
        }
    }
}

#[test]
fn ids_that_are_none() {
    let (mut rig, attempt) = rig();

    for id in [
        "\"1\"",
        "\"\"",
        "1.0",
        "1e3",
        "-1",
        "-0",
        "0.5",
        "9007199254740992",
        "18446744073709551616",
        "1e400",
        "true",
        "[1]",
        "{}",
    ] {
        let quoted = id.replace('"', "\\\"");
        let answer = format!(
            r#"{{"error":{{"message":"`id` must be an integer from 0 to 2^53 - 1, not {quoted}","name":"InvalidRequest"}}}}"#
        );
        for rest in [r#""method":"getPlugins""#, r#""method":"init","params":{"plugin":"A"}"#, r#""success":{}"#] {
            let text = format!(r#"{{"id":{id},{rest}}}"#);
            check(&mut rig, attempt, &text, &ProtocolError::BadId(id.into()), Some(&answer));
        }
    }
}

#[test]
fn keys_that_appear_twice() {
    let (mut rig, attempt) = rig();

    for (text, key) in [
        (r#"{"id":9,"id":2,"method":"getPlugins"}"#, "id"),
        (r#"{"id":9,"method":"getPlugins","\u0069d":"x"}"#, "id"),
        (r#"{"id":9,"method":"getPlugins","method":"init"}"#, "method"),
        (r#"{"id":9,"method":"init","params":{"plugin":"A"},"params":{}}"#, "params"),
        (r#"{"id":9,"success":1,"success":2}"#, "success"),
        (r#"{"id":9,"error":1,"error":1}"#, "error"),
        (r#"{"id":9,"method":"init","params":{"plugin":"A","plugin":"A"}}"#, "plugin"),
        (r#"{"id":9,"method":"execute","params":{"api":"A","api":"B","method":"m"}}"#, "api"),
        (r#"{"id":9,"method":"execute","params":{"api":"A","method":"m","method":"m"}}"#, "method"),
        (r#"{"id":9,"method":"execute","params":{"api":"A","method":"m","params":1,"params":2}}"#, "params"),
    ] {
        let answer =
            format!(r#"{{"id":9,"error":{{"message":"`{key}` appears more than once","name":"InvalidRequest"}}}}"#);
        check(&mut rig, attempt, text, &ProtocolError::Duplicate(key), Some(&answer));
    }
}

#[test]
fn unknown_keys_may_be_anything_even_twice() {
    let (mut rig, attempt) = rig();

    for text in [
        r#"{"x":1,"x":[],"id":1,"method":"getPlugins","plugin":1,"api":{}}"#,
        r#"{"id":1,"method":"getPlugins","params":{"x":1,"x":2,"id":"no","success":{},"error":[[]]}}"#,
    ] {
        rig.message(attempt, text);
        assert_eq!(rig.sent(), [r#"{"id":1,"success":{"plugins":["A"]}}"#]);
    }
    rig.message(attempt, r#"{"method":"execute","params":{"api":"A","method":"m","params":{"a":1,"a":2}}}"#);
    rig.take_call();
    assert_goes_on(&mut rig, attempt);
}

#[test]
fn json_of_any_depth() {
    let (mut rig, attempt) = rig();
    let (open, close) = ("[".repeat(DEEP), "]".repeat(DEEP));
    let objects = format!("{}1{}", "{\"a\":".repeat(DEEP), "}".repeat(DEEP));
    let arrays = format!("{open}{close}");

    check(&mut rig, attempt, &arrays, &ProtocolError::WrongType("message"), None);
    check(&mut rig, attempt, &objects, &ProtocolError::Missing("method"), None);
    check(&mut rig, attempt, &open, &ProtocolError::Json { at: DEEP }, None);
    let open_objects = "{\"a\":".repeat(DEEP);
    check(&mut rig, attempt, &open_objects, &ProtocolError::Json { at: open_objects.len() }, None);

    for deep in [&arrays, &objects] {
        rig.message(attempt, &format!(r#"{{"id":1,"x":{deep},"method":"getPlugins","params":{{"x":{deep}}}}}"#));
        assert_eq!(rig.sent(), [r#"{"id":1,"success":{"plugins":["A"]}}"#]);

        rig.message(attempt, &format!(r#"{{"method":"execute","params":{{"api":"A","method":"m","params":{deep}}}}}"#));
        let events = rig.events();
        let [Event::Call { params: Some(params), .. }] = events.as_slice() else { panic!("one call expected") };
        assert_eq!(params.as_json(), deep);
        assert!(params.parse::<serde_json::Value>().is_err());

        for (text, field) in [
            (format!(r#"{{"method":{deep}}}"#), "method"),
            (format!(r#"{{"method":"init","params":{{"plugin":{deep}}}}}"#), "plugin"),
        ] {
            let answer =
                format!(r#"{{"error":{{"message":"`{field}` has the wrong JSON type","name":"InvalidRequest"}}}}"#);
            check(&mut rig, attempt, &text, &ProtocolError::WrongType(field), Some(&answer));
        }
    }
    let text = format!(r#"{{"id":{arrays},"method":"getPlugins"}}"#);
    rig.message(attempt, &text);
    assert_eq!(rig.events(), [Event::PeerMisbehaved(ProtocolError::BadId(arrays.as_str().into()))]);
    assert_eq!(rig.sent().len(), 1);
}

#[test]
fn messages_over_the_limit() {
    let mut config = config();
    let fits = r#"{"id":1,"method":"getPlugins","x":"éé"}"#;
    config.limits.message_bytes = fits.len();
    let (mut rig, attempt) = Rig::in_use(config, &["A"]);

    rig.message(attempt, fits);
    assert_eq!(rig.sent(), [r#"{"id":1,"success":{"plugins":["A"]}}"#]);
    let error = ProtocolError::TooLarge { size: fits.len() + 1, max: fits.len() };
    check(&mut rig, attempt, &format!("{fits} "), &error, None);
}

#[test]
fn names_of_others_are_quoted_in_part() {
    let (mut rig, attempt) = rig();
    let name = format!("\u{1b}[31m{}", "é".repeat(1_000));

    rig.message(attempt, &format!(r#"{{"id":1,"method":"\u001b[31m{}"}}"#, "é".repeat(1_000)));

    let excerpt = Excerpt::new(&name);
    assert!(excerpt.as_str().len() < 300 && !excerpt.as_str().contains('\u{1b}'));
    assert_eq!(rig.events(), [Event::PeerMisbehaved(ProtocolError::UnknownMethod(excerpt.clone()))]);
    assert_eq!(rig.sent(), [format!(r#"{{"id":1,"error":{{"message":"Received unknown method: {excerpt}"}}}}"#)]);
}

#[test]
fn binary_messages_that_hold_text_are_read_as_text() {
    let (mut rig, attempt) = rig();

    rig.binary(attempt, br#"{"id":1,"method":"getPlugins"}"#);
    assert_eq!(rig.sent(), [r#"{"id":1,"success":{"plugins":["A"]}}"#]);
    rig.binary(attempt, b"");
    assert_eq!(rig.events(), [Event::PeerMisbehaved(ProtocolError::Json { at: 0 })]);
    assert_eq!(rig.client.counters().binary_messages, 2);
    assert_goes_on(&mut rig, attempt);
}

#[test]
fn binary_messages_that_hold_no_text() {
    let (mut rig, attempt) = rig();

    for (bytes, at) in [(&b"\xff"[..], 0), (b"{\"id\":\"\xc3\x28\"}", 7), (b"ab\xe2\x82", 2)] {
        rig.binary(attempt, bytes);
        assert_eq!(rig.events(), [Event::PeerMisbehaved(ProtocolError::NotText { at })]);
        assert_goes_on(&mut rig, attempt);
    }
    let counters = rig.client.counters();
    assert_eq!((counters.bad_messages, counters.binary_messages), (3, 0));
}

#[test]
fn binary_messages_of_sockets_that_are_over_count_as_stale_only() {
    let (mut rig, attempt) = rig();
    let other = AttemptId::from_u64(attempt.as_u64() + 1);

    rig.binary(other, br#"{"id":1,"method":"getPlugins"}"#);
    rig.binary(other, b"\xff");

    let counters = rig.client.counters();
    assert_eq!((counters.stale_facts, counters.binary_messages, counters.bad_messages), (2, 0, 0));
    rig.assert_quiet();
}
