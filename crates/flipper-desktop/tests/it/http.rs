//! What is no WebSocket: it gets an answer, and takes nothing away from anybody.

use std::time::Duration;

use flipper_async::Runtime;
use flipper_desktop::proto::{CloseCause, Query, TlsFailure};
use flipper_desktop::{Event, Options, Port};

use crate::support::{Identity, RawPeer, Request, Rig, desktop, memory_authority, within};

const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

async fn answer(port: u16, request: &str) -> String {
    let mut peer = RawPeer::connect(port).await;
    peer.write(request.as_bytes()).await;
    peer.read_to_end().await.unwrap()
}

async fn handshake_failure<R: Runtime>(rig: &mut Rig<R>) -> (Port, CloseCause) {
    rig.event("a failed handshake", |event| match event {
        Event::HandshakeFailed { port, cause, .. } => Some((port, cause)),
        _ => None,
    })
    .await
}

async fn a_request_for_a_page_is_answered<R: Runtime>() {
    let mut rig = Rig::<R>::start(desktop()).await;
    let answer = answer(rig.desktop.ports().insecure, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 426 Upgrade Required\r\n"), "{answer}");
    assert!(answer.contains("\r\nUpgrade: websocket\r\n") && answer.contains("\r\nConnection: close\r\n"), "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("Content-Length: {}", body.len())), "{answer}");
    assert!(body.contains("Flipper desktop"), "{answer}");
    assert_eq!(handshake_failure(&mut rig).await, (Port::Insecure, CloseCause::Http(426)));
    assert_eq!(rig.desktop.counters().desk.failed_handshakes, 1);
}

async fn what_is_no_upgrade_gets_the_status_that_says_so<R: Runtime>() {
    let rig = Rig::<R>::start(desktop()).await;
    let port = rig.desktop.ports().insecure;
    let long = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(17_000));
    let target = Query::new("app", "Linux", "device", "unknown").to_target();
    let two_hosts = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nHost: evil.com\r\n{UPGRADE}\r\n");
    for (request, status) in [
        ("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", 405),
        ("GET / HTTP/1.0\r\n\r\n", 505),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}", 400),
        ("GET /\r\n\r\n", 400),
        (&long, 431),
        (&two_hosts, 400),
    ] {
        let answer = answer(port, request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request:?}: {answer}");
    }
}

async fn the_secure_port_answers_too<R: Runtime>() {
    let authority = memory_authority();
    let rig = Rig::<R>::start(desktop().authority(authority.clone())).await;
    let secure = rig.desktop.ports().secure;
    let plain = answer(secure, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(plain.starts_with("HTTP/1.1 400 ") && plain.contains("TLS"), "{plain}");

    let tls = Identity::of("com.example.test").tls(&authority, &authority, "");
    let mut peer = RawPeer::connect_tls(secure, tls).await.unwrap();
    peer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let answer = peer.read_to_end().await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
}

async fn a_handshake_in_pieces_of_one_byte_is_as_good_as_any<R: Runtime>() {
    let rig = Rig::<R>::start(desktop()).await;
    let mut peer = RawPeer::connect(rig.desktop.ports().insecure).await;
    let target = Query::new("app", "Linux", "device", "unknown").to_target();
    for byte in format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{UPGRADE}\r\n").as_bytes() {
        peer.write(&[*byte]).await;
        tokio::task::yield_now().await;
    }
    let mut head = [0; 12];
    within("the answer", futures_util::AsyncReadExt::read_exact(&mut peer.0, &mut head)).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 101");
}

async fn frames_that_come_together_with_the_request_are_read<R: Runtime>() {
    let rig = Rig::<R>::start(desktop()).await;
    let mut peer = RawPeer::connect(rig.desktop.ports().insecure).await;
    let target = Query::new("app", "Linux", "device", "unknown").to_target();
    let mut bytes = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{UPGRADE}\r\n").into_bytes();
    // A text frame with `{}`, masked with zeros.
    bytes.extend([0x81, 0x82, 0, 0, 0, 0, b'{', b'}']);
    peer.write(&bytes).await;
    let mut answer = String::new();
    while !answer.contains("InvalidRequest") {
        let mut piece = [0; 512];
        let count = within("the answer", futures_util::AsyncReadExt::read(&mut peer.0, &mut piece)).await.unwrap();
        assert_ne!(count, 0, "{answer}");
        answer.push_str(&String::from_utf8_lossy(&piece[..count]));
    }
}

async fn who_never_finishes_a_handshake_is_given_up<R: Runtime>() {
    let mut options = Options::default();
    options.handshake = Duration::from_millis(50);
    let mut rig = Rig::<R>::start(desktop().options(options)).await;
    let ports = rig.desktop.ports();
    for (port, which, first_bytes) in [
        (ports.insecure, Port::Insecure, &b"GET / HTTP/1.1\r\n"[..]),
        (ports.secure, Port::Secure, &[22, 3, 1][..]),
        (ports.secure, Port::Secure, &[][..]),
    ] {
        let mut peer = RawPeer::connect(port).await;
        peer.write(first_bytes).await;
        assert_eq!(peer.read_to_end().await.unwrap_or_default(), "");
        assert_eq!(handshake_failure(&mut rig).await, (which, CloseCause::Timeout));
    }
}

async fn silent_peers_use_up_a_bounded_number_of_places_for_a_bounded_time<R: Runtime>() {
    let mut options = Options::default();
    options.handshake = Duration::from_millis(50);
    options.handshakes = 2;
    let rig = Rig::<R>::start(desktop().options(options)).await;
    let port = rig.desktop.ports().insecure;
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(RawPeer::connect(port).await);
    }
    let query = Query::new("app", "Linux", "device", "unknown");
    let _peer = Request::exchange(port, &query).open().await.unwrap();
}

async fn a_client_that_does_not_trust_the_desktop_is_told_about<R: Runtime>() {
    let (ours, other) = (memory_authority(), memory_authority());
    let mut rig = Rig::<R>::start(desktop().authority(ours.clone())).await;
    // It knows another desktop.
    let tls = Identity::of("com.example.test").tls(&other, &ours, "");
    assert!(RawPeer::connect_tls(rig.desktop.ports().secure, tls).await.is_err());
    let (port, cause) = handshake_failure(&mut rig).await;
    assert_eq!(port, Port::Secure);
    assert!(matches!(cause, CloseCause::Tls(TlsFailure::PeerRefused(_) | TlsFailure::Handshake(_))), "{cause:?}");
}

on_every_runtime! {
    a_request_for_a_page_is_answered,
    what_is_no_upgrade_gets_the_status_that_says_so,
    the_secure_port_answers_too,
    a_handshake_in_pieces_of_one_byte_is_as_good_as_any,
    frames_that_come_together_with_the_request_are_read,
    who_never_finishes_a_handshake_is_given_up,
    silent_peers_use_up_a_bounded_number_of_places_for_a_bounded_time,
    a_client_that_does_not_trust_the_desktop_is_told_about,
}
