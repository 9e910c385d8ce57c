//! The plugins in an app on threads, which a scripted desktop talks to.
#![cfg(feature = "enabled")]
#![allow(dead_code, reason = "every set of features uses another part of the rig")]

mod rig;

#[cfg(feature = "network")]
mod network;
