//! Many clients, and clients that behave badly towards all others.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use flipper_async::Runtime;
use flipper_desktop::proto::desktop::Rate;
use flipper_desktop::proto::{ClientId, Limits, Payload, Query};
use flipper_desktop::{CallError, Event, Options};
use futures_util::AsyncWriteExt as _;
use tempfile::tempdir;
use tokio::sync::oneshot;
use tungstenite::Message;

use crate::support::{
    Identity, Peer, RawPeer, Request, Rig, app, app_named, desktop, memory_authority, poll_once, within,
};

const CLIENTS: usize = 100;

async fn a_hundred_apps<R: Runtime>() {
    let fast = Rate { per_second: 1_000, burst: 1_000 };
    let mut rig = Rig::<R>::start(desktop().configure(|config| config.exchange_rate = fast)).await;
    let dir = tempdir().unwrap();
    let apps: Vec<_> = (0..CLIENTS)
        .map(|n| {
            let (name, app_id) = (format!("App {n}"), format!("com.example.app{n}"));
            let builder = app_named(&name, &app_id, rig.desktop.ports(), dir.path());
            builder.plugin(flipper_demo::example()).start().unwrap()
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

async fn peers_that_say_nothing_block_nobody<R: Runtime>() {
    let mut rig = Rig::<R>::start(desktop()).await;
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
async fn flooder<R: Runtime>(
    rig: &mut Rig<R>,
    authority: &flipper_desktop::pki::Authority,
    name: &str,
) -> (ClientId, Peer) {
    let tls = Identity::of("com.example.flood").tls(authority, authority, "");
    let query = Query::new(name, "Linux", "device", "");
    let mut peer = Request::session(rig.desktop.ports().secure, &query, tls).open().await.unwrap();
    peer.introduce(&["Flood"], &[]).await;
    (rig.client().await, peer)
}

fn row(size: usize) -> Message {
    let data = "x".repeat(size);
    Message::text(format!(r#"{{"method":"execute","params":{{"api":"Flood","method":"row","params":"{data}"}}}}"#))
}

async fn a_client_that_floods_and_never_reads_harms_nobody_but_itself<R: Runtime>() {
    let authority = memory_authority();
    let mut limits = Limits::default();
    limits.queued_answer_bytes = 8 << 20;
    let mut rig = Rig::<R>::start(desktop().authority(authority.clone()).limits(limits)).await;
    let (bad, peer) = flooder(&mut rig, &authority, "Flood").await;
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

async fn clients_are_not_read_from_while_nobody_listens_and_nothing_is_lost<R: Runtime>() {
    // Together they have more waiting than all may have.
    const FLOODERS: usize = 6;
    const ROWS: usize = 600;
    let authority = memory_authority();
    let (go_on, wait) = channel::<()>();
    let (tell_begun, begun) = oneshot::channel();
    let (tell_all, all) = oneshot::channel();
    let (mut tell_begun, mut tell_all, mut rows) = (Some(tell_begun), Some(tell_all), 0);
    let observer = Mutex::new(move |event: &Event| {
        if let Event::Message { .. } = event {
            rows += 1;
            // The first one holds up all others.
            if let Some(tell_begun) = tell_begun.take() {
                tell_begun.send(()).unwrap();
                wait.recv().unwrap();
            }
            if rows == FLOODERS * ROWS {
                tell_all.take().unwrap().send(()).unwrap();
            }
        }
    });
    let mut options = Options::default();
    options.waiting_news_bytes = 1 << 20;
    let builder = desktop().authority(authority.clone()).options(options);
    let mut rig = Rig::<R>::start(builder.observer(move |event| observer.lock().unwrap()(event))).await;
    let dir = tempdir().unwrap();
    let _app = app(rig.desktop.ports(), dir.path()).start().unwrap();
    let good = rig.client().await;

    let mut peers = Vec::new();
    for n in 0..FLOODERS {
        peers.push(flooder(&mut rig, &authority, &format!("Flood {n}")).await.1);
    }
    let sent = Arc::new(AtomicUsize::new(0));
    let floods: Vec<_> = peers
        .into_iter()
        .map(|mut peer| {
            let counted = Arc::clone(&sent);
            tokio::spawn(async move {
                for _ in 0..ROWS {
                    // More than all buffers between the two hold.
                    peer.socket.send(row(50_000)).await.unwrap();
                    counted.fetch_add(1, Ordering::Relaxed);
                }
                peer
            })
        })
        .collect();
    within("the first row", begun).await.unwrap();
    // What the others answer is read nevertheless, and after a while it is the only thing that is.
    let stalled_at = stalled(&sent, async || {
        let call = rig.desktop.call(&good, "Example", "echo", None);
        assert!(within("an answer", call).await.is_ok());
    });
    assert!(stalled_at.await < FLOODERS * ROWS, "all of it was read");
    go_on.send(()).unwrap();
    for flood in floods {
        drop(within("all rows to leave", flood).await.unwrap());
    }
    within("all rows", all).await.unwrap();
}

async fn a_peer_that_pings_and_never_reads_is_not_read_from_for_ever<R: Runtime>() {
    /// More than all buffers between the two hold.
    const PINGS: usize = 400_000;
    let mut rig = Rig::<R>::start(desktop()).await;
    let dir = tempdir().unwrap();
    let _app = app(rig.desktop.ports(), dir.path()).start().unwrap();
    let good = rig.client().await;
    let query = Query::new("Pings", "Linux", "device", "unknown");
    let mut peer = Request::exchange(rig.desktop.ports().insecure, &query).open().await.unwrap();
    // Masked with zeros.
    let pings = [&[0x89, 0x80 | 125, 0, 0, 0, 0][..], &[b'x'; 125]].concat().repeat(100);
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    let flood = tokio::spawn(async move {
        while counted.load(Ordering::Relaxed) < PINGS && peer.socket.get_mut().write_all(&pings).await.is_ok() {
            counted.fetch_add(100, Ordering::Relaxed);
        }
    });
    let stalled_at = stalled(&sent, async || {
        let call = rig.desktop.call(&good, "Example", "echo", None);
        assert!(within("an answer", call).await.is_ok());
    });
    assert!(stalled_at.await < PINGS, "all of it was read");
    flood.abort();
}

/// Does something until a count that others raise has stayed the same for many times, and returns it.
async fn stalled(count: &AtomicUsize, meanwhile: impl AsyncFn()) -> usize {
    let (mut before, mut unchanged) = (0, 0);
    while unchanged < 200 {
        meanwhile().await;
        let now = count.load(Ordering::Relaxed);
        unchanged = if now == before { unchanged + 1 } else { 0 };
        before = now;
    }
    before
}

on_every_runtime! {
    (flavor = "multi_thread", worker_threads = 2)
    a_hundred_apps,
    peers_that_say_nothing_block_nobody,
    a_client_that_floods_and_never_reads_harms_nobody_but_itself,
    clients_are_not_read_from_while_nobody_listens_and_nothing_is_lost,
    a_peer_that_pings_and_never_reads_is_not_read_from_for_ever,
}
