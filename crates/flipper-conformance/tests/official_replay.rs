//! Recorded apps, connected to the official desktop.

#![cfg(unix)]

use flipper_conformance::official::{OfficialDesktop, Ui};
use flipper_demo::{Ticker, example};
use flipper_desktop::records::{RecordOptions, Replay, Speed};
use flipper_desktop::{Desktop, Event};
use flipper_tokio::Flipper;
use serde_json::json;
use tempfile::TempDir;

type Result = std::result::Result<(), Box<dyn std::error::Error>>;

/// A recording of the sample app: a call, and the first of its ticks.
async fn record(directory: &TempDir) -> Result {
    let mut builder = Desktop::builder().any_ports().in_memory_authority();
    let mut events = builder.events();
    let desktop = builder.start().await?;
    desktop.start_recording(directory.path().join("app.sqlite"), RecordOptions::default()).await?;
    let app = Flipper::builder("Recorded", "com.example.recorded")
        .ports(desktop.ports().insecure, desktop.ports().secure)
        .directory(directory.path().join("app"))
        .plugin(example())
        .plugin(Ticker::default())
        .start()?;
    let client = loop {
        if let Event::Message { client, .. } = events.next().await.ok_or("the desktop ended")? {
            break client;
        }
    };
    let params = flipper_desktop::proto::Payload::from_json(r#"{"word":"abc"}"#)?;
    desktop.call(&client, "Example", "reverse", Some(params)).await?;
    app.stop().await;
    desktop.stop().await;
    Ok(())
}

#[test]
fn a_recorded_app_shows_in_the_official_desktop_and_answers() -> Result {
    let Some(official) = OfficialDesktop::start_unless_skipped()? else {
        return Ok(());
    };
    let directory = tempfile::tempdir()?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(record(&directory))?;
    let socket = official.ui()?;
    let ports = official.ports();
    let replay = Replay::new(directory.path().join("app.sqlite"))
        .ports(ports.insecure, ports.secure)
        .speed(Speed::Max)
        .stay(true);
    // Nobody tells it to end: it goes with the runtime.
    drop(runtime.spawn(replay.run()));

    let client = socket.wait_for_client("Recorded")?;
    let ui = Ui::new(&socket, &client.id);
    assert_eq!(ui.plugins()?, ["Example", "Ticker"]);
    for plugin in ui.background_plugins()? {
        ui.init(&plugin)?;
    }
    let tick = json!({"method": "execute", "params": {"api": "Ticker", "method": "tick", "params": {"count": 0}}});
    socket.wait_for("the recorded tick", |event| event.message_of(&client.id).as_ref() == Some(&tick))?;
    assert_eq!(ui.execute("Example", "reverse", json!({"word": "abc"}))?, Ok(json!({"word": "cba"})));
    let unknown = ui.execute("Example", "reverse", json!({"word": "x"}))?;
    assert_eq!(unknown.map_err(|error| error["name"].clone()), Err(json!("NotRecorded")));
    Ok(())
}
