//! Events: what waits for a desktop, in which order it arrives, and what is lost.

use std::sync::mpsc::channel;

use flipper_client::proto::{ErrorReport, Overflow};
use flipper_client::{SendError, plugin};
use flipper_demo::example;
use serde_json::json;
use tempfile::TempDir;

use crate::scripted::{Desktop, Manner, Port, Reply, event};
use crate::suite::{App, Connected};
use crate::{Adapter, Handle as _, Result};

/// Covers: P25, §5 events.
pub fn events_from_before_the_first_session_arrive_in_order<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    let (go, gate) = channel();
    desktop.reply([Reply::GrantAfter(gate)]);
    let app = App::<A>::start(&desktop, dir.path())?;
    let connection = app.handle.connection("Example");
    for nth in 0..500 {
        connection.send("early", &nth)?;
    }
    assert_eq!((connection.waiting(), app.handle.status().is_connected()), (500, false));

    go.send(())?;
    let mut session = desktop.session()?;
    session.init("Example")?;

    for nth in 0..500 {
        assert_eq!(session.receive()?, event("Example", "early", &json!(nth)));
    }
    assert_eq!((connection.waiting(), connection.dropped()), (0, 0));
    app.stop(session)
}

/// Covers: P25, §5 events.
pub fn events_from_between_two_sessions_arrive_in_order<A: Adapter>() -> Result {
    let Connected { mut session, mut app, desktop, .. } = Connected::<A>::new()?;
    app.wait_connected()?;
    let connection = app.handle.connection("Example");
    for nth in 0..100 {
        connection.send("row", &nth)?;
    }
    for nth in 0..100 {
        assert_eq!(session.receive()?, event("Example", "row", &json!(nth)));
    }

    desktop.next(Port::Secure, [Manner::HangUp, Manner::HangUp]);
    session.close(1001, "back soon")?;
    app.wait_failure()?;
    for nth in 100..600 {
        connection.send("row", &nth)?;
    }
    let mut session = desktop.session()?;
    // What a desktop has not initialised gets nothing.
    session.send(&json!({"id": 1, "method": "getPlugins"}))?;
    assert_eq!(session.receive()?["id"], 1);
    session.init("Example")?;
    connection.send("row", &600)?;

    for nth in 100..=600 {
        assert_eq!(session.receive()?, event("Example", "row", &json!(nth)));
    }
    assert_eq!(connection.dropped(), 0);
    app.stop(session)
}

/// Covers: §5 report.
pub fn errors_outside_any_call_are_told_to_a_desktop_that_is_there<A: Adapter>() -> Result {
    let Connected { mut session, mut app, desktop, .. } = Connected::<A>::new()?;
    let connection = app.handle.connection("Example");
    session.assert_echoes()?;

    connection.report_error(&ErrorReport::new("It broke").named("Broken"))?;

    assert_eq!(session.receive()?, json!({"error": {"message": "It broke", "name": "Broken"}}));
    desktop.next(Port::Secure, vec![Manner::HangUp; 1000]);
    session.close(1000, "")?;
    app.wait_failure()?;
    assert_eq!(connection.report_error(&ErrorReport::new("It broke")), Err(SendError::NotConnected));
    app.stop_alone();
    Ok(())
}

/// The desktop is told once, before the events that are left.
///
/// Covers: P25, §5 events, §5 report.
pub fn events_beyond_the_buffer_are_counted_and_told<A: Adapter>() -> Result {
    for (overflow, left) in [(Overflow::DropOldest, 5..15), (Overflow::DropNewest, 0..10)] {
        let desktop = Desktop::new()?;
        let dir = TempDir::new()?;
        let (go, gate) = channel();
        desktop.reply([Reply::GrantAfter(gate)]);
        let app = App::<A>::start_with(&desktop, dir.path(), |builder| {
            let builder = builder.plugin(example()).overflow(overflow);
            builder.configure(|config| config.limits.buffered_events = 10)
        })?;
        let connection = app.handle.connection("Example");
        for nth in 0..15 {
            connection.send("row", &nth)?;
        }
        assert_eq!((connection.waiting(), connection.dropped()), (10, 5));
        assert_eq!(app.handle.counters().events_dropped, 5);

        go.send(())?;
        let mut session = desktop.session()?;
        session.init("Example")?;

        let message = "5 events of plugin Example were dropped, because its buffer was full";
        assert_eq!(session.receive()?, json!({"error": {"message": message, "name": "EventsDropped"}}));
        for nth in left {
            assert_eq!(session.receive()?, event("Example", "row", &json!(nth)));
        }
        session.assert_echoes()?;
        // What was told is not told again.
        session.close(1001, "")?;
        let mut session = desktop.session()?;
        session.init("Example")?;
        session.assert_echoes()?;
        app.stop(session)?;
    }
    Ok(())
}

/// Covers: P25, I6, §5 events.
pub fn events_wait_while_their_plugin_is_not_initialised<A: Adapter>() -> Result {
    let Connected { mut session, app, .. } = Connected::<A>::with(|builder| builder.plugin(plugin("Other").build()))?;
    let other = app.handle.connection("Other");
    session.assert_echoes()?;

    other.send("first", &json!({"a": 1}))?;
    session.assert_echoes()?;
    session.init("Other")?;
    // Neither has an id: an official desktop would take it for an answer.
    assert_eq!(session.receive()?, event("Other", "first", &json!({"a": 1})));
    session.send(&json!({"method": "deinit", "params": {"plugin": "Other"}}))?;
    session.assert_echoes()?;
    other.send("second", &json!(null))?;
    session.assert_echoes()?;
    session.init("Other")?;
    assert_eq!(session.receive()?, event("Other", "second", &json!(null)));
    app.stop(session)
}

/// Covers: P26, P27.
pub fn what_cannot_be_sent_is_refused_to_whoever_sends_it<A: Adapter>() -> Result {
    let Connected { mut session, app, .. } =
        Connected::<A>::with(|builder| builder.configure(|config| config.limits.message_bytes = 1000))?;
    let connection = app.handle.connection("Example");

    let refused = connection.send("large", &"x".repeat(2000));
    assert!(matches!(refused, Err(SendError::TooLarge { max: 1000, size: 2001.. })), "{refused:?}");
    let keys = std::collections::BTreeMap::from([((1, 2), "no key of an object")]);
    let refused = connection.send("pairs", &keys);
    assert!(matches!(refused, Err(SendError::NotJson(_))), "{refused:?}");

    connection.send("small", &1)?;
    assert_eq!(session.receive()?, event("Example", "small", &json!(1)));
    session.assert_echoes()?;
    app.stop(session)
}
