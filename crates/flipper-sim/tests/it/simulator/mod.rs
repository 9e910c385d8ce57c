//! Scenes of an app and a desktop, in the simulator.

mod calls;
mod handshakes;
mod memory;
mod time;
