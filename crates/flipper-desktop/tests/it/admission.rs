//! Who is let in.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use flipper_async::Runtime;
use flipper_desktop::Event;
use flipper_desktop::proto::desktop::{Channel, Config, DisconnectCause, PeerIdentity, Refusal};
use flipper_desktop::proto::{CloseCause, Query, TlsFailure};
use rustls::ClientConnection;

use crate::support::{Identity, RawPeer, Request, Rig, desktop, foreign_authority, memory_authority, within};

fn query(app_id: &str) -> Query {
    let mut query = Query::new("Test App", "Linux", "test device", "device-1");
    query.app_id = Some(app_id.to_owned());
    query
}

async fn refusal<R: Runtime>(rig: &mut Rig<R>) -> Refusal {
    rig.event("a refusal", |event| match event {
        Event::ConnectionRefused { reason, .. } => Some(reason),
        _ => None,
    })
    .await
}

async fn web_pages_are_turned_away_before_the_upgrade<R: Runtime>() {
    let authority = memory_authority();
    let mut rig = Rig::<R>::start(desktop().authority(authority.clone())).await;
    let (insecure, secure) = (rig.desktop.ports().insecure, rig.desktop.ports().secure);
    let tls = Identity::of("com.example.test").tls(&authority, &authority, "");
    let query = query("com.example.test");
    let exchange = || Request::exchange(insecure, &query);
    let session = || Request::session(secure, &query, tls.clone());
    for origin in ["http://evil.com", "null", "http://localhost", "http://localhost:3000", "file://", "garbage"] {
        assert_eq!(exchange().origin(origin).status().await, 401, "{origin}");
        assert!(matches!(refusal(&mut rig).await, Refusal::Origin(_)));
        assert_eq!(session().origin(origin).status().await, 401, "{origin}");
        assert!(matches!(refusal(&mut rig).await, Refusal::Origin(_)));
    }
    // Official iOS clients present themselves as pages of the very port that they connect to.
    assert_eq!(exchange().origin(&format!("http://127.0.0.1:{insecure}")).status().await, 101);
    assert_eq!(session().origin(&format!("https://127.0.0.1:{secure}")).status().await, 101);
    assert_eq!(rig.desktop.counters().protocol.refused_connections, 12);
}

async fn only_hosts_that_are_known_are_served<R: Runtime>() {
    let builder = desktop().known_host("desk.example".parse().unwrap());
    let mut rig = Rig::<R>::start(builder).await;
    let port = rig.desktop.ports().insecure;
    let query = query("com.example.test");
    let status = async |host: &str| Request::exchange(port, &query).host(host).status().await;
    assert_eq!(status("evil.com").await, 401);
    assert!(matches!(refusal(&mut rig).await, Refusal::Host(Some(_))));
    for host in ["localhost", &format!("localhost:{port}"), "[::1]:9089", "10.0.2.2:9089", "Desk.Example:1"] {
        assert_eq!(status(host).await, 101, "{host}");
    }
    let mut nameless = RawPeer::connect(port).await;
    let head = format!(
        "GET {} HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        query.to_target()
    );
    nameless.write(head.as_bytes()).await;
    let answer = nameless.read_to_end().await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{answer}");
    assert!(answer.contains("names no host"), "{answer}");
}

async fn a_query_that_cannot_be_understood_is_told_why<R: Runtime>() {
    let mut rig = Rig::<R>::start(desktop()).await;
    let request = Request::exchange(rig.desktop.ports().insecure, &query("x")).target("/?os=Linux&device=d");
    let (code, reason) = request.open().await.unwrap().closed().await;
    assert_eq!((code, reason.as_str()), (1011, "the query lacks `device_id`"));
    assert!(matches!(refusal(&mut rig).await, Refusal::Query(_)));
}

async fn any_path_and_any_system_will_do<R: Runtime>() {
    let rig = Rig::<R>::start(desktop()).await;
    for (path, os) in [("/", "FreeBSD"), ("/sonar", "Linux"), ("/any/thing", "Embedded")] {
        let query = Query::new("app", os, "device", "unknown");
        let target = format!("{path}{}", &query.to_target()[1..]);
        let request = Request::exchange(rig.desktop.ports().insecure, &query).target(&target);
        assert_eq!(request.status().await, 101, "{target}");
    }
}

async fn a_certificate_is_good_for_its_own_app_only<R: Runtime>() {
    let authority = memory_authority();
    let mut rig = Rig::<R>::start(desktop().authority(authority.clone())).await;
    let secure = rig.desktop.ports().secure;
    let mine = Identity::of("com.example.mine");
    let tls = mine.tls(&authority, &authority, "");

    let mut impostor = Request::session(secure, &query("com.example.other"), tls.clone()).open().await.unwrap();
    let (code, reason) = impostor.closed().await;
    assert_eq!(code, 4403);
    assert!(reason.contains("com.example.mine") && reason.contains("com.example.other"), "{reason}");
    assert!(matches!(refusal(&mut rig).await, Refusal::App { .. }));

    let _peer = Request::session(secure, &query("com.example.mine"), tls).open().await.unwrap();
    let channel = rig
        .event("the client", |event| match event {
            Event::ClientConnected { info, .. } => Some(info.channel),
            _ => None,
        })
        .await;
    let identity = PeerIdentity::Bound { app: "com.example.mine".to_owned(), device_id: String::new() };
    assert_eq!(channel, Channel::Secure(identity));
}

async fn a_certificate_is_good_for_its_own_device_only<R: Runtime>() {
    let authority = memory_authority();
    let rig = Rig::<R>::start(desktop().authority(authority.clone())).await;
    let tls = Identity::of("com.example.test").tls(&authority, &authority, "device-2");
    let request = Request::session(rig.desktop.ports().secure, &query("com.example.test"), tls);
    let (code, reason) = request.open().await.unwrap().closed().await;
    assert_eq!(code, 4403);
    assert!(reason.contains("device-1") && reason.contains("device-2"), "{reason}");
}

async fn without_a_certificate_nobody_gets_in<R: Runtime>() {
    let authority = memory_authority();
    let mut rig = Rig::<R>::start(desktop().authority(authority.clone())).await;
    let query = query("com.example.test");
    let request = Request::session(rig.desktop.ports().secure, &query, Identity::anonymous(&authority));
    assert!(request.open().await.is_err());
    let cause = handshake_failure(&mut rig).await;
    assert!(matches!(cause, CloseCause::Tls(_)), "{cause:?}");
    assert!(rig.desktop.clients().is_empty());
}

async fn who_is_refused_can_read_why_while_it_still_sends<R: Runtime>() {
    let authority = memory_authority();
    let patient = |config: &mut Config| config.timing.close = Duration::from_secs(60);
    let rig = Rig::<R>::start(desktop().authority(authority.clone()).configure(patient)).await;
    let (port, tls) = (rig.desktop.ports().secure, Identity::anonymous(&authority));
    let peer = tokio::task::spawn_blocking(move || {
        let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let mut tls = ClientConnection::new(tls, flipper_desktop::pki::server_name()).unwrap();
        let alert = loop {
            if let Err(error) = tls.complete_io(&mut socket) {
                break error.to_string();
            }
            // The handshake is complete as far as a client can tell; the desktop has still to look at its certificate.
            if let Err(error) =
                tls.read_tls(&mut socket).and_then(|_| tls.process_new_packets().map_err(io::Error::other))
            {
                break error.to_string();
            }
        };
        assert!(alert.contains("CertificateRequired"), "{alert}");
        // What was sent before the alert could be known must not make the system forget the alert.
        for _ in 0..2 {
            socket.write_all(b"GET / HTTP/1.1").unwrap();
            socket.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
            let read = socket.read(&mut [0; 16]).map_err(|error| error.kind());
            assert!(matches!(read, Ok(0) | Err(io::ErrorKind::WouldBlock)), "{read:?}");
        }
    });
    within("a peer that is refused", peer).await.unwrap();
}

async fn the_certificate_of_another_desktop_opens_nothing<R: Runtime>() {
    let authority = memory_authority();
    let mut rig = Rig::<R>::start(desktop().authority(authority.clone())).await;
    let tls = Identity::of("com.example.test").tls(&authority, &foreign_authority(), "");
    let request = Request::session(rig.desktop.ports().secure, &query("com.example.test"), tls);
    assert!(request.open().await.is_err());
    let cause = handshake_failure(&mut rig).await;
    assert!(matches!(cause, CloseCause::Tls(TlsFailure::UnknownCa | TlsFailure::BadCertificate(_))), "{cause:?}");
}

async fn the_newer_of_two_connections_takes_over<R: Runtime>() {
    let authority = memory_authority();
    let mut rig = Rig::<R>::start(desktop().authority(authority.clone())).await;
    let tls = Identity::of("com.example.test").tls(&authority, &authority, "");
    let request = || Request::session(rig.desktop.ports().secure, &query("com.example.test"), tls.clone());
    let mut first = request().open().await.unwrap();
    let mut second = request().open().await.unwrap();
    assert_eq!(first.closed().await.0, 4409);
    second.introduce(&["A"], &[]).await;
    let cause = rig
        .event("the end of the first", |event| match event {
            Event::ClientDisconnected { cause, .. } => Some(cause),
            _ => None,
        })
        .await;
    assert_eq!(cause, DisconnectCause::Replaced);
    rig.client().await;
    // The end of the first connection took nothing from the second.
    drop(first);
    assert_eq!(rig.desktop.clients().len(), 1);
}

async fn handshake_failure<R: Runtime>(rig: &mut Rig<R>) -> CloseCause {
    rig.event("a failed handshake", |event| match event {
        Event::HandshakeFailed { cause, .. } => Some(cause),
        _ => None,
    })
    .await
}

on_every_runtime! {
    web_pages_are_turned_away_before_the_upgrade,
    only_hosts_that_are_known_are_served,
    a_query_that_cannot_be_understood_is_told_why,
    any_path_and_any_system_will_do,
    a_certificate_is_good_for_its_own_app_only,
    a_certificate_is_good_for_its_own_device_only,
    without_a_certificate_nobody_gets_in,
    who_is_refused_can_read_why_while_it_still_sends,
    the_certificate_of_another_desktop_opens_nothing,
    the_newer_of_two_connections_takes_over,
}
