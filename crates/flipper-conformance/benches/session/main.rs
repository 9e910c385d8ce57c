//! How fast a client is, over real TLS on loopback: ours on every adapter beside a bare Node client, each as the app, in
//! turn, driven by the same desktop, which is written to be no limit.
//!
//! `cargo bench -p flipper-conformance --bench session [-- rpc | events | start]` prints medians, and the ratio to the Node
//! client in the same run. The Node client does nothing but what it must: `ws`, `JSON.parse`, echo, `JSON.stringify`. The C
//! client is a program with the shared library that `cargo xtask c-library` has laid out before.
//!
//! `-- desktop` measures our desktop instead, from an observer of its API to an app and back: all of it, or only what is
//! named of its `begin`ning, `small` and `large` calls and the `stream` of events. With `official` as well it also measures the official one,
//! and prints the ratio to it.

#![forbid(unsafe_code)]

mod client;
mod desktop;
mod measure;
mod observed;
mod observer;
mod process;
mod start;

use std::env;
use std::time::Duration;

use flipper_conformance::Result;

use client::Client;
use desktop::{Desktop, Load};
use measure::{Sample, median};

/// Each figure is the median of so many rounds, in which the clients take turns.
const ROUNDS: usize = 5;

/// How long a round lasts.
const ROUND: Duration = Duration::from_millis(600);

fn main() -> Result {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    if let [flag, client, directory, port] = &arguments[..]
        && flag == client::FLAG
    {
        return Client::run(client, directory.as_ref(), port.parse()?);
    }
    if let [flag, directory] = &arguments[..]
        && flag == observed::FLAG
    {
        return observed::run_desktop(directory.as_ref());
    }
    let asked = arguments.len();
    arguments.retain(|argument| argument != "--bench");
    if arguments.len() == asked {
        return tries();
    }
    let wanted = |part: &str| arguments.is_empty() || arguments.iter().any(|argument| argument == part);
    if wanted("rpc") {
        rpc()?;
    }
    if wanted("events") {
        events()?;
    }
    if wanted("start") {
        start::run()?;
    }
    // Not by itself: it is about something else.
    if arguments.iter().any(|argument| argument == "desktop") {
        observed::run(&arguments)?;
    }
    Ok(())
}

/// What `cargo test` runs: whether it works at all, and nothing about speed.
fn tries() -> Result {
    for client in Client::OURS {
        let mut desktop = Desktop::with(client)?;
        for load in [Load::Text(100), Load::Text(100_000), Load::Objects(100_000)] {
            desktop.calls(load, 16, Duration::ZERO)?;
        }
        desktop.events(1000, Duration::from_millis(1))?;
    }
    observed::tries()
}

fn rpc() -> Result {
    println!("Calls: `echo`, answered with its params, over TLS 1.3 on loopback. Medians of {ROUNDS} rounds.\n");
    println!(
        "{:<22} {:>6}  {:<9} {:>9} {:>7} {:>8} {:>8} {:>9} {:>7}",
        "params", "flight", "client", "calls/s", "ratio", "p50 us", "p99 us", "CPU us", "ratio"
    );
    let mut desktops = connected()?;
    let memory = |desktops: &[(Client, Desktop)]| desktops.iter().map(|(_, desktop)| desktop.memory()).collect();
    let connected: Result<Vec<f64>> = memory(&desktops);
    let loads = [
        ("100 B", Load::Text(100)),
        ("100 KB, one string", Load::Text(100_000)),
        ("100 KB, small objects", Load::Objects(100_000)),
    ];
    for (name, load) in loads {
        for in_flight in [1, 16, 64] {
            let mut rounds = vec![Vec::new(); desktops.len()];
            for _ in 0..ROUNDS {
                for ((_, desktop), samples) in desktops.iter_mut().zip(&mut rounds) {
                    samples.push(desktop.calls(load, in_flight, ROUND)?);
                }
            }
            let medians: Vec<_> = rounds.iter().map(|samples| Sample::medians(samples)).collect();
            // The yardstick comes last.
            let Some(node) = medians.last() else { continue };
            for ((client, _), it) in desktops.iter().zip(&medians) {
                println!(
                    "{name:<22} {in_flight:>6}  {client:<9} {:>9.0} {:>7.2} {:>8.0} {:>8.0} {:>9.2} {:>7.2}",
                    it.per_second,
                    it.per_second / node.per_second,
                    it.p50,
                    it.p99,
                    it.cpu,
                    node.cpu / it.cpu
                );
            }
        }
    }
    println!("\nResident memory, MB: connected / after all that.\n");
    let after: Result<Vec<f64>> = memory(&desktops);
    for (((client, _), before), after) in desktops.iter().zip(connected?).zip(after?) {
        println!("{client:<9} {before:>6.1} / {after:>6.1}");
    }
    println!();
    Ok(())
}

fn events() -> Result {
    println!("Events of 1 KB a second, medians of {ROUNDS} rounds.\n");
    let mut desktops = connected()?;
    let mut rounds = vec![Vec::new(); desktops.len()];
    for _ in 0..ROUNDS {
        for ((_, desktop), figures) in desktops.iter_mut().zip(&mut rounds) {
            figures.push(desktop.events(1000, ROUND)?);
        }
    }
    let medians: Vec<_> = rounds.into_iter().map(median).collect();
    let node = medians.last().copied().unwrap_or(f64::NAN);
    for ((client, _), it) in desktops.iter().zip(medians) {
        println!("{client:<9} {it:>9.0}  ratio {:.2}", it / node);
    }
    println!();
    Ok(())
}

/// Every client, each connected to a desktop of its own.
fn connected() -> Result<Vec<(Client, Desktop)>> {
    Client::ALL.into_iter().map(|client| Ok((client, Desktop::with(client)?))).collect()
}
