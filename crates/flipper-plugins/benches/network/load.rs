//! The latencies of a server under load.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use flipper_plugins::network::Network;

use crate::desk::App;
use crate::{Result, all_worked, median};

const RATE: u32 = 5000;
const CONNECTIONS: u32 = 64;
const ROUND: Duration = Duration::from_secs(2);
const ROUNDS: usize = 8;

const REQUEST: &[u8] = b"GET /v1/orders?page=3 HTTP/1.1\r\nhost: api.example.test\r\naccept: application/json\r\n\
    user-agent: bench/1.0\r\nx-request-id: 7f9c24e8-3b12-4f1a-9d5e-0a1b2c3d4e5f\r\n\r\n";

/// Serves a kilobyte after a while, as if it came from a database.
fn serve(network: Option<&Network>, query: Duration) -> Result<(SocketAddr, tokio::runtime::Runtime)> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let handler = move || async move {
        if !query.is_zero() {
            tokio::time::sleep(query).await;
        }
        ([("content-type", "application/json")], "x".repeat(1024))
    };
    let mut router = Router::new().route("/v1/orders", get(handler));
    if let Some(network) = network {
        router = router.layer(network.tower_server());
    }
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    runtime.spawn(async { axum::serve(listener, router).await });
    Ok((address, runtime))
}

/// Sends requests when they are due, whether or not those before were answered in time, and gives the microseconds
/// from when they were due until they were answered.
fn load(address: SocketAddr) -> Result<Vec<f64>> {
    let begun = Instant::now() + Duration::from_millis(20);
    let threads: Vec<_> = (0..CONNECTIONS)
        .map(|connection| {
            thread::spawn(move || -> Result<Vec<f64>> {
                let mut stream = TcpStream::connect(address)?;
                stream.set_nodelay(true)?;
                let mut buffer = [0; 4096];
                let mut took = Vec::new();
                for number in 0.. {
                    let due = Duration::from_secs(1) * (number * CONNECTIONS + connection) / RATE;
                    if due > ROUND {
                        break;
                    }
                    thread::sleep((begun + due).saturating_duration_since(Instant::now()));
                    stream.write_all(REQUEST)?;
                    let mut got = 0;
                    // Head and body: the body has 1024 bytes, and the head ends with an empty line.
                    while buffer[..got]
                        .windows(4)
                        .position(|end| end == b"\r\n\r\n")
                        .is_none_or(|end| got < end + 4 + 1024)
                    {
                        got += stream.read(&mut buffer[got..])?;
                    }
                    took.push((begun + due).elapsed().as_secs_f64() * 1e6);
                }
                Ok(took)
            })
        })
        .collect();
    let mut all = Vec::new();
    for thread in threads {
        all.extend(thread.join().map_err(|_| "a thread panicked")??);
    }
    all.sort_by(f64::total_cmp);
    Ok(all)
}

pub(crate) fn run() -> Result {
    for query in [Duration::from_millis(5), Duration::ZERO] {
        println!(
            "axum at {RATE} requests/s on {CONNECTIONS} connections, each waits {query:?} for its data; microseconds, medians of \
             {ROUNDS} rounds of {ROUND:?} in turns"
        );
        let (connected, full) = (App::connected()?, App::full()?);
        let modes = [("not recorded", None), ("connected", Some(&connected)), ("no desktop, no room", Some(&full))];
        let servers =
            modes.iter().map(|(_, app)| serve(app.map(|app| &app.network), query)).collect::<Result<Vec<_>>>()?;
        let mut figures = vec![(Vec::new(), Vec::new(), Vec::new()); modes.len()];
        for round in 0..=ROUNDS {
            for ((address, _), (p50, p99, work)) in servers.iter().zip(&mut figures) {
                let before = all_worked();
                let all = load(*address)?;
                // The first round is to warm up.
                if round > 0 {
                    p50.push(all[all.len() / 2]);
                    p99.push(all[all.len() * 99 / 100]);
                    work.push((all_worked() - before).as_secs_f64() * 1e6 / all.len() as f64);
                }
            }
        }
        println!("{:<24}{:>10}{:>10}{:>10}{:>12}", "", "p50", "p99", "growth", "work");
        let base = median(figures[0].1.clone());
        for ((name, _), (p50, p99, work)) in modes.iter().zip(figures) {
            let p99 = median(p99);
            let growth = (p99 / base - 1.0) * 100.0;
            println!("{name:<24}{:>10.0}{p99:>10.0}{growth:>9.1}%{:>12.1}", median(p50), median(work));
        }
        println!("(the desktop got {} messages, {} were skipped)", connected.received(), connected.network.skipped());
    }
    Ok(())
}
