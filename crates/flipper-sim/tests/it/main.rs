//! The simulator itself, and named scenes of Flipper in it. What is drawn by chance is in `lives.rs`.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that fails panics")]

mod executor;
mod network;
mod rig;
mod simulator;
