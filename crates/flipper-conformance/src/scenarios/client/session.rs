//! What an app and a desktop say to each other in a session, and what waits for one.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;

use flipper_async::AsyncMethods as _;
use flipper_client::proto::{ErrorReport, Payload};
use flipper_client::{Call, Connection, SendError, plugin};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::scripted::{Desktop, Manner, Port, Reply, call, frames, lock};
use crate::suite::{App, Connected};
use crate::{Adapter, Handle as _, Result};

/// Covers: §5 getPlugins, §5 getBackgroundPlugins, §5 init, §5 isMethodSupported, §5 errors.
pub fn plugins_are_named_and_initialised<A: Adapter>() -> Result {
    let Connected { mut session, app, .. } = Connected::<A>::with(|builder| {
        builder.plugin(plugin("Quiet").build()).plugin(plugin("Busy").background().build())
    })?;
    let busy = app.handle.connection("Busy");

    session.send(&json!({"id": 1, "method": "getPlugins"}))?;
    assert_eq!(session.receive()?, json!({"id": 1, "success": {"plugins": ["Busy", "Example", "Quiet"]}}));
    session.send(&json!({"id": 2, "method": "getBackgroundPlugins"}))?;
    assert_eq!(session.receive()?, json!({"id": 2, "success": {"plugins": ["Busy", "Example"]}}));

    let supported = json!({"id": 3, "method": "isMethodSupported", "params": {"api": "Busy", "method": "no"}});
    let not_connected =
        json!({"message": "Connection Busy not found for method isMethodSupported", "name": "ConnectionNotFound"});
    assert!(!busy.is_connected());
    session.send(&supported)?;
    assert_eq!(session.receive()?, json!({"id": 3, "error": not_connected}));
    session.init("Busy")?;
    session.send(&supported)?;
    assert_eq!(session.receive()?, json!({"id": 3, "success": {"isSupported": false}}));
    assert!(busy.is_connected());
    app.stop(session)
}

/// Covers: §5 refreshPlugins.
pub fn plugins_come_and_go_in_a_session<A: Adapter>() -> Result {
    let Connected { mut session, app, .. } = Connected::<A>::new()?;
    let refresh = json!({"method": "refreshPlugins"});
    session.assert_echoes()?;

    app.handle.add_plugin(plugin("Late").build())?;
    assert_eq!(session.receive()?, refresh);
    session.send(&json!({"id": 1, "method": "getPlugins"}))?;
    assert_eq!(session.receive()?, json!({"id": 1, "success": {"plugins": ["Example", "Late"]}}));

    let late = app.handle.connection("Late");
    app.handle.remove_plugin("Late")?;
    assert_eq!(session.receive()?, refresh);
    assert_eq!(late.send("event", &0), Err(SendError::PluginRemoved));
    app.stop(session)
}

/// Covers: P22.
pub fn a_removed_plugin_leaves_no_call_without_an_answer<A: Adapter>() -> Result {
    let (keep, kept) = keeper();
    let Connected { mut session, app, .. } =
        Connected::<A>::with(|builder| builder.plugin(plugin("Slow").call("wait", keep).build()))?;
    session.init("Slow")?;
    session.call(5, "Slow", "wait", "{}")?;
    session.assert_echoes()?;

    app.handle.remove_plugin("Slow")?;

    assert_eq!(
        session.receive()?,
        json!({"id": 5, "error": {"message": "Plugin Slow was removed", "name": "PluginRemoved"}})
    );
    for call in lock(&kept).drain(..) {
        assert!(call.responder.success(&()).is_err());
    }
    assert_eq!(session.receive()?, json!({"method": "refreshPlugins"}));
    session.assert_echoes()?;
    app.stop(session)
}

/// Covers: P22, M12.
pub fn the_same_id_twice_gets_two_answers<A: Adapter>() -> Result {
    let Connected { mut session, app, .. } = Connected::<A>::new()?;

    session.call(7, "Example", "echo", "1")?;
    session.call(7, "Example", "echo", "2")?;

    assert_eq!(session.receive()?, json!({"id": 7, "success": 1}));
    assert_eq!(session.receive()?, json!({"id": 7, "success": 2}));
    app.stop(session)
}

/// Covers: M11.
pub fn answers_may_come_in_any_order_and_from_any_thread<A: Adapter>() -> Result {
    let (keep, kept) = keeper();
    let Connected { mut session, app, .. } =
        Connected::<A>::with(|builder| builder.plugin(plugin("Slow").call("wait", keep).build()))?;
    session.init("Slow")?;
    for id in 0..10 {
        session.call(id, "Slow", "wait", &id.to_string())?;
    }
    session.assert_echoes()?;

    let calls = std::mem::take(&mut *lock(&kept));
    thread::spawn(move || {
        for call in calls.into_iter().rev() {
            let params = call.params.unwrap_or_else(Payload::empty_object);
            call.responder.success_json(params).unwrap();
        }
    });

    for id in (0..10).rev() {
        assert_eq!(session.receive()?, json!({"id": id, "success": id}));
    }
    app.stop(session)
}

/// Covers: P26.
pub fn async_methods_delay_nobody<A: Adapter>() -> Result {
    let (go, gate) = smol::channel::bounded(1);
    let slow = plugin("Async")
        .async_method("wait", move |params: Value| {
            let gate = gate.clone();
            async move {
                gate.recv().await.unwrap();
                Ok::<_, ErrorReport>(params)
            }
        })
        .async_method("fail", |_: Value| async { Err::<Value, _>(ErrorReport::new("it failed").named("Failed")) });
    let Connected { mut session, app, .. } = Connected::<A>::with(|builder| builder.plugin(slow.build()))?;
    session.init("Async")?;

    session.call(1, "Async", "wait", r#"{"a":1}"#)?;
    session.call(2, "Async", "fail", "{}")?;
    assert_eq!(session.receive()?, json!({"id": 2, "error": {"message": "it failed", "name": "Failed"}}));
    session.assert_echoes()?;
    go.send_blocking(())?;
    assert_eq!(session.receive()?, json!({"id": 1, "success": {"a": 1}}));
    app.stop(session)
}

/// Covers: P22, P24, §5 errors.
pub fn a_call_that_is_not_answered_is_answered_with_an_error<A: Adapter>() -> Result {
    let forgetful = plugin("Forgetful").call("drop", drop).call("panic", |_| panic!("as the test wants it"));
    let Connected { mut session, app, .. } = Connected::<A>::with(|builder| builder.plugin(forgetful.build()))?;
    session.init("Forgetful")?;

    session.call(1, "Forgetful", "drop", "{}")?;
    let message = "Plugin Forgetful dropped the call of drop without an answer";
    assert_eq!(session.receive()?, json!({"id": 1, "error": {"message": message, "name": "NoAnswer"}}));

    session.call(2, "Forgetful", "nope", "{}")?;
    assert_eq!(session.receive()?, json!({"id": 2, "error": {"message": "Receiver nope not found."}}));
    session.assert_echoes()?;
    app.stop(session)
}

/// Covers: I6, §5 errors.
pub fn calls_without_an_id_are_answered_only_if_they_fail<A: Adapter>() -> Result {
    let Connected { mut session, app, .. } = Connected::<A>::new()?;
    for method in ["echo", "fail"] {
        let params = json!({"api": "Example", "method": method, "params": {}});
        session.send(&json!({"method": "execute", "params": params}))?;
    }
    assert_eq!(session.receive()?, json!({"error": {"message": "This method always fails", "name": "SampleError"}}));
    session.assert_echoes()?;
    app.stop(session)
}

/// Covers: M10.
pub fn ten_thousand_calls_may_wait_for_their_answers<A: Adapter>() -> Result {
    const CALLS: u64 = 10_000;
    let (keep, kept) = keeper();
    let Connected { mut session, app, .. } =
        Connected::<A>::with(|builder| builder.plugin(plugin("Slow").call("wait", keep).build()))?;
    session.init("Slow")?;
    let mut calls = Vec::new();
    for id in 0..CALLS {
        calls.extend(frames::text(&call(id, "Slow", "wait", "{}")));
    }
    session.send_raw(&calls)?;
    session.assert_echoes()?;
    assert_eq!(lock(&kept).len() as u64, CALLS);

    for call in lock(&kept).drain(..) {
        call.responder.success(&json!({}))?;
    }

    for id in 0..CALLS {
        assert_eq!(session.receive()?, json!({"id": id, "success": {}}));
    }
    app.stop(session)
}

/// Covers: I6, §5 init, §5 deinit.
pub fn a_plugin_that_is_initialised_again_starts_over<A: Adapter>() -> Result {
    let told = Arc::new(Mutex::new(Vec::new()));
    let (connects, disconnects) = (Arc::clone(&told), Arc::clone(&told));
    let greeter = plugin("Greeter")
        .on_connect(move |connection: Connection| {
            lock(&connects).push("connected");
            drop(connection.send("hello", &json!({})));
        })
        .on_disconnect(move || lock(&disconnects).push("disconnected"));
    let Connected { mut session, app, .. } = Connected::<A>::with(|builder| builder.plugin(greeter.build()))?;
    let hello = event("Greeter", "hello", json!({}));

    for _ in 0..2 {
        session.init("Greeter")?;
        assert_eq!(session.receive()?, hello);
    }
    assert_eq!(*lock(&told), ["connected", "disconnected", "connected"]);
    session.send(&json!({"method": "deinit", "params": {"plugin": "Greeter"}}))?;
    session.assert_echoes()?;
    assert_eq!(*lock(&told), ["connected", "disconnected", "connected", "disconnected"]);
    session.init("Greeter")?;
    assert_eq!(session.receive()?, hello);
    app.stop(session)?;
    assert_eq!(*lock(&told), ["connected", "disconnected", "connected", "disconnected", "connected", "disconnected"]);
    Ok(())
}

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
        assert_eq!(session.receive()?, event("Example", "early", json!(nth)));
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
        assert_eq!(session.receive()?, event("Example", "row", json!(nth)));
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
        assert_eq!(session.receive()?, event("Example", "row", json!(nth)));
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

fn event(plugin: &str, method: &str, params: Value) -> Value {
    json!({"method": "execute", "params": {"api": plugin, "method": method, "params": params}})
}

/// A method that keeps its calls for the test to answer.
fn keeper() -> (impl Fn(Call) + Send + Sync + 'static, Arc<Mutex<Vec<Call>>>) {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&kept);
    (move |call| lock(&keep).push(call), kept)
}
