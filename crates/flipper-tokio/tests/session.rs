//! What an app and a desktop say to each other in a session, and what waits for one.

mod app;
mod desktop;

use std::sync::{Arc, Mutex};
use std::thread;

use flipper_tokio::proto::client::State;
use flipper_tokio::proto::{ErrorReport, Payload};
use flipper_tokio::{AsyncMethods as _, Call, Connection, SendError, plugin};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Notify;

use self::app::Connected;
use self::desktop::{Desktop, Manner, Port, Result, call, frames, lock};

#[test]
fn plugins_are_named_and_initialised() -> Result {
    let Connected { mut session, app, .. } =
        Connected::with(|builder| builder.plugin(plugin("Quiet").build()).plugin(plugin("Busy").background().build()))?;
    let busy = app.flipper.connection("Busy");

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

#[test]
fn plugins_come_and_go_in_a_session() -> Result {
    let Connected { mut session, app, .. } = Connected::new()?;
    let refresh = json!({"method": "refreshPlugins"});
    session.assert_echoes()?;

    app.flipper.add_plugin(plugin("Late").build())?;
    assert_eq!(session.receive()?, refresh);
    session.send(&json!({"id": 1, "method": "getPlugins"}))?;
    assert_eq!(session.receive()?, json!({"id": 1, "success": {"plugins": ["Example", "Late"]}}));

    let late = app.flipper.connection("Late");
    app.flipper.remove_plugin("Late")?;
    assert_eq!(session.receive()?, refresh);
    assert_eq!(late.send("event", &0), Err(SendError::PluginRemoved));
    app.stop(session)
}

#[test]
fn a_removed_plugin_leaves_no_call_without_an_answer() -> Result {
    let (keep, kept) = keeper();
    let Connected { mut session, app, .. } =
        Connected::with(|builder| builder.plugin(plugin("Slow").call("wait", keep).build()))?;
    session.init("Slow")?;
    session.call(5, "Slow", "wait", "{}")?;
    session.assert_echoes()?;

    app.flipper.remove_plugin("Slow")?;

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

#[test]
fn the_same_id_twice_gets_two_answers() -> Result {
    let Connected { mut session, app, .. } = Connected::new()?;

    session.call(7, "Example", "echo", "1")?;
    session.call(7, "Example", "echo", "2")?;

    assert_eq!(session.receive()?, json!({"id": 7, "success": 1}));
    assert_eq!(session.receive()?, json!({"id": 7, "success": 2}));
    app.stop(session)
}

#[test]
fn answers_may_come_in_any_order_and_from_any_thread() -> Result {
    let (keep, kept) = keeper();
    let Connected { mut session, app, .. } =
        Connected::with(|builder| builder.plugin(plugin("Slow").call("wait", keep).build()))?;
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

#[test]
fn async_methods_delay_nobody() -> Result {
    let go = Arc::new(Notify::new());
    let gate = Arc::clone(&go);
    let slow = plugin("Async")
        .async_method("wait", move |params: Value| {
            let gate = Arc::clone(&gate);
            async move {
                gate.notified().await;
                Ok::<_, ErrorReport>(params)
            }
        })
        .async_method("fail", |_: Value| async { Err::<Value, _>(ErrorReport::new("it failed").named("Failed")) });
    let Connected { mut session, app, .. } = Connected::with(|builder| builder.plugin(slow.build()))?;
    session.init("Async")?;

    session.call(1, "Async", "wait", r#"{"a":1}"#)?;
    session.call(2, "Async", "fail", "{}")?;
    assert_eq!(session.receive()?, json!({"id": 2, "error": {"message": "it failed", "name": "Failed"}}));
    session.assert_echoes()?;
    go.notify_one();
    assert_eq!(session.receive()?, json!({"id": 1, "success": {"a": 1}}));
    app.stop(session)
}

#[test]
fn a_call_that_is_not_answered_is_answered_with_an_error() -> Result {
    let forgetful = plugin("Forgetful").call("drop", drop).call("panic", |_| panic!("as the test wants it"));
    let Connected { mut session, app, .. } = Connected::with(|builder| builder.plugin(forgetful.build()))?;
    session.init("Forgetful")?;

    session.call(1, "Forgetful", "drop", "{}")?;
    let message = "Plugin Forgetful dropped the call of drop without an answer";
    assert_eq!(session.receive()?, json!({"id": 1, "error": {"message": message, "name": "NoAnswer"}}));

    session.call(2, "Forgetful", "nope", "{}")?;
    assert_eq!(session.receive()?, json!({"id": 2, "error": {"message": "Receiver nope not found."}}));
    session.assert_echoes()?;
    app.stop(session)
}

#[test]
fn calls_without_an_id_are_answered_only_if_they_fail() -> Result {
    let Connected { mut session, app, .. } = Connected::new()?;
    for method in ["echo", "fail"] {
        let params = json!({"api": "Example", "method": method, "params": {}});
        session.send(&json!({"method": "execute", "params": params}))?;
    }
    assert_eq!(session.receive()?, json!({"error": {"message": "This method always fails", "name": "SampleError"}}));
    session.assert_echoes()?;
    app.stop(session)
}

#[test]
fn ten_thousand_calls_may_wait_for_their_answers() -> Result {
    const CALLS: u64 = 10_000;
    let (keep, kept) = keeper();
    let Connected { mut session, app, .. } =
        Connected::with(|builder| builder.plugin(plugin("Slow").call("wait", keep).build()))?;
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

#[test]
fn a_plugin_that_is_initialised_again_starts_over() -> Result {
    let told = Arc::new(Mutex::new(Vec::new()));
    let (connects, disconnects) = (Arc::clone(&told), Arc::clone(&told));
    let greeter = plugin("Greeter")
        .on_connect(move |connection: Connection| {
            lock(&connects).push("connected");
            drop(connection.send("hello", &json!({})));
        })
        .on_disconnect(move || lock(&disconnects).push("disconnected"));
    let Connected { mut session, app, .. } = Connected::with(|builder| builder.plugin(greeter.build()))?;
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

#[test]
fn events_from_before_the_first_session_arrive_in_order() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    desktop.provision(dir.path())?;
    // Nobody drives the app yet.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let flipper = {
        let _entered = runtime.enter();
        app::builder(&desktop, dir.path()).plugin(flipper_sample::example()).start()?
    };
    let connection = flipper.connection("Example");
    for nth in 0..500 {
        connection.send("early", &nth)?;
    }
    assert_eq!((connection.waiting(), flipper.status().state), (500, State::Preparing));

    let driver = thread::spawn(move || {
        runtime.block_on(async {
            flipper.connected().await;
            flipper.watch().until(|status| !status.is_connected()).await;
            flipper.stop().await;
        });
    });
    let mut session = desktop.session()?;
    session.init("Example")?;

    for nth in 0..500 {
        assert_eq!(session.receive()?, event("Example", "early", json!(nth)));
    }
    session.close(1000, "")?;
    driver.join().map_err(|_| "the app panicked")?;
    Ok(())
}

#[test]
fn events_from_between_two_sessions_arrive_in_order() -> Result {
    let Connected { mut session, mut app, desktop, .. } = Connected::new()?;
    app.wait_connected()?;
    let connection = app.flipper.connection("Example");
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

#[test]
fn errors_outside_any_call_are_told_to_a_desktop_that_is_there() -> Result {
    let Connected { mut session, mut app, desktop, .. } = Connected::new()?;
    let connection = app.flipper.connection("Example");
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
