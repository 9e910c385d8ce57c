//! The API is the same with and without the feature `enabled`.

use std::num::NonZeroUsize;
use std::time::Duration;

use flipper_blocking as adapter;
use flipper_blocking::{Flipper, InCallback, Options, Setup, Stopping, plugin};
use tempfile::TempDir;

#[path = "../../flipper-client/tests/same_api/mod.rs"]
mod same_api;

use same_api::{ENABLED, Held, Result};

#[test]
fn an_app_uses_all_of_it() -> Result {
    let (directory, held) = (TempDir::new()?, Held::default());
    let builder = same_api::builder(Flipper::builder("App", "com.example.app"), directory.path(), &held);
    assert!(!format!("{builder:?}").is_empty());

    let flipper = builder.start()?;

    assert_eq!(held.is_held(), ENABLED);
    same_api::connection(&flipper.connection("Closures"), "Closures")?;
    flipper.add_plugin(plugin("Late").build())?;
    flipper.remove_plugin("Late")?;
    assert_eq!((flipper.counters().bad_messages, flipper.missed_notices()), (0, 0));
    let _wake_ups: u64 = flipper.wake_ups();
    assert!(!format!("{:?}", flipper.clone()).is_empty());
    let stopping: Stopping = flipper.stop();
    let waited: std::result::Result<(), InCallback> = stopping.wait();
    waited?;
    assert!(stopping.clone().wait_for(Duration::from_secs(1))?);
    assert!(!format!("{stopping:?} {InCallback}").is_empty());
    same_api::stopped(&flipper.status(), flipper.watch());
    assert!(!flipper.connected());
    assert!(!flipper.connected_within(Duration::from_secs(1_000)));
    drop((flipper, stopping));
    Ok(())
}

#[test]
fn settings_end_in_a_start_or_in_a_setup() -> Result {
    let directory = TempDir::new()?;
    same_api::refused(Flipper::builder("", "com.example.app").directory(directory.path()).start());
    let setup: Setup = Flipper::builder("App", "com.example.app").directory(directory.path()).into_setup()?;
    assert!(!format!("{setup:?}").is_empty());
    let mut options = Options::default();
    options.handlers = NonZeroUsize::MIN;
    let flipper = Flipper::launch_with(setup, &options)?;
    flipper.stop().wait()?;
    let prepared =
        Flipper::prepare(Flipper::builder("App", "com.example.app").directory(directory.path()).into_setup()?);
    prepared.begin(&options)?;
    prepared.stop();
    prepared.ending().wait()?;
    same_api::providers()
}

#[cfg(feature = "init")]
#[test]
fn one_line_starts_it() {
    let flipper: adapter::WithPlugins = adapter::init("");
    assert_eq!(flipper.start_error().is_some(), ENABLED);
    let _: &Flipper = flipper.flipper();
    let _: &adapter::plugins::Plugins = flipper.plugins();
    let flipper = adapter::Plugins::default().start(Flipper::builder("", ""));
    assert_eq!(flipper.start_error().is_some(), ENABLED);
}
