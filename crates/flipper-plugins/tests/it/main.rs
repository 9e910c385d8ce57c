//! The plugins in an app on threads, which a scripted desktop talks to.
#![cfg(feature = "enabled")]
#![allow(dead_code, reason = "every set of features uses another part of the rig")]

mod init;
mod rig;

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
#[cfg(feature = "preferences")]
mod preferences;
#[cfg(feature = "sandbox")]
mod sandbox;
#[cfg(feature = "table")]
mod table;
