//! An app that never stops talking, in a process of its own.

use std::fmt::Write as _;
use std::process;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use flipper_tokio::{Connection, Flipper, plugin};
use serde::Serialize;

use crate::Result;

/// Has this program be an app: followed by its name, its directory and the desktop's two ports.
pub(crate) const FLAG: &str = "--as-app";

pub(crate) const PLUGIN: &str = "Soak";

/// Between two events.
const PAUSE: Duration = Duration::from_millis(20);

/// Every so many events, one is large.
const LARGE_EVERY: u64 = 100;

/// An event. Those of one process are numbered from 0 on.
#[derive(Serialize)]
struct Tick<'a> {
    run: &'a str,
    number: u64,
    data: &'a str,
}

/// Is the app, until it is killed or its standard input ends.
pub(crate) fn run(arguments: &[String]) -> Result {
    let [name, directory, insecure, secure] = arguments else { return Err("name, directory and two ports".into()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let connection: Arc<Mutex<Option<Connection>>> = Arc::default();
    let kept = Arc::clone(&connection);
    let talking = plugin(PLUGIN)
        .background()
        .on_connect(move |connection| *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection))
        .call("echo", |call| {
            if let Some(params) = call.params {
                // A desktop that has left needs no answer.
                let _left = call.responder.success_json(params);
            }
        })
        .build();
    let (insecure, secure) = (insecure.parse()?, secure.parse()?);
    thread::spawn(move || talk(&connection));
    thread::spawn(|| {
        // Nobody is left who started it.
        let _ended = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        process::exit(0);
    });
    runtime.block_on(async {
        let _running = Flipper::builder(name, "com.example.soak")
            .ports(insecure, secure)
            .directory(directory)
            .plugin(talking)
            .start()?;
        std::future::pending().await
    })
}

fn talk(connection: &Mutex<Option<Connection>>) {
    let mut run = String::new();
    let _written = write!(run, "{}", process::id());
    let (small, large) = ("x".repeat(200), "x".repeat(100_000));
    let mut number = 0;
    loop {
        let current = connection.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(connection) = current {
            let data = if number % LARGE_EVERY == LARGE_EVERY - 1 { &large } else { &small };
            let tick = Tick { run: &run, number, data };
            // What is sent while no desktop is there waits in a buffer.
            if connection.send("tick", &tick).is_ok() {
                number += 1;
            }
        }
        thread::sleep(PAUSE);
    }
}
