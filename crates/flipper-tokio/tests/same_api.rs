//! The API is the same with and without the feature `enabled`.

use flipper_tokio as adapter;
use flipper_tokio::{AsyncMethods as _, Flipper, StartError, Tokio, plugin};
use tempfile::TempDir;

#[path = "../../flipper-client/tests/same_api/mod.rs"]
mod same_api;

use same_api::{ENABLED, Held, Result};

#[tokio::test]
async fn an_app_uses_all_of_it() -> Result {
    let (directory, held) = (TempDir::new()?, Held::default());
    let handler = held.clone();
    let asynchronous = plugin("Async").async_method("greet", move |name: String| {
        let handler = handler.clone();
        async move {
            drop(handler);
            Ok::<_, String>([name])
        }
    });
    let builder = same_api::builder(Flipper::builder("App", "com.example.app"), directory.path(), &held);
    assert!(!format!("{builder:?}").is_empty());

    let flipper = builder.plugin(asynchronous.build()).start()?;

    assert_eq!(held.is_held(), ENABLED);
    same_api::connection(&flipper.connection("Closures"), "Closures")?;
    flipper.add_plugin(plugin("Late").build())?;
    flipper.remove_plugin("Late")?;
    assert_eq!(flipper.counters().bad_messages, 0);
    assert!(!format!("{:?}", flipper.clone()).is_empty());
    let mut watch = flipper.watch();
    flipper.stop().await;
    same_api::stopped(&flipper.status(), flipper.watch());
    while watch.changed().await.is_some() {}
    assert!(watch.until(|status| !status.is_connected()).await.is_some());
    assert!(!flipper.connected().await);
    drop(flipper);
    Ok(())
}

#[tokio::test]
async fn settings_end_in_a_start_or_in_a_setup() -> Result {
    let directory = TempDir::new()?;
    same_api::refused(Flipper::builder("", "com.example.app").directory(directory.path()).start());
    let setup = Flipper::builder("App", "com.example.app").directory(directory.path()).into_setup()?;
    assert!(!format!("{setup:?}").is_empty());
    let _launch: fn(Tokio, _) -> std::result::Result<Flipper, StartError> = Flipper::launch_on;
    same_api::providers()
}

#[cfg(feature = "init")]
#[tokio::test]
async fn one_line_starts_it() {
    let flipper: adapter::WithPlugins = adapter::init("");
    assert_eq!(flipper.start_error().is_some(), ENABLED);
    let _: &Flipper = flipper.flipper();
    let _: &adapter::plugins::Plugins = flipper.plugins();
    assert!(!flipper.connected().await);
    flipper.stop().await;
    let flipper = adapter::Plugins::default().start(Flipper::builder("", ""));
    assert_eq!(flipper.start_error().is_some(), ENABLED);
}

#[cfg(feature = "init")]
#[test]
fn an_app_without_a_runtime_goes_on_without_it() {
    let flipper = adapter::init("My App");
    assert_eq!(matches!(flipper.start_error(), Some(StartError::NoRuntime(_))), ENABLED);
}
