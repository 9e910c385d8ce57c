//! What plugins may do in their callbacks: everything.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail in a callback, too")]

mod app;
mod desktop;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

use flipper_tokio::proto::client::State;
use flipper_tokio::proto::{ApiMisuse, ErrorReport};
use flipper_tokio::{AsyncMethods as _, Call, Connection, Flipper, Plugin, SendError, plugin};
use serde_json::{Value, json};
use tempfile::TempDir;

use self::app::{Connected, builder};
use self::desktop::{Desktop, PATIENCE, Result, frames, lock};

/// A plugin that panics in one of its callbacks.
struct Panics(&'static str);

impl Panics {
    fn at(&self, place: &str) {
        assert!(self.0 != place, "as the test wants it");
    }
}

impl Plugin for Panics {
    fn id(&self) -> &str {
        "Panics"
    }

    fn on_connect(&self, _: Connection) {
        self.at("on_connect");
    }

    fn on_disconnect(&self) {
        self.at("on_disconnect");
    }

    fn has_method(&self, _: &str) -> bool {
        self.at("has_method");
        true
    }

    fn on_call(&self, call: Call) {
        self.at("on_call");
        call.responder.success(&json!({})).unwrap();
    }
}

#[test]
fn a_panic_in_a_callback_harms_nobody() -> Result {
    for place in ["on_connect", "on_disconnect", "has_method", "on_call"] {
        let Connected { mut session, app, .. } = Connected::with(|builder| builder.plugin(Panics(place)))?;

        for _ in 0..2 {
            session.init("Panics")?;
            session.call(1, "Panics", "method", "{}")?;
            let answer = session.receive()?;
            if place == "has_method" || place == "on_call" {
                let message = "Plugin Panics panicked in method method";
                assert_eq!(answer, json!({"id": 1, "error": {"message": message, "name": "PluginPanicked"}}));
            } else {
                assert_eq!(answer, json!({"id": 1, "success": {}}), "{place}");
            }
            let params = json!({"api": "Panics", "method": "method"});
            session.send(&json!({"id": 2, "method": "isMethodSupported", "params": params}))?;
            assert_eq!(session.receive()?, json!({"id": 2, "success": {"isSupported": place != "has_method"}}));
            session.send(&json!({"method": "deinit", "params": {"plugin": "Panics"}}))?;
            session.assert_echoes()?;
        }
        app.stop(session)?;
    }
    Ok(())
}

#[test]
fn a_panic_in_an_async_method_harms_nobody() -> Result {
    fn early(_: Value) -> std::future::Ready<Result<Value, ErrorReport>> {
        panic!("before there is a future")
    }
    async fn late(_: Value) -> Result<Value, ErrorReport> {
        tokio::task::yield_now().await;
        panic!("while the future runs")
    }
    let panics = plugin("Panics").async_method("early", early).async_method("late", late);
    let Connected { mut session, app, .. } = Connected::with(|builder| builder.plugin(panics.build()))?;
    session.init("Panics")?;

    for method in ["early", "late"] {
        session.call(1, "Panics", method, "{}")?;
        let message = format!("Plugin Panics panicked in method {method}");
        assert_eq!(session.receive()?, json!({"id": 1, "error": {"message": message, "name": "PluginPanicked"}}));
    }
    session.assert_echoes()?;
    app.stop(session)
}

/// A plugin that panics when it is dropped.
struct PanicsAtTheEnd(Arc<OnceLock<Flipper>>);

impl Plugin for PanicsAtTheEnd {
    fn id(&self) -> &str {
        "PanicsAtTheEnd"
    }

    fn has_method(&self, _: &str) -> bool {
        true
    }

    fn on_call(&self, call: Call) {
        self.0.wait().remove_plugin(self.id()).unwrap();
        drop(call);
    }
}

impl Drop for PanicsAtTheEnd {
    fn drop(&mut self) {
        panic!("as the test wants it");
    }
}

#[test]
fn a_panic_of_a_plugin_that_is_dropped_harms_nobody() -> Result {
    let own = Arc::new(OnceLock::new());
    let panics = PanicsAtTheEnd(Arc::clone(&own));
    let Connected { mut session, app, .. } = Connected::with(|builder| builder.plugin(panics))?;
    assert!(own.set(app.flipper.clone()).is_ok());
    session.init("PanicsAtTheEnd")?;

    session.call(1, "PanicsAtTheEnd", "remove", "{}")?;

    assert_eq!(session.receive()?["error"]["name"], "PluginRemoved");
    assert_eq!(session.receive()?, json!({"method": "refreshPlugins"}));
    session.assert_echoes()?;
    app.stop(session)
}

#[test]
fn a_panic_in_the_observer_harms_nobody() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let builder = builder(&desktop, dir.path()).plugin(flipper_sample::example()).observer(|_| panic!("always"));
    let flipper = runtime.block_on(async { builder.start() })?;

    let mut session = desktop.session()?;
    session.init("Example")?;
    session.assert_echoes()?;
    session.send_text("hello")?;
    session.assert_echoes()?;

    let stopped = flipper.stop();
    assert_eq!(session.wait_closed()?, 1000);
    runtime.block_on(stopped);
    Ok(())
}

/// A plugin that does in every callback whatever an app can do.
struct Busy {
    flipper: Arc<OnceLock<Flipper>>,
    callbacks: AtomicUsize,
}

impl Busy {
    fn work(&self) {
        let flipper = self.flipper.wait();
        let nth = self.callbacks.fetch_add(1, Ordering::SeqCst);
        let other = format!("Other {nth}");
        assert!(flipper.status().is_connected());
        flipper.add_plugin(plugin(&other).build()).unwrap();
        assert_eq!(flipper.add_plugin(plugin(&other).build()), Err(ApiMisuse::DuplicatePlugin));
        flipper.connection(&other).send("never", &nth).unwrap();
        flipper.remove_plugin(&other).unwrap();
        assert_eq!(flipper.remove_plugin(&other), Err(ApiMisuse::UnknownPlugin));
        flipper.connection("Busy").send("worked", &nth).unwrap();
        assert_eq!(flipper.counters().events_dropped, 0);
    }
}

impl Plugin for Busy {
    fn id(&self) -> &str {
        "Busy"
    }

    fn on_connect(&self, connection: Connection) {
        self.work();
        assert!(connection.is_connected());
    }

    fn on_disconnect(&self) {
        self.work();
    }

    fn has_method(&self, _: &str) -> bool {
        self.work();
        true
    }

    fn on_call(&self, call: Call) {
        self.work();
        call.responder.success(&json!({})).unwrap();
        self.flipper.wait().remove_plugin("Busy").unwrap();
    }
}

#[test]
fn a_callback_may_do_whatever_an_app_may_do() -> Result {
    let own = Arc::new(OnceLock::new());
    let busy = Busy { flipper: Arc::clone(&own), callbacks: AtomicUsize::new(0) };
    let Connected { mut session, app, .. } = Connected::with(|builder| builder.plugin(busy))?;
    app.runtime.block_on(app.flipper.connected());
    assert!(own.set(app.flipper.clone()).is_ok());
    let refresh = json!({"method": "refreshPlugins"});
    let worked = |nth| json!({"method": "execute", "params": {"api": "Busy", "method": "worked", "params": nth}});

    session.init("Busy")?;
    for message in [&refresh, &refresh, &worked(0)] {
        assert_eq!(session.receive()?, *message);
    }
    // Again: it is told that it is disconnected, and then connected.
    session.init("Busy")?;
    for message in [&refresh, &refresh, &refresh, &refresh, &worked(1), &worked(2)] {
        assert_eq!(session.receive()?, *message);
    }
    // The method is looked for, and then called, which removes the plugin with the events that wait in it.
    session.call(1, "Busy", "method", "{}")?;
    let answer = json!({"id": 1, "success": {}});
    for message in [&refresh, &refresh, &refresh, &refresh, &answer, &refresh] {
        assert_eq!(session.receive()?, *message);
    }
    // Then it is told that it is disconnected, when it can send no event any more.
    for _ in 0..2 {
        assert_eq!(session.receive()?, refresh);
    }
    session.assert_echoes()?;
    assert_eq!(app.flipper.connection("Busy").send("gone", &0), Err(SendError::PluginRemoved));
    app.stop(session)
}

#[test]
fn a_plugin_may_stop_the_app_in_a_callback() -> Result {
    for place in ["on_connect", "on_disconnect", "method", "async"] {
        let own = Arc::new(OnceLock::<Flipper>::new());
        let stop_at = |here: &'static str| {
            let own = Arc::clone(&own);
            move || {
                if here == place {
                    drop(own.wait().stop());
                }
            }
        };
        let (connect, disconnect, method) = (stop_at("on_connect"), stop_at("on_disconnect"), stop_at("method"));
        let asynchronous = Arc::clone(&own);
        let (stopped, was_stopped) = channel();
        let stops = plugin("Stops")
            .on_connect(move |_| connect())
            .on_disconnect(disconnect)
            .call("method", move |call| {
                method();
                drop(call);
            })
            .async_method("async", move |_: Value| {
                let (stopped, flipper) = (stopped.clone(), asynchronous.wait().clone());
                async move {
                    flipper.stop().await;
                    stopped.send(flipper.status().state).unwrap();
                    Ok::<_, ErrorReport>(json!({}))
                }
            });
        let Connected { mut session, app, .. } = Connected::with(|builder| builder.plugin(stops.build()))?;
        app.runtime.block_on(app.flipper.connected());
        assert!(own.set(app.flipper.clone()).is_ok());

        session.init("Stops")?;
        match place {
            "on_disconnect" => session.send(&json!({"method": "deinit", "params": {"plugin": "Stops"}}))?,
            "method" | "async" => session.call(1, "Stops", place, "{}")?,
            _ => {}
        }

        assert_eq!(session.wait_closed()?, 1000, "{place}");
        app.runtime.block_on(app.flipper.stop());
        assert_eq!(app.flipper.status().state, State::Stopped);
        if place == "async" {
            assert_eq!(was_stopped.recv_timeout(PATIENCE)?, State::Stopped);
        }
    }
    Ok(())
}

#[test]
fn an_observer_may_stop_the_app() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    desktop.provision(dir.path())?;
    let runtime = tokio::runtime::Runtime::new()?;
    let own = Arc::new(OnceLock::<Flipper>::new());
    let observed = Arc::clone(&own);
    let builder = builder(&desktop, dir.path()).observer(move |_| {
        let flipper = observed.wait();
        if flipper.status().is_connected() {
            drop(flipper.stop());
        }
    });
    let flipper = runtime.block_on(async { builder.start() })?;
    assert!(own.set(flipper.clone()).is_ok());

    assert_eq!(desktop.session()?.wait_closed()?, 1000);
    runtime.block_on(flipper.stop());
    Ok(())
}

#[test]
fn the_last_handle_may_be_dropped_anywhere() -> Result {
    for in_callback in [false, true] {
        let desktop = Desktop::new()?;
        let dir = TempDir::new()?;
        desktop.provision(dir.path())?;
        let runtime = tokio::runtime::Runtime::new()?;
        let last = Arc::new(Mutex::new(None::<Flipper>));
        let inner = Arc::clone(&last);
        let plugin = plugin("Last").call("drop", move |_| drop(lock(&inner).take()));
        let flipper = runtime.block_on(async { builder(&desktop, dir.path()).plugin(plugin.build()).start() })?;
        let connection = flipper.connection("Last");
        let another = flipper.clone();
        drop(flipper);
        let mut session = desktop.session()?;
        runtime.block_on(another.connected());

        if in_callback {
            *lock(&last) = Some(another);
            session.init("Last")?;
            session.call(1, "Last", "drop", "{}")?;
        } else {
            drop(another);
        }

        assert_eq!(session.wait_closed()?, 1000);
        // What is left sends nothing any more, and says so as soon as the app has ended.
        while connection.send("late", &0) != Err(SendError::Stopped) {
            thread::yield_now();
        }
    }
    Ok(())
}

/// What one plugin is told.
fn noting(id: &str, note: &'static str, told: &Arc<Mutex<Vec<String>>>) -> impl Plugin + use<> {
    let (connects, disconnects) = (Arc::clone(told), Arc::clone(told));
    plugin(id)
        .on_connect(move |_| lock(&connects).push(format!("{note} connected")))
        .on_disconnect(move || lock(&disconnects).push(format!("{note} disconnected")))
        .build()
}

#[test]
fn a_plugin_that_goes_while_it_is_initialised_is_told_all_or_nothing() -> Result {
    let own = Arc::new(OnceLock::<Flipper>::new());
    let told = Arc::new(Mutex::new(Vec::new()));
    let (flipper, second) = (Arc::clone(&own), Arc::clone(&told));
    let replaces = plugin("A").on_connect(move |_| {
        flipper.wait().remove_plugin("B").unwrap();
        flipper.wait().add_plugin(noting("B", "second", &second)).unwrap();
    });
    let Connected { mut session, app, .. } =
        Connected::with(|builder| builder.plugin(replaces.build()).plugin(noting("B", "first", &told)))?;
    assert!(own.set(app.flipper.clone()).is_ok());

    // In one piece, so that both are initialised before the first is told.
    let init = |plugin| frames::text(&json!({"method": "init", "params": {"plugin": plugin}}).to_string());
    session.send_raw(&[init("A"), init("B")].concat())?;
    for _ in 0..2 {
        assert_eq!(session.receive()?, json!({"method": "refreshPlugins"}));
    }
    session.assert_echoes()?;

    for note in ["first", "second"] {
        let mut connected = false;
        for told in lock(&told).iter().filter(|told| told.starts_with(note)) {
            assert_ne!(told.ends_with(" connected"), connected, "{told} twice");
            connected = !connected;
        }
        assert!(!connected, "{note} is not initialised");
    }
    // The new one has to be initialised on its own.
    assert!(!app.flipper.connection("B").is_connected());
    lock(&told).clear();
    session.init("B")?;
    session.assert_echoes()?;
    assert_eq!(*lock(&told), ["second connected"]);
    app.stop(session)?;
    assert_eq!(*lock(&told), ["second connected", "second disconnected"]);
    Ok(())
}

/// A plugin that uses its app when it is dropped.
struct AddsAnother(Flipper);

impl Plugin for AddsAnother {
    fn id(&self) -> &str {
        "AddsAnother"
    }

    fn has_method(&self, _: &str) -> bool {
        false
    }

    fn on_call(&self, _: Call) {}
}

impl Drop for AddsAnother {
    fn drop(&mut self) {
        self.0.add_plugin(plugin("Another").build()).unwrap();
    }
}

#[test]
fn a_plugin_may_use_the_app_when_it_is_dropped() -> Result {
    for is_connected in [false, true] {
        let Connected { mut session, app, .. } = Connected::new()?;
        app.flipper.add_plugin(AddsAnother(app.flipper.clone()))?;
        if is_connected {
            session.init("AddsAnother")?;
        }
        let (done, is_done) = channel();
        let flipper = app.flipper.clone();
        thread::spawn(move || {
            flipper.remove_plugin("AddsAnother").unwrap();
            done.send(flipper)
        });

        let flipper = is_done.recv_timeout(PATIENCE)?;
        while flipper.remove_plugin("Another").is_err() {
            thread::yield_now();
        }
        let (stopped, session) = (flipper.stop(), session);
        session.wait_gone();
        app.runtime.block_on(stopped);
    }
    Ok(())
}
