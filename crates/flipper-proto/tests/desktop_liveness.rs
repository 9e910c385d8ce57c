//! Whether clients are there: pings, registration, and the timers of many clients.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that fails panics")]

mod desk;

use std::collections::BTreeMap;
use std::time::Duration;

use flipper_proto::desktop::{Action, Config, DisconnectCause, Event, Outcome, Timer};
use flipper_proto::{ConnId, Instant, ProtocolError};

use self::desk::{Desk, id};

fn timer(desk: &Desk) -> Option<(u64, Timer)> {
    desk.desktop.poll_timeout().map(|(at, timer)| (at.as_millis(), timer))
}

#[test]
fn a_silent_client_is_pinged() {
    let mut desk = Desk::new();
    let conn = desk.client("A", &[]);
    assert_eq!(timer(&desk), Some((11_000, Timer::Ping)));
    desk.advance(9_999);
    desk.assert_quiet();
    desk.advance(1);
    assert_eq!(desk.actions(), [Action::Ping { conn }]);
    desk.alive(conn);

    // A client that says something is not pinged, whatever it says.
    for _ in 0..10 {
        desk.advance(9_999);
        desk.message(conn, "garbage");
        desk.misbehaviour();
        desk.assert_quiet();
    }
    desk.advance(10_000);
    assert_eq!(desk.actions(), [Action::Ping { conn }]);
}

#[test]
fn a_client_that_leaves_two_pings_unanswered_is_unresponsive() {
    let mut desk = Desk::new();
    let conn = desk.client("A", &["P"]);
    desk.advance(29_999);
    assert_eq!(desk.actions(), [Action::Ping { conn }, Action::Ping { conn }]);
    assert!(!desk.desktop.client(&id("A")).unwrap().unresponsive);
    desk.advance(1);
    assert_eq!(desk.actions(), [Action::Ping { conn }]);
    assert_eq!(desk.event(), Event::ClientUnresponsive { client: id("A") });
    assert!(desk.desktop.client(&id("A")).unwrap().unresponsive);

    // It is told once, the client is still served, and its calls fail by their deadlines only.
    let call = desk.call("A", "m");
    assert_eq!(desk.sent(conn).len(), 1);
    desk.advance(44_999);
    assert_eq!(desk.actions().len(), 4);
    desk.advance(1);
    assert_eq!(desk.outcome(), (call, Outcome::TimedOut { after: Duration::from_secs(45) }));

    desk.alive(conn);
    assert_eq!(desk.event(), Event::ClientResponsive { client: id("A") });
    assert!(!desk.desktop.client(&id("A")).unwrap().unresponsive);
    desk.alive(conn);
}

#[test]
fn a_client_at_a_breakpoint_is_kept_for_ten_minutes() {
    let mut desk = Desk::new();
    let conn = desk.client("A", &["P"]);
    desk.advance(599_999);
    assert!(desk.actions().iter().all(|action| *action == Action::Ping { conn }));
    assert_eq!(desk.event(), Event::ClientUnresponsive { client: id("A") });

    desk.advance(1);
    let after = Duration::from_secs(600);
    assert_eq!(desk.disconnected("A"), DisconnectCause::Unresponsive { after });
    assert_eq!(desk.close_frame(conn), (4408, "the client was silent for 600 s".into()));
    desk.advance(2_000);
    assert_eq!(desk.actions(), [Action::Abort { conn }]);
    assert_eq!(timer(&desk), None);
}

#[test]
fn a_desktop_that_slept_gives_its_clients_time() {
    let mut desk = Desk::new();
    let conn = desk.client("A", &["P"]);
    // The clock ran on for a day while nobody looked.
    desk.fire(Instant::from_millis(86_400_000));
    assert_eq!(desk.actions(), [Action::Ping { conn }]);
    desk.alive(conn);
    desk.advance(10_000);
    assert_eq!(desk.actions(), [Action::Ping { conn }]);
}

#[test]
fn a_client_that_does_not_register_is_closed() {
    let mut desk = Desk::new();
    let conn = desk.connect("A");
    for attempt in 1..=5 {
        desk.advance(4_999);
        desk.alive(conn);
        desk.assert_quiet();
        desk.advance(1);
        assert_eq!(desk.sent(conn), [format!(r#"{{"id":{attempt},"method":"getPlugins"}}"#)]);
    }
    desk.advance(4_999);
    desk.alive(conn);
    desk.assert_quiet();
    desk.advance(1);
    assert_eq!(desk.disconnected("A"), DisconnectCause::NotRegistered);
    assert_eq!(desk.close_frame(conn), (4408, "the client did not answer getPlugins in time".into()));
    desk.closed(conn);
    assert_eq!(timer(&desk), None);
}

#[test]
fn a_client_that_is_stopped_before_it_registers_is_not_closed() {
    let mut desk = Desk::new();
    let conn = desk.connect("A");
    desk.advance(300_000);
    let asked = desk.actions().iter().filter(|action| matches!(action, Action::Send { .. })).count();
    assert_eq!(asked, 5, "and not again before it wakes up");
    assert_eq!(desk.event(), Event::ClientUnresponsive { client: id("A") });

    desk.alive(conn);
    assert_eq!(desk.event(), Event::ClientResponsive { client: id("A") });
    assert_eq!(desk.sent(conn), [r#"{"id":6,"method":"getPlugins"}"#]);
    desk.message(conn, r#"{"id":0,"success":{"plugins":["old"]}}"#);
    assert_eq!(desk.desktop.counters().late_replies, 1);
    desk.message(conn, r#"{"id":6,"success":{"plugins":[]}}"#);
    assert_eq!(desk.sent(conn), [r#"{"id":7,"method":"getBackgroundPlugins"}"#]);
    desk.message(conn, r#"{"id":7,"success":{"plugins":[]}}"#);
    assert!(matches!(desk.event(), Event::PluginsChanged { .. }));
}

#[test]
fn a_client_that_knows_no_background_plugins_has_none() {
    let mut desk = Desk::new();
    let conn = desk.connect("A");
    desk.message(conn, r#"{"id":0,"success":{"plugins":["P"]}}"#);
    for attempt in 1..=6 {
        assert_eq!(desk.sent(conn), [format!(r#"{{"id":{attempt},"method":"getBackgroundPlugins"}}"#)]);
        desk.assert_quiet();
        desk.advance(4_999);
        desk.alive(conn);
        desk.advance(1);
    }
    let events = desk.events();
    let error = ProtocolError::Unanswered("getBackgroundPlugins");
    assert_eq!(events[0], Event::PeerMisbehaved { conn, client: Some(id("A")), error });
    let Event::PluginsChanged { plugins, background, .. } = &events[1] else { panic!() };
    assert_eq!((plugins.len(), background.len(), events.len()), (1, 0, 2));
}

#[test]
fn a_client_that_registered_once_keeps_its_plugins() {
    let mut desk = Desk::new();
    let conn = desk.client("A", &["P"]);
    desk.message(conn, r#"{"method":"refreshPlugins"}"#);
    for _ in 0..6 {
        assert_eq!(desk.sent(conn).len(), 1);
        desk.advance(4_999);
        desk.alive(conn);
        desk.advance(1);
    }
    assert_eq!(desk.misbehaviour(), ProtocolError::Unanswered("getPlugins"));
    assert_eq!(desk.desktop.client(&id("A")).unwrap().plugins.unwrap().len(), 1);

    // The next time that it says so it is asked again.
    desk.message(conn, r#"{"method":"refreshPlugins"}"#);
    assert_eq!(desk.sent(conn), [r#"{"id":8,"method":"getPlugins"}"#]);
}

#[test]
fn timers_end_with_their_connection() {
    let mut desk = Desk::new();
    let unregistered = desk.connect("A");
    let conn = desk.client("B", &["P"]);
    desk.call("B", "m");
    desk.sent(conn);
    desk.message(conn, r#"{"method":"refreshPlugins"}"#);
    desk.sent(conn);
    desk.closed(unregistered);
    desk.closed(conn);
    desk.events();
    assert_eq!(timer(&desk), None);
}

#[test]
fn other_timings() {
    let mut config = Config::new();
    config.timing.ping = Duration::from_millis(20);
    config.timing.missed_pings = 0;
    config.timing.unresponsive = Duration::from_millis(60);
    config.timing.registration = Duration::ZERO;
    config.timing.registration_retries = 0;
    config.timing.close = Duration::ZERO;
    let mut desk = Desk::with(config);
    let conn = desk.client("A", &[]);
    desk.advance(20);
    assert_eq!(desk.actions(), [Action::Ping { conn }]);
    assert_eq!(desk.event(), Event::ClientUnresponsive { client: id("A") });
    desk.advance(40);
    assert_eq!(desk.disconnected("A"), DisconnectCause::Unresponsive { after: Duration::from_millis(60) });
    assert_eq!(desk.actions().len(), 2);
    desk.advance(1);
    assert_eq!(desk.actions(), [Action::Abort { conn }]);

    let conn = desk.connect("B");
    desk.advance(1);
    assert_eq!(desk.disconnected("B"), DisconnectCause::NotRegistered);
    desk.close_frame(conn);
    desk.closed(conn);
}

#[test]
fn deadlines_that_never_come() {
    let mut config = Config::new();
    config.timing.ping = Duration::MAX;
    config.timing.registration = Duration::MAX;
    config.timing.call = Duration::MAX;
    let mut desk = Desk::with(config);
    let conn = desk.client("A", &["P"]);
    desk.call("A", "m");
    desk.sent(conn);
    assert_eq!(timer(&desk), None);
    // Not even at the end of time, where every timer would be due for ever.
    desk.desktop.handle_timeout(Instant::from_millis(u64::MAX));
    desk.assert_quiet();
    desk.closed(conn);
    desk.events();
}

#[test]
fn the_timers_of_a_thousand_clients() {
    let mut desk = Desk::new();
    let mut conns: BTreeMap<ConnId, usize> = BTreeMap::new();
    for number in 0..1_000 {
        let conn = desk.client(&format!("A{number}"), &["P"]);
        conns.insert(conn, 0);
        desk.advance(7);
        desk.actions().clear();
    }
    // Each is pinged at its own moment, and no timer lies in the past at any: `fire` sees to that.
    let end = desk.now.as_millis() + 60_000;
    while timer(&desk).is_some_and(|(at, _)| at <= end) {
        assert_eq!(desk.advance_to_timer(), Timer::Ping);
        for action in desk.actions() {
            let Action::Ping { conn } = action else { panic!("{action:?}") };
            *conns.get_mut(&conn).unwrap() += 1;
            desk.alive(conn);
        }
    }
    assert!(conns.values().all(|pings| (5..=7).contains(pings)), "{conns:?}");
    desk.stop();
    desk.actions();
    desk.events();
    desk.advance(2_000);
    desk.actions();
    assert_eq!((desk.desktop.connections(), timer(&desk)), (0, None));
}
