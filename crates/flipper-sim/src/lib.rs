//! A simulated runtime for Flipper: virtual time, a network in memory, and seeded faults.
#![forbid(unsafe_code)]

mod calendar;
mod core;
mod life;
mod net;
mod peers;
mod rng;
mod runtime;
mod sim;
mod sweep;
mod tally;
mod timers;
mod trace;

pub use self::calendar::Calendar;
pub use self::life::{Counts, Done, Failure, Life, live};
pub use self::net::{Connect, Dial, Fault, FaultKind, Injected, Place, Plan, RecordPart, SimListener, SimStream};
pub use self::peers::{AppHome, app, authority, desktop};
pub use self::rng::Rng;
pub use self::runtime::SimRuntime;
pub use self::sim::{Config, Sim, Stuck};
pub use self::sweep::{Sweep, Tally};
pub use self::timers::SimSleep;
