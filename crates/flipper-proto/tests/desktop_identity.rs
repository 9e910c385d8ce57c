//! One identity, several connections.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that fails panics")]

mod desk;

use flipper_proto::desktop::{Action, Admission, Channel, DisconnectCause, Event, Outcome, Refusal};
use flipper_proto::{ClientId, ConnId};

use self::desk::{Desk, bound, from_here, id, target, unbound};

fn instance(name: &str, instance: &str) -> String {
    format!("{}&instance_id={instance}", target(name))
}

/// Connects, and returns the connection and what happened.
fn connect(desk: &mut Desk, target: &str) -> (ConnId, Vec<Event>) {
    let conn = desk.accept(Channel::Secure(unbound()), target);
    (conn, desk.events())
}

/// The id that the only new client has.
fn connected(events: &[Event]) -> &ClientId {
    match events {
        [Event::ClientConnected { client, .. }] => client,
        events => panic!("{events:?}"),
    }
}

fn ids(desk: &Desk) -> Vec<String> {
    desk.desktop.clients().map(|status| status.client.to_string()).collect()
}

#[test]
fn a_second_connection_takes_the_place_of_the_first() {
    let mut desk = Desk::new();
    let old = desk.client("A", &["P"]);
    let call = desk.call("A", "m");
    desk.sent(old);

    let (new, events) = connect(&mut desk, &target("A"));
    let [Event::Reply { request, outcome: Outcome::Disconnected, .. }, gone, Event::ClientConnected { client, info }] =
        events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert_eq!((*request, client, info.conn), (call, &id("A"), new));
    assert_eq!(*gone, Event::ClientDisconnected { client: id("A"), cause: DisconnectCause::Replaced });
    let actions = desk.actions();
    let [Action::Close { conn, code, reason }, Action::Send { conn: asked, .. }] = actions.as_slice() else {
        panic!("{actions:?}")
    };
    assert_eq!((*conn, code.as_u16(), *asked), (old, 4409, new));
    assert_eq!(reason, "a newer connection of the same identity took over");

    // The end of the old one is nobody's loss, and what it says until then is not heard.
    desk.message(old, r#"{"method":"execute","params":{"api":"P","method":"m"}}"#);
    desk.closed(old);
    assert_eq!(ids(&desk), ["A#Linux#box#d1"]);
    desk.message(new, r#"{"id":0,"success":{"plugins":["P"]}}"#);
    desk.message(new, r#"{"id":1,"success":{"plugins":[]}}"#);
    assert!(matches!(desk.event(), Event::PluginsChanged { .. }));
    desk.sent(new);
    // Ids begin anew: an answer to the old connection's call cannot be taken for one to this.
    desk.call("A", "m");
    assert_eq!(desk.sent(new).len(), 1);
}

#[test]
fn a_half_open_connection_is_dropped_when_it_is_replaced() {
    let mut desk = Desk::new();
    let mut old = desk.client("A", &["P"]);
    for _ in 0..10 {
        let (new, events) = connect(&mut desk, &target("A"));
        assert_eq!(events.len(), 2);
        desk.actions();
        desk.advance(1_999);
        desk.assert_quiet();
        desk.advance(1);
        assert_eq!(desk.actions(), [Action::Abort { conn: old }]);
        assert_eq!((ids(&desk).len(), desk.desktop.connections()), (1, 1));
        old = new;
    }
}

#[test]
fn two_processes_of_one_app_stay_both() {
    let mut desk = Desk::new();
    let (first, events) = connect(&mut desk, &instance("A", "i1"));
    assert_eq!(connected(&events), &id("A"));
    let (second, events) = connect(&mut desk, &instance("A", "i2"));
    assert_eq!(connected(&events).as_str(), "A#Linux#box#d1#i2");
    let (third, events) = connect(&mut desk, &instance("A", "i3"));
    assert_eq!(connected(&events).as_str(), "A#Linux#box#d1#i3");
    assert_eq!(desk.actions().len(), 3);
    assert_eq!(ids(&desk), ["A#Linux#box#d1", "A#Linux#box#d1#i2", "A#Linux#box#d1#i3"]);

    // Each of them is replaced by itself only, and keeps its id.
    let (second_again, events) = connect(&mut desk, &instance("A", "i2"));
    assert_eq!(events.len(), 2);
    let (first_again, events) = connect(&mut desk, &instance("A", "i1"));
    let Event::ClientConnected { client, .. } = &events[1] else { panic!("{events:?}") };
    assert_eq!(client, &id("A"));
    for conn in [first, second] {
        desk.closed(conn);
    }
    desk.actions();
    assert_eq!(desk.desktop.connections(), 3);

    // A second process stays the second, even if the first is gone.
    desk.closed(first_again);
    desk.disconnected("A");
    let (_, events) = connect(&mut desk, &instance("A", "i2"));
    let Event::ClientConnected { client, .. } = &events[1] else { panic!("{events:?}") };
    assert_eq!(client.as_str(), "A#Linux#box#d1#i2");
    desk.closed(second_again);
    let (_, events) = connect(&mut desk, &instance("A", "i4"));
    assert_eq!(connected(&events), &id("A"));
    desk.closed(third);
    desk.events();
    desk.actions();
}

#[test]
fn a_process_that_does_not_tell_which_it_is_replaces_and_is_replaced() {
    for (first, second) in [
        (target("A"), instance("A", "i1")),
        (instance("A", "i1"), target("A")),
        (instance("A", "i1"), instance("A", "i1")),
        (instance("A", "i1"), instance("A", "")),
    ] {
        let mut desk = Desk::new();
        connect(&mut desk, &first);
        let (_, events) = connect(&mut desk, &second);
        let replaced = Event::ClientDisconnected { client: id("A"), cause: DisconnectCause::Replaced };
        assert_eq!(events[0], replaced, "{first} {second}");
        assert_eq!(ids(&desk), ["A#Linux#box#d1"]);
        desk.actions();
    }
}

#[test]
fn other_identities_are_other_clients() {
    let mut desk = Desk::new();
    for target in [
        "/?os=Linux&device=box&device_id=d1&app=A",
        "/?os=MacOS&device=box&device_id=d1&app=A",
        "/?os=Linux&device=tower&device_id=d1&app=A",
        "/?os=Linux&device=box&device_id=&app=A",
        "/?os=Linux&device=box&device_id=d1&app=a",
    ] {
        let (_, events) = connect(&mut desk, target);
        connected(&events);
    }
    assert_eq!(ids(&desk).len(), 5);
    desk.actions();
}

#[test]
fn nobody_without_a_certificate_takes_the_place_of_one_with() {
    let mut desk = Desk::new();
    let secure = desk.accept(Channel::Secure(bound("com.a", "d1")), &target("A"));
    desk.events();
    desk.actions();

    let target_of_a = target("A");
    let upgrade = from_here("localhost:8333", &target_of_a);
    let Admission::AcceptThenClose { conn, reason, .. } = desk.upgrade(Channel::Browser, upgrade) else { panic!() };
    assert_eq!(reason, Refusal::IdentityInUse);
    assert_eq!(desk.close_frame(conn), (4403, "a client with a certificate has this identity".into()));
    desk.closed(conn);
    desk.event();
    assert_eq!(ids(&desk).len(), 1);

    // The other way round it does.
    desk.closed(secure);
    desk.disconnected("A");
    let browser = desk.accept(Channel::Browser, &target("A"));
    let again = desk.accept(Channel::Browser, &target("A"));
    desk.events();
    desk.accept(Channel::Secure(unbound()), &target("A"));
    assert_eq!(desk.events().len(), 2);
    desk.closed(browser);
    desk.closed(again);
    desk.actions();
}
