//! Stopping, and starting again.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flipper_async::Runtime;
use flipper_desktop::proto::Query;
use flipper_desktop::proto::desktop::{DisconnectCause, Timing};
use flipper_desktop::{Event, Ports};
use flipper_tokio::{Flipper, Notice};
use futures_util::{AsyncReadExt as _, AsyncWriteExt as _};
use tempfile::tempdir;

use crate::support::{Identity, Peer, RawPeer, Request, Rig, app, desktop, memory_authority, within};

fn can_be_bound(ports: Ports) -> bool {
    [ports.insecure, ports.secure]
        .iter()
        .all(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok() && TcpListener::bind(("::1", *port)).is_ok())
}

async fn session<R: Runtime>(rig: &mut Rig<R>, authority: &flipper_desktop::pki::Authority) -> Peer {
    let tls = Identity::of("com.example.test").tls(authority, authority, "");
    let query = Query::new("Test App", "Linux", "device", "");
    let peer = Request::session(rig.desktop.ports().secure, &query, tls).open().await.unwrap();
    rig.connected().await;
    peer
}

async fn a_desktop_that_stops_says_so_to_everybody_and_frees_its_ports<R: Runtime>() {
    let authority = memory_authority();
    let mut rig = Rig::<R>::start(desktop().authority(authority.clone())).await;
    let ports = rig.desktop.ports();
    let mut session = session(&mut rig, &authority).await;
    let query = Query::new("Test App", "Linux", "device", "unknown");
    let mut exchange = Request::exchange(ports.insecure, &query).open().await.unwrap();
    // On their way in.
    let mut half_open = RawPeer::connect(ports.insecure).await;
    half_open.write(b"GET / HTTP/1.1\r\n").await;
    let mut half_secure = RawPeer::connect(ports.secure).await;

    let stopped = tokio::spawn(rig.desktop.stop());
    assert_eq!(session.closed().await, (1001, "the desktop is going away".to_owned()));
    assert_eq!(exchange.closed().await.0, 1001);
    session.gone().await;
    exchange.gone().await;
    assert_eq!(half_open.read_to_end().await.unwrap_or_default(), "");
    assert_eq!(half_secure.read_to_end().await.unwrap_or_default(), "");
    within("the end", stopped).await.unwrap();
    assert!(can_be_bound(ports));

    let rest = rig.rest().await;
    let [Event::ClientDisconnected { cause: DisconnectCause::Disconnected(code), .. }] = &rest[..] else {
        panic!("{rest:?}");
    };
    assert_eq!(code.as_u16(), 1001);
    // It can be stopped any number of times, and tells whoever comes too late that it is over.
    within("the end", rig.desktop.stop()).await;
    assert_eq!(rig.desktop.events().next().await, None);
    assert!(RawPeer::connect_refused(ports.insecure).await);
}

async fn a_desktop_whose_last_handle_is_dropped_stops<R: Runtime>() {
    let authority = memory_authority();
    let mut rig = Rig::<R>::start(desktop().authority(authority.clone())).await;
    let mut peer = session(&mut rig, &authority).await;
    let clone = rig.desktop.clone();
    let Rig { desktop, mut events } = rig;
    let ports = desktop.ports();
    drop(desktop);
    drop(clone);
    assert_eq!(peer.closed().await.0, 1001);
    peer.gone().await;
    while within("the end", events.next()).await.is_some() {}
    assert!(can_be_bound(ports));
}

async fn a_peer_that_ignores_the_end_does_not_hold_it_up_for_long<R: Runtime>() {
    let authority = memory_authority();
    let mut timing = Timing::default();
    timing.close = Duration::from_millis(100);
    let mut rig = Rig::<R>::start(desktop().authority(authority.clone()).timing(timing.clone())).await;
    let peer = session(&mut rig, &authority).await;
    // This one has closed, but does not let the socket go.
    let query = Query::new("Test App", "Linux", "device", "unknown");
    let mut lingering = Request::exchange(rig.desktop.ports().insecure, &query).open().await.unwrap();
    lingering.socket.get_mut().write_all(&[0x88, 0x80, 0, 0, 0, 0]).await.unwrap();
    let mut answer = [0; 2];
    within("the answer", lingering.socket.get_mut().read_exact(&mut answer)).await.unwrap();
    assert_eq!(answer[0], 0x88);
    let begin = Instant::now();
    within("the end", rig.desktop.stop()).await;
    // It is not over before the last socket is closed.
    assert!(begin.elapsed() >= timing.close);
    drop((peer, lingering));
}

/// What an app went through.
fn steps() -> (Arc<Mutex<Vec<String>>>, impl Fn(&Notice) + Send + Sync + 'static) {
    let steps = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&steps);
    (steps, move |notice| kept.lock().unwrap().push(format!("{notice:?}")))
}

async fn an_app_comes_back_to_a_desktop_that_was_restarted_without_another_exchange<R: Runtime>() {
    let (state, apps) = (tempdir().unwrap(), tempdir().unwrap());
    let mut rig = Rig::<R>::start(desktop().state_directory(state.path().join("desktop"))).await;
    let ports = rig.desktop.ports();
    let (steps, observer) = steps();
    let app: Flipper = app(ports, apps.path()).observer(observer).start().unwrap();
    let client = rig.client().await;
    let csr = rig.desktop.client(&client).unwrap().info.query.csr.clone();
    for _ in 0..2 {
        within("the end", rig.desktop.stop()).await;
        let again = desktop().ports(ports.insecure, ports.secure).state_directory(state.path().join("desktop"));
        rig = Rig::<R>::start(again).await;
        let mut issued = 0;
        let back = rig
            .event("the app", |event| match event {
                Event::CertificateIssued { .. } => {
                    issued += 1;
                    None
                }
                Event::PluginsChanged { client, .. } => Some(client),
                _ => None,
            })
            .await;
        assert_eq!((issued, &back), (0, &client));
        assert_eq!(rig.desktop.client(&client).unwrap().info.query.csr, csr);
        assert!(rig.desktop.call(&client, "Example", "echo", None).await.is_ok());
    }
    let exchanges = steps.lock().unwrap().iter().filter(|step| step.contains("Exchanging")).count();
    assert!(exchanges <= 1, "{:?}", steps.lock().unwrap());
    within("the end", app.stop()).await;
}

async fn an_app_that_knows_another_desktop_exchanges_anew<R: Runtime>() {
    let apps = tempdir().unwrap();
    let mut rig = Rig::<R>::start(desktop()).await;
    let ports = rig.desktop.ports();
    let app = app(ports, apps.path()).start().unwrap();
    let client = rig.client().await;
    within("the end", rig.desktop.stop()).await;
    let mut rig = Rig::<R>::start(desktop().ports(ports.insecure, ports.secure)).await;
    assert_eq!(rig.client().await, client);
    within("the end", app.stop()).await;
}

on_every_runtime! {
    a_desktop_that_stops_says_so_to_everybody_and_frees_its_ports,
    a_desktop_whose_last_handle_is_dropped_stops,
    a_peer_that_ignores_the_end_does_not_hold_it_up_for_long,
    an_app_comes_back_to_a_desktop_that_was_restarted_without_another_exchange,
    an_app_that_knows_another_desktop_exchanges_anew,
}
