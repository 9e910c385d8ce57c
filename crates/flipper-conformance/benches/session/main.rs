//! How fast a client is, over real TLS on loopback: ours beside a bare Node client, both as the app, in turn, driven by
//! the same desktop, which is written to be no limit.
//!
//! `cargo bench -p flipper-conformance --bench session [-- rpc | events | start]` prints medians, and the ratio to the Node
//! client in the same run. The Node client does nothing but what it must: `ws`, `JSON.parse`, echo, `JSON.stringify`.

#![forbid(unsafe_code)]

mod app;
mod desktop;
mod measure;
mod process;
mod start;

use std::env;
use std::error::Error;
use std::time::Duration;

use desktop::{Desktop, Load};
use measure::{Sample, median};
use process::Peer;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Each figure is the median of so many rounds, in which the clients take turns.
const ROUNDS: usize = 5;

/// How long a round lasts.
const ROUND: Duration = Duration::from_millis(600);

fn main() -> Result {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    if let [flag, directory, port] = &arguments[..]
        && flag == app::FLAG
    {
        return app::run(directory.as_ref(), port.parse()?);
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
    Ok(())
}

/// What `cargo test` runs: whether it works at all, and nothing about speed.
fn tries() -> Result {
    let mut ours = Desktop::with(Peer::ours)?;
    for load in [Load::Text(100), Load::Text(100_000), Load::Objects(100_000)] {
        ours.calls(load, 16, Duration::ZERO)?;
    }
    ours.events(1000, Duration::from_millis(1))?;
    Ok(())
}

fn rpc() -> Result {
    println!("Calls: `echo`, answered with its params, over TLS 1.3 on loopback. Medians of {ROUNDS} rounds.\n");
    println!(
        "{:<22} {:>6}  {:>9} {:>9} {:>6}  {:>8} {:>8}  {:>8} {:>8}  {:>9} {:>9} {:>6}",
        "params", "flight", "ours/s", "node/s", "ratio", "p50 us", "node", "p99 us", "node", "CPU us", "node", "ratio"
    );
    let (mut ours, mut node) = both()?;
    println!(
        "{:<22} {:>6}  memory when connected: ours {:.1} MB, node {:.1} MB",
        "",
        "",
        ours.memory()?,
        node.memory()?
    );
    let loads = [
        ("100 B", Load::Text(100)),
        ("100 KB, one string", Load::Text(100_000)),
        ("100 KB, small objects", Load::Objects(100_000)),
    ];
    for (name, load) in loads {
        for in_flight in [1, 16, 64] {
            let (mut a, mut b) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                a.push(ours.calls(load, in_flight, ROUND)?);
                b.push(node.calls(load, in_flight, ROUND)?);
            }
            let (a, b) = (Sample::medians(&a), Sample::medians(&b));
            println!(
                "{name:<22} {in_flight:>6}  {:>9.0} {:>9.0} {:>6.2}  {:>8.0} {:>8.0}  {:>8.0} {:>8.0}  {:>9.2} {:>9.2} {:>6.2}",
                a.per_second,
                b.per_second,
                a.per_second / b.per_second,
                a.p50,
                b.p50,
                a.p99,
                b.p99,
                a.cpu,
                b.cpu,
                b.cpu / a.cpu
            );
        }
    }
    println!("{:<22} {:>6}  memory after that: ours {:.1} MB, node {:.1} MB\n", "", "", ours.memory()?, node.memory()?);
    Ok(())
}

fn events() -> Result {
    let (mut ours, mut node) = both()?;
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        a.push(ours.events(1000, ROUND)?);
        b.push(node.events(1000, ROUND)?);
    }
    let (a, b) = (median(a), median(b));
    println!("Events of 1 KB: ours {a:.0}/s, node {b:.0}/s, ratio {:.2}\n", a / b);
    Ok(())
}

fn both() -> Result<(Desktop, Desktop)> {
    Ok((Desktop::with(Peer::ours)?, Desktop::with(Peer::node)?))
}
