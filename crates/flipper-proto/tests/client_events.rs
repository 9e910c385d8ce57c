//! Events: how they wait, in which order they go, and what becomes of those for which there is no room.

mod rig;

use flipper_proto::client::{Action, Config, Event, Reply};
use flipper_proto::{ApiMisuse, AttemptId, CloseCause, ErrorReport, Overflow, Payload, PluginId};

use self::rig::{Rig, config, credentials};

fn event(plugin: &str, params: impl std::fmt::Display) -> String {
    format!(r#"{{"method":"execute","params":{{"api":"{plugin}","method":"e","params":{params}}}}}"#)
}

fn dropped(plugin: &str, count: u64) -> String {
    let message = format!("{count} events of plugin {plugin} were dropped, because its buffer was full");
    format!(r#"{{"error":{{"message":"{message}","name":"EventsDropped"}}}}"#)
}

fn send(rig: &mut Rig, plugin: &str, params: impl ToString) {
    rig.send(plugin, "e", &params.to_string());
}

fn small(events: usize, overflow: Overflow) -> Config {
    let mut config = config();
    config.limits.buffered_events = events;
    config.overflow = overflow;
    config
}

/// The session is lost, and the next one begun; with a socket that takes everything.
fn reconnect(rig: &mut Rig, attempt: AttemptId) -> AttemptId {
    rig.fail(attempt, CloseCause::Eof);
    let (attempt, ..) = rig.take_connect();
    rig.open_session(attempt);
    rig.events();
    attempt
}

#[test]
fn events_sent_before_the_connection_all_arrive_in_order() {
    let mut rig = Rig::with_plugins(config(), &["A"]);
    for at in 0..250 {
        send(&mut rig, "A", at);
    }
    let attempt = rig.start_with(Some(credentials(7)));
    for at in 250..400 {
        send(&mut rig, "A", at);
    }
    rig.open_session(attempt);
    for at in 400..500 {
        send(&mut rig, "A", at);
    }
    assert_eq!(rig.client.waiting_events("A"), Ok(500));
    rig.assert_no_actions();

    rig.init(attempt, "A");

    assert_eq!(rig.sent(), (0..500).map(|at| event("A", at)).collect::<Vec<_>>());
    assert_eq!(rig.client.waiting_events("A"), Ok(0));
    assert_eq!(rig.client.dropped_events("A"), Ok(0));
}

#[test]
fn events_of_a_plugin_in_use_go_at_once_and_verbatim() {
    let (mut rig, _) = Rig::in_use(config(), &["A"]);

    rig.send("A", "m\"1\"", r#"{"n": 1.10, "big": 12345678901234567890, "e": 1e400}"#);
    rig.client.send(&"A".into(), "bare", None).unwrap();
    rig.drain();

    assert_eq!(
        rig.sent(),
        [
            r#"{"method":"execute","params":{"api":"A","method":"m\"1\"","params":{"n": 1.10, "big": 12345678901234567890, "e": 1e400}}}"#,
            r#"{"method":"execute","params":{"api":"A","method":"bare"}}"#,
        ]
    );
}

#[test]
fn events_of_unknown_plugins_are_misuse() {
    let (mut rig, _) = Rig::in_use(config(), &["A"]);
    assert_eq!(rig.client.send(&PluginId::new("X"), "m", None), Err(ApiMisuse::UnknownPlugin));
    assert_eq!(rig.client.waiting_events("X"), Err(ApiMisuse::UnknownPlugin));
    assert_eq!(rig.client.dropped_events("X"), Err(ApiMisuse::UnknownPlugin));
}

#[test]
fn events_wait_while_nobody_looks() {
    let (mut rig, attempt) = Rig::in_use(config(), &["A"]);
    rig.message(attempt, r#"{"method":"deinit","params":{"plugin":"A"}}"#);
    send(&mut rig, "A", 1);
    rig.assert_no_actions();
    let attempt = reconnect(&mut rig, attempt);
    send(&mut rig, "A", 2);
    rig.assert_no_actions();

    rig.init(attempt, "A");
    send(&mut rig, "A", 3);
    assert_eq!(rig.sent(), [event("A", 1), event("A", 2), event("A", 3)]);
}

#[test]
fn the_events_of_a_removed_plugin_go_with_it() {
    let (mut rig, attempt) = Rig::in_use(config(), &["A", "B"]);
    rig.writable(attempt, 0);
    send(&mut rig, "A", 1);
    send(&mut rig, "B", 2);
    rig.client.remove_plugin("A").unwrap();
    rig.client.add_plugin("A", flipper_proto::client::PluginMode::Background).unwrap();
    rig.writable(attempt, 1 << 20);

    let refresh = r#"{"method":"refreshPlugins"}"#;
    assert_eq!(rig.sent(), [refresh, refresh, &event("B", 2)]);
    rig.init(attempt, "A");
    rig.assert_no_actions();
    assert_eq!(rig.client.waiting_events("A"), Ok(0));
}

#[test]
fn the_oldest_events_go_first_when_the_buffer_is_full() {
    let mut rig = Rig::with_plugins(small(3, Overflow::DropOldest), &["A"]);
    let attempt = rig.start_with(Some(credentials(7)));
    rig.open_session(attempt);
    for at in 0..10 {
        send(&mut rig, "A", at);
    }
    assert_eq!(rig.client.waiting_events("A"), Ok(3));
    assert_eq!(rig.client.dropped_events("A"), Ok(7));
    assert_eq!(rig.client.counters().events_dropped, 7);

    rig.init(attempt, "A");

    assert_eq!(rig.sent(), [dropped("A", 7), event("A", 7), event("A", 8), event("A", 9)]);
}

#[test]
fn the_newest_events_go_first_if_that_is_wanted() {
    let mut rig = Rig::with_plugins(small(3, Overflow::DropNewest), &["A"]);
    let attempt = rig.start_with(Some(credentials(7)));
    rig.open_session(attempt);
    for at in 0..10 {
        send(&mut rig, "A", at);
    }
    rig.init(attempt, "A");
    assert_eq!(rig.sent(), [dropped("A", 7), event("A", 0), event("A", 1), event("A", 2)]);
}

#[test]
fn the_buffer_is_limited_in_bytes_too() {
    for overflow in [Overflow::DropOldest, Overflow::DropNewest] {
        let mut config = small(1_000, overflow);
        config.limits.buffered_event_bytes = 3 * event("A", 0).len();
        let mut rig = Rig::with_plugins(config, &["A"]);
        let attempt = rig.start_with(Some(credentials(7)));
        rig.open_session(attempt);
        for at in 0..5 {
            send(&mut rig, "A", at);
        }
        send(&mut rig, "A", 10);
        rig.init(attempt, "A");

        let expected = match overflow {
            Overflow::DropOldest => [dropped("A", 4), event("A", 4), event("A", 10)].to_vec(),
            Overflow::DropNewest => [dropped("A", 3), event("A", 0), event("A", 1), event("A", 2)].to_vec(),
        };
        assert_eq!(rig.sent(), expected);

        // The bytes of what was sent are free again.
        rig.writable(attempt, 0);
        for at in 0..3 {
            send(&mut rig, "A", at);
        }
        rig.writable(attempt, 1 << 20);
        assert_eq!(rig.sent().len(), 3);
    }
}

#[test]
fn an_event_larger_than_the_buffer_waits_alone() {
    let mut config = config();
    config.limits.buffered_event_bytes = 10;
    let mut rig = Rig::with_plugins(config, &["A"]);
    let attempt = rig.start_with(Some(credentials(7)));
    rig.open_session(attempt);
    send(&mut rig, "A", 1);
    assert_eq!(rig.client.dropped_events("A"), Ok(0));
    send(&mut rig, "A", 2);
    rig.init(attempt, "A");
    assert_eq!(rig.sent(), [dropped("A", 1), event("A", 2)]);
}

#[test]
fn without_a_buffer_every_event_is_dropped() {
    for overflow in [Overflow::DropOldest, Overflow::DropNewest] {
        let mut rig = Rig::with_plugins(small(0, overflow), &["A"]);
        let attempt = rig.start_with(Some(credentials(7)));
        rig.open_session(attempt);
        send(&mut rig, "A", 1);
        send(&mut rig, "A", 2);
        rig.init(attempt, "A");
        assert_eq!(rig.sent(), [dropped("A", 2)]);
    }
}

#[test]
fn what_was_dropped_is_told_once() {
    let mut rig = Rig::with_plugins(small(1, Overflow::DropOldest), &["A", "B"]);
    let attempt = rig.start_with(Some(credentials(7)));
    rig.open_session(attempt);
    for at in 0..3 {
        send(&mut rig, "A", at);
        send(&mut rig, "B", at);
    }
    rig.init(attempt, "A");
    assert_eq!(rig.sent(), [dropped("A", 2), event("A", 2)]);
    rig.init(attempt, "A");
    assert_eq!(rig.sent(), [""; 0]);
    rig.init(attempt, "B");
    assert_eq!(rig.sent(), [dropped("B", 2), event("B", 2)]);

    // What a session in use could not take is told after the events that it is missing from.
    rig.writable(attempt, 0);
    for at in 3..6 {
        send(&mut rig, "A", at);
    }
    rig.writable(attempt, 1 << 20);
    assert_eq!(rig.sent(), [event("A", 5), dropped("A", 2)]);

    let attempt = reconnect(&mut rig, attempt);
    rig.init(attempt, "A");
    assert_eq!(rig.sent(), [""; 0]);
    rig.message(attempt, r#"{"method":"deinit","params":{"plugin":"A"}}"#);
    send(&mut rig, "A", 6);
    send(&mut rig, "A", 7);
    let attempt = reconnect(&mut rig, attempt);
    rig.init(attempt, "A");
    assert_eq!(rig.sent(), [dropped("A", 1), event("A", 7)]);
    assert_eq!((rig.client.dropped_events("A"), rig.client.dropped_events("B")), (Ok(5), Ok(2)));
    assert_eq!(rig.client.counters().events_dropped, 7);
}

// --- Backpressure ---

#[test]
fn nothing_is_sent_without_room() {
    let (mut rig, attempt) = Rig::in_use(config(), &["A"]);
    rig.writable(attempt, 0);
    send(&mut rig, "A", 1);
    rig.message(attempt, r#"{"id":1,"method":"getPlugins"}"#);
    rig.assert_no_actions();

    rig.writable(attempt, 1);
    assert_eq!(rig.sent(), [r#"{"id":1,"success":{"plugins":["A"]}}"#]);
    rig.writable(attempt, 1);
    assert_eq!(rig.sent(), [event("A", 1)]);
}

#[test]
fn a_new_socket_takes_one_message() {
    let mut rig = Rig::with_plugins(config(), &["A"]);
    let attempt = rig.start_with(Some(credentials(7)));
    rig.writable(attempt, 1 << 20);
    rig.opened(attempt);
    for id in 1..=3 {
        rig.message(attempt, &format!(r#"{{"id":{id},"method":"getPlugins"}}"#));
    }
    assert_eq!(rig.sent(), [r#"{"id":1,"success":{"plugins":["A"]}}"#]);
    rig.writable(attempt, 1 << 20);
    assert_eq!(rig.sent().len(), 2);
}

#[test]
fn messages_fill_the_room_and_the_last_one_may_go_beyond() {
    let (mut rig, attempt) = Rig::in_use(config(), &["A"]);
    rig.writable(attempt, 0);
    for at in 0..10 {
        send(&mut rig, "A", at);
    }
    let size = event("A", 0).len();
    for (room, messages) in [(size, 1), (size + 1, 2), (2 * size - 1, 2), (2 * size, 2), (0, 0), (3 * size, 3)] {
        rig.writable(attempt, room);
        assert_eq!(rig.sent().len(), messages, "{room} bytes of room");
    }
}

#[test]
fn answers_go_before_events() {
    let (mut rig, attempt) = Rig::in_use(config(), &["A"]);
    rig.message(attempt, r#"{"id":1,"method":"execute","params":{"api":"A","method":"m"}}"#);
    let call = rig.take_call();
    rig.writable(attempt, 0);
    for at in 0..3 {
        send(&mut rig, "A", at);
    }
    rig.respond(call, "{}");
    rig.client.report_error(&ErrorReport::new("x")).unwrap();

    rig.writable(attempt, 1 << 20);

    let answers = [r#"{"id":1,"success":{}}"#, r#"{"error":{"message":"x"}}"#].map(String::from);
    let events = (0..3).map(|at| event("A", at));
    assert_eq!(rig.sent(), answers.into_iter().chain(events).collect::<Vec<_>>());
}

#[test]
fn plugins_take_turns_and_each_keeps_its_order() {
    let (mut rig, attempt) = Rig::in_use(config(), &["A", "B", "C"]);
    rig.writable(attempt, 0);
    for at in 0..5 {
        send(&mut rig, "C", at);
    }
    for at in 0..2 {
        send(&mut rig, "A", at);
    }
    send(&mut rig, "B", 0);

    rig.writable(attempt, 1);
    let mut sent = rig.sent();
    send(&mut rig, "B", 1);
    rig.writable(attempt, 1 << 20);
    sent.extend(rig.sent());

    let expected = [("C", 0), ("A", 0), ("B", 0), ("C", 1), ("A", 1), ("B", 1), ("C", 2), ("C", 3), ("C", 4)];
    assert_eq!(sent, expected.map(|(plugin, at)| event(plugin, at)));
}

#[test]
fn answers_to_a_desktop_that_does_not_read_are_replaced_and_then_dropped() {
    let mut config = config();
    config.limits.queued_answer_bytes = 1_000;
    let (mut rig, attempt) = Rig::in_use(config, &["A"]);
    rig.writable(attempt, 0);
    let answer = Payload::from_json(format!("\"{}\"", "x".repeat(380))).unwrap();
    for id in 1..=1_000 {
        rig.message(attempt, &format!(r#"{{"id":{id},"method":"execute","params":{{"api":"A","method":"m"}}}}"#));
        let call = rig.take_call();
        rig.client.respond(call, &Reply::Success(answer.clone())).unwrap();
    }
    rig.drain();
    rig.assert_no_actions();

    rig.writable(attempt, usize::MAX);
    let sent = rig.sent();
    assert_eq!(sent.iter().filter(|text| text.contains("success")).count(), 2);
    let replaced = sent.len() - 2;
    assert!(sent.iter().map(String::len).sum::<usize>() < 2 * 1_000 + 200, "{} messages", sent.len());
    let waiting = sent[..2].iter().map(String::len).sum::<usize>();
    let error = format!("The answer was dropped: {waiting} bytes of answers wait to be read");
    assert_eq!(sent[2], format!(r#"{{"id":3,"error":{{"message":"{error}","name":"AnswerDropped"}}}}"#));
    let counters = rig.client.counters();
    assert_eq!(counters.answers_replaced, replaced as u64);
    assert_eq!(counters.answers_dropped, 1_000 - 2 - replaced as u64);

    // Once it reads again, all is as before.
    rig.message(attempt, r#"{"id":1,"method":"getPlugins"}"#);
    assert_eq!(rig.sent(), [r#"{"id":1,"success":{"plugins":["A"]}}"#]);
}

#[test]
fn requests_without_end_to_a_desktop_that_does_not_read_fill_no_memory() {
    let mut config = config();
    config.limits.queued_answer_bytes = 10_000;
    let (mut rig, attempt) = Rig::in_use(config, &["A"]);
    rig.writable(attempt, 0);
    for id in 0..10_000 {
        let request = match id % 4 {
            0 => format!(r#"{{"id":{id},"method":"getPlugins"}}"#),
            1 => format!(r#"{{"id":{id},"method":"no such method"}}"#),
            2 => format!(r#"{{"id":{id},"method":"execute","params":{{"api":"X","method":"m"}}}}"#),
            _ => String::from(r#"{"id":"x","method":"init"}"#),
        };
        rig.message(attempt, &request);
    }
    for _ in 0..1_000 {
        rig.client.add_plugin("B", flipper_proto::client::PluginMode::Background).unwrap();
        rig.client.remove_plugin("B").unwrap();
    }
    rig.events();
    rig.writable(attempt, usize::MAX);
    let bytes: usize = rig.sent().iter().map(String::len).sum();
    assert!((10_000..20_200).contains(&bytes), "{bytes} bytes");
}

#[test]
fn events_of_the_old_session_do_not_reach_the_next_unasked() {
    let (mut rig, attempt) = Rig::in_use(config(), &["A"]);
    rig.writable(attempt, 0);
    send(&mut rig, "A", 1);
    rig.message(attempt, r#"{"id":1,"method":"getPlugins"}"#);
    let attempt = reconnect(&mut rig, attempt);
    rig.assert_no_actions();
    assert!(!rig.client.is_plugin_connected("A"));

    rig.init(attempt, "A");
    assert_eq!(rig.actions(), [Action::Send { attempt, text: event("A", 1) }]);
    assert_eq!(rig.events(), [Event::PluginConnected("A".into())]);
}

#[test]
fn what_was_sent_is_flushed_once_it_has_left_the_client_and_the_driver() {
    let mut rig = Rig::with_plugins(config(), &["A", "B"]);
    send(&mut rig, "A", 1);
    let attempt = rig.start_with(Some(credentials(7)));
    assert!(!rig.client.is_flushed("A"));
    assert!(!rig.client.is_flushed("B"), "there is no session");
    rig.open_session(attempt);
    assert!(rig.client.is_flushed("B"), "nothing was sent");
    assert!(!rig.client.is_flushed("A"), "the desktop has not initialised the plugin");

    rig.init(attempt, "A");
    assert_eq!(rig.sent().len(), 1);
    assert!(!rig.client.is_flushed("A"), "the driver has it");
    rig.client.handle_flushed(AttemptId::from_u64(999), rig.now);
    assert!(!rig.client.is_flushed("A"), "that was another attempt");
    rig.client.handle_flushed(attempt, rig.now);
    assert!(rig.client.is_flushed("A"));

    rig.writable(attempt, 0);
    rig.client.report_error(&ErrorReport::new("E")).unwrap();
    rig.drain();
    assert!(!rig.client.is_flushed("A"), "an error waits");
    rig.writable(attempt, usize::MAX);
    assert_eq!(rig.sent().len(), 1);
    rig.client.handle_flushed(attempt, rig.now);
    assert!(rig.client.is_flushed("A"));

    send(&mut rig, "A", 2);
    rig.fail(attempt, CloseCause::Eof);
    assert!(!rig.client.is_flushed("A"), "it may be lost");
    assert!(!rig.client.is_flushed("X"), "there is no such plugin");
}
