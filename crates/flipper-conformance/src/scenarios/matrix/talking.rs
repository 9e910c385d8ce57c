//! What the two say to each other once they are connected.

use flipper_client::proto::ErrorReport;
use serde_json::json;
use tempfile::TempDir;

use super::{APP, Connected, launch, not_connected};
use crate::Result;
use crate::apps::{App, Part};
use crate::desktops::{Answer, Desktop};

/// Covers: GetPlugins, InitDeinit, Execute, §5.
pub fn every_method_is_answered_as_the_protocol_says<A: App, D: Desktop>() -> Result {
    let Some(it) = Connected::<A, D>::new()? else { return Ok(()) };
    assert_eq!(it.desktop.plugins(&it.client)?.0, ["Example", "Ticker"]);
    assert_eq!(it.call("echo", json!({}))?, Answer::Err(not_connected("execute")));

    it.desktop.init(&it.client, "Example")?;
    assert!(it.desktop.is_method_supported(&it.client, "Example", "echo")?);
    assert!(!it.desktop.is_method_supported(&it.client, "Example", "nope")?);
    let everything = json!({"a": [1, 2.5, null, true, "ü\n\u{1F980}"], "b": {"c": {}}});
    assert_eq!(it.call("echo", everything.clone())?, Answer::Ok(everything));
    assert_eq!(it.call("reverse", json!({"word": "hello"}))?, Answer::Ok(json!({"word": "olleh"})));
    assert_eq!(it.call("nope", json!({}))?, Answer::Err(json!({"message": "Receiver nope not found."})));
    let failed = json!({"message": "This method always fails", "name": "SampleError"});
    assert_eq!(it.call("fail", json!({}))?, Answer::Err(failed));

    it.desktop.deinit(&it.client, "Example")?;
    assert_eq!(it.call("echo", json!({}))?, Answer::Err(not_connected("execute")));
    it.end()
}

/// Covers: §5.
pub fn a_plugin_that_panics_or_is_given_other_params_is_answered_for<A: App, D: Desktop>() -> Result {
    let Some(it) = Connected::<A, D>::new()? else { return Ok(()) };
    it.desktop.init(&it.client, "Example")?;
    let panicked = json!({"message": "Plugin Example panicked in method panic", "name": "PluginPanicked"});
    assert_eq!(it.call("panic", json!({}))?, Answer::Err(panicked));
    let Answer::Err(error) = it.call("reverse", json!({"word": 5}))? else { return Err("it was understood".into()) };
    assert_eq!(error["name"], "InvalidParams");
    it.end()
}

/// Covers: P25.
pub fn a_thousand_events_arrive_in_order<A: App, D: Desktop>() -> Result {
    let Some(it) = Connected::<A, D>::new()? else { return Ok(()) };
    it.desktop.init(&it.client, "Example")?;
    assert_eq!(it.call("emit", json!({"count": 1000, "size": 100}))?, Answer::Ok(json!({"queued": 1000})));
    for index in 0..1000 {
        let row = it.desktop.wait_for_event(&it.client, "Example", "row")?;
        assert_eq!((&row["index"], row["data"].as_str().map(str::len)), (&json!(index), Some(100)));
    }
    it.end()
}

/// Covers: P25.
pub fn events_from_before_the_desktop_looked_are_not_lost<A: App, D: Desktop>() -> Result {
    let Some(it) = Connected::<A, D>::new()? else { return Ok(()) };
    for index in 0..500 {
        it.app.send("Example", "early", &json!({"index": index}))?;
    }
    it.desktop.init(&it.client, "Example")?;
    for index in 0..500 {
        assert_eq!(it.desktop.wait_for_event(&it.client, "Example", "early")?["index"], index);
    }
    assert_eq!(it.app.waiting("Example")?, (0, 0));
    it.end()
}

/// Covers: §5.
pub fn a_plugin_that_is_initialised_again_starts_over<A: App, D: Desktop>() -> Result {
    let Some(it) = Connected::<A, D>::new()? else { return Ok(()) };
    it.desktop.init(&it.client, "Ticker")?;
    for count in 0..2 {
        assert_eq!(it.desktop.wait_for_event(&it.client, "Ticker", "tick")?, json!({"count": count}));
    }
    // As a page does that is reloaded.
    it.desktop.init(&it.client, "Ticker")?;
    assert_eq!(it.desktop.wait_for_event(&it.client, "Ticker", "tick")?, json!({"count": 0}));
    it.end()
}

/// Covers: §5.
pub fn an_error_outside_any_call_arrives<A: App, D: Desktop>() -> Result {
    let Some(it) = Connected::<A, D>::new()? else { return Ok(()) };
    let report = ErrorReport::new("It broke").named("SampleError").with_stacktrace("at main");
    it.app.report_error(&report)?;
    let reported = json!({"message": "It broke", "name": "SampleError", "stacktrace": "at main"});
    assert_eq!(it.desktop.wait_for_error(&it.client)?, reported);
    it.end()
}

/// Covers: P30, §5.
pub fn plugins_may_come_and_go<A: App, D: Desktop>() -> Result {
    let Some(it) = Connected::<A, D>::new()? else { return Ok(()) };
    it.app.add_plugin(&Part::Named("Late"))?;
    it.desktop.wait_for_refresh(&it.client)?;
    let (all, background) = it.desktop.plugins(&it.client)?;
    assert_eq!((all.as_slice(), background.len()), (&["Example", "Late", "Ticker"].map(str::to_owned)[..], 2));

    it.desktop.init(&it.client, "Example")?;
    it.app.remove_plugin("Example")?;
    it.desktop.wait_for_refresh(&it.client)?;
    assert_eq!(it.desktop.plugins(&it.client)?.0, ["Late", "Ticker"]);
    assert_eq!(it.call("echo", json!({}))?, Answer::Err(not_connected("execute")));
    it.end()
}

/// Covers: P26.
pub fn eight_mebibytes_go_both_ways<A: App, D: Desktop>() -> Result {
    let Some(it) = Connected::<A, D>::new()? else { return Ok(()) };
    it.desktop.init(&it.client, "Example")?;
    let large = json!({"text": "x".repeat(8 << 20)});
    let calls = [
        it.desktop.start_call(&it.client, "Example", "echo", &large)?,
        it.desktop.start_call(&it.client, "Example", "echo", &large)?,
    ];
    for call in calls {
        // Not `assert_eq`: nobody wants to read that.
        assert!(call()? == Answer::Ok(large.clone()));
    }
    it.end()
}

/// Covers: P22.
pub fn answers_may_come_in_any_order<A: App, D: Desktop>() -> Result {
    const CALLS: usize = 100;
    let Some(desktop) = D::start()? else { return Ok(()) };
    let dir = TempDir::new()?;
    // It answers the last call first, once all are there.
    let mut app: A = launch(&desktop, APP, dir.path(), &[Part::Backwards(CALLS)])?;
    app.wait_connected()?;
    let client = desktop.wait_for_client(APP)?;
    desktop.init(&client, "Example")?;
    let calls: Vec<_> = (0..CALLS)
        .map(|index| desktop.start_call(&client, "Example", "wait", &json!({"index": index})))
        .collect::<Result<_>>()?;
    for (index, call) in calls.into_iter().enumerate() {
        assert_eq!(call()?, Answer::Ok(json!({"index": index})));
    }
    app.stop()
}
