//! What is allocated.

use allocation_counter::{AllocationInfo, measure};
use flipper_plugins::network::{Network, Request, Response};

use crate::Result;
use crate::desk::App;

fn respond(network: &Network, body: usize) -> AllocationInfo {
    let chunk = vec![b'x'; 1 << 16];
    measure(|| {
        let exchange = network.request(|| Request::new("GET", "http://api.example.test/v1/orders"));
        let mut answer = exchange.response(|| Response::new(200));
        for _ in 0..body >> 16 {
            answer.chunk(&chunk);
        }
        answer.end();
    })
}

pub(crate) fn run() -> Result {
    println!("allocations of an exchange with a response body in pieces of 64 KiB");
    println!("{:<32}{:>8}{:>14}{:>14}", "", "number", "bytes", "at once");
    let (connected, full) = (App::connected()?, App::full()?);
    for (name, app, body) in [
        ("connected, no body", &connected, 0),
        ("connected, body of 1 MiB", &connected, 1 << 20),
        ("connected, body of 10 MiB", &connected, 10 << 20),
        ("connected, body of 100 MiB", &connected, 100 << 20),
        ("full, body of 100 MiB", &full, 100 << 20),
    ] {
        let used = respond(&app.network, body);
        println!("{name:<32}{:>8}{:>14}{:>14}", used.count_total, used.bytes_total, used.bytes_max);
    }
    Ok(())
}
