//! Whatever a desktop sends: it is told for what it is, and either the session goes on or the app comes back.

use flipper_client::proto::client::{Failure, Purpose, State};
use flipper_client::proto::{CloseCause, ProtocolError};
use serde_json::{Value, json};

use crate::scripted::{Port, call, frames};
use crate::suite::Connected;
use crate::{Adapter, Handle as _, Result};

/// Deeper than any stack.
const DEEP: usize = 100_000;

/// Covers: P24, P27, §5 unknown method, §5 ids.
pub fn every_bad_message_is_told_and_the_session_goes_on<A: Adapter>() -> Result {
    let Connected { mut session, mut app, .. } = Connected::<A>::new()?;
    let deep = "[".repeat(DEEP) + &"]".repeat(DEEP);
    let unclosed = "[".repeat(DEEP);
    let json = |at| ProtocolError::Json { at };
    let wrong = ProtocolError::WrongType;
    let id = |id: &str| ProtocolError::BadId(id.into());
    let cases = [
        // Not JSON.
        ("", json(0)),
        ("hello", json(0)),
        ("{", json(1)),
        ("{}{}", json(2)),
        (&unclosed, json(DEEP)),
        // Not an object.
        ("null", wrong("message")),
        ("5", wrong("message")),
        ("\"getPlugins\"", wrong("message")),
        ("[]", wrong("message")),
        (&deep, wrong("message")),
        // Missing fields and wrong types.
        ("{}", ProtocolError::Missing("method")),
        (r#"{"method":null}"#, ProtocolError::Missing("method")),
        (r#"{"method":5}"#, wrong("method")),
        (r#"{"method":"init"}"#, ProtocolError::Missing("params")),
        (r#"{"method":"init","params":[]}"#, wrong("params")),
        (r#"{"method":"init","params":{}}"#, ProtocolError::Missing("plugin")),
        (r#"{"method":"init","params":{"plugin":{}}}"#, wrong("plugin")),
        (r#"{"method":"deinit","params":{"plugin":5}}"#, wrong("plugin")),
        (r#"{"method":"execute","params":{"method":"echo"}}"#, ProtocolError::Missing("api")),
        (r#"{"method":"execute","params":{"api":"Example"}}"#, ProtocolError::Missing("method")),
        (r#"{"method":"execute","params":{"api":["Example"],"method":"echo"}}"#, wrong("api")),
        (r#"{"method":"isMethodSupported","params":{"api":"Example","method":5}}"#, wrong("method")),
        (r#"{"method":"fly"}"#, ProtocolError::UnknownMethod("fly".into())),
        // Ids.
        (r#"{"id":"1","method":"getPlugins"}"#, id("\"1\"")),
        (r#"{"id":1.0,"method":"getPlugins"}"#, id("1.0")),
        (r#"{"id":1e3,"method":"getPlugins"}"#, id("1e3")),
        (r#"{"id":-1,"method":"getPlugins"}"#, id("-1")),
        (r#"{"id":9007199254740992,"method":"getPlugins"}"#, id("9007199254740992")),
        (r#"{"id":99999999999999999999999,"method":"getPlugins"}"#, id("99999999999999999999999")),
        (r#"{"id":[],"method":"getPlugins"}"#, id("[]")),
        // Twice the same.
        (r#"{"id":1,"id":2,"method":"getPlugins"}"#, ProtocolError::Duplicate("id")),
        (r#"{"method":"getPlugins","method":"getPlugins"}"#, ProtocolError::Duplicate("method")),
        (r#"{"method":"init","params":{"plugin":"A","plugin":"B"}}"#, ProtocolError::Duplicate("plugin")),
    ];
    for (nth, (text, error)) in (1..).zip(cases) {
        let shown: String = text.chars().take(80).collect();

        session.send_text(text)?;

        assert_eq!(app.wait_misbehaved()?, error, "{shown}");
        session.call(77, "Example", "echo", "{}")?;
        let mut answer = session.receive()?;
        // Where the message was a request, the desktop is told, too.
        if answer.get("error").is_some() {
            assert!(answer["error"]["message"].is_string(), "{shown}: {answer}");
            answer = session.receive()?;
        }
        assert_eq!(answer, json!({"id": 77, "success": {}}), "{shown}");
        assert_eq!(app.handle.status().last_failure, Some(Failure::Protocol(error)), "{shown}");
        assert_eq!(app.handle.counters().bad_messages, nth, "{shown}");
    }
    app.stop(session)
}

/// Covers: P27, §5 unknown method, §5 errors.
pub fn a_bad_request_is_answered_under_its_id<A: Adapter>() -> Result {
    let Connected { mut session, app, .. } = Connected::<A>::new()?;
    for (text, answer) in [
        (
            r#"{"id":3,"method":"execute"}"#,
            json!({"id": 3, "error": {"message": "the message lacks `params`", "name": "InvalidRequest"}}),
        ),
        (r#"{"id":4,"method":"fly"}"#, json!({"id": 4, "error": {"message": "Received unknown method: fly"}})),
        (
            r#"{"id":"5","method":"getPlugins"}"#,
            json!({"error": {"message": "`id` must be an integer from 0 to 2^53 - 1, not \"5\"", "name": "InvalidRequest"}}),
        ),
    ] {
        session.send_text(text)?;
        assert_eq!(session.receive()?, answer);
    }
    app.stop(session)
}

/// Covers: P22.
pub fn answers_to_nobody_are_counted<A: Adapter>() -> Result {
    let Connected { mut session, mut app, .. } = Connected::<A>::new()?;

    session.send(&json!({"id": 5, "success": {}}))?;
    session.send(&json!({"id": 6, "error": {"message": "no"}}))?;

    for _ in 0..2 {
        assert!(matches!(app.wait_misbehaved()?, ProtocolError::UnexpectedReply(_)));
    }
    session.assert_echoes()?;
    assert_eq!(app.handle.counters().unexpected_replies, 2);
    app.stop(session)
}

/// Covers: P27, §5 binary frames.
pub fn binary_messages_are_read_as_text_if_they_are_text<A: Adapter>() -> Result {
    let Connected { mut session, mut app, .. } = Connected::<A>::new()?;

    session.send_raw(&frames::frame(0x82, call(1, "Example", "echo", "[1.10]").as_bytes()))?;
    assert_eq!(session.receive_text()?, r#"{"id":1,"success":[1.10]}"#);
    assert_eq!(app.handle.counters().binary_messages, 1);

    session.send_raw(&frames::frame(0x82, b"{\"id\":1,\xff\xfe"))?;
    assert_eq!(app.wait_misbehaved()?, ProtocolError::NotText { at: 8 });
    session.send_raw(&frames::frame(0x82, b""))?;
    assert_eq!(app.wait_misbehaved()?, ProtocolError::Json { at: 0 });
    session.assert_echoes()?;
    app.stop(session)
}

/// Covers: P23.
pub fn messages_in_fragments_with_pings_between_them_are_whole<A: Adapter>() -> Result {
    let Connected { mut session, app, .. } = Connected::<A>::new()?;
    let text = call(1, "Example", "echo", r#"{"a":"ü"}"#);
    // In the middle of a character.
    let (begin, end) = text.as_bytes().split_at(text.len() - 5);

    session.send_raw(&frames::frame(0x01, begin))?;
    session.send_raw(&frames::frame(0x89, b"ping"))?;
    session.send_raw(&frames::frame(0x00, b""))?;
    session.send_raw(&frames::frame(0x80, end))?;

    assert_eq!(session.receive()?, json!({"id": 1, "success": {"a": "ü"}}));
    app.stop(session)
}

/// Covers: §5 unknown fields, §5 ids, §5 execute.
pub fn what_is_unusual_but_good_is_answered<A: Adapter>() -> Result {
    let Connected { mut session, app, .. } = Connected::<A>::new()?;
    let plugins = json!({"plugins": ["Example"]});
    let deep = "[".repeat(DEEP) + &"]".repeat(DEEP);
    let with_deep = format!(r#"{{"id":1,"method":"getPlugins","more":{deep}}}"#);
    for (text, id) in [
        ("\n\t {\"id\" : 0 , \"method\" : \"getPlugins\"} \r\n", 0),
        (r#"{"id":9007199254740991,"method":"getPlugins","params":null}"#, 9_007_199_254_740_991_u64),
        (r#"{"id":1,"method":"getPlug\u0069ns"}"#, 1),
        (r#"{"id":1,"method":"getPlugins","jsonrpc":"2.0","jsonrpc":2,"x":{"id":5}}"#, 1),
        (&with_deep, 1),
    ] {
        session.send_text(text)?;
        assert_eq!(session.receive()?, json!({"id": id, "success": plugins}));
    }
    // What belongs to a plugin passes through as it is.
    for params in
        ["1.10", "1e400", "12345678901234567890", "-0", "\"\\u0061\\ud800\"", "{ \"a\" : 1, \"a\" : 2 }", &deep]
    {
        session.call(1, "Example", "echo", params)?;
        let answer = session.receive_text()?;
        let shown: String = answer.chars().take(80).collect();
        assert!(answer == format!(r#"{{"id":1,"success":{params}}}"#), "{shown}");
    }
    // A plugin that reads params has a bound, and says so.
    session.call(2, "Example", "reverse", &deep)?;
    let answer: Value = session.receive()?;
    assert_eq!(answer["error"]["name"], "InvalidParams", "{answer}");
    assert_eq!(app.handle.counters().bad_messages, 0);
    app.stop(session)
}

/// Covers: P26, P27.
pub fn a_broken_websocket_ends_the_session_and_the_app_comes_back<A: Adapter>() -> Result {
    let Connected { mut session, mut app, desktop, .. } =
        Connected::<A>::with(|builder| builder.configure(|config| config.limits.message_bytes = 1000))?;
    app.wait_connected()?;
    let ping = [b'x'; 126];
    let cases = [
        ("UTF-8", frames::frame(0x81, b"{\"id\":\"\xff\"}")),
        ("masked", frames::masked("{}")),
        ("reserved bits", frames::frame(0xc1, b"{}")),
        ("opcode", frames::frame(0x83, b"{}")),
        ("continuation", frames::frame(0x80, b"{}")),
        ("control frame", frames::frame(0x89, &ping)),
        ("fragmented control frame", frames::frame(0x09, b"")),
        ("close frame", frames::frame(0x88, b"x")),
    ];
    for (what, bytes) in cases {
        session.send_raw(&bytes)?;
        let cause = app.wait_cause(Purpose::Session)?;
        assert!(matches!(cause, CloseCause::WebSocket(_)), "{what}: {cause:?}");
        session.wait_gone();
        session = desktop.session()?;
        app.wait_connected()?;
    }
    // Too large: in one frame, of which only the head ever comes, and in many.
    let fragments = [frames::frame(0x01, &[b' '; 600]), frames::frame(0x00, &[b' '; 600])].concat();
    for (bytes, size) in [(frames::head(0x81, 1001), 1001), (frames::head(0x81, 1 << 62), 1 << 62), (fragments, 1200)] {
        session.send_raw(&bytes)?;
        assert_eq!(app.wait_cause(Purpose::Session)?, CloseCause::TooLarge { size, max: 1000 });
        session.wait_gone();
        session = desktop.session()?;
        app.wait_connected()?;
    }
    session.init("Example")?;
    session.assert_echoes()?;
    assert_eq!(app.handle.status().state, State::Connected { unresponsive: false });
    app.stop(session)
}

/// Covers: P24, P27.
pub fn a_thousand_bad_messages_cost_no_connection<A: Adapter>() -> Result {
    const MESSAGES: u64 = 1000;
    let Connected { mut session, app, desktop, .. } = Connected::<A>::new()?;
    let garbage = ["not JSON", "{", "[1, 2]", r#"{"success":{}}"#].map(frames::text).concat();
    for _ in 0..MESSAGES / 4 {
        session.send_raw(&garbage)?;
    }
    session.assert_echoes()?;
    assert_eq!(app.handle.counters().bad_messages, MESSAGES);
    assert_eq!(desktop.seen(Port::Secure), 1);
    app.stop(session)
}
