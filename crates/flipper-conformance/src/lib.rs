//! Tests of Flipper clients and desktops against each other and against the official peers.
//!
//! The suite for clients is a list of [scenarios](scenarios::client): plain synchronous functions in which an app of any
//! [`Adapter`] meets a [scripted desktop](scripted). [`client_suite!`] makes a test of each of them.

#![forbid(unsafe_code)]

pub mod check;
#[cfg(unix)]
pub mod official;
#[cfg(unix)]
pub mod page;

#[cfg(feature = "suite")]
mod adapter;
#[cfg(feature = "suite")]
pub mod adapters;
#[cfg(feature = "suite")]
pub mod apps;
#[cfg(feature = "suite")]
pub mod desktops;
pub mod programs;
#[cfg(feature = "suite")]
mod provision;
pub mod roles;
#[cfg(feature = "suite")]
pub mod scenarios;
#[cfg(feature = "suite")]
pub mod scripted;
#[cfg(feature = "suite")]
pub mod suite;
pub mod usage;

#[cfg(feature = "suite")]
pub use self::adapter::{Adapter, Handle};
#[cfg(feature = "suite")]
pub use self::provision::provision;

/// Why a scenario failed, where no assertion did.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;

/// How a scenario, or a part of one, ended.
pub type Result<T = (), E = Failed> = std::result::Result<T, E>;

/// Bounds a hang; no test passes because of it.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);
