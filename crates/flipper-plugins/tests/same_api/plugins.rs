//! All plugins together.

use flipper_blocking::Flipper;
use flipper_plugins::{Plugins, Waiting, WithPlugins, init};

/// An app without a name does not start, so that it is safe to start it here.
#[test]
fn a_start_never_fails() {
    let flipper: WithPlugins<Flipper> = init::<Flipper>("");
    assert_eq!(flipper.start_error().is_some(), crate::ENABLED);
    let _running: &Flipper = flipper.flipper();
    let _plugins: &Plugins = flipper.plugins();
    assert!(!flipper.connected() && !flipper.status().is_connected());
    assert!(!format!("{:?}", flipper.clone()).is_empty());
    drop(flipper);

    let plugins = Plugins::default();
    let flipper = plugins.clone().start(plugins.add_to(Flipper::builder("", "")));
    assert_eq!(flipper.start_error().is_some(), crate::ENABLED);
}

#[test]
fn what_waits_is_a_setting() {
    assert_eq!(Waiting::new(0, 0), Waiting::NOTHING);
    let waiting = Waiting::default();
    assert!(waiting.events > 0 && waiting.bytes > 0);
}

#[test]
fn every_plugin_has_an_accessor() {
    let flipper = init::<Flipper>("");
    #[cfg(feature = "databases")]
    let _databases: &flipper_plugins::databases::Databases = flipper.databases();
    #[cfg(feature = "logs")]
    let _logs: &flipper_plugins::logs::Logs = flipper.logs();
    #[cfg(feature = "navigation")]
    let _navigation: &flipper_plugins::navigation::Navigation = flipper.navigation();
    #[cfg(feature = "network")]
    let _network: &flipper_plugins::network::Network = flipper.network();
    #[cfg(feature = "preferences")]
    let _preferences: &flipper_plugins::preferences::Preferences = flipper.preferences();
    #[cfg(feature = "sandbox")]
    let _sandbox: &flipper_plugins::sandbox::Sandbox = flipper.sandbox();
    drop(flipper);
}
