//! What is logged: whatever helps, and no secret.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail anywhere")]

use std::fs;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flipper_client::plugin;
use flipper_conformance::adapters::{BlockingAdapter, SmolAdapter, TokioAdapter};
use flipper_conformance::scripted::{Desktop, Manner, Port, Reply, frames};
use flipper_conformance::suite::App;
use flipper_conformance::{Adapter, Handle as _, Result};
use serde_json::json;
use tempfile::TempDir;
use tracing_subscriber::filter::LevelFilter;

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The only test in this process, whose log it takes for itself.
#[test]
fn a_whole_life_tells_no_secret() -> Result {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    for life in [a_life::<TokioAdapter>, a_life::<SmolAdapter>, a_life::<BlockingAdapter>] {
        log.0.lock().unwrap().clear();
        let secrets = life()?;
        let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
        for told in [
            "refused to issue a certificate",
            "HTTP status 401",
            "a plugin panicked",
            "not understood",
            "device.crt",
            "asked the desktop for a certificate",
        ] {
            assert!(log.contains(told), "{told} is missing in {log}");
        }
        assert!(!log.contains("csr="), "the query was logged: {log}");
        for secret in &secrets {
            for line in secret.lines().filter(|line| line.len() >= 10) {
                assert!(!log.contains(line), "{line} was logged: {log}");
            }
        }
    }
    Ok(())
}

/// An app that everything goes wrong for. Gives back the secrets of its life: its keys, and its certificate requests.
fn a_life<A: Adapter>() -> Result<Vec<String>> {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    desktop.reply([
        Reply::Text("{}".to_owned()),
        Reply::Text(r#"{"error":{"message":"No","name":"Refused"}}"#.to_owned()),
        Reply::GrantNothing,
        Reply::Silence,
        Reply::Close(1011, "no such os"),
    ]);
    desktop.next(Port::Secure, [Manner::HangUp, Manner::Answer("HTTP/1.1 401 Unauthorized\r\n\r\n")]);

    // An exchange that fails in every way, and then a session with everything that goes wrong in one.
    let mut app = App::<A>::start_with(&desktop, dir.path(), |builder| {
        let panics = plugin("Panics").call("panic", |_| panic!("as the test wants it"));
        builder
            .plugin(flipper_demo::example())
            .plugin(panics.build())
            .configure(|config| config.timing.grant = Duration::from_millis(300))
    })?;
    let mut csrs = Vec::new();
    for _ in 0..5 {
        csrs.push(desktop.asked()?.message["csr"].as_str().ok_or("no csr")?.to_owned());
    }
    let mut session = desktop.session()?;
    session.init("Example")?;
    session.init("Panics")?;
    session.call(1, "Panics", "panic", "{}")?;
    session.receive()?;
    session.send_text("not JSON")?;
    session.send(&json!({"method": "fly"}))?;
    session.send_raw(&frames::frame(0x82, b"\xff"))?;
    app.handle.add_plugin(plugin("Late").build())?;
    app.handle.connection("Example").send("event", &0)?;
    for _ in 0..3 {
        app.wait_misbehaved()?;
    }
    session.reset()?;
    // Then the certificates are damaged, and a new app asks for others.
    let session = desktop.session()?;
    app.wait_connected()?;
    app.stop(session)?;
    let mut keys = Vec::new();
    for entry in fs::read_dir(dir.path())? {
        let path = entry?.path();
        if path.is_dir() {
            keys.push(fs::read_to_string(path.join("privateKey.pem"))?);
            fs::write(path.join("device.crt"), "damaged")?;
        }
    }
    let app = App::<A>::start(&desktop, dir.path())?;
    let session = desktop.session()?;
    app.stop(session)?;
    csrs.push(desktop.asked()?.message["csr"].as_str().ok_or("no csr")?.to_owned());
    assert!(!keys.is_empty());
    Ok(keys.into_iter().chain(csrs).collect())
}
