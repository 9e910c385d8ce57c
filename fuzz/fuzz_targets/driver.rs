//! The whole driver, TLS and WebSocket included, with a peer at the other end that does anything: an app that is talked
//! to by such a desktop, or a desktop by such apps. Whatever happens, nobody spins or hangs, and stopping ends every
//! task.
//!
//! The first byte of an input says which side is under test, and whether an app has credentials.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use flipper_async::Runtime as _;
use flipper_client::plugin;
use flipper_desktop::Event;
use flipper_fuzz::peer::{self, Deed, Role, Script};
use flipper_pki::{Authority, ConnectionConfig, CredentialStore, KeyAlgorithm, client_config_at, server_name};
use flipper_proto::Medium;
use flipper_sim::{AppHome, Calendar, Sim, SimRuntime};
use futures_rustls::{TlsAcceptor, TlsConnector};
use libfuzzer_sys::{Corpus, fuzz_target};
use serde_json::Value;

const PORTS: [u16; 2] = [9089, 9088];

/// As long as it takes for what is under way to come to rest: the longest deadline of a desktop's own is some 60 s.
const REST: Duration = Duration::from_secs(120);

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((kind, script)) = input.split_first() else { return Corpus::Reject };
    let script = peer::read(script);
    match kind {
        0 => app(script, false),
        1 => app(script, true),
        2 => desktop(script),
        _ => return Corpus::Reject,
    }
    Corpus::Keep
});

fn app(script: Script, has_credentials: bool) {
    let sim = Sim::new(0);
    let calendar = sim.calendar();
    let authority = flipper_sim::authority(&calendar).expect("a clock and random numbers");
    let home = AppHome::new(&calendar).expect("a temporary directory");
    if has_credentials {
        exchange(&home.store(), &authority);
    }
    let (runtime, peer) = (sim.process("app"), sim.process("peer"));
    let ran = sim.run(async {
        for port in PORTS {
            peer.spawn(serve(peer.clone(), port, script.clone(), authority.clone()));
        }
        let echo = plugin("A").background().method("m", |params: Value| Ok::<_, String>(params));
        let app = home.launch(&runtime, flipper_sim::app("fuzz", 0).plugin(echo.build())).expect("a good setup");
        app.connection("A").send("hello", &1).expect("the plugin is there");
        peer.sleep(REST).await;
        let stopped = peer.within(Duration::from_secs(30), app.stop()).await;
        assert!(stopped.is_some(), "an app that is stopped does not stop");
    });
    ran.expect("it comes to an end");
    assert_eq!(runtime.tasks(), 0, "tasks that outlive their app");
}

/// A desktop that is none. Once it has done everything, nobody is there any more.
async fn serve(runtime: SimRuntime, port: u16, script: Script, authority: Authority) {
    let at = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    let listener = runtime.bind(at).await.expect("nobody else listens");
    while !script.is_over() {
        let Ok((stream, _)) = runtime.accept(&listener).await else { return };
        if port == PORTS[0] || script.take(&Deed::Bare) {
            peer::act(&runtime, &script, Role::Server, stream).await;
            continue;
        }
        let accepted = TlsAcceptor::from(authority.server_config()).accept(stream);
        if let Some(Ok(stream)) = runtime.within(Duration::from_secs(5), accepted).await {
            peer::act(&runtime, &script, Role::Server, stream).await;
        }
    }
}

fn desktop(script: Script) {
    let sim = Sim::new(0);
    let calendar = sim.calendar();
    let authority = flipper_sim::authority(&calendar).expect("a clock and random numbers");
    let (runtime, peer) = (sim.process("desktop"), sim.process("peer"));
    let ran = sim.run(async {
        let builder = flipper_sim::desktop(&calendar, &authority);
        let desktop = builder.start_on(runtime.clone()).await.expect("nobody else listens");
        let mut events = desktop.events();
        peer.spawn({
            let peer = peer.clone();
            async move { visit(peer, script, authority, calendar).await }
        });
        let watched = peer.within(REST, async {
            while let Some(event) = events.next().await {
                let Event::ClientConnected { client, .. } = event else { continue };
                // Whether it is answered is the peer's business.
                let call = desktop.call(&client, "A", "m", None);
                let _outcome = peer.within(Duration::from_secs(50), call).await;
            }
        });
        let _long_enough = watched.await;
        let stopped = peer.within(Duration::from_secs(30), desktop.stop()).await;
        assert!(stopped.is_some(), "a desktop that is stopped does not stop");
    });
    ran.expect("it comes to an end");
    assert_eq!(runtime.tasks(), 0, "tasks that outlive their desktop");
}

/// Apps that are none: one after the other, on the ports in turn.
async fn visit(runtime: SimRuntime, script: Script, authority: Authority, calendar: Calendar) {
    let home = AppHome::new(&calendar).expect("a temporary directory");
    let credentials = exchange(&home.store(), &authority);
    let config = client_config_at(&credentials, Arc::new(calendar.clock()));
    for port in PORTS.into_iter().cycle() {
        if script.is_over() {
            return;
        }
        let Ok(stream) = runtime.connect(String::from("localhost"), port).await else { return };
        if port == PORTS[0] || script.take(&Deed::Bare) {
            peer::act(&runtime, &script, Role::Client, stream).await;
            continue;
        }
        let connected = TlsConnector::from(Arc::clone(&config)).connect(server_name(), stream);
        if let Some(Ok(stream)) = runtime.within(Duration::from_secs(5), connected).await {
            peer::act(&runtime, &script, Role::Client, stream).await;
        }
    }
}

/// Credentials, as an exchange brings them.
fn exchange(store: &CredentialStore, authority: &Authority) -> flipper_pki::Credentials {
    let store = store.clone().with_key_algorithm(KeyAlgorithm::Ed25519);
    let prepared = store.begin("com.example.fuzz").expect("a temporary directory");
    let signed = authority.sign(&prepared.csr_pem, "simulated").expect("a good request is signed");
    store.deliver(prepared.generation, &signed.ca_pem, &signed.certificate_pem).expect("a temporary directory");
    let answered = ConnectionConfig { device_id: String::from("simulated"), medium: Medium::FsAccess, os: None };
    let credentials = store.complete(prepared.generation, &answered).expect("they fit");
    store.promote(prepared.generation).expect("they are complete");
    credentials
}
