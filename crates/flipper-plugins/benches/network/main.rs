//! What recording HTTP traffic costs an app.
//!
//! `cargo bench -p flipper-plugins --features network-reqwest,network-tower --bench network -- [costs|memory|load]`
//!
//! - `costs`: the time that an exchange takes longer, for a service and a client that do nothing else;
//! - `memory`: what is allocated for an exchange, and for bodies beyond the limit;
//! - `load`: the latencies of a server at 5,000 requests a second, with and without recording in turns.
#![allow(clippy::print_stdout, reason = "it is what this program is for")]

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

/// The middle one.
fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or_default()
}
