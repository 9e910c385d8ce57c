//! What thousands of apps cost a desktop that holds all of them at once, over real TLS on loopback.
//!
//! `cargo bench -p flipper-conformance --bench crowd [-- APPS [SECONDS]]`, by default 5,000 and 60, connects them from
//! another process, holds them while it calls one after the other, and prints what the desktop needs for each: memory, CPU,
//! and how long the calls take.

#![forbid(unsafe_code)]

mod apps;

use std::env;
use std::time::{Duration, Instant};

use flipper_conformance::usage::{cpu_seconds, resident_megabytes};
use flipper_conformance::{Result, provision};
use flipper_desktop::proto::{ClientId, Payload};
use flipper_desktop::{Desktop, Event, pki};
use tempfile::TempDir;

use apps::Apps;

/// How many calls a second the crowd is asked, all together.
const CALLS_PER_SECOND: u64 = 500;

fn main() -> Result {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    if let [flag, count, directory, port] = &arguments[..]
        && flag == apps::FLAG
    {
        return apps::run(count.parse()?, directory.as_ref(), port.parse()?);
    }
    let asked = arguments.len();
    arguments.retain(|argument| argument != "--bench");
    // `cargo test` runs this as well: whether it works at all, and nothing about speed.
    let (apps, seconds) = if arguments.len() == asked { (20, 0) } else { (5_000, 60) };
    let number = |at: usize, usual: u64| arguments.get(at).map_or(Ok(usual), |text| text.parse());
    let (apps, seconds) = (number(0, apps)?, number(1, seconds)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(hold(usize::try_from(apps)?, Duration::from_secs(seconds)))
}

async fn hold(apps: usize, span: Duration) -> Result {
    let directory = TempDir::new()?;
    let authority = pki::Authority::in_memory(pki::AuthorityConfig::default())?;
    provision(&authority, directory.path(), apps::APP_ID, "")?;
    let mut builder = Desktop::builder().any_ports().authority(authority).configure(|config| {
        config.limits.clients = apps;
    });
    let mut events = builder.events();
    let desktop = builder.start().await?;
    let this = std::process::id();
    let empty = resident_megabytes(this)?;

    let began = Instant::now();
    let crowd = Apps::spawn(apps, directory.path(), desktop.ports().secure)?;
    let mut clients = Vec::with_capacity(apps);
    while clients.len() < apps {
        match events.next().await.ok_or("the desktop has ended")? {
            Event::PluginsChanged { client, .. } => clients.push(client),
            Event::ClientDisconnected { client, cause } => return Err(format!("{client} is gone: {cause}").into()),
            _ => {}
        }
    }
    let took = began.elapsed();
    let full = resident_megabytes(this)?;
    println!("{apps} apps connected in {:.1} s: {:.0} a second", took.as_secs_f64(), apps as f64 / took.as_secs_f64());
    println!("memory: {:.1} MB empty, {:.1} MB with all of them", empty, full);
    println!("        {:.1} KB for each", (full - empty) * 1e3 / apps as f64);

    let (began, cpu_before) = (Instant::now(), cpu_seconds(this)?);
    let latencies = call_in_turn(&desktop, &clients, span).await?;
    let held = began.elapsed();
    let (after, cpu_after) = (resident_megabytes(this)?, cpu_seconds(this)?);
    let at = |quantile: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an index between 0 and the length"
        )]
        let index = ((latencies.len() - 1) as f64 * quantile) as usize;
        latencies[index].as_secs_f64() * 1e3
    };
    println!(
        "held for {} s, with {} calls: p50 {:.2} ms, p99 {:.2} ms, longest {:.2} ms",
        held.as_secs(),
        latencies.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
    println!("memory: {:.1} MB; CPU: {:.1} % of a core", after, (cpu_after - cpu_before) * 100.0 / held.as_secs_f64());
    let still = desktop.clients().len();
    if still != apps {
        return Err(format!("{} apps got lost", apps - still).into());
    }
    drop(crowd);
    Ok(())
}

/// Calls one app after the other, at an even pace, and returns how long each call took, the shortest first.
async fn call_in_turn(desktop: &Desktop, clients: &[ClientId], span: Duration) -> Result<Vec<Duration>> {
    for client in clients {
        desktop.init_plugin(client, "Example")?;
    }
    let pace = Duration::from_micros(1_000_000 / CALLS_PER_SECOND);
    let mut ticks = tokio::time::interval(pace);
    let end = Instant::now() + span;
    let mut calls = tokio::task::JoinSet::new();
    let mut latencies = Vec::new();
    let params = Payload::from_json(r#"{"text":"hello"}"#)?;
    for client in clients.iter().cycle() {
        ticks.tick().await;
        let (desktop, client, params) = (desktop.clone(), client.clone(), params.clone());
        calls.spawn(async move {
            let asked = Instant::now();
            desktop.call(&client, "Example", "echo", Some(params)).await.map(|_| asked.elapsed())
        });
        // At once, so that what is measured is not the memory of calls that have ended.
        while let Some(call) = calls.try_join_next() {
            latencies.push(call??);
        }
        if Instant::now() >= end {
            break;
        }
    }
    while let Some(call) = calls.join_next().await {
        latencies.push(call??);
    }
    latencies.sort();
    Ok(latencies)
}
