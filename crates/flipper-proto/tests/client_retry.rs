//! When the client tries again, and how it notices that it goes in circles.

mod rig;

use std::time::Duration;

use flipper_proto::client::{Config, Event, Failure, Os, Purpose, State, Timer};
use flipper_proto::{AttemptId, CloseCause, Excerpt};

use self::rig::{Rig, code, config, credentials, millis, secs};

const FIRST: Duration = Duration::from_millis(250);
const CEILING: Duration = Duration::from_secs(10);

fn seeded(seed: u64) -> Config {
    let mut config = config();
    config.seed = seed;
    config
}

fn opening(config: Config) -> (Rig, AttemptId) {
    let mut rig = Rig::new(config);
    let attempt = rig.start_with(Some(credentials(7)));
    rig.events();
    (rig, attempt)
}

/// The waits between so many attempts that find nobody listening.
fn waits(seed: u64, attempts: usize) -> Vec<Duration> {
    let (mut rig, mut attempt) = opening(seeded(seed));
    let mut waits = Vec::new();
    for _ in 0..attempts {
        waits.push(rig.fail(attempt, CloseCause::Refused));
        attempt = rig.take_connect().0;
    }
    waits
}

/// A session that lasts so long, and how long the client waits after it.
fn session(rig: &mut Rig, attempt: AttemptId, lasts: Duration) -> (Duration, AttemptId) {
    rig.open_session(attempt);
    rig.pass(lasts);
    rig.actions();
    rig.events();
    let waited = rig.fail(attempt, CloseCause::Eof);
    (waited, rig.take_connect().0)
}

#[track_caller]
fn assert_in_upper_half(wait: Duration, span: Duration) {
    assert!(wait >= span / 2 && wait <= span, "{wait:?} is not in the upper half of {span:?}");
}

#[test]
fn waits_double_up_to_a_ceiling() {
    for seed in 0..200 {
        for (at, wait) in waits(seed, 12).into_iter().enumerate() {
            assert_in_upper_half(wait, CEILING.min(FIRST * (1 << at)));
        }
    }
}

#[test]
fn waits_fill_their_range() {
    let firsts: Vec<_> = (0..500).map(|seed| waits(seed, 1)[0]).collect();
    let (least, most) = (*firsts.iter().min().unwrap(), *firsts.iter().max().unwrap());
    assert!(least <= millis(127) && most >= millis(248), "{least:?} to {most:?}");
}

#[test]
fn the_seed_decides() {
    assert_eq!(waits(1, 20), waits(1, 20));
    assert_ne!(waits(1, 20), waits(2, 20));
}

#[test]
fn failures_without_end_do_no_harm() {
    assert_in_upper_half(*waits(3, 1_000).last().unwrap(), CEILING);
}

#[test]
fn extreme_settings_do_no_harm() {
    for (first, ceiling) in [(secs(0), secs(0)), (Duration::MAX, Duration::MAX), (Duration::from_nanos(1), secs(1))] {
        let mut config = config();
        config.backoff.first = first;
        config.backoff.ceiling = ceiling;
        let (mut rig, mut attempt) = opening(config);
        for _ in 0..40 {
            rig.closed(attempt, CloseCause::Refused);
            let (at, _) = rig.client.poll_timeout().unwrap();
            assert!(at > rig.now);
            if first == Duration::MAX {
                break;
            }
            rig.pass_to(Timer::Retry);
            attempt = rig.take_connect().0;
        }
    }
}

#[test]
fn every_end_of_an_attempt_leads_to_another() {
    for cause in [
        CloseCause::Refused,
        CloseCause::Unreachable("no such host".into()),
        CloseCause::Timeout,
        CloseCause::DroppedBeforeUpgrade,
        CloseCause::Http(400),
        CloseCause::Http(401),
        CloseCause::Http(403),
        CloseCause::Http(404),
        CloseCause::Http(503),
        CloseCause::BadUpgrade("hello".into()),
        CloseCause::Eof,
        CloseCause::Reset,
        CloseCause::Local,
    ] {
        let (mut rig, attempt) = opening(config());
        rig.closed(attempt, cause.clone());
        let (purpose, to) = (Purpose::Session, String::from("localhost:9088"));
        let failure = Failure::Connection { purpose, to, cause };
        let State::Waiting { until } = rig.client.state() else { panic!("{:?}", rig.client.state()) };
        assert_eq!(rig.events(), [Event::Failed(failure.clone()), Event::StateChanged(State::Waiting { until })]);
        assert_eq!(rig.client.last_failure(), Some(&failure));
        rig.pass_to(Timer::Retry);
        rig.take_connect();
    }
}

#[test]
fn every_end_of_a_session_leads_to_another() {
    let codes = [1000, 1001, 1005, 1006, 1011, 3000, 4401, 4403, 4408, 4409, 4413].map(code);
    let others = [
        CloseCause::Eof,
        CloseCause::Reset,
        CloseCause::TooLarge { size: 2, max: 1 },
        CloseCause::WebSocket(Excerpt::default()),
    ];
    for cause in codes.into_iter().chain(others) {
        let mut config = config();
        config.os = Os::Automatic(String::from("MacOS"));
        let (mut rig, attempt) = opening(config);
        rig.open_session(attempt);
        rig.events();
        rig.closed(attempt, cause.clone());
        let failures = rig.failures();
        if cause == code(1011) {
            assert_eq!(failures, [Failure::QueryRefused { reason: Excerpt::default() }]);
        } else {
            let (purpose, to) = (Purpose::Session, String::from("localhost:9088"));
            assert_eq!(failures, [Failure::Connection { purpose, to, cause }]);
        }
        assert_in_upper_half(rig.pass_to(Timer::Retry), FIRST);
        rig.take_action();
    }
}

#[test]
fn addresses_are_told_as_people_write_them() {
    let mut config = config();
    config.host = String::from("::1");
    let (mut rig, attempt) = opening(config);
    rig.closed(attempt, CloseCause::Refused);
    let text = rig.client.last_failure().unwrap().to_string();
    assert!(text.starts_with("session with [::1]:9088: the connection was refused"), "{text}");
}

#[test]
fn only_a_stable_session_makes_the_next_wait_short() {
    let (mut rig, attempt) = opening(seeded(5));
    rig.fail(attempt, CloseCause::Refused);
    let attempt = rig.take_connect().0;
    rig.fail(attempt, CloseCause::Refused);
    let attempt = rig.take_connect().0;

    let (wait, attempt) = session(&mut rig, attempt, millis(9_999));
    assert_in_upper_half(wait, 4 * FIRST);
    let (wait, attempt) = session(&mut rig, attempt, secs(10));
    assert_in_upper_half(wait, FIRST);
    let (wait, _) = session(&mut rig, attempt, secs(1));
    assert_in_upper_half(wait, 2 * FIRST);
}

#[test]
fn a_session_that_was_stable_counts_even_if_its_timer_comes_late() {
    let (mut rig, attempt) = opening(config());
    rig.fail(attempt, CloseCause::Refused);
    let attempt = rig.take_connect().0;
    rig.open_session(attempt);
    rig.now = rig.now + secs(60);

    assert_in_upper_half(rig.fail(attempt, CloseCause::Eof), FIRST);
}

#[test]
fn sessions_that_end_at_once_are_taken_for_a_loop() {
    let (mut rig, mut attempt) = opening(config());
    for sessions in 1..=6_u32 {
        rig.open_session(attempt);
        rig.events();
        rig.closed(attempt, code(4409));
        let (purpose, to) = (Purpose::Session, String::from("localhost:9088"));
        let ended = Failure::Connection { purpose, to, cause: code(4409) };
        let failures = rig.failures();
        let waited = rig.pass_to(Timer::Retry);
        if sessions < 4 {
            assert_eq!(failures, [ended]);
            assert_in_upper_half(waited, FIRST * (1 << (sessions - 1)));
        } else {
            assert_eq!(failures, [Failure::ReconnectLoop { sessions, cause: Box::new(ended) }]);
            assert_in_upper_half(waited, CEILING);
        }
        attempt = rig.take_connect().0;
    }
    let text = rig.client.last_failure().unwrap().to_string();
    assert!(text.contains("6 sessions in a row") && text.contains("closed with code 4409"), "{text}");

    // Connections that fail in between do not hide it, a stable session ends it.
    rig.fail(attempt, CloseCause::Refused);
    attempt = rig.take_connect().0;
    let (wait, attempt) = session(&mut rig, attempt, secs(1));
    assert_in_upper_half(wait, CEILING);
    let (wait, attempt) = session(&mut rig, attempt, secs(10));
    assert_in_upper_half(wait, FIRST);
    session(&mut rig, attempt, secs(1));
    assert!(!matches!(rig.client.last_failure(), Some(Failure::ReconnectLoop { .. })));
}

#[test]
fn a_new_start_waits_like_the_first() {
    let (mut rig, mut attempt) = opening(config());
    for _ in 0..8 {
        rig.fail(attempt, CloseCause::Refused);
        attempt = rig.take_connect().0;
    }
    rig.closed(attempt, CloseCause::Refused);
    rig.stop();
    rig.start();
    let attempt = rig.take_connect().0;
    assert_in_upper_half(rig.fail(attempt, CloseCause::Refused), FIRST);
}
