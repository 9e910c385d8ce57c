//! The oldest format of the browser port, in which every message is wrapped.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that fails panics")]

mod desk;

use flipper_proto::desktop::{Action, Channel, Event, Outcome};
use flipper_proto::{CloseCode, ConnId, PluginId, ProtocolError};

use self::desk::{Desk, excerpt, id, payload, plugins, target, unbound};

const CONNECT: &str = r#"{"app":"A","type":"connect","plugins":["P","Q"]}"#;

/// A client that was asked for its plugins.
fn browser(desk: &mut Desk) -> ConnId {
    let conn = desk.accept(Channel::Browser, &target("A"));
    assert!(matches!(desk.event(), Event::ClientConnected { .. }));
    assert_eq!(desk.sent(conn), [r#"{"id":0,"method":"getPlugins"}"#]);
    conn
}

/// One that has said so in the oldest format.
fn wrapping(desk: &mut Desk) -> ConnId {
    let conn = browser(desk);
    desk.message(conn, CONNECT);
    assert_told(desk, &["P", "Q"]);
    conn
}

fn assert_told(desk: &mut Desk, names: &[&str]) {
    let Event::PluginsChanged { client, plugins: told, background } = desk.event() else { panic!() };
    assert_eq!((client, told, background), (id("A"), plugins(names), plugins(&[])));
}

fn misbehaviour(desk: &mut Desk) -> ProtocolError {
    let Event::PeerMisbehaved { error, .. } = desk.event() else { panic!() };
    error
}

#[test]
fn a_client_names_its_plugins_by_itself() {
    let mut desk = Desk::new();
    let conn = wrapping(&mut desk);
    desk.assert_quiet();
    // It was asked before it could say so, and never has to answer.
    desk.advance(60_000);
    assert!(desk.actions().iter().all(|action| matches!(action, Action::Ping { .. })));
    let _unresponsive = desk.events();
    desk.message(conn, r#"{"app":"A","payload":{"id":0,"success":{"plugins":["P"]}}}"#);
    assert!(matches!(*desk.events(), [Event::ClientResponsive { .. }]));
    assert_eq!(desk.desktop.counters().late_replies, 1);
    assert_eq!(desk.desktop.client(&id("A")).unwrap().plugins, Some(&*plugins(&["P", "Q"])));
}

#[test]
fn what_it_says_again_counts() {
    let mut desk = Desk::new();
    let conn = wrapping(&mut desk);
    desk.desktop.init_plugin(&id("A"), &PluginId::new("Q")).unwrap();
    desk.message(conn, r#"{"app":"A","type":"connect","plugins":["P"]}"#);
    assert_told(&mut desk, &["P"]);
    assert!(desk.desktop.client(&id("A")).unwrap().initialised.is_empty());
    assert_eq!(desk.sent(conn).len(), 1);
}

#[test]
fn messages_are_wrapped_both_ways() {
    let mut desk = Desk::new();
    let conn = wrapping(&mut desk);
    let request = desk.call("A", "m");
    let [call] = &*desk.sent(conn) else { panic!() };
    assert!(call.starts_with(r#"{"app":"A","payload":{"id":1,"method":"execute","params":{"#), "{call}");
    assert!(call.ends_with("}}}"), "{call}");
    desk.message(conn, r#"{"payload": {"id":1,"success":{"n":1.10}} , "app":"\u0041"}"#);
    assert_eq!(desk.outcome(), (request, Outcome::Success(payload(r#"{"n":1.10}"#))));

    desk.message(conn, r#"{"app":"A","payload":{"method":"execute","params":{"api":"P","method":"e","params":[1]}}}"#);
    let Event::Message { plugin, method, params, .. } = desk.event() else { panic!() };
    assert_eq!((plugin.as_str(), method.as_str(), params), ("P", "e", Some(payload("[1]"))));

    desk.desktop.init_plugin(&id("A"), &PluginId::new("P")).unwrap();
    desk.writable(conn, usize::MAX);
    assert_eq!(desk.sent(conn), [r#"{"app":"A","payload":{"method":"init","params":{"plugin":"P"}}}"#]);
}

#[test]
fn one_that_names_no_plugins_is_asked_for_them() {
    let mut desk = Desk::new();
    let conn = browser(&mut desk);
    desk.message(conn, r#"{"app":"A","type":"connect"}"#);
    desk.advance(5_000);
    assert_eq!(desk.sent(conn), [r#"{"app":"A","payload":{"id":1,"method":"getPlugins"}}"#]);
    desk.message(conn, r#"{"app":"A","payload":{"id":1,"success":{"plugins":["P"]}}}"#);
    // The oldest know no background plugins, whatever version they claim.
    assert_told(&mut desk, &["P"]);
    desk.assert_quiet();
}

#[test]
fn two_apps_on_one_connection_are_not_mixed_up() {
    let mut desk = Desk::new();
    let conn = wrapping(&mut desk);
    for text in [
        r#"{"app":"B","type":"connect","plugins":["P"]}"#,
        r#"{"app":"B","payload":{"method":"execute","params":{"api":"P","method":"e"}}}"#,
    ] {
        desk.message(conn, text);
        assert_eq!(misbehaviour(&mut desk), ProtocolError::OtherApp(excerpt("B")));
    }
    assert_eq!(desk.desktop.counters().bad_messages, 2);
    // The app itself goes on.
    desk.message(conn, r#"{"app":"A","payload":{"method":"execute","params":{"api":"P","method":"e"}}}"#);
    assert!(matches!(desk.event(), Event::Message { .. }));
}

#[test]
fn wrappers_that_hold_nothing_of_use() {
    let mut desk = Desk::new();
    let conn = wrapping(&mut desk);
    for (text, error) in [
        (r#"{"app":"A"}"#, ProtocolError::Missing("payload")),
        (r#"{"app":"A","payload":null}"#, ProtocolError::Missing("payload")),
        (r#"{"app":"A","payload":5}"#, ProtocolError::WrongType("message")),
        (r#"{"app":"A","payload":{}}"#, ProtocolError::Missing("method")),
        (r#"{"app":"A","type":"connect","plugins":"P"}"#, ProtocolError::WrongType("plugins")),
        (r#"{"app":"A","type":"connect","plugins":[1]}"#, ProtocolError::WrongType("plugins")),
        (r#"{"app":5,"payload":{}}"#, ProtocolError::Missing("method")),
        (r#"["A",{"id":1}]"#, ProtocolError::WrongType("message")),
        (r#"{"app":"A","payload":{}"#, ProtocolError::Json { at: 23 }),
    ] {
        desk.message(conn, text);
        assert_eq!(misbehaviour(&mut desk), error, "{text}");
    }
    assert_eq!(desk.desktop.clients().count(), 1);
}

#[test]
fn nobody_wraps_on_the_ports_of_apps() {
    let mut desk = Desk::new();
    let conn = desk.accept(Channel::Secure(unbound()), &target("A"));
    desk.event();
    desk.sent(conn);
    desk.message(conn, CONNECT);
    assert_eq!(misbehaviour(&mut desk), ProtocolError::Missing("method"));
}

#[test]
fn a_desktop_that_stops_is_waited_for_by_browsers() {
    let mut desk = Desk::new();
    let browser = browser(&mut desk);
    let app = desk.connect("B");
    desk.stop();
    let codes: Vec<_> = desk
        .actions()
        .into_iter()
        .filter_map(|action| match action {
            Action::Close { conn, code, .. } => Some((conn, code)),
            _ => None,
        })
        .collect();
    assert_eq!(desk.events().len(), 2);
    assert_eq!(codes, [(browser, CloseCode::RESTARTING), (app, CloseCode::GOING_AWAY)]);
}
