//! Connecting, where the system blocks. On Linux, because elsewhere a full queue is answered in other ways.
#![cfg(target_os = "linux")]

use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::time::Duration;

use flipper_blocking::Notice;
use flipper_blocking::proto::CloseCause;
use flipper_blocking::proto::client::{Failure, Purpose, State, Step};
use flipper_conformance::adapters::BlockingAdapter;
use flipper_conformance::scripted::Desktop;
use flipper_conformance::{PATIENCE, Result, suite};
use tempfile::TempDir;

#[test]
fn a_port_that_does_not_even_accept_holds_up_nothing() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    desktop.provision(dir.path())?;
    // Whoever is not in its queue, which nobody empties, gets no answer at all.
    let full = TcpListener::bind("127.0.0.1:0")?;
    let port = full.local_addr()?.port();
    let mut queued = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&full.local_addr()?, Duration::from_millis(200)) {
        queued.push(stream);
    }
    let (tells, told) = channel();
    let start = |connect: Duration| {
        let tells = tells.clone();
        suite::builder::<BlockingAdapter>(&desktop, dir.path())
            .ports(port, port)
            .configure(move |config| config.timing.connect = connect)
            .observer(move |notice| drop(tells.send(notice.clone())))
            .start()
    };

    // Given up in time, and tried again …
    let flipper = start(Duration::from_millis(20))?;
    for _ in 0..3 {
        loop {
            if let Notice::Failed(failure) = told.recv_timeout(PATIENCE)? {
                let timed_out = Failure::Connection {
                    purpose: Purpose::Session,
                    to: format!("127.0.0.1:{port}"),
                    cause: CloseCause::Timeout,
                };
                assert_eq!(failure, timed_out);
                break;
            }
        }
    }
    flipper.stop().wait()?;
    // … or forgotten.
    let flipper = start(Duration::MAX)?;
    while !matches!(told.recv_timeout(PATIENCE)?, Notice::Step(Step::SessionAttempted(_))) {}
    assert!(flipper.stop().wait_for(PATIENCE)?);
    assert_eq!(flipper.status().state, State::Stopped);
    Ok(())
}
