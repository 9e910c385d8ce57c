//! What a peer is told that goes over a limit. Those of single handshakes stand with HTTP, those of exchanges with
//! exchanges, and those of peers that do not read with the load.

use flipper_async::Runtime;
use flipper_desktop::proto::desktop::{Rate, Refusal};
use flipper_desktop::proto::{Limits, ProtocolError, Query};
use flipper_desktop::{CallError, Event};
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::support::{Identity, Peer, Request, Rig, app, desktop, memory_authority, poll_once};

fn limited(change: impl FnOnce(&mut Limits)) -> flipper_desktop::Builder {
    let mut limits = Limits::default();
    change(&mut limits);
    desktop().limits(limits).browser_port(Some(0))
}

fn query(app: &str) -> Query {
    Query::new(app, "Linux", "device", "unknown")
}

fn browser<R: Runtime>(rig: &Rig<R>, app: &str) -> Request {
    Request::browser(rig.desktop.ports().browser.unwrap(), &format!("/?device=box&device_id=d&app={app}&os=Linux"))
}

async fn one_client_too_many_is_told_how_many_there_may_be<R: Runtime>() {
    let authority = memory_authority();
    let mut rig = Rig::<R>::start(limited(|limits| limits.clients = 1).authority(authority.clone())).await;
    let _first = browser(&rig, "first").open().await.unwrap();
    let tls = Identity::of("com.example.test").tls(&authority, &authority, "");
    let session = Request::session(rig.desktop.ports().secure, &query("second"), tls);
    for request in [browser(&rig, "second"), session] {
        let (code, reason) = request.open().await.unwrap().closed().await;
        assert_eq!((code, &*reason), (4413, "1 are connected, and no more are served"));
        let reason = rig
            .event("the refusal", |event| match event {
                Event::ConnectionRefused { reason, .. } => Some(reason),
                _ => None,
            })
            .await;
        assert_eq!(reason, Refusal::TooMany { max: 1 });
    }
    // The same client may come again: the old connection gives way.
    let mut again = browser(&rig, "first").open().await.unwrap();
    assert_eq!(again.receive().await["method"], "getPlugins");
    assert_eq!(rig.desktop.counters().protocol.refused_connections, 2);
}

async fn who_lies_idle_on_the_exchange_port_gives_way<R: Runtime>() {
    let mut rig = Rig::<R>::start(limited(|limits| limits.clients = 2)).await;
    let port = rig.desktop.ports().insecure;
    let mut idle = Vec::new();
    for _ in 0..2 {
        idle.push(Request::exchange(port, &query("idle")).open().await.unwrap());
    }
    let dir = tempdir().unwrap();
    let _app = app(rig.desktop.ports(), dir.path()).start().unwrap();
    rig.client().await;
    let (code, reason) = idle.remove(0).closed().await;
    assert_eq!(code, 4413);
    assert!(reason.contains("too many ask for certificates"), "{reason}");
}

async fn a_message_that_is_too_large_ends_the_session_with_the_sizes<R: Runtime>() {
    let mut rig = Rig::<R>::start(limited(|limits| limits.message_bytes = 1_000)).await;
    let mut peer = browser(&rig, "large").open().await.unwrap();
    peer.introduce(&["P"], &[]).await;
    rig.client().await;
    let params = "x".repeat(2_000);
    peer.send(&json!({"method": "execute", "params": {"api": "P", "method": "e", "params": params}}).to_string()).await;
    let (code, reason) = peer.closed().await;
    assert_eq!(code, 4413);
    assert!(reason.contains("1000 bytes are allowed"), "{reason}");
}

async fn plugins_beyond_the_limit_are_left_out_and_that_is_told<R: Runtime>() {
    let mut rig = Rig::<R>::start(limited(|limits| limits.plugins = 2)).await;
    let mut peer = browser(&rig, "many").open().await.unwrap();
    peer.introduce(&["A", "B", "C"], &[]).await;
    let error = rig
        .event("the complaint", |event| match event {
            Event::PeerMisbehaved { error, .. } => Some(error),
            _ => None,
        })
        .await;
    assert_eq!(error, ProtocolError::TooManyPlugins { max: 2 });
    let client = rig.client().await;
    assert_eq!(rig.desktop.plugins(&client).unwrap().len(), 2);
}

async fn calls_beyond_the_limit_are_refused_at_once<R: Runtime>() {
    let mut rig = Rig::<R>::start(limited(|limits| limits.pending_calls = 2)).await;
    let mut peer = browser(&rig, "slow").open().await.unwrap();
    peer.introduce(&["P"], &[]).await;
    let client = rig.client().await;
    let mut calls: Vec<_> = (0..2).map(|_| Box::pin(rig.desktop.call(&client, "P", "m", None))).collect();
    for call in &mut calls {
        assert!(poll_once(call.as_mut()).await.is_pending());
    }
    let error = rig.desktop.call(&client, "P", "m", None).await.unwrap_err();
    assert!(matches!(error, CallError::Busy(_)), "{error:?}");
    assert!(error.to_string().contains('2'), "{error}");
}

async fn a_certificate_request_that_is_too_large_is_refused_with_the_sizes<R: Runtime>() {
    let rig = Rig::<R>::start(limited(|limits| limits.exchange_message_bytes = 1 << 20)).await;
    let mut peer = Request::exchange(rig.desktop.ports().insecure, &query("large")).open().await.unwrap();
    let csr = format!("-----BEGIN CERTIFICATE REQUEST-----\n{}", "A".repeat(100_000));
    let answer = sign(&mut peer, &csr).await;
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("65536"), "{answer}");
    assert_eq!(answer["error"]["name"], "InvalidRequest", "{answer}");
}

async fn sign(peer: &mut Peer, csr: &str) -> Value {
    let request = json!({"method": "signCertificate", "csr": csr, "destination": "/nowhere/", "medium": 1});
    peer.send(&request.to_string()).await;
    peer.receive().await
}

async fn who_floods_with_certificate_requests_keeps_no_app_out<R: Runtime>() {
    const FLOOD: u64 = 10_000;
    let mut rig = Rig::<R>::start(desktop()).await;
    let ports = rig.desktop.ports();
    let mut flooder = Request::exchange(ports.insecure, &query("flood")).open().await.unwrap();
    let flood = tokio::spawn(async move {
        for _ in 0..FLOOD {
            sign(&mut flooder, "no request at all").await;
        }
    });
    let dir = tempdir().unwrap();
    let _app = app(ports, dir.path()).start().unwrap();
    let client = rig.client().await;
    assert!(rig.desktop.call(&client, "Example", "echo", None).await.is_ok());
    flood.await.unwrap();
    // It had its own share, and not that of the others. How much time that took is not the same everywhere.
    assert!(rig.desktop.counters().protocol.limited_exchanges > FLOOD / 2);
}

async fn how_often_certificates_may_be_asked_for_is_the_desktops_to_say<R: Runtime>() {
    let rig = Rig::<R>::start(desktop().exchange_rate(Rate { per_second: 0, burst: 1 })).await;
    let mut answers = Vec::new();
    for _ in 0..2 {
        let mut peer = Request::exchange(rig.desktop.ports().insecure, &query("app")).open().await.unwrap();
        answers.push(sign(&mut peer, "none").await["error"]["name"].clone());
    }
    assert_eq!(answers, ["InvalidRequest", "RateLimited"]);
}

on_every_runtime! {
    one_client_too_many_is_told_how_many_there_may_be,
    who_lies_idle_on_the_exchange_port_gives_way,
    a_message_that_is_too_large_ends_the_session_with_the_sizes,
    plugins_beyond_the_limit_are_left_out_and_that_is_told,
    calls_beyond_the_limit_are_refused_at_once,
    a_certificate_request_that_is_too_large_is_refused_with_the_sizes,
    who_floods_with_certificate_requests_keeps_no_app_out,
    how_often_certificates_may_be_asked_for_is_the_desktops_to_say,
}
