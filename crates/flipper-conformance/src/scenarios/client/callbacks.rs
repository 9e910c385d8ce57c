//! What plugins may do in their callbacks: everything.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

use flipper_async::AsyncMethods as _;
use flipper_client::proto::client::State;
use flipper_client::proto::{ApiMisuse, ErrorReport};
use flipper_client::{Call, Connection, Plugin, SendError, plugin};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::scripted::{Desktop, Session, event, frames, lock};
use crate::suite::{Connected, builder};
use crate::{Adapter, Handle, PATIENCE, Result};

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

/// Covers: P24, M8.
pub fn a_panic_in_a_callback_harms_nobody<A: Adapter>() -> Result {
    for place in ["on_connect", "on_disconnect", "has_method", "on_call"] {
        let Connected { mut session, app, .. } = Connected::<A>::with(|builder| builder.plugin(Panics(place)))?;

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

/// Covers: P24, M8.
pub fn a_panic_in_an_async_method_harms_nobody<A: Adapter>() -> Result {
    fn early(_: Value) -> std::future::Ready<Result<Value, ErrorReport>> {
        panic!("before there is a future")
    }
    async fn late(_: Value) -> Result<Value, ErrorReport> {
        smol::future::yield_now().await;
        panic!("while the future runs")
    }
    let panics = plugin("Panics").async_method("early", early).async_method("late", late);
    let Connected { mut session, app, .. } = Connected::<A>::with(|builder| builder.plugin(panics.build()))?;
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
struct PanicsAtTheEnd<H: Handle>(Arc<OnceLock<H>>);

impl<H: Handle> Plugin for PanicsAtTheEnd<H> {
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

impl<H: Handle> Drop for PanicsAtTheEnd<H> {
    fn drop(&mut self) {
        panic!("as the test wants it");
    }
}

/// Covers: P24, M8.
pub fn a_panic_of_a_plugin_that_is_dropped_harms_nobody<A: Adapter>() -> Result {
    let own = Arc::new(OnceLock::new());
    let panics = PanicsAtTheEnd(Arc::clone(&own));
    let Connected { mut session, app, .. } = Connected::<A>::with(|builder| builder.plugin(panics))?;
    assert!(own.set(app.handle.clone()).is_ok());
    session.init("PanicsAtTheEnd")?;

    session.call(1, "PanicsAtTheEnd", "remove", "{}")?;

    assert_eq!(session.receive()?["error"]["name"], "PluginRemoved");
    assert_eq!(session.receive()?, json!({"method": "refreshPlugins"}));
    session.assert_echoes()?;
    app.stop(session)
}

/// Covers: P24, M8.
pub fn a_panic_in_the_observer_harms_nobody<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    let builder = builder::<A>(&desktop, dir.path()).plugin(flipper_demo::example()).observer(|_| panic!("always"));
    let (handle, _runtime) = A::start(builder)?;

    let mut session = desktop.session()?;
    session.init("Example")?;
    session.assert_echoes()?;
    session.send_text("hello")?;
    session.assert_echoes()?;

    handle.begin_stop();
    assert_eq!(session.wait_closed()?, 1000);
    handle.stop();
    Ok(())
}

/// A plugin that does in every callback whatever an app can do.
struct Busy<H> {
    handle: Arc<OnceLock<H>>,
    callbacks: AtomicUsize,
}

impl<H: Handle> Busy<H> {
    fn work(&self) {
        let handle = self.handle.wait();
        let nth = self.callbacks.fetch_add(1, Ordering::SeqCst);
        let other = format!("Other {nth}");
        assert!(handle.status().is_connected());
        handle.add_plugin(plugin(&other).build()).unwrap();
        assert_eq!(handle.add_plugin(plugin(&other).build()), Err(ApiMisuse::DuplicatePlugin));
        handle.connection(&other).send("never", &nth).unwrap();
        handle.remove_plugin(&other).unwrap();
        assert_eq!(handle.remove_plugin(&other), Err(ApiMisuse::UnknownPlugin));
        handle.connection("Busy").send("worked", &nth).unwrap();
        assert_eq!(handle.counters().events_dropped, 0);
    }
}

impl<H: Handle> Plugin for Busy<H> {
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
        self.handle.wait().remove_plugin("Busy").unwrap();
    }
}

/// What a desktop hears of [`Busy`].
#[derive(Debug, Default)]
struct Heard {
    refreshes: usize,
    worked: Vec<u64>,
    answers: usize,
}

impl Heard {
    fn listen(&mut self, session: &mut Session, is_all: impl Fn(&Self) -> bool) -> Result {
        while !is_all(self) {
            let message = session.receive()?;
            if message == json!({"method": "refreshPlugins"}) {
                self.refreshes += 1;
            } else if message == json!({"id": 1, "success": {}}) {
                self.answers += 1;
            } else {
                let nth = message["params"]["params"].as_u64().ok_or_else(|| format!("another message: {message}"))?;
                assert_eq!(message, event("Busy", "worked", &json!(nth)));
                self.worked.push(nth);
            }
        }
        Ok(())
    }
}

/// Covers: P30, §5 refreshPlugins.
pub fn a_callback_may_do_whatever_an_app_may_do<A: Adapter>() -> Result {
    let own = Arc::new(OnceLock::new());
    let busy = Busy { handle: Arc::clone(&own), callbacks: AtomicUsize::new(0) };
    let Connected { mut session, app, .. } = Connected::<A>::with(|builder| builder.plugin(busy))?;
    app.handle.wait_connected();
    assert!(own.set(app.handle.clone()).is_ok());
    let mut heard = Heard::default();

    session.init("Busy")?;
    heard.listen(&mut session, |heard| heard.refreshes == 2 && heard.worked == [0])?;
    // Again: it is told that it is disconnected, and then connected.
    session.init("Busy")?;
    heard.listen(&mut session, |heard| heard.refreshes == 6 && heard.worked == [0, 1, 2])?;
    // The method is looked for, and then called, which removes the plugin with the events that still wait in it. Then it
    // is told that it is disconnected, when it can send no event any more.
    session.call(1, "Busy", "method", "{}")?;
    heard.listen(&mut session, |heard| heard.refreshes == 13 && heard.answers == 1)?;
    assert!(heard.worked.iter().eq([0, 1, 2, 3, 4].iter().take(heard.worked.len())), "{heard:?}");
    session.assert_echoes()?;
    assert_eq!(app.handle.connection("Busy").send("gone", &0), Err(SendError::PluginRemoved));
    app.stop(session)
}

/// A plugin that stops its app in one of its callbacks.
struct Stops<H: Handle> {
    place: &'static str,
    handle: Arc<OnceLock<H>>,
}

impl<H: Handle> Stops<H> {
    fn at(&self, place: &str) {
        if self.place == place {
            self.handle.wait().begin_stop();
        }
    }
}

impl<H: Handle> Plugin for Stops<H> {
    fn id(&self) -> &str {
        "Stops"
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
        drop(call);
    }
}

impl<H: Handle> Drop for Stops<H> {
    fn drop(&mut self) {
        self.at("drop");
    }
}

/// Covers: P24, P30, M7.
pub fn a_plugin_may_stop_the_app_in_a_callback<A: Adapter>() -> Result {
    for place in ["on_connect", "on_disconnect", "has_method", "on_call", "drop"] {
        let own = Arc::new(OnceLock::<A::Handle>::new());
        let stops = Stops { place, handle: Arc::clone(&own) };
        let Connected { mut session, app, .. } = Connected::<A>::with(|builder| builder.plugin(stops))?;
        app.handle.wait_connected();
        assert!(own.set(app.handle.clone()).is_ok());

        session.init("Stops")?;
        match place {
            "on_disconnect" => session.send(&json!({"method": "deinit", "params": {"plugin": "Stops"}}))?,
            "has_method" => {
                let params = json!({"api": "Stops", "method": "method"});
                session.send(&json!({"id": 1, "method": "isMethodSupported", "params": params}))?;
            }
            "on_call" => session.call(1, "Stops", "method", "{}")?,
            "drop" => {
                session.assert_echoes()?;
                app.handle.remove_plugin("Stops")?;
                assert_eq!(session.receive()?, json!({"method": "refreshPlugins"}));
            }
            _ => {}
        }

        assert_eq!(session.wait_closed()?, 1000, "{place}");
        app.handle.stop();
        assert_eq!(app.handle.status().state, State::Stopped);
    }
    Ok(())
}

/// The method waits for the end of its own app, too.
///
/// Covers: P24, P30, M7.
pub fn a_plugin_may_stop_the_app_in_an_async_method<A: Adapter>() -> Result {
    let own = Arc::new(OnceLock::<A::Handle>::new());
    let stopping = Arc::clone(&own);
    let (stopped, was_stopped) = channel();
    let stops = plugin("Stops").async_method("stop", move |_: Value| {
        let (stopped, handle) = (stopped.clone(), stopping.wait().clone());
        async move {
            handle.begin_stop();
            handle.watch().until(|status| status.state == State::Stopped).await;
            stopped.send(handle.status().state).unwrap();
            Ok::<_, ErrorReport>(json!({}))
        }
    });
    let Connected { mut session, app, .. } = Connected::<A>::with(|builder| builder.plugin(stops.build()))?;
    app.handle.wait_connected();
    assert!(own.set(app.handle.clone()).is_ok());
    session.init("Stops")?;

    session.call(1, "Stops", "stop", "{}")?;

    assert_eq!(session.wait_closed()?, 1000);
    app.handle.stop();
    assert_eq!(was_stopped.recv_timeout(PATIENCE)?, State::Stopped);
    Ok(())
}

/// Covers: P24, P30, M7.
pub fn an_observer_may_stop_the_app<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    desktop.provision(dir.path())?;
    let own = Arc::new(OnceLock::<A::Handle>::new());
    let observed = Arc::clone(&own);
    let builder = builder::<A>(&desktop, dir.path()).observer(move |_| {
        let handle = observed.wait();
        if handle.status().is_connected() {
            handle.begin_stop();
        }
    });
    let (handle, _runtime) = A::start(builder)?;
    assert!(own.set(handle.clone()).is_ok());

    assert_eq!(desktop.session()?.wait_closed()?, 1000);
    handle.stop();
    Ok(())
}

/// Covers: P30.
pub fn the_last_handle_may_be_dropped_anywhere<A: Adapter>() -> Result {
    for in_callback in [false, true] {
        let desktop = Desktop::new()?;
        let dir = TempDir::new()?;
        desktop.provision(dir.path())?;
        let last = Arc::new(Mutex::new(None::<A::Handle>));
        let inner = Arc::clone(&last);
        let plugin = plugin("Last").call("drop", move |_| drop(lock(&inner).take()));
        let (handle, _runtime) = A::start(builder::<A>(&desktop, dir.path()).plugin(plugin.build()))?;
        let connection = handle.connection("Last");
        let another = handle.clone();
        drop(handle);
        let mut session = desktop.session()?;
        another.wait_connected();

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

/// Covers: P30, §5 init.
pub fn a_plugin_that_goes_while_it_is_initialised_is_told_all_or_nothing<A: Adapter>() -> Result {
    let own = Arc::new(OnceLock::<A::Handle>::new());
    let told = Arc::new(Mutex::new(Vec::new()));
    let (flipper, second) = (Arc::clone(&own), Arc::clone(&told));
    let replaces = plugin("A").on_connect(move |_| {
        flipper.wait().remove_plugin("B").unwrap();
        flipper.wait().add_plugin(noting("B", "second", &second)).unwrap();
    });
    let Connected { mut session, app, .. } =
        Connected::<A>::with(|builder| builder.plugin(replaces.build()).plugin(noting("B", "first", &told)))?;
    assert!(own.set(app.handle.clone()).is_ok());

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
    assert!(!app.handle.connection("B").is_connected());
    lock(&told).clear();
    session.init("B")?;
    session.assert_echoes()?;
    assert_eq!(*lock(&told), ["second connected"]);
    app.stop(session)?;
    assert_eq!(*lock(&told), ["second connected", "second disconnected"]);
    Ok(())
}

/// A plugin that uses its app when it is dropped.
struct AddsAnother<H: Handle>(H);

impl<H: Handle> Plugin for AddsAnother<H> {
    fn id(&self) -> &str {
        "AddsAnother"
    }

    fn has_method(&self, _: &str) -> bool {
        false
    }

    fn on_call(&self, _: Call) {}
}

impl<H: Handle> Drop for AddsAnother<H> {
    fn drop(&mut self) {
        self.0.add_plugin(plugin("Another").build()).unwrap();
    }
}

/// Covers: P30.
pub fn a_plugin_may_use_the_app_when_it_is_dropped<A: Adapter>() -> Result {
    for is_connected in [false, true] {
        let Connected { mut session, app, .. } = Connected::<A>::new()?;
        app.handle.add_plugin(AddsAnother(app.handle.clone()))?;
        if is_connected {
            session.init("AddsAnother")?;
        }
        let (done, is_done) = channel();
        let handle = app.handle.clone();
        thread::spawn(move || {
            handle.remove_plugin("AddsAnother").unwrap();
            done.send(handle)
        });

        let handle = is_done.recv_timeout(PATIENCE)?;
        while handle.remove_plugin("Another").is_err() {
            thread::yield_now();
        }
        handle.begin_stop();
        session.wait_gone();
        app.handle.stop();
    }
    Ok(())
}
