//! Pauses between bursts of events, for a user interface that shows nothing before there is one.

#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

mod rig;

use std::time::Duration;

use flipper_proto::client::{Config, Timer};
use flipper_proto::{AttemptId, Payload, PluginId};

use self::rig::{Rig, config};

const PAUSE: Duration = Duration::from_millis(250);

fn paused() -> Config {
    let mut config = config();
    config.event_pause = PAUSE;
    config
}

/// What a driver does in a turn in which an app sends an event.
fn send(rig: &mut Rig, attempt: AttemptId, plugin: &str, params: u32) {
    let params = Payload::serialize(&params).unwrap();
    rig.client.send(&PluginId::new(plugin), "e", Some(&params)).unwrap();
    rig.writable(attempt, usize::MAX);
}

fn events(rig: &mut Rig) -> Vec<u32> {
    let number = |event: String| event.rsplit_once("\"params\":").unwrap().1.trim_end_matches('}').parse().unwrap();
    rig.sent().into_iter().map(number).collect()
}

#[test]
fn the_first_event_goes_at_once_and_those_after_it_together_when_the_pause_is_over() {
    let (mut rig, attempt) = Rig::in_use(paused(), &["A", "B"]);

    send(&mut rig, attempt, "A", 0);
    assert_eq!(events(&mut rig), [0]);

    for at in 1..=4 {
        rig.pass(Duration::from_millis(50));
        send(&mut rig, attempt, if at % 2 == 0 { "A" } else { "B" }, at);
    }
    rig.assert_no_actions();
    assert_eq!(rig.pass_to(Timer::Events), Duration::from_millis(50));
    assert_eq!(events(&mut rig), [1, 2, 3, 4], "all plugins share the pauses");

    send(&mut rig, attempt, "A", 5);
    rig.assert_no_actions();
    assert_eq!(rig.pass_to(Timer::Events), PAUSE);
    assert_eq!(events(&mut rig), [5]);
}

#[test]
fn an_app_that_is_never_silent_is_silent_between_bursts() {
    let (mut rig, attempt) = Rig::in_use(paused(), &["A"]);
    let mut bursts = Vec::new();
    for millis in 0..2_000 {
        if millis % 10 == 0 {
            send(&mut rig, attempt, "A", millis / 10);
        }
        let burst = events(&mut rig);
        if !burst.is_empty() {
            bursts.push((rig.now, burst));
        }
        rig.pass(Duration::from_millis(1));
    }
    let pauses = bursts.windows(2).map(|pair| pair[1].0.saturating_duration_since(pair[0].0));
    assert!(pauses.clone().all(|pause| pause >= PAUSE), "{:?}", pauses.collect::<Vec<_>>());
    let sent: Vec<_> = bursts.into_iter().flat_map(|(_, burst)| burst).collect();
    let last = u32::try_from(sent.len()).unwrap();
    assert_eq!(sent, (0..last).collect::<Vec<_>>(), "in order, and none left out");
    assert!(last > 170, "{last}");
}

#[test]
fn after_silence_nothing_waits() {
    let (mut rig, attempt) = Rig::in_use(paused(), &["A"]);
    send(&mut rig, attempt, "A", 0);
    rig.pass(PAUSE);
    send(&mut rig, attempt, "A", 1);
    assert_eq!(events(&mut rig), [0, 1]);
}

#[test]
fn a_pause_is_no_reason_to_wake_up_while_no_event_waits() {
    let (mut rig, attempt) = Rig::in_use(paused(), &["A"]);
    send(&mut rig, attempt, "A", 0);
    events(&mut rig);
    assert_ne!(rig.client.poll_timeout().map(|(_, timer)| timer), Some(Timer::Events));
}

#[test]
fn answers_do_not_wait() {
    let (mut rig, attempt) = Rig::in_use(paused(), &["A"]);
    send(&mut rig, attempt, "A", 0);
    send(&mut rig, attempt, "A", 1);
    assert_eq!(events(&mut rig), [0]);

    rig.message(attempt, r#"{"id":3,"method":"getPlugins"}"#);

    assert_eq!(rig.sent(), [r#"{"id":3,"success":{"plugins":["A"]}}"#]);
    assert_eq!(rig.client.waiting_events("A"), Ok(1));
}

#[test]
fn a_buffer_that_is_half_full_ends_the_pause_so_that_nothing_is_dropped() {
    for by_bytes in [false, true] {
        let mut config = paused();
        if by_bytes {
            let event = r#"{"method":"execute","params":{"api":"A","method":"e","params":100}}"#;
            config.limits.buffered_event_bytes = 20 * event.len();
        } else {
            config.limits.buffered_events = 20;
        }
        let (mut rig, attempt) = Rig::in_use(config, &["A"]);
        for at in 100..1_000 {
            send(&mut rig, attempt, "A", at);
        }
        rig.pass_to(Timer::Events);
        assert_eq!(events(&mut rig), (100..1_000).collect::<Vec<_>>());
        assert_eq!(rig.client.dropped_events("A"), Ok(0));
    }
}

#[test]
fn a_client_that_stops_sends_what_waits() {
    let (mut rig, attempt) = Rig::in_use(paused(), &["A"]);
    send(&mut rig, attempt, "A", 0);
    send(&mut rig, attempt, "A", 1);
    assert_eq!(events(&mut rig), [0]);

    rig.stop();

    assert!(rig.take_sent().ends_with(r#""params":1}}"#));
    rig.take_close();
}

#[test]
fn what_waited_for_a_plugin_to_be_initialised_goes_in_one_burst() {
    let (mut rig, attempt) = Rig::connected(paused(), &["A"]);
    for at in 0..10 {
        send(&mut rig, attempt, "A", at);
    }
    rig.init(attempt, "A");
    assert_eq!(events(&mut rig), (0..10).collect::<Vec<_>>());
}

#[test]
fn a_plugin_that_the_desktop_leaves_in_a_pause_keeps_its_events() {
    let (mut rig, attempt) = Rig::in_use(paused(), &["A"]);
    send(&mut rig, attempt, "A", 0);
    send(&mut rig, attempt, "A", 1);
    events(&mut rig);
    rig.message(attempt, r#"{"method":"deinit","params":{"plugin":"A"}}"#);
    assert_ne!(rig.client.poll_timeout().map(|(_, timer)| timer), Some(Timer::Events));
    rig.pass(PAUSE);
    rig.assert_no_actions();
    rig.init(attempt, "A");
    assert_eq!(events(&mut rig), [1]);
}
