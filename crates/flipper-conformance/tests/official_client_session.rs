//! Our client against the official desktop: what the two say to each other once they are connected.

#![cfg(unix)]

mod app;

use flipper_conformance::official::{OfficialDesktop, Ui, UiSocket};
use flipper_tokio::plugin;
use flipper_tokio::proto::ErrorReport;
use serde_json::{Value, json};
use tempfile::TempDir;

use app::{App, Result};

/// The desktop, its UI socket, and the sample app connected to it.
struct Connected {
    desktop: OfficialDesktop,
    ui: UiSocket,
    app: App,
    client: String,
    dir: TempDir,
}

impl Connected {
    fn new() -> Result<Option<Self>> {
        let Some(desktop) = OfficialDesktop::start_unless_skipped()? else { return Ok(None) };
        let ui = desktop.ui()?;
        let dir = TempDir::new()?;
        let mut app = App::start(&desktop, "Rust App", dir.path())?;
        app.wait_connected()?;
        let client = ui.wait_for_client("Rust App")?.id;
        Ok(Some(Self { desktop, ui, app, client, dir }))
    }

    fn ui(&self) -> Ui<'_> {
        Ui::new(&self.ui, &self.client)
    }

    /// The answer to a message, without what the desktop adds to it.
    fn ask(&self, message: Value) -> Result<Value> {
        let mut answer = self.ui.request(&self.client, message)?;
        let fields = answer.as_object_mut().ok_or("the answer is no object")?;
        fields.remove("length");
        fields.remove("id");
        Ok(answer)
    }

    fn execute(&self, method: &str, params: Value) -> Result<Value> {
        self.ask(json!({"method": "execute", "params": {"api": "Example", "method": method, "params": params}}))
    }
}

#[test]
fn every_method_is_answered_as_the_protocol_says() -> Result {
    let Some(it) = Connected::new()? else { return Ok(()) };

    assert_eq!(it.ask(json!({"method": "getPlugins"}))?, json!({"success": {"plugins": ["Example", "Ticker"]}}));
    assert_eq!(
        it.ask(json!({"method": "getBackgroundPlugins"}))?,
        json!({"success": {"plugins": ["Example", "Ticker"]}})
    );

    let not_connected = |method| {
        json!({"error": {
        "message": format!("Connection Example not found for method {method}"), "name": "ConnectionNotFound"}})
    };
    assert_eq!(it.execute("echo", json!({}))?, not_connected("execute"));
    let query = |method| json!({"method": "isMethodSupported", "params": {"api": "Example", "method": method}});
    assert_eq!(it.ask(query("echo"))?, not_connected("isMethodSupported"));
    assert_eq!(
        it.ask(json!({"method": "init", "params": {"plugin": "Nope"}}))?,
        json!({"error": {"message": "Plugin Nope not found for method init", "name": "PluginNotFound"}})
    );

    it.ui().init("Example")?;
    assert_eq!(it.ask(query("echo"))?, json!({"success": {"isSupported": true}}));
    assert_eq!(it.ask(query("nope"))?, json!({"success": {"isSupported": false}}));
    let everything = json!({"a": [1, 2.5, null, true, "ü\n\u{1F980}"], "b": {"c": {}}});
    assert_eq!(it.execute("echo", everything.clone())?, json!({"success": everything}));
    assert_eq!(it.execute("reverse", json!({"word": "hello"}))?, json!({"success": {"word": "olleh"}}));
    assert_eq!(
        it.execute("displayMessage", json!({"message": "Weeeee!"}))?,
        json!({"success": {"greeting": "Hello from Rust! You said: Weeeee!"}})
    );
    assert_eq!(it.execute("nope", json!({}))?, json!({"error": {"message": "Receiver nope not found."}}));
    assert_eq!(
        it.execute("fail", json!({}))?,
        json!({"error": {"message": "This method always fails", "name": "SampleError"}})
    );
    assert_eq!(
        it.execute("panic", json!({}))?,
        json!({"error": {"message": "Plugin Example panicked in method panic", "name": "PluginPanicked"}})
    );
    assert_eq!(it.execute("reverse", json!({"word": 5}))?["error"]["name"], "InvalidParams");
    assert_eq!(it.ask(json!({"method": "fly"}))?, json!({"error": {"message": "Received unknown method: fly"}}));
    assert_eq!(it.ask(json!({"method": "execute"}))?["error"]["name"], "InvalidRequest");

    it.ui().deinit("Example")?;
    assert_eq!(it.execute("echo", json!({}))?, not_connected("execute"));
    it.app.stop();
    Ok(())
}

#[test]
fn a_thousand_events_arrive_in_order() -> Result {
    let Some(it) = Connected::new()? else { return Ok(()) };
    it.ui().init("Example")?;

    assert_eq!(it.execute("emit", json!({"count": 1000, "size": 100}))?, json!({"success": {"queued": 1000}}));

    for index in 0..1000 {
        let row = it.ui().wait_for_plugin_event("Example", "row")?;
        assert_eq!(row["index"], index);
        assert_eq!(row["data"].as_str().map(str::len), Some(100));
    }
    it.app.stop();
    Ok(())
}

#[test]
fn events_from_before_the_desktop_looked_are_not_lost() -> Result {
    let Some(it) = Connected::new()? else { return Ok(()) };
    let connection = it.app.flipper.connection("Example");
    for index in 0..500 {
        connection.send("early", &json!({"index": index}))?;
    }

    it.ui().init("Example")?;

    for index in 0..500 {
        assert_eq!(it.ui().wait_for_plugin_event("Example", "early")?["index"], index);
    }
    it.app.stop();
    Ok(())
}

#[test]
fn a_background_plugin_ticks_by_itself() -> Result {
    let Some(it) = Connected::new()? else { return Ok(()) };
    it.ui().init("Ticker")?;
    assert_eq!(it.ui().wait_for_plugin_event("Ticker", "tick")?, json!({"count": 0}));
    assert_eq!(it.ui().wait_for_plugin_event("Ticker", "tick")?, json!({"count": 1}));
    // A page that is reloaded initialises its plugins again, and they start over.
    it.ui().init("Ticker")?;
    assert_eq!(it.ui().wait_for_plugin_event("Ticker", "tick")?, json!({"count": 0}));
    it.app.stop();
    Ok(())
}

#[test]
fn an_error_outside_any_call_reaches_the_desktop() -> Result {
    let Some(it) = Connected::new()? else { return Ok(()) };
    let report = ErrorReport::new("It broke").named("SampleError").with_stacktrace("at main");

    it.app.flipper.connection("Example").report_error(&report)?;

    let reported = json!({"error": {"message": "It broke", "name": "SampleError", "stacktrace": "at main"}});
    it.ui.wait_for("the error", |event| event.message_of(&it.client).is_some_and(|message| message == reported))?;
    // A failed request without an id is answered in the same way.
    it.ui().init("Nope")?;
    let reported = json!({"error": {"message": "Plugin Nope not found for method init", "name": "PluginNotFound"}});
    it.ui.wait_for("the error", |event| event.message_of(&it.client).is_some_and(|message| message == reported))?;
    it.app.stop();
    Ok(())
}

#[test]
fn plugins_come_and_go_while_connected() -> Result {
    let Some(it) = Connected::new()? else { return Ok(()) };
    let refreshed = || {
        it.ui.wait_for("refreshPlugins", |event| {
            event.message_of(&it.client).is_some_and(|message| message == json!({"method": "refreshPlugins"}))
        })
    };

    it.app.flipper.add_plugin(plugin("Late").build())?;
    refreshed()?;
    assert_eq!(it.ui().plugins()?, ["Example", "Late", "Ticker"]);
    assert_eq!(it.ui().background_plugins()?, ["Example", "Ticker"]);

    it.ui().init("Example")?;
    it.app.flipper.remove_plugin("Example")?;
    refreshed()?;
    assert_eq!(it.ui().plugins()?, ["Late", "Ticker"]);
    assert_eq!(it.execute("echo", json!({}))?["error"]["name"], "ConnectionNotFound");
    it.app.stop();
    Ok(())
}

#[test]
fn a_desktop_that_was_stopped_gets_its_app_back() -> Result {
    let Some(mut it) = Connected::new()? else { return Ok(()) };
    let exchanges = it.app.steps().iter().filter(|step| step.contains("exchange needed")).count();
    for stop in [OfficialDesktop::stop, OfficialDesktop::kill] {
        stop(&mut it.desktop)?;
        it.app.wait_failure()?;
        it.desktop.restart()?;
        it.app.wait_connected()?;
        let ui = it.desktop.ui()?;
        let client = ui.wait_for_client("Rust App")?;
        assert_eq!(client.id, it.client);
        assert_eq!(Ui::new(&ui, client.id).plugins()?, ["Example", "Ticker"]);
    }
    assert_eq!(it.app.steps().iter().filter(|step| step.contains("exchange needed")).count(), exchanges);
    it.app.stop();
    Ok(())
}

#[test]
fn a_new_session_right_after_the_old_one_is_not_deaf() -> Result {
    let Some(desktop) = OfficialDesktop::start_unless_skipped()? else { return Ok(()) };
    let ui = desktop.ui()?;
    let dir = TempDir::new()?;
    // Where the first socket is still closing, this desktop forgets the second: the client must not let that happen.
    for _ in 0..5 {
        let mut app = App::start(&desktop, "Rust App", dir.path())?;
        app.wait_connected()?;
        let client = ui.wait_for_client("Rust App")?;
        assert_eq!(Ui::new(&ui, client.id).plugins()?, ["Example", "Ticker"]);
        app.stop();
    }
    Ok(())
}

#[test]
fn an_answer_may_be_large() -> Result {
    let Some(it) = Connected::new()? else { return Ok(()) };
    it.ui().init("Example")?;
    let large = json!({"text": "x".repeat(5 << 20)});
    assert_eq!(it.execute("echo", large.clone())?, json!({"success": large}));
    it.app.stop();
    Ok(())
}

#[test]
fn a_restarted_app_keeps_the_os_that_the_desktop_takes() -> Result {
    let Some(it) = Connected::new()? else { return Ok(()) };
    let dir = it.dir;
    it.app.stop();

    let mut app = App::start(&it.desktop, "Rust App", dir.path())?;
    app.wait_connected()?;

    assert_eq!(it.ui.wait_for_client("Rust App")?.query.os, "MacOS");
    assert!(!app.steps().iter().any(|step| step.contains("refuses")), "{:?}", app.steps());
    app.stop();
    Ok(())
}
