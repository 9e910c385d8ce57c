//! The exchange port of a desktop.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that fails panics")]

mod desk;

use flipper_proto::desktop::{Channel, Config, Event, Grant, Rate, Timer};
use flipper_proto::{ApiMisuse, ConnId, ErrorReport, Instant, Medium, ProtocolError, WallTime};

use self::desk::{Desk, excerpt, target};

const SIGN: &str = r#"{"method":"signCertificate","csr":"PEM","destination":"/d/"}"#;
const HINT: &str = r#"send {\"method\":\"signCertificate\",\"csr\":\"<PEM>\",\"destination\":\"<directory>/\",\"medium\":1} as one text message"#;

fn asker(desk: &mut Desk) -> ConnId {
    desk.accept(Channel::Insecure, "/?os=MacOS&device=box&device_id=unknown&app=A&app_id=com.a&medium=1")
}

fn grant(desk: &mut Desk, exchange: flipper_proto::ExchangeId, device_id: &str) {
    desk.desktop.finish_exchange(exchange, Ok(Grant::new(device_id)), desk.now).unwrap();
    desk.drain();
}

/// The refusal of a message that breaks the protocol.
fn invalid(error: &ProtocolError) -> String {
    let message = serde_json::to_string(&error.to_string()).unwrap();
    format!(r#"{{"error":{{"message":{message},"name":"InvalidRequest","hint":"{HINT}"}}}}"#)
}

#[test]
fn a_request_is_handed_out_and_answered() {
    let mut desk = Desk::new();
    let conn = asker(&mut desk);
    desk.assert_quiet();

    desk.message(
        conn,
        r#"{"method":"signCertificate","csr":"-----BEGIN…\n","destination":"/tmp/é/","medium":1,
            "timestamp":1700000000000,"logs":["1:info:a","2:error:b"],"unknown":{"x":[1]}}"#,
    );
    let request = desk.exchange_request();
    assert_eq!((request.conn, &*request.peer), (conn, "127.0.0.1:50000"));
    assert_eq!((request.csr.as_str(), request.destination.as_str()), ("-----BEGIN…\n", "/tmp/é/"));
    assert_eq!(
        (request.medium, request.timestamp),
        (Medium::FsAccess, Some(WallTime::from_unix_millis(1_700_000_000_000)))
    );
    assert_eq!(request.logs, ["1:info:a", "2:error:b"]);
    assert_eq!((request.query.app_id.as_deref(), request.query.device_id.as_str()), (Some("com.a"), "unknown"));
    desk.assert_quiet();

    grant(&mut desk, request.exchange, "emulator-\"5554\"");
    assert_eq!(desk.sent(conn), [r#"{"deviceId":"emulator-\"5554\""}"#]);
    assert_eq!(
        desk.desktop.finish_exchange(request.exchange, Ok(Grant::new("")), desk.now),
        Err(ApiMisuse::UnknownExchange)
    );
}

#[test]
fn several_requests_on_one_connection_are_all_answered() {
    let mut desk = Desk::new();
    let conn = asker(&mut desk);
    let requests: Vec<_> = ["a", "b", "c"]
        .map(|csr| {
            desk.message(conn, &SIGN.replace("PEM", csr));
            let request = desk.exchange_request();
            assert_eq!(request.csr, csr);
            request.exchange
        })
        .into();

    grant(&mut desk, requests[1], "");
    assert_eq!(desk.sent(conn), [r#"{"deviceId":""}"#]);
    let refusal = ErrorReport::new("no app.csr there").named("NotWritable").with_hint("pass --relaxed");
    desk.desktop.finish_exchange(requests[0], Err(refusal), desk.now).unwrap();
    desk.drain();
    let expected = r#"{"error":{"message":"no app.csr there","name":"NotWritable","hint":"pass --relaxed"}}"#;
    assert_eq!(desk.sent(conn), [expected]);
    grant(&mut desk, requests[2], "c");
    assert_eq!(desk.sent(conn), [r#"{"deviceId":"c"}"#]);
}

#[test]
fn the_medium_is_the_messages_then_the_querys_then_fs_access() {
    let table = [
        ("", "", Medium::FsAccess),
        ("&medium=2", "", Medium::Www),
        ("&medium=2", r#","medium":1"#, Medium::FsAccess),
        ("", r#","medium":2"#, Medium::Www),
        ("&medium=3", r#","medium":null"#, Medium::None),
    ];
    for (query, field, medium) in table {
        let mut desk = Desk::new();
        let conn = desk.accept(Channel::Insecure, &format!("{}{query}", target("A")));
        desk.message(conn, &SIGN.replace(r#""/d/""#, &format!(r#""/d/"{field}"#)));
        assert_eq!(desk.exchange_request().medium, medium, "{query} {field}");
    }
}

#[test]
fn the_clock_of_a_client() {
    let wall = WallTime::from_unix_millis(1_700_000_000_000);
    let table = [
        ("1700000000000", Some(0)),
        ("1699988480000", Some(-11_520_000)),
        ("1700000000001.9", Some(1)),
        ("9007199254740991", Some(9_005_499_254_740_991)),
        // What nobody checks, and what is no time at all.
        ("0", None),
        ("null", None),
        ("-5", None),
        ("1e300", None),
        (r#""1700000000000""#, None),
    ];
    for (timestamp, skew) in table {
        let mut desk = Desk::new();
        let conn = asker(&mut desk);
        desk.message(conn, &SIGN.replace(r#""/d/""#, &format!(r#""/d/","timestamp":{timestamp}"#)));
        assert_eq!(desk.exchange_request().clock_skew_millis(wall), skew, "{timestamp}");
    }
}

#[test]
fn an_acknowledgement_is_told_and_not_answered() {
    let mut desk = Desk::new();
    let conn = asker(&mut desk);
    let table = [
        (
            r#""isError":false,"config":{"deviceId":"d","medium":1},"hasRequiredFiles":true,"logs":["x"]"#,
            false,
            Some(true),
            1,
        ),
        (r#""isError":true,"hasRequiredFiles":false,"logs":7"#, true, Some(false), 0),
        (r#""hasRequiredFiles":"yes""#, false, None, 0),
        (r#""isError":null"#, false, None, 0),
    ];
    for (fields, failed, files, lines) in table {
        desk.message(conn, &format!(r#"{{"method":"signCertificateAck",{fields}}}"#));
        let Event::ExchangeAcknowledged { conn: on, query, is_error, has_required_files, logs } = desk.event() else {
            panic!("{fields}")
        };
        assert_eq!((on, query.app.as_str()), (conn, "A"));
        assert_eq!((is_error, has_required_files, logs.len()), (failed, files, lines), "{fields}");
    }
}

#[test]
fn bad_messages_are_answered_and_the_next_good_one_is_served() {
    let json = |at| ProtocolError::Json { at };
    let table = [
        ("", json(0)),
        ("x", json(0)),
        ("{", json(1)),
        ("null", ProtocolError::WrongType("message")),
        ("7", ProtocolError::WrongType("message")),
        ("\"signCertificate\"", ProtocolError::WrongType("message")),
        (r#"["signCertificate","PEM","/d/"]"#, ProtocolError::WrongType("message")),
        ("[]", ProtocolError::WrongType("message")),
        ("{}", ProtocolError::Missing("method")),
        (r#"{"method":null}"#, ProtocolError::Missing("method")),
        (r#"{"method":7}"#, ProtocolError::WrongType("method")),
        (r#"{"method":["signCertificate"]}"#, ProtocolError::WrongType("method")),
        (r#"{"method":"getPlugins"}"#, ProtocolError::UnknownMethod(excerpt("getPlugins"))),
        (r#"{"method":"signCertificate"}"#, ProtocolError::Missing("csr")),
        (r#"{"method":"signCertificate","csr":5,"destination":"/d/"}"#, ProtocolError::WrongType("csr")),
        (r#"{"method":"signCertificate","csr":"PEM"}"#, ProtocolError::Missing("destination")),
        (r#"{"method":"signCertificate","csr":"PEM","destination":{}}"#, ProtocolError::WrongType("destination")),
        (
            r#"{"method":"signCertificate","csr":"PEM","destination":"/d/","medium":9}"#,
            ProtocolError::WrongType("medium"),
        ),
        (
            r#"{"method":"signCertificate","csr":"PEM","destination":"/d/","medium":"1"}"#,
            ProtocolError::WrongType("medium"),
        ),
        (
            r#"{"method":"signCertificate","csr":"PEM","csr":"PEM","destination":"/d/"}"#,
            ProtocolError::WrongType("message"),
        ),
        (r#"{"method":"signCertificate","csr":"PEM","destination":"/d/"}}"#, json(60)),
    ];
    let mut desk = Desk::new();
    let conn = asker(&mut desk);
    for (number, (text, error)) in table.into_iter().enumerate() {
        desk.message(conn, text);
        assert_eq!(desk.event(), Event::PeerMisbehaved { conn, client: None, error: error.clone() }, "{text}");
        assert_eq!(desk.sent(conn), [invalid(&error)], "{text}");
        assert_eq!(desk.desktop.counters().bad_messages, number as u64 + 1);
    }
    let deep = format!(r#"{{"method":"signCertificate","x":{}1{}}}"#, "[".repeat(5_000), "]".repeat(5_000));
    desk.message(conn, &deep);
    assert_eq!(desk.misbehaviour(), ProtocolError::Missing("csr"));
    desk.actions();

    desk.message(conn, SIGN);
    let request = desk.exchange_request();
    grant(&mut desk, request.exchange, "d");
    assert_eq!(desk.sent(conn), [r#"{"deviceId":"d"}"#]);
}

#[test]
fn binary_messages() {
    let mut desk = Desk::new();
    let conn = asker(&mut desk);
    desk.binary(conn, SIGN.as_bytes());
    desk.exchange_request();
    assert_eq!(desk.desktop.counters().binary_messages, 1);

    desk.binary(conn, b"{\"method\":\"\xFF\"}");
    let error = ProtocolError::NotText { at: 11 };
    assert_eq!(desk.misbehaviour(), error);
    assert_eq!(desk.sent(conn), [invalid(&error)]);
}

#[test]
fn messages_over_the_limit_are_refused_unread() {
    let mut config = Config::new();
    config.limits.exchange_message_bytes = SIGN.len();
    let mut desk = Desk::with(config);
    let conn = asker(&mut desk);

    desk.message(conn, SIGN);
    desk.exchange_request();
    desk.message(conn, &format!("{SIGN} "));
    let error = ProtocolError::TooLarge { size: SIGN.len() + 1, max: SIGN.len() };
    assert_eq!(desk.misbehaviour(), error);
    assert_eq!(desk.sent(conn), [invalid(&error)]);
}

#[test]
fn a_flood_is_refused_and_leaves_room_for_others() {
    let limited = r#"{"error":{"message":"certificate requests come faster than this desktop takes them up","name":"RateLimited","hint":"try again in a few seconds"}}"#;
    let mut desk = Desk::new();
    let flooder = asker(&mut desk);

    for _ in 0..10_000 {
        desk.message(flooder, SIGN);
    }
    // Five at once from one connection, and not a word about the others but in the answers.
    assert_eq!(desk.events().len(), 5);
    let answers = desk.sent(flooder);
    assert_eq!((answers.len(), answers[0].as_str()), (9_995, limited));
    assert_eq!(desk.desktop.counters().limited_exchanges, 9_995);

    let other = asker(&mut desk);
    desk.message(other, SIGN);
    let request = desk.exchange_request();
    grant(&mut desk, request.exchange, "d");
    assert_eq!(desk.sent(other), [r#"{"deviceId":"d"}"#]);

    // One a second comes back, however long the pause.
    desk.advance(999);
    desk.message(flooder, SIGN);
    assert_eq!(desk.sent(flooder), [limited]);
    desk.advance(1);
    desk.message(flooder, SIGN);
    desk.exchange_request();
    desk.message(flooder, SIGN);
    assert_eq!(desk.sent(flooder), [limited]);
}

#[test]
fn all_connections_together_have_a_rate() {
    let mut config = Config::new();
    config.exchange_rate = Rate { per_second: 2, burst: 3 };
    let mut desk = Desk::with(config);
    let conns: Vec<ConnId> = (0..8).map(|_| asker(&mut desk)).collect();
    let taken = |desk: &mut Desk| {
        conns.iter().for_each(|conn| desk.message(*conn, SIGN));
        desk.actions();
        desk.events().len()
    };
    assert_eq!(taken(&mut desk), 3);
    desk.advance(499);
    assert_eq!(taken(&mut desk), 0);
    desk.advance(1);
    assert_eq!(taken(&mut desk), 1);
    desk.advance(1_000);
    assert_eq!(taken(&mut desk), 2);
}

#[test]
fn an_idle_connection_is_closed() {
    let mut desk = Desk::new();
    let conn = asker(&mut desk);
    assert_eq!(desk.desktop.poll_timeout(), Some((Instant::from_millis(61_000), Timer::ExchangeIdle)));

    // While an answer is owed, it is not idle, however long that takes.
    desk.advance(59_000);
    desk.message(conn, SIGN);
    let first = desk.exchange_request();
    desk.message(conn, SIGN);
    let second = desk.exchange_request();
    grant(&mut desk, first.exchange, "d");
    desk.sent(conn);
    assert_eq!(desk.desktop.poll_timeout(), None);
    desk.advance(600_000);
    grant(&mut desk, second.exchange, "d");
    desk.sent(conn);

    // Chatter does not count.
    desk.advance(59_000);
    desk.message(conn, "{}");
    desk.alive(conn);
    desk.sent(conn);
    desk.event();
    desk.advance(1_000);
    assert_eq!(desk.close_frame(conn), (4408, "no certificate was asked for".into()));
    desk.closed(conn);
    assert_eq!((desk.desktop.connections(), desk.desktop.poll_timeout()), (0, None));
}

#[test]
fn an_exchange_ends_with_its_connection() {
    let mut desk = Desk::new();
    let conn = asker(&mut desk);
    desk.message(conn, SIGN);
    let request = desk.exchange_request();
    desk.closed(conn);
    let late = desk.desktop.finish_exchange(request.exchange, Ok(Grant::new("d")), desk.now);
    assert_eq!(late, Err(ApiMisuse::UnknownExchange));
    desk.message(conn, SIGN);
    desk.closed(conn);
    assert_eq!(desk.desktop.counters().stale_facts, 2);
}

#[test]
fn a_client_that_does_not_read_its_answers_is_closed() {
    let mut desk = Desk::new();
    let conn = asker(&mut desk);
    desk.writable(conn, 0);
    let mut messages = 0;
    while messages < 1_000 && desk.desktop.poll_timeout().is_some_and(|(_, timer)| timer == Timer::ExchangeIdle) {
        desk.message(conn, "{}");
        desk.misbehaviour();
        messages += 1;
    }
    // Hundreds of answers wait, and no more than some 64 KiB.
    assert!((200..1_000).contains(&messages), "{messages}");

    // Were it to read, the answers and then the reason would be for it.
    desk.writable(conn, usize::MAX);
    let actions = desk.actions();
    assert_eq!(actions.len(), messages + 1);
    let last = format!("{:?}", actions[messages]);
    assert!(last.starts_with("Close") && last.contains("4413") && last.contains("the answers are not read"), "{last}");
}

#[test]
fn stopping_drops_what_is_under_way() {
    let mut desk = Desk::new();
    let conn = asker(&mut desk);
    desk.message(conn, SIGN);
    let request = desk.exchange_request();
    desk.stop();
    assert_eq!(desk.close_frame(conn), (1001, "the desktop is going away".into()));
    let late = desk.desktop.finish_exchange(request.exchange, Ok(Grant::new("d")), desk.now);
    assert_eq!(late, Err(ApiMisuse::UnknownExchange));
    desk.closed(conn);
}
