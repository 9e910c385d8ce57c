//! Plugins that the Flipper desktop already knows how to show.
//!
//! Each is a feature of this crate, and so is each integration with another crate. Nothing but the helpers is there by
//! default.
//!
//! Without the feature `enabled`, which is on by default, all of it has the same API and does nothing.
#![forbid(unsafe_code)]

#[cfg(not(feature = "enabled"))]
#[macro_use]
mod off;

#[cfg(all(feature = "crash", feature = "enabled"))]
pub mod crash;
#[cfg(all(feature = "crash", not(feature = "enabled")))]
#[path = "crash/off.rs"]
pub mod crash;
#[cfg(feature = "databases")]
pub mod databases;
#[cfg(all(feature = "logs", feature = "enabled"))]
pub mod logs;
#[cfg(all(feature = "logs", not(feature = "enabled")))]
#[path = "logs/off.rs"]
pub mod logs;
#[cfg(all(feature = "navigation", feature = "enabled"))]
pub mod navigation;
#[cfg(all(feature = "navigation", not(feature = "enabled")))]
#[path = "off/navigation.rs"]
pub mod navigation;
#[cfg(all(feature = "network", feature = "enabled"))]
pub mod network;
#[cfg(all(feature = "network", not(feature = "enabled")))]
#[path = "network/off.rs"]
pub mod network;
#[cfg(feature = "preferences")]
pub mod preferences;
#[cfg(all(feature = "sandbox", feature = "enabled"))]
pub mod sandbox;
#[cfg(all(feature = "sandbox", not(feature = "enabled")))]
#[path = "off/sandbox.rs"]
pub mod sandbox;
#[cfg(all(feature = "table", feature = "enabled"))]
pub mod table;
#[cfg(all(feature = "table", not(feature = "enabled")))]
#[path = "table/off.rs"]
pub mod table;

#[cfg(all(feature = "enabled", any(feature = "logs", feature = "preferences", feature = "table")))]
mod number;
#[cfg(feature = "enabled")]
#[allow(dead_code, reason = "each set of features uses other parts of it")]
mod outlet;
#[cfg(all(doctest, feature = "enabled"))]
mod pages;
mod plugins;
#[cfg(all(feature = "enabled", any(feature = "crash", feature = "logs")))]
mod text;
mod waiting;

pub use self::plugins::{Plugins, WithPlugins, init};
pub use self::waiting::Waiting;
