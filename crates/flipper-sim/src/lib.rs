//! A simulated runtime for Flipper: virtual time, a network in memory, and seeded faults.
//!
//! A [`Sim`] is a machine in a bottle. Its processes, each a [`SimRuntime`], run the real driver, the real TLS and
//! WebSocket code, the real desktop and the real credential store; only sockets, timers, tasks and the calendar are its
//! own. Everything runs on one thread and in one order, so that whatever happens can be made to happen again.
//!
//! ```
//! use std::time::Duration;
//! use flipper_client::plugin;
//! use flipper_sim::{AppHome, Sim};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sim = Sim::new(1);
//! let calendar = sim.calendar();
//! let authority = flipper_sim::authority(&calendar)?;
//! let home = AppHome::new(&calendar)?;
//! let (phone, desk) = (sim.process("phone"), sim.process("desk"));
//! sim.run(async {
//!     let desktop = flipper_sim::desktop(&calendar, &authority).start_on(desk.clone()).await?;
//!     let app = home.launch(&phone, flipper_sim::app("shop", 7).plugin(plugin("Shop").build()))?;
//!     assert!(app.connected().await);
//!     desk.freeze(); // somebody debugs the desktop
//!     phone.sleep(Duration::from_secs(60)).await; // which takes no time here
//!     assert!(app.status().state.to_string().contains("does not respond"));
//!     desk.thaw();
//!     app.stop().await;
//!     desktop.stop().await;
//!     Ok::<_, Box<dyn std::error::Error>>(())
//! })??;
//! assert_eq!(sim.connections(), 0);
//! # Ok(())
//! # }
//! ```
//!
//! # Faults
//!
//! [`Sim::plan`] decides what becomes of every connection: whether it comes to be, how fast it is, how much it holds, and
//! which [`Fault`]s strike at which byte or TLS record of it. A process can be [frozen](SimRuntime::freeze) or
//! [killed](SimRuntime::kill), a [`Calendar`] set, a disk made to fail ([`AppHome::with_disk_faults`]).
//!
//! # Lives
//!
//! [`live`] draws a whole life of apps and a desktop from a number, and demands of it what must always be true; [`Sweep`]
//! lives many. The command does that as well:
//!
//! ```text
//! cargo run --release -p flipper-sim -- lives 100000 --threads 2
//! FLIPPER_SIM_SEED=1234 cargo run --release -p flipper-sim -- lives
//! ```
//!
//! The second form lives one of them alone, and tells everything that happens in it. What is random in TLS differs from run
//! to run, but never in its length: keys are Ed25519, whose signatures all have one. So a seed repeats not only what apps
//! and desktops do, but every read and write, byte for byte in number, on machines of one kind: paths of directories
//! travel over the wire, and lie in `/dev/shm` where there is one.
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
