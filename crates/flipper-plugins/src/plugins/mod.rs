//! All plugins together, and the one line that starts an app's Flipper with them.

#[macro_use]
mod collection;

#[cfg(feature = "enabled")]
mod app_id;
mod start;

pub use self::start::{WithPlugins, init};

// One plugin more is three lines here, and its feature in the `Cargo.toml` of this crate and of the adapters.
collection! {
    /// Panics and errors of the app.
    #[cfg(feature = "crash")]
    crash: crate::crash::Crash,
    /// The app's databases.
    #[cfg(feature = "databases")]
    databases: crate::databases::Databases,
    /// What the app logs.
    #[cfg(feature = "logs")]
    logs: crate::logs::Logs,
    /// Where the app's user has gone.
    #[cfg(feature = "navigation")]
    navigation: crate::navigation::Navigation,
    /// The app's HTTP traffic.
    #[cfg(feature = "network")]
    network: crate::network::Network,
    /// The app's settings.
    #[cfg(feature = "preferences")]
    preferences: crate::preferences::Preferences,
    /// A value that the desktop chooses.
    #[cfg(feature = "sandbox")]
    sandbox: crate::sandbox::Sandbox,
}
