//! Two ends that send faster than they read, or do not read at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use flipper_client::plugin;
use flipper_client::proto::client::{Failure, State};
use serde_json::{Value, json};

use crate::scripted::{call, frames};
use crate::suite::Connected;
use crate::{Adapter, Handle as _, Result};

const MIB: usize = 1024 * 1024;

/// Covers: P26, M1.
pub fn both_sides_may_send_megabytes_at_once_with_nobody_reading_first<A: Adapter>() -> Result {
    const CALLS: u64 = 3;
    let Connected { mut session, app, .. } = Connected::<A>::new()?;
    let large = format!("\"{}\"", "x".repeat(8 * MIB));

    // More than any socket buffers: the second can only be sent if the app reads while its own first answer is stuck.
    for id in 0..CALLS {
        session.call(id, "Example", "echo", &large)?;
    }

    for id in 0..CALLS {
        let answer = session.receive_text()?;
        assert!(answer == format!(r#"{{"id":{id},"success":{large}}}"#), "answer {id} is another");
    }
    session.assert_echoes()?;
    app.stop(session)
}

/// Covers: P25, §5 report.
pub fn a_desktop_that_does_not_read_costs_events_and_is_told_how_many<A: Adapter>() -> Result {
    const EVENTS: u64 = 4000;
    const WAITING: usize = 100;
    let called = Arc::new(AtomicU64::new(0));
    let calls = Arc::clone(&called);
    let other = plugin("Other").call("note", move |call| {
        calls.fetch_add(1, Ordering::SeqCst);
        drop(call);
    });
    let Connected { mut session, app, .. } = Connected::<A>::with(|builder| {
        builder.plugin(other.build()).configure(|config| config.limits.buffered_events = WAITING)
    })?;
    session.init("Other")?;
    session.assert_echoes()?;
    let connection = app.handle.connection("Example");

    let text = "x".repeat(16 * 1024);
    for nth in 0..EVENTS {
        connection.send("row", &json!({"nth": nth, "text": text}))?;
    }

    // 64 MB in all: what does not wait, and is not with the system, was dropped.
    let dropped = connection.dropped();
    assert!(dropped > EVENTS / 2, "{dropped}");
    assert!(connection.waiting() <= WAITING);
    assert_eq!(app.handle.counters().events_dropped, dropped);
    // Everything else goes on: the desktop's calls arrive, other plugins' events wait, and the app can be changed.
    for id in 0..10 {
        session.call(id, "Other", "note", "{}")?;
    }
    while called.load(Ordering::SeqCst) < 10 {
        std::thread::yield_now();
    }
    app.handle.connection("Other").send("event", &json!({}))?;
    app.handle.add_plugin(plugin("Late").build())?;
    assert!(app.handle.status().is_connected());

    let (mut rows, mut answers, mut others, mut told) = (Vec::new(), 0, 0, Vec::new());
    while told.is_empty() || answers < 10 || others < 2 {
        let message = session.receive()?;
        if message["params"]["method"] == "row" {
            rows.push(message["params"]["params"]["nth"].as_u64().unwrap_or(u64::MAX));
        } else if message["error"]["name"] == "EventsDropped" {
            told.push(message["error"]["message"].clone());
        } else if message["error"]["name"] == "NoAnswer" {
            answers += 1;
        } else {
            others += 1;
        }
    }
    assert_eq!(told, [format!("{dropped} events of plugin Example were dropped, because its buffer was full")]);
    assert_eq!(rows.len() as u64, EVENTS - dropped);
    assert!(rows.is_sorted());
    assert_eq!((rows.first(), rows.last()), (Some(&0), Some(&(EVENTS - 1))));
    session.assert_echoes()?;
    app.stop(session)
}

/// Covers: P26.
pub fn a_desktop_that_calls_and_does_not_read_gets_short_answers<A: Adapter>() -> Result {
    const CALLS: u64 = 400;
    let Connected { mut session, app, .. } =
        Connected::<A>::with(|builder| builder.configure(|config| config.limits.queued_answer_bytes = MIB))?;
    let text = format!("\"{}\"", "x".repeat(64 * 1024));

    for id in 0..CALLS {
        session.call(id, "Example", "echo", &text)?;
    }

    let mut replaced = 0;
    for id in 0..CALLS {
        let answer = session.receive()?;
        assert_eq!(answer["id"], id);
        if let Value::Object(error) = &answer["error"] {
            assert_eq!(error["name"], "AnswerDropped");
            replaced += 1;
        }
    }
    assert!(replaced > 0);
    assert_eq!((app.handle.counters().answers_replaced, app.handle.counters().answers_dropped), (replaced, 0));
    session.assert_echoes()?;
    app.stop(session)
}

/// Covers: P23.
pub fn a_desktop_that_pings_and_does_not_read_is_not_read_from_for_ever<A: Adapter>() -> Result {
    const PINGS: usize = 100;
    const TIMES: usize = 2000;
    let Connected { mut session, app, .. } = Connected::<A>::new()?;
    session.assert_echoes()?;
    let pings = frames::frame(0x89, &[b'x'; 125]).repeat(PINGS);
    // A client's frames have a mask of four bytes.
    let pongs = pings.len() + 4 * PINGS;

    // It stops reading when it cannot send the pongs; once it can, it goes on, and none is missing.
    let was_stopped = session.flood(&pings, pongs, TIMES)?;

    assert!(was_stopped, "the app has read everything, and keeps as many pongs");
    drop(app);
    Ok(())
}

/// Covers: P23.
pub fn a_desktop_that_stops_at_a_breakpoint_is_waited_for<A: Adapter>() -> Result {
    let Connected { mut session, mut app, .. } =
        Connected::<A>::with(|builder| builder.configure(|config| config.timing.ping = Duration::from_millis(10)))?;
    let unresponsive = State::Connected { unresponsive: true };

    app.wait_state(&unresponsive)?;
    session.wait_for_ping()?;
    session.assert_echoes()?;
    app.wait_connected()?;
    assert_eq!(app.handle.status().last_failure, None);
    app.stop(session)
}

/// Covers: P23.
pub fn a_message_that_takes_long_is_a_sign_of_life<A: Adapter>() -> Result {
    let Connected { mut session, mut app, .. } =
        Connected::<A>::with(|builder| builder.configure(|config| config.timing.ping = Duration::from_millis(10)))?;
    let unresponsive = State::Connected { unresponsive: true };
    let message = frames::text(&call(1, "Example", "echo", r#"{"is":"long"}"#));
    let mut pieces = message.chunks(message.len() / 3);

    // The desktop does not read before the end, so that no pong says the same.
    for piece in pieces.by_ref().take(2) {
        app.wait_state(&unresponsive)?;
        session.send_raw(piece)?;
        app.wait_connected()?;
    }

    for piece in pieces {
        session.send_raw(piece)?;
    }
    assert_eq!(session.receive()?, json!({"id": 1, "success": {"is": "long"}}));
    app.stop(session)
}

/// Covers: P22, P23.
pub fn a_desktop_that_never_comes_back_is_given_up<A: Adapter>() -> Result {
    let Connected { session, mut app, desktop, .. } = Connected::<A>::with(|builder| {
        builder.configure(|config| {
            config.timing.ping = Duration::from_millis(5);
            config.timing.unresponsive = Duration::from_millis(100);
            config.timing.close = Duration::from_millis(5);
        })
    })?;

    let failure = app.wait_failure()?;

    assert!(matches!(failure, Failure::Unresponsive { .. }), "{failure:?}");
    session.wait_gone();
    let another = desktop.session()?;
    drop(app);
    another.wait_gone();
    Ok(())
}
