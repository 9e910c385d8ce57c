//! Many clients, and clients that behave badly towards all others.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flipper_desktop::proto::desktop::Rate;
use flipper_desktop::proto::{ClientId, Limits, Payload, Query};
use flipper_desktop::{CallError, Event, Options};
use futures_util::SinkExt as _;
use tempfile::tempdir;
use tungstenite::Message;

use crate::support::{
    Identity, Peer, RawPeer, Request, Rig, app, app_named, desktop, memory_authority, poll_once, within,
};

const CLIENTS: usize = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_apps() {
    let fast = Rate { per_second: 1_000, burst: 1_000 };
    let mut rig = Rig::start(desktop().configure(|config| config.exchange_rate = fast)).await;
    let dir = tempdir().unwrap();
    let apps: Vec<_> = (0..CLIENTS)
        .map(|n| {
            let (name, app_id) = (format!("App {n}"), format!("com.example.app{n}"));
            let builder = app_named(&name, &app_id, rig.desktop.ports(), dir.path());
            builder.plugin(flipper_sample::example()).start().unwrap()
        })
        .collect();
    let mut clients = Vec::new();
    while clients.len() < CLIENTS {
        clients.push(rig.client().await);
    }
    assert_eq!(rig.desktop.clients().len(), CLIENTS);
    let calls = clients.iter().enumerate().map(|(n, client)| {
        let params = Payload::from_json(format!("[{n}]")).unwrap();
        rig.desktop.call(client, "Example", "echo", Some(params))
    });
    let answers = within("all answers", futures_util::future::join_all(calls)).await;
    for (n, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.unwrap().as_json(), format!("[{n}]"));
    }
    for app in &apps {
        within("an app to stop", app.stop()).await;
    }
    within("the end", rig.desktop.stop()).await;
    let left = rig.rest().await.iter().filter(|event| matches!(event, Event::ClientDisconnected { .. })).count();
    assert_eq!(left, CLIENTS);
}

#[tokio::test]
async fn peers_that_say_nothing_block_nobody() {
    let mut rig = Rig::start(desktop()).await;
    let ports = rig.desktop.ports();
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(RawPeer::connect(ports.insecure).await);
        silent.push(RawPeer::connect(ports.secure).await);
    }
    let dir = tempdir().unwrap();
    let _app = app(ports, dir.path()).start().unwrap();
    let client = rig.client().await;
    assert!(rig.desktop.call(&client, "Example", "echo", None).await.is_ok());
}

/// A session with a peer that has plugin `Flood`.
async fn flooder(rig: &mut Rig, authority: &flipper_desktop::pki::Authority) -> (ClientId, Peer) {
    let tls = Identity::of("com.example.flood").tls(authority, authority, "");
    let query = Query::new("Flood", "Linux", "device", "");
    let mut peer = Request::session(rig.desktop.ports().secure, &query, tls).open().await.unwrap();
    peer.introduce(&["Flood"], &[]).await;
    (rig.client().await, peer)
}

fn row(size: usize) -> Message {
    let data = "x".repeat(size);
    Message::text(format!(r#"{{"method":"execute","params":{{"api":"Flood","method":"row","params":"{data}"}}}}"#))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_floods_and_never_reads_harms_nobody_but_itself() {
    let authority = memory_authority();
    let mut limits = Limits::default();
    limits.queued_answer_bytes = 8 << 20;
    let mut rig = Rig::start(desktop().authority(authority.clone()).limits(limits)).await;
    let (bad, peer) = flooder(&mut rig, &authority).await;
    let dir = tempdir().unwrap();
    let _app = app(rig.desktop.ports(), dir.path()).start().unwrap();
    let good = rig.client().await;

    let (mut sink, unread) = peer.socket.split();
    let flood = tokio::spawn(async move { while sink.send(row(1_000)).await.is_ok() {} });
    let megabyte = Payload::serialize(&"y".repeat(1 << 20)).unwrap();
    // It reads nothing of this: what waits for it is bounded.
    let mut calls = Vec::new();
    let busy = loop {
        let (desktop, bad, megabyte) = (rig.desktop.clone(), bad.clone(), megabyte.clone());
        let mut call = Box::pin(async move { desktop.call(&bad, "Flood", "swallow", Some(megabyte)).await });
        match poll_once(call.as_mut()).await {
            std::task::Poll::Ready(result) => break result,
            std::task::Poll::Pending => calls.push(call),
        }
        assert!(calls.len() < 100);
    };
    assert!(matches!(busy, Err(CallError::Busy(_))), "{busy:?}");
    assert!(rig.desktop.client(&bad).unwrap().queued_bytes <= 8 << 20);

    for n in 0..100 {
        let params = Payload::from_json(format!("[{n}]")).unwrap();
        let call = rig.desktop.call(&good, "Example", "echo", Some(params));
        assert_eq!(within("an answer", call).await.unwrap().as_json(), format!("[{n}]"));
    }
    flood.abort();
    drop(unread);
    let _gone = flood.await;
    for call in calls {
        assert_eq!(within("a call to fail", call).await, Err(CallError::Disconnected));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_read_while_nobody_listens_and_nothing_is_lost() {
    const ROWS: usize = 2_000;
    const SIZE: usize = 20_000;
    let authority = memory_authority();
    let (go_on, wait) = channel::<()>();
    let (wait, rows) = (Mutex::new(Some(wait)), Arc::new(Mutex::new(0)));
    let counted = Arc::clone(&rows);
    let mut options = Options::default();
    options.waiting_news_bytes = 1 << 20;
    let builder = desktop().authority(authority.clone()).options(options).observer(move |event| {
        if let Event::Message { .. } = event {
            *counted.lock().unwrap() += 1;
            // The first one holds up all others.
            if let Some(wait) = wait.lock().unwrap().take() {
                wait.recv().unwrap();
            }
        }
    });
    let mut rig = Rig::start(builder).await;
    let (_, mut peer) = flooder(&mut rig, &authority).await;
    let mut sent = 0;
    while sent < ROWS {
        // The sockets take some more after the desktop has stopped to read, but not all of it.
        let send = peer.socket.send(row(SIZE));
        if tokio::time::timeout(Duration::from_millis(300), send).await.is_err() {
            break;
        }
        sent += 1;
    }
    assert!(sent < ROWS, "all of it was read");
    go_on.send(()).unwrap();
    within("the rest to leave", peer.socket.flush()).await.unwrap();
    while sent < ROWS - 1 {
        within("a row to leave", peer.socket.send(row(SIZE))).await.unwrap();
        sent += 1;
    }
    within("the end", peer.socket.close(None)).await.unwrap();
    rig.event("the end", |event| matches!(event, Event::ClientDisconnected { .. }).then_some(())).await;
    assert_eq!(*rows.lock().unwrap(), ROWS);
}
