//! What a callsite knows is the same for the whole process, and only there is it seen: this is a program of its own.
#![cfg(all(feature = "enabled", feature = "logs"))]

use flipper_conformance::Result;
use flipper_conformance::adapters::BlockingAdapter;
use flipper_conformance::scripted::Desktop;
use flipper_conformance::suite;
use flipper_plugins::Waiting;
use flipper_plugins::logs::Logs;
use serde_json::json;
use tempfile::TempDir;
use tracing::{Level, event_enabled};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

#[test]
fn callsites_know_whether_anybody_listens() -> Result {
    let logs = Logs::builder().waiting(Waiting::new(1, 1_000)).build();
    tracing_subscriber::registry().with(logs.layer()).try_init()?;
    let enabled = || (event_enabled!(Level::INFO), event_enabled!(Level::DEBUG));
    assert_eq!(enabled(), (false, false), "the plugin is not in an app yet");

    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    desktop.provision(dir.path())?;
    let builder = suite::builder::<BlockingAdapter>(&desktop, dir.path()).plugin(logs.clone());
    let flipper = builder.start()?;
    assert_eq!(enabled(), (true, false), "one event may wait");

    let mut session = desktop.session()?;
    session.init("rust-logs")?;
    // Once this is answered, the plugin knows that it is connected.
    session.call(1, "rust-logs", "getFilter", "null")?;
    session.receive()?;
    assert_eq!(enabled(), (true, false));
    logs.set_filter("debug")?;
    assert_eq!(enabled(), (true, true));
    logs.set_filter("warn")?;
    assert_eq!(enabled(), (false, false));
    logs.set_filter("")?;
    assert_eq!(enabled(), (true, false));

    session.send(&json!({"method": "deinit", "params": {"plugin": "rust-logs"}}))?;
    while enabled().0 {
        // Once the plugin knows that it is not connected any more, one event waits, and no more. A thread tells the
        // callsites then.
        tracing::info!("more than one");
        std::thread::yield_now();
    }
    drop(flipper);
    Ok(())
}
