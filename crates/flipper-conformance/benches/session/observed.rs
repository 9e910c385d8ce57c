//! How fast a whole desktop is, from an observer to an app and back: ours, and the official one where it is installed.

use std::env;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use flipper_conformance::official::OfficialDesktop;
use flipper_desktop::Desktop;
use flipper_desktop::api::{Api, RunningDesktop};
use tempfile::TempDir;

use crate::client::Client;
use crate::desktop::Load;
use crate::measure::median;
use crate::observer::{Dialect, Observer};
use crate::process::Peer;
use crate::{ROUND, ROUNDS, Result};

/// Has this program be a desktop: followed by its directory.
pub(crate) const FLAG: &str = "--as-desktop";

/// Is the desktop, for ever.
pub(crate) fn run_desktop(directory: &Path) -> Result {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let desktop = Desktop::builder().any_ports().state_directory(directory).start().await?;
        let _api = Api::builder(&desktop).port(0).state_directory(directory).start().await?;
        std::future::pending().await
    })
}

/// A desktop with one app and one observer.
struct Observed {
    name: String,
    desktop: Running,
    observer: Observer,
    _app: Peer,
    _directory: TempDir,
}

enum Running {
    Ours(Peer),
    Official(OfficialDesktop),
}

impl Observed {
    fn ours(dialect: Dialect, app: Client) -> Result<Self> {
        let directory = TempDir::new()?;
        let state = directory.path().join("desktop");
        let desktop = Peer::of(Command::new(env::current_exe()?).arg(FLAG).arg(&state))?;
        let running = wait_for(&state)?;
        let ports = (running.ports.insecure, running.ports.secure);
        let app_process = connect(app, ports, directory.path())?;
        let observer = Observer::connect(dialect, running.ports.ui, running.token.as_str())?;
        let name = format!("ours, {dialect:?}, {app}");
        Ok(Self { name, desktop: Running::Ours(desktop), observer, _app: app_process, _directory: directory })
    }

    fn official(app: Client) -> Result<Self> {
        let directory = TempDir::new()?;
        let desktop = OfficialDesktop::start()?;
        let ports = desktop.ports();
        let app_process = connect(app, (ports.insecure, ports.secure), directory.path())?;
        let observer = Observer::connect(Dialect::Official, ports.ui, "")?;
        let name = format!("official, {app}");
        Ok(Self { name, desktop: Running::Official(desktop), observer, _app: app_process, _directory: directory })
    }

    fn cpu(&self) -> Result<f64> {
        match &self.desktop {
            Running::Ours(process) => process.cpu(),
            Running::Official(desktop) => flipper_conformance::usage::cpu_seconds(desktop.pid()?),
        }
    }

    fn peak_memory(&self) -> Result<f64> {
        match &self.desktop {
            Running::Ours(process) => process.peak_memory(),
            Running::Official(desktop) => flipper_conformance::usage::peak_megabytes(desktop.pid()?),
        }
    }
}

/// Has an app exchange certificates once, then runs it in a process of its own.
fn connect(app: Client, ports: (u16, u16), directory: &Path) -> Result<Peer> {
    Client::Tokio.connect(ports, directory)?();
    Peer::start(app, directory, ports.1)
}

fn wait_for(state: &Path) -> Result<RunningDesktop> {
    let begin = Instant::now();
    loop {
        match RunningDesktop::read(state) {
            Ok(running) => return Ok(running),
            Err(error) if begin.elapsed() > Duration::from_secs(30) => return Err(error.into()),
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// Whether it works at all.
pub(crate) fn tries() -> Result {
    for dialect in [Dialect::Api, Dialect::Official] {
        let mut observed = Observed::ours(dialect, Client::Tokio)?;
        observed.observer.calls(Load::Text(100), 16, Duration::ZERO)?;
        observed.observer.calls(Load::Text(100_000), 16, Duration::from_millis(1))?;
        observed.observer.events(1_000, Duration::from_millis(1))?;
    }
    Ok(())
}

/// Measures what is named.
pub(crate) fn run(named: &[String]) -> Result {
    let names = |name: &str| named.iter().any(|argument| argument == name);
    let has_yardstick = names("official");
    let everything = !["begin", "small", "large", "stream"].into_iter().any(names);
    if everything || names("begin") {
        begin()?;
    }
    if !everything && !["small", "large", "stream"].into_iter().any(names) {
        return Ok(());
    }
    println!(
        "Observer to desktop to app and back, the app over TLS. Medians of {ROUNDS} rounds; CPU is that of the desktop.\n"
    );
    let mut all = vec![
        Observed::ours(Dialect::Api, Client::Tokio)?,
        Observed::ours(Dialect::Official, Client::Tokio)?,
        Observed::ours(Dialect::Api, Client::Node)?,
    ];
    if has_yardstick {
        all.push(Observed::official(Client::Node)?);
    }
    if everything || names("small") {
        calls(&mut all, "100 B", Load::Text(100), &[1, 16, 64], has_yardstick)?;
    }
    if everything || names("large") {
        calls(&mut all, "100 KB", Load::Text(100_000), &[1, 16], has_yardstick)?;
    }
    if everything || names("stream") {
        stream(&mut all)?;
    }
    Ok(())
}

/// From the start of the process to ports that are open and a token that can be read.
fn begin() -> Result {
    const STARTS: usize = 15;
    let (mut cold, mut warm, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let directory = TempDir::new()?;
        let state = directory.path().join("desktop");
        for figures in [&mut cold, &mut warm] {
            let begin = Instant::now();
            let desktop = Peer::of(Command::new(env::current_exe()?).arg(FLAG).arg(&state))?;
            let running = wait_for(&state)?;
            TcpStream::connect(running.api_address())?;
            figures.push(begin.elapsed().as_secs_f64() * 1e3);
            memory.push(desktop.memory()?);
            drop(desktop);
            // It was killed, and could not clean up.
            std::fs::remove_file(state.join("desktop.json"))?;
        }
    }
    println!("Start to ports open, ms, medians of {STARTS}: without certificates / with; resident memory, MB.\n");
    println!("{:.1} / {:.1}; {:.1}\n", median(cold), median(warm), median(memory));
    Ok(())
}

/// Keeps calls in flight. The yardstick is the last of the desktops, if there is one.
fn calls(all: &mut [Observed], name: &str, load: Load, flights: &[usize], has_yardstick: bool) -> Result {
    println!(
        "{:<8} {:>6}  {:<24} {:>9} {:>7} {:>9} {:>7}",
        "params", "flight", "desktop", "calls/s", "ratio", "CPU us", "ratio"
    );
    for in_flight in flights {
        let mut figures = vec![(Vec::new(), Vec::new()); all.len()];
        for _ in 0..ROUNDS {
            for (observed, (speeds, costs)) in all.iter_mut().zip(&mut figures) {
                let before = observed.cpu()?;
                let round = observed.observer.calls(load, *in_flight, ROUND)?;
                costs.push((observed.cpu()? - before) * 1e6 / round.calls as f64);
                speeds.push(round.calls as f64 / round.took.as_secs_f64());
            }
        }
        let medians: Vec<_> = figures.into_iter().map(|(speeds, costs)| (median(speeds), median(costs))).collect();
        let yardstick = medians.last().copied().filter(|_| has_yardstick).unwrap_or((f64::NAN, f64::NAN));
        for (observed, (speed, cost)) in all.iter().zip(medians) {
            println!(
                "{name:<8} {in_flight:>6}  {:<24} {speed:>9.0} {:>7.2} {cost:>9.2} {:>7.2}",
                observed.name,
                speed / yardstick.0,
                yardstick.1 / cost
            );
        }
    }
    println!();
    Ok(())
}

fn stream(all: &mut [Observed]) -> Result {
    println!("Events of 1 KB a second, app to desktop to observer; peak memory of the desktop, MB.\n");
    for observed in all {
        let mut speeds = Vec::new();
        for _ in 0..ROUNDS {
            speeds.push(observed.observer.events(1_000, ROUND)?);
        }
        println!("{:<24} {:>9.0}  {:>7.1}", observed.name, median(speeds), observed.peak_memory()?);
    }
    println!();
    Ok(())
}
