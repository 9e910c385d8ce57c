//! From `start()` to connected.

use std::time::Instant;

use flipper_conformance::official::OfficialDesktop;
use flipper_desktop::Desktop;
use tempfile::TempDir;

use crate::Result;
use crate::client::Client;
use crate::measure::median;

/// So many starts of each kind.
const STARTS: usize = 15;

pub(crate) fn run() -> Result {
    println!(
        "From start() to connected, ms, medians of {STARTS}: from an empty directory / with stored certificates.\n"
    );
    println!("{:<10} {:>16} {:>18}", "client", "our desktop", "official desktop");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let desktop = runtime.block_on(Desktop::builder().any_ports().in_memory_authority().start())?;
    let official = OfficialDesktop::start()?;
    for client in Client::OURS {
        let (cold, warm) = starts(client, (desktop.ports().insecure, desktop.ports().secure))?;
        let (official_cold, official_warm) = starts(client, (official.ports().insecure, official.ports().secure))?;
        println!("{client:<10} {cold:>8.1} / {warm:>5.1} {official_cold:>10.1} / {official_warm:>5.1}");
    }
    runtime.block_on(desktop.stop());
    Ok(())
}

fn starts(client: Client, ports: (u16, u16)) -> Result<(f64, f64)> {
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let directory = TempDir::new()?;
        for figures in [&mut cold, &mut warm] {
            let begin = Instant::now();
            let stop = client.connect(ports, directory.path())?;
            figures.push(begin.elapsed().as_secs_f64() * 1e3);
            stop();
        }
    }
    Ok((median(cold), median(warm)))
}
