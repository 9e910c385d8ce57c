//! What recording HTTP traffic costs an app.
//!
//! `cargo bench -p flipper-plugins --features network-reqwest,network-tower --bench network -- [costs|memory|load]`
//!
//! - `costs`: the processor time that an exchange takes of its own thread, for a service and a client that do nothing else;
//! - `memory`: what is allocated for an exchange, and for bodies beyond the limit;
//! - `load`: the latencies of a server at 5,000 requests a second, with and without recording in turns, and the processor
//!   time of the whole process, which is server, clients and desktop.
#![allow(clippy::print_stdout, reason = "it is what this program is for")]

use std::time::Duration;

mod costs;
mod desk;
mod load;
mod memory;

type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

fn main() -> Result {
    let parts: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    if wanted("costs") {
        costs::run()?;
    }
    if wanted("memory") {
        memory::run()?;
    }
    if wanted("load") {
        load::run()?;
    }
    Ok(())
}

/// The time that this thread has worked: other programs on the machine do not count.
fn worked() -> Duration {
    #[cfg(unix)]
    return clock(rustix::time::ClockId::ThreadCPUTime);
    #[cfg(not(unix))]
    return Duration::ZERO;
}

/// The time that all threads of this process have worked.
fn all_worked() -> Duration {
    #[cfg(unix)]
    return clock(rustix::time::ClockId::ProcessCPUTime);
    #[cfg(not(unix))]
    return Duration::ZERO;
}

#[cfg(unix)]
fn clock(id: rustix::time::ClockId) -> Duration {
    let time = rustix::time::clock_gettime(id);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// The middle one.
fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or_default()
}
