//! Tests of Flipper clients and desktops against each other and against the official peers.

#![forbid(unsafe_code)]

pub mod check;
#[cfg(unix)]
pub mod official;
