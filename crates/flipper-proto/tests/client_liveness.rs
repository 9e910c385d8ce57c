//! Pings, and peers that leave them unanswered: people stop programs at breakpoints.

mod rig;

use flipper_proto::client::{Action, Event, Failure, State, Timer};
use flipper_proto::{AttemptId, CloseCode, Instant};

use self::rig::{Rig, code, config, secs};

const RESPONSIVE: State = State::Connected { unresponsive: false };
const UNRESPONSIVE: State = State::Connected { unresponsive: true };

/// A session that is stable, so that only pings are due.
fn stable() -> (Rig, AttemptId) {
    let (mut rig, attempt) = Rig::in_use(config(), &["A"]);
    rig.pass(secs(5));
    rig.alive(attempt);
    rig.pass_to(Timer::Stable);
    rig.alive(attempt);
    rig.actions();
    rig.assert_quiet();
    (rig, attempt)
}

#[test]
fn a_peer_that_answers_is_pinged_for_ever() {
    let (mut rig, attempt) = stable();
    for _ in 0..100 {
        assert_eq!(rig.pass_to(Timer::Ping), secs(10));
        assert_eq!(rig.actions(), [Action::Ping { attempt }]);
        rig.pass(secs(1));
        rig.alive(attempt);
    }
    rig.assert_quiet();
    assert_eq!(rig.client.state(), RESPONSIVE);
}

#[test]
fn a_peer_that_talks_is_not_pinged() {
    let (mut rig, attempt) = stable();
    for round in 0..100 {
        rig.pass(secs(9));
        match round % 3 {
            0 => rig.message(attempt, r#"{"method":"getPlugins"}"#),
            1 => rig.binary(attempt, br#"{"method":"getPlugins"}"#),
            _ => rig.alive(attempt),
        }
    }
    rig.assert_quiet();
    rig.binary(attempt, b"\xff");
    rig.events();
    rig.pass(secs(9));
    rig.message(attempt, "no JSON");
    rig.events();
    rig.pass(secs(9));
    rig.assert_quiet();
}

#[test]
fn a_silent_peer_is_unresponsive_after_two_missed_pings() {
    let (mut rig, attempt) = stable();
    for missed in 0..2 {
        assert_eq!(rig.pass_to(Timer::Ping), secs(10));
        assert_eq!(rig.actions(), [Action::Ping { attempt }], "{missed} missed");
        assert_eq!(rig.client.state(), RESPONSIVE);
    }
    rig.pass_to(Timer::Ping);
    assert_eq!(rig.actions(), [Action::Ping { attempt }]);
    assert_eq!(rig.events(), [Event::StateChanged(UNRESPONSIVE)]);
    rig.pass(secs(60));
    assert_eq!(rig.actions().len(), 6);
    rig.assert_quiet();

    rig.alive(attempt);
    assert_eq!(rig.events(), [Event::StateChanged(RESPONSIVE)]);
    assert_eq!(rig.pass_to(Timer::Ping), secs(10));
    rig.actions();
    rig.assert_quiet();
}

#[test]
fn the_number_of_missed_pings_is_a_setting() {
    for missed in [0, 1, 5] {
        let mut config = config();
        config.timing.missed_pings = missed;
        let (mut rig, _) = Rig::in_use(config, &[]);
        rig.pass(secs(10 * u64::from(missed)));
        assert_eq!(rig.client.state(), RESPONSIVE);
        rig.pass(secs(10));
        assert_eq!(rig.client.state(), UNRESPONSIVE);
    }
}

#[test]
fn an_unresponsive_session_goes_on() {
    let (mut rig, attempt) = stable();
    rig.message(attempt, r#"{"id":1,"method":"execute","params":{"api":"A","method":"m"}}"#);
    let call = rig.take_call();
    rig.pass(secs(9 * 60));
    rig.actions();
    assert_eq!(rig.events(), [Event::StateChanged(UNRESPONSIVE)]);

    rig.respond(call, "{}");
    rig.send("A", "m", "{}");
    assert_eq!(rig.sent().len(), 2);
    rig.message(attempt, r#"{"id":2,"method":"getPlugins"}"#);
    assert_eq!(rig.sent().len(), 1);
    assert_eq!(rig.events(), [Event::StateChanged(RESPONSIVE)]);
    assert!(rig.client.is_plugin_connected("A"));
}

#[test]
fn after_ten_minutes_of_silence_the_session_is_given_up() {
    let (mut rig, attempt) = stable();
    let silent_since = rig.now;
    rig.pass(secs(599));
    assert_eq!(rig.actions().len(), 59);
    assert_eq!(rig.events(), [Event::StateChanged(UNRESPONSIVE)]);

    rig.pass(secs(1));

    assert_eq!(rig.now, silent_since + secs(600));
    assert_eq!(rig.take_close(), (attempt, CloseCode::GOING_AWAY));
    assert_eq!(
        rig.events(),
        [
            Event::Failed(Failure::Unresponsive { after: secs(600) }),
            Event::PluginDisconnected("A".into()),
            Event::StateChanged(State::Closing),
        ]
    );
    assert_eq!(rig.pass_to(Timer::Close), secs(2));
    assert_eq!(rig.actions(), [Action::Abort { attempt }]);
    assert!(matches!(rig.client.state(), State::Waiting { .. }));
    assert!(rig.pass_to(Timer::Retry) <= secs(1));
    rig.take_connect();
}

#[test]
fn what_waits_for_a_silent_peer_is_kept_for_the_next_session() {
    let (mut rig, attempt) = stable();
    rig.pass(secs(599));
    rig.writable(attempt, 0);
    rig.send("A", "m", "1");
    rig.pass(secs(1));
    rig.writable(attempt, 1 << 20);
    assert!(matches!(rig.actions().last(), Some(Action::Close { .. })));
    rig.closed(attempt, code(1000));
    assert_eq!(rig.client.waiting_events("A"), Ok(1));

    rig.pass_to(Timer::Retry);
    let (attempt, ..) = rig.take_connect();
    rig.open_session(attempt);
    rig.init(attempt, "A");
    assert_eq!(rig.sent(), [r#"{"method":"execute","params":{"api":"A","method":"m","params":1}}"#]);
}

/// The process was stopped at a breakpoint, or the machine slept: nobody listened, so nobody was silent.
#[test]
fn a_breakpoint_of_our_own_does_not_end_the_session() {
    let (mut rig, attempt) = stable();
    for minutes in [1, 15, 600] {
        rig.now = rig.now + secs(60 * minutes);
        rig.timeout();
        assert_eq!(rig.actions(), [Action::Ping { attempt }]);
        assert_eq!(rig.client.state(), RESPONSIVE, "after {minutes} min");
        rig.alive(attempt);
    }
    // Again and again, and with a ping under way.
    rig.pass(secs(11));
    rig.actions();
    rig.now = rig.now + secs(3_600);
    rig.timeout();
    assert_eq!(rig.actions(), [Action::Ping { attempt }]);
    assert_eq!(rig.client.state(), RESPONSIVE);
    rig.assert_quiet();
}

#[test]
fn a_clock_that_goes_back_does_no_harm() {
    let (mut rig, attempt) = stable();
    rig.now = Instant::ZERO;
    rig.timeout();
    rig.alive(attempt);
    rig.message(attempt, r#"{"id":2,"method":"getPlugins"}"#);
    assert_eq!(rig.sent().len(), 1);
    rig.pass(secs(10));
    assert_eq!(rig.actions(), [Action::Ping { attempt }]);
}
