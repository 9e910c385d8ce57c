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
#[cfg(feature = "network")]
pub mod network;
#[cfg(feature = "preferences")]
pub mod preferences;
#[cfg(feature = "sandbox")]
pub mod sandbox;
#[cfg(feature = "table")]
pub mod table;

mod outlet;

pub use self::outlet::Waiting;
