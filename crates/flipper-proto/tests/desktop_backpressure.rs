//! Clients that do not read as fast as they are written to.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that fails panics")]

mod desk;

use std::time::Duration;

use flipper_proto::desktop::{Action, Call, Channel, Config, DisconnectCause, Event, Outcome};
use flipper_proto::{ApiMisuse, CloseCode, ConnId, PluginId};

use self::desk::{Desk, id, payload, target, unbound};

/// A client whose socket takes nothing at present.
fn stalled(desk: &mut Desk, name: &str) -> ConnId {
    let conn = desk.client(name, &["P"]);
    desk.writable(conn, 0);
    conn
}

/// A call whose text has exactly `size` bytes, given that its id has one digit.
fn call_of(size: usize) -> Call {
    let frame = r#"{"id":2,"method":"execute","params":{"api":"P","method":"m","params":""}}"#;
    Call::new("P", "m").with_params(payload(&format!("\"{}\"", "x".repeat(size - frame.len()))))
}

fn call(desk: &mut Desk, size: usize) {
    desk.desktop.call(&id("A"), &call_of(size), desk.now).unwrap();
    desk.drain();
}

#[test]
fn messages_wait_for_room() {
    let mut desk = Desk::new();
    let conn = stalled(&mut desk, "A");
    for size in [100, 200, 300] {
        call(&mut desk, size);
    }
    desk.assert_quiet();
    assert_eq!(desk.desktop.client(&id("A")).unwrap().queued_bytes, 600);

    // One that is larger than the rest of the room goes all the same, and leaves none.
    desk.writable(conn, 101);
    assert_eq!(desk.sent(conn).iter().map(String::len).collect::<Vec<_>>(), [100, 200]);
    desk.writable(conn, 0);
    desk.assert_quiet();
    desk.writable(conn, 1);
    assert_eq!(desk.sent(conn).len(), 1);
    call(&mut desk, 100);
    desk.assert_quiet();
    desk.writable(conn, 100);
    assert_eq!(desk.sent(conn).len(), 1);
    assert_eq!(desk.desktop.client(&id("A")).unwrap().queued_bytes, 0);
    // Room that is told again is not added up.
    desk.writable(conn, 100);
    desk.writable(conn, 100);
    call(&mut desk, 100);
    call(&mut desk, 100);
    assert_eq!(desk.sent(conn).len(), 1);
}

#[test]
fn a_new_connection_takes_one_message() {
    let mut desk = Desk::new();
    let target = target("A");
    desk.upgrade(Channel::Secure(unbound()), desk::from_here("localhost", &target));
    let Event::ClientConnected { info, .. } = desk.event() else { panic!() };
    assert_eq!(desk.sent(info.conn), [r#"{"id":0,"method":"getPlugins"}"#]);
    desk.call("A", "m");
    desk.assert_quiet();
    desk.writable(info.conn, 1);
    assert_eq!(desk.sent(info.conn).len(), 1);
}

#[test]
fn connections_take_turns() {
    let mut desk = Desk::new();
    let conns = ["A", "B", "C"].map(|name| stalled(&mut desk, name));
    for name in ["A", "B", "C", "A", "B", "A"] {
        desk.call(name, "m");
    }
    for conn in conns {
        desk.desktop.handle_writable(conn, usize::MAX, desk.now);
    }
    desk.drain();
    let order: Vec<ConnId> = desk
        .actions()
        .into_iter()
        .map(|action| match action {
            Action::Send { conn, .. } => conn,
            action => panic!("{action:?}"),
        })
        .collect();
    let [a, b, c] = conns;
    assert_eq!(order, [a, b, c, a, b, a]);
}

#[test]
fn a_connection_has_one_turn_however_much_it_has_to_send() {
    let mut desk = Desk::new();
    let [a, b] = ["A", "B"].map(|name| desk.client(name, &["P"]));
    for name in ["A", "A", "A", "B"] {
        desk.desktop.call(&id(name), &Call::new("P", "m"), desk.now).unwrap();
    }
    desk.drain();
    let sent = |action| if let Action::Send { conn, .. } = action { Some(conn) } else { None };
    let order: Vec<ConnId> = desk.actions().into_iter().filter_map(sent).collect();
    assert_eq!(order, [a, b, a, a]);
}

#[test]
fn a_stalled_client_does_not_hold_up_the_others() {
    let mut desk = Desk::new();
    stalled(&mut desk, "A");
    let b = desk.client("B", &["P"]);
    desk.call("A", "m");
    desk.call("B", "m");
    assert_eq!(desk.sent(b).len(), 1);
}

#[test]
fn calls_are_bounded() {
    let mut config = Config::new();
    config.limits.pending_calls = 2;
    config.limits.message_bytes = 300;
    config.limits.queued_answer_bytes = 500;
    let mut desk = Desk::with(config);
    let conn = stalled(&mut desk, "A");
    let (client, plugin, now) = (id("A"), PluginId::new("P"), desk.now);

    let too_large = desk.desktop.call(&client, &call_of(301), now);
    assert_eq!(too_large, Err(ApiMisuse::TooLarge { size: 301, max: 300 }));
    call(&mut desk, 300);
    let queue_full = Err(ApiMisuse::QueueFull { max: 500 });
    assert_eq!(desk.desktop.call(&client, &call_of(201), now), queue_full);
    call(&mut desk, 200);
    let too_many = Err(ApiMisuse::TooManyPending { max: 2 });
    assert_eq!(desk.desktop.call(&client, &call_of(100), now), too_many);
    assert_eq!(desk.desktop.init_plugin(&client, &plugin), Err(ApiMisuse::QueueFull { max: 500 }));
    assert!(desk.desktop.client(&client).unwrap().initialised.is_empty(), "nobody was told");

    // What is refused costs no id and leaves no trace.
    desk.writable(conn, usize::MAX);
    assert_eq!(desk.sent(conn).len(), 2);
    desk.message(conn, r#"{"id":3,"success":1}"#);
    desk.outcome();
    call(&mut desk, 100);
    assert!(desk.sent(conn)[0].starts_with(r#"{"id":4,"#));
    assert_eq!(desk.desktop.call(&client, &call_of(100), now), too_many);
    // The desktop's own questions are not counted, and not refused.
    desk.message(conn, r#"{"method":"refreshPlugins"}"#);
    assert_eq!(desk.sent(conn), [r#"{"id":5,"method":"getPlugins"}"#]);
}

#[test]
fn a_call_that_has_failed_is_never_sent() {
    let mut desk = Desk::new();
    let conn = stalled(&mut desk, "A");
    let first = desk.call("A", "first");
    desk.desktop.call(&id("A"), &Call::new("P", "hasty").within(Duration::from_secs(1)), desk.now).unwrap();
    desk.init("A", "P");
    let queued = |desk: &Desk| desk.desktop.client(&id("A")).unwrap().queued_bytes;
    let before = queued(&desk);
    desk.advance(1_000);
    assert!(matches!(desk.outcome().1, Outcome::TimedOut { .. }));
    let hasty = r#"{"id":3,"method":"execute","params":{"api":"P","method":"hasty"}}"#;
    assert_eq!(queued(&desk), before - hasty.len());
    // A client can only guess at the id of a call that it was not sent; the guess counts.
    desk.message(conn, r#"{"id":2,"success":"guessed"}"#);
    assert_eq!(desk.outcome(), (first, Outcome::Success(payload("\"guessed\""))));

    desk.call("A", "last");
    desk.writable(conn, usize::MAX);
    let sent = desk.sent(conn);
    assert_eq!(sent.len(), 2);
    assert!(sent[0].contains("init") && sent[1].contains("last"), "{sent:?}");
}

#[test]
fn what_was_sent_goes_before_the_close_frame() {
    let mut desk = Desk::new();
    let conn = stalled(&mut desk, "A");
    desk.call("A", "m");
    desk.init("A", "P");
    desk.desktop.notify(&id("A"), &PluginId::new("P"), "bye", None).unwrap();
    desk.desktop.disconnect(&id("A"), CloseCode::NORMAL, desk.now).unwrap();
    desk.drain();
    assert_eq!(desk.events().len(), 2);
    desk.assert_quiet();

    desk.writable(conn, 1);
    assert_eq!(desk.sent(conn), [r#"{"method":"init","params":{"plugin":"P"}}"#]);
    desk.writable(conn, 1);
    let actions = desk.actions();
    let [Action::Send { text, .. }, Action::Close { .. }] = actions.as_slice() else { panic!("{actions:?}") };
    assert!(text.contains("bye"));
    desk.writable(conn, usize::MAX);
    desk.assert_quiet();
}

#[test]
fn a_client_that_does_not_read_is_dropped_when_its_time_is_up() {
    let mut desk = Desk::new();
    let conn = stalled(&mut desk, "A");
    desk.init("A", "P");
    desk.desktop.disconnect(&id("A"), CloseCode::NORMAL, desk.now).unwrap();
    desk.drain();
    assert_eq!(desk.disconnected("A"), DisconnectCause::Disconnected(CloseCode::NORMAL));
    desk.advance(2_000);
    assert_eq!(desk.actions(), [Action::Abort { conn }]);
    // Its room comes too late.
    desk.writable(conn, usize::MAX);
    assert_eq!(desk.desktop.counters().stale_facts, 1);
}

#[test]
fn a_connection_that_ends_takes_its_turn_with_it() {
    let mut desk = Desk::new();
    let [a, b] = ["A", "B"].map(|name| stalled(&mut desk, name));
    desk.call("A", "m");
    desk.call("B", "m");
    desk.desktop.handle_writable(a, usize::MAX, desk.now);
    desk.desktop.handle_writable(b, usize::MAX, desk.now);
    desk.desktop.handle_closed(a, flipper_proto::CloseCause::Reset, desk.now);
    desk.drain();
    assert_eq!(desk.sent(b).len(), 1);
    desk.events();
}
