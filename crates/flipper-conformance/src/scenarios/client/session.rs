//! What an app and a desktop say to each other in a session, and what waits for one.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use flipper_client::{Connection, SendError, plugin};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::scripted::{Desktop, Reply, event, lock};
use crate::suite::{App, Connected, keeper};
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
    let hello = event("Greeter", "hello", &json!({}));

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

/// Neither on success, with an id or without; on failure always, as official clients do.
///
/// Covers: I6, §5 init, §5 deinit, §5 errors, §5 ids.
pub fn init_and_deinit_are_answered_only_if_they_fail<A: Adapter>() -> Result {
    let Connected { mut session, app, .. } = Connected::<A>::new()?;
    for method in ["deinit", "init"] {
        for id in [json!(0), json!(5), Value::Null] {
            let with_id = |mut message: Value| {
                if id.is_null() {
                    message.as_object_mut().unwrap().remove("id");
                }
                message
            };
            session.send(&with_id(json!({"id": id, "method": method, "params": {"plugin": "Example"}})))?;
            session.assert_answers()?;
            session.send(&with_id(json!({"id": id, "method": method, "params": {"plugin": "Nope"}})))?;
            let error =
                json!({"message": format!("Plugin Nope not found for method {method}"), "name": "PluginNotFound"});
            assert_eq!(session.receive()?, with_id(json!({"id": id, "error": error})));
        }
    }
    app.stop(session)
}

/// Covers: §5 execute, §5 isMethodSupported, §5 errors, §5 ids.
pub fn plugins_that_are_not_connected_are_named_in_the_answer<A: Adapter>() -> Result {
    let Connected { mut session, app, .. } = Connected::<A>::with(|builder| builder.plugin(plugin("Asleep").build()))?;
    for api in ["Asleep", "Nope"] {
        for method in ["execute", "isMethodSupported"] {
            let params = json!({"api": api, "method": "echo", "params": {}});
            let message = format!("Connection {api} not found for method {method}");
            let error = json!({"message": message, "name": "ConnectionNotFound"});
            session.send(&json!({"id": 1, "method": method, "params": params}))?;
            assert_eq!(session.receive()?, json!({"id": 1, "error": error}));
            session.send(&json!({"method": method, "params": params}))?;
            assert_eq!(session.receive()?, json!({"error": error}));
        }
    }
    let supported = json!({"api": "Example", "method": "echo"});
    session.send(&json!({"id": 2, "method": "isMethodSupported", "params": supported}))?;
    assert_eq!(session.receive()?, json!({"id": 2, "success": {"isSupported": true}}));
    app.stop(session)
}

/// Covers: §5 getPlugins, §5 getBackgroundPlugins, §5 ids.
pub fn questions_without_an_id_want_no_answer<A: Adapter>() -> Result {
    let Connected { mut session, app, .. } = Connected::<A>::new()?;
    let supported = json!({"api": "Example", "method": "echo"});
    session.send(&json!({"method": "getPlugins"}))?;
    session.send(&json!({"method": "getBackgroundPlugins"}))?;
    session.send(&json!({"method": "isMethodSupported", "params": supported}))?;
    session.assert_answers()?;
    assert_eq!(app.handle.counters().bad_messages, 0);
    app.stop(session)
}

/// Covers: §5 refreshPlugins.
pub fn plugins_that_come_and_go_without_a_session_are_there_in_the_next<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    let (go, gate) = channel();
    desktop.reply([Reply::GrantAfter(gate)]);
    let app = App::<A>::start(&desktop, dir.path())?;

    app.handle.add_plugin(plugin("Late").build())?;
    app.handle.remove_plugin("Example")?;
    go.send(())?;

    // The desktop asks by itself in the beginning: there is nothing to tell it.
    let mut session = desktop.session()?;
    session.send(&json!({"id": 1, "method": "getPlugins"}))?;
    assert_eq!(session.receive()?, json!({"id": 1, "success": {"plugins": ["Late"]}}));
    app.stop(session)
}

/// Covers: P23.
pub fn pings_are_answered_with_what_they_hold<A: Adapter>() -> Result {
    let Connected { mut session, app, .. } = Connected::<A>::new()?;
    for payload in [&b""[..], b"ping", &[0xff; 125]] {
        session.ping(payload)?;
    }
    session.assert_echoes()?;
    app.stop(session)
}
