//! From `start()` to connected.

use std::path::Path;
use std::time::Instant;

use flipper_conformance::official::OfficialDesktop;
use flipper_desktop::Desktop;
use flipper_tokio::Flipper;
use tempfile::TempDir;

use crate::Result;
use crate::measure::median;

/// So many starts of each kind.
const STARTS: usize = 15;

pub(crate) fn run() -> Result {
    println!("From start() to connected, medians of {STARTS}:");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (cold, warm) = runtime.block_on(async {
        let desktop = Desktop::builder().any_ports().in_memory_authority().start().await?;
        let ports = (desktop.ports().insecure, desktop.ports().secure);
        let took = starts(ports).await;
        desktop.stop().await;
        took
    })?;
    println!("  our desktop:      {cold:.1} ms from an empty directory, {warm:.1} ms with stored certificates");
    let official = OfficialDesktop::start()?;
    let ports = (official.ports().insecure, official.ports().secure);
    let (cold, warm) = runtime.block_on(starts(ports))?;
    println!("  official desktop: {cold:.1} ms from an empty directory, {warm:.1} ms with stored certificates");
    Ok(())
}

async fn starts(ports: (u16, u16)) -> Result<(f64, f64)> {
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let directory = TempDir::new()?;
        cold.push(start(ports, directory.path()).await?);
        warm.push(start(ports, directory.path()).await?);
    }
    Ok((median(cold), median(warm)))
}

/// One start, in milliseconds.
async fn start(ports: (u16, u16), directory: &Path) -> Result<f64> {
    let begin = Instant::now();
    let flipper =
        Flipper::builder("Bench", "com.example.bench").ports(ports.0, ports.1).directory(directory).start()?;
    flipper.connected().await;
    let took = begin.elapsed().as_secs_f64() * 1e3;
    flipper.stop().await;
    Ok(took)
}
