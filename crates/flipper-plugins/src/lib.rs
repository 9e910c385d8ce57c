//! Plugins that the Flipper desktop already knows how to show.
//!
//! Each is a feature of this crate, and so is each integration with another crate. Nothing but the helpers is there by
//! default.
#![forbid(unsafe_code)]

#[cfg(feature = "crash")]
pub mod crash;
#[cfg(feature = "databases")]
pub mod databases;
#[cfg(feature = "logs")]
pub mod logs;
#[cfg(feature = "navigation")]
pub mod navigation;
#[cfg(all(feature = "network", feature = "enabled"))]
pub mod network;
#[cfg(all(feature = "network", not(feature = "enabled")))]
#[path = "network/off.rs"]
pub mod network;
#[cfg(feature = "preferences")]
pub mod preferences;
#[cfg(feature = "sandbox")]
pub mod sandbox;
#[cfg(feature = "table")]
pub mod table;

#[cfg(all(feature = "enabled", any(feature = "logs", feature = "table")))]
mod number;
#[cfg(feature = "enabled")]
#[allow(dead_code, reason = "each set of features uses other parts of it")]
mod outlet;
mod plugins;
mod waiting;

pub use self::plugins::{Plugins, WithPlugins, init};
pub use self::waiting::Waiting;
