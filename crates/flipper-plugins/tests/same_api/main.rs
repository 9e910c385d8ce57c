//! Every public function is used once, with and without the feature `enabled`: what is missing in either mode does not
//! compile.

use std::fmt::Debug;

use flipper_blocking::{Flipper, Plugin};

#[cfg(feature = "crash")]
mod crash;
#[cfg(feature = "databases")]
mod databases;
#[cfg(feature = "logs")]
mod logs;
#[cfg(feature = "navigation")]
mod navigation;
#[cfg(feature = "network")]
mod network;
mod plugins;
#[cfg(feature = "preferences")]
mod preferences;
#[cfg(feature = "sandbox")]
mod sandbox;
#[cfg(feature = "table")]
mod table;

/// Whether the plugins do something.
const ENABLED: bool = cfg!(feature = "enabled");

/// What every plugin can be used as: a handle that is cloned, given to an app, and dropped.
#[allow(dead_code, reason = "there may be no plugin")]
fn is_a_plugin(plugin: impl Plugin + Clone + Debug, id: &str) {
    assert_eq!(plugin.id(), id);
    assert!(!format!("{plugin:?}").is_empty());
    // It is not started: nothing of an app is needed but its settings.
    drop(Flipper::builder("App", "com.example.app").plugin(plugin.clone()));
    drop(plugin);
}
