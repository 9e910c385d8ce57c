//! Preferences: the desktop shows an app's settings, and changes them.
//!
//! ```
//! use flipper_plugins::preferences::{Preferences, Settings};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Clone, Default, Deserialize, Serialize)]
//! struct Options {
//!     theme: String,
//!     retries: u32,
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("settings.json");
//! // The app's settings, which do without any desktop.
//! let settings = Settings::<Options>::open(path)?;
//! settings.update(|options| options.retries = 3)?;
//! assert_eq!(settings.get().retries, 3);
//!
//! // And what the desktop sees of them.
//! let preferences = Preferences::new();
//! preferences.add("settings", settings);
//! // … .plugin(preferences) where the app's Flipper is built.
//! # Ok(())
//! # }
//! ```
//!
//! Any other place where an app keeps its settings takes an implementation of [`Store`].

mod file;
mod settings;
mod store;

#[cfg(not(feature = "enabled"))]
mod off;
#[cfg(feature = "enabled")]
mod plugin;
#[cfg(feature = "enabled")]
mod throttle;
#[cfg(feature = "enabled")]
mod worker;

#[cfg(not(feature = "enabled"))]
pub use self::off::{Changes, Preferences};
#[cfg(feature = "enabled")]
pub use self::plugin::{Changes, Preferences};
pub use self::settings::{Settings, SettingsError};
pub use self::store::{Map, Store, StoreError, StoreErrorKind, Value};
