//! The port for browsers and Node.

use flipper_async::Runtime;
use flipper_desktop::proto::desktop::{Channel, Refusal};
use flipper_desktop::proto::{Payload, PluginId, ProtocolError};
use flipper_desktop::{Builder, Event};
use serde_json::json;

use crate::support::{Peer, RawPeer, Request, Rig, desktop, within};

fn with_browser_port() -> Builder {
    desktop().browser_port(Some(0))
}

fn port<R: Runtime>(rig: &Rig<R>) -> u16 {
    rig.desktop.ports().browser.unwrap()
}

fn page<R: Runtime>(rig: &Rig<R>) -> Request {
    Request::browser(port(rig), "/?device=Chrome&device_id=d1&app=Shop&os=Browser")
}

async fn a_page_is_served_as_an_app_is<R: Runtime>() {
    let mut rig = Rig::<R>::start(with_browser_port()).await;
    let mut peer = page(&rig).origin("http://localhost:3000").open().await.unwrap();
    let info = rig
        .event("the page", |event| match event {
            Event::ClientConnected { info, .. } => Some(info),
            _ => None,
        })
        .await;
    assert_eq!((info.channel, info.query.os.as_str()), (Channel::Browser, "Browser"));
    peer.introduce(&["P"], &["P"]).await;
    let client = rig.client().await;
    assert_eq!(client.as_str(), "Shop#Browser#Chrome#d1");
    assert_eq!(peer.receive().await, json!({"method": "init", "params": {"plugin": "P"}}));
    let call = rig.desktop.call(&client, "P", "m", None);
    let (answer, ()) = tokio::join!(call, answer(&mut peer, json!({"n": 1})));
    assert_eq!(answer.unwrap().as_json(), r#"{"n":1}"#);
}

async fn answer(peer: &mut Peer, success: serde_json::Value) {
    let asked = peer.receive().await;
    peer.send(&json!({"id": asked["id"], "success": success}).to_string()).await;
}

async fn only_the_developers_own_pages_get_in<R: Runtime>() {
    let builder = with_browser_port().allowed_origin("https://app.example".parse().unwrap());
    let mut rig = Rig::<R>::start(builder).await;
    let own = format!("http://127.0.0.1:{}", port(&rig));
    let good = [
        "http://localhost",
        "http://localhost:3000",
        "https://localhost:8443",
        "HTTP://LOCALHOST:3000",
        "http://127.0.0.1:3000",
        "http://[::1]:3000",
        &own,
        "https://app.example",
        "https://app.example:443",
        // What Node programs give.
        "localhost:",
        "localhost:3000",
    ];
    let evil = [
        "http://localhost.evil.com",
        "http://localhost:evil.com",
        "http://localhost:3000@evil.com",
        "http://evil.com",
        "http://127.0.0.1.evil.com",
        "http://127.0.0.2:3000",
        "http://10.0.2.2:3000",
        "http://192.168.1.7:3000",
        "http://app.example",
        "https://app.example:8443",
        "https://app.example.evil.com",
        "localhost",
        "localhost:evil.com",
        "null",
        "file://",
        "chrome-extension://abcdef",
        "garbage",
        "",
    ];
    for origin in good {
        assert_eq!(page(&rig).origin(origin).status().await, 101, "{origin}");
    }
    assert_eq!(page(&rig).status().await, 101, "a program that names none");
    for origin in evil {
        assert_eq!(page(&rig).origin(origin).status().await, 401, "{origin:?}");
        let reason = rig
            .event("a refusal", |event| match event {
                Event::ConnectionRefused { reason, channel: Channel::Browser, .. } => Some(reason),
                _ => None,
            })
            .await;
        assert!(matches!(reason, Refusal::Origin(_)), "{reason:?}");
        assert!(reason.to_string().contains("--allow-origin"), "{reason}");
    }
    let rebound = page(&rig).host("rebound.evil.com").origin("http://rebound.evil.com");
    assert_eq!(rebound.status().await, 401);
    assert_eq!(rig.desktop.counters().protocol.refused_connections, evil.len() as u64 + 1);
}

async fn the_oldest_format_is_spoken_with_whoever_begins_it<R: Runtime>() {
    let mut rig = Rig::<R>::start(with_browser_port()).await;
    let mut peer = Request::browser(port(&rig), "/?device=Chrome&deviceId=d1").open().await.unwrap();
    assert_eq!(peer.receive().await["method"], "getPlugins");
    peer.send(r#"{"app":"Shop","type":"connect","plugins":["P"]}"#).await;
    let client = rig.client().await;
    assert_eq!(client.as_str(), "Chrome#MacOS#Chrome#d1");
    assert_eq!(rig.desktop.plugins(&client).unwrap(), [PluginId::new("P")]);

    rig.desktop.init_plugin(&client, "P").unwrap();
    let init = json!({"app": "Shop", "payload": {"method": "init", "params": {"plugin": "P"}}});
    assert_eq!(peer.receive().await, init);
    let call = rig.desktop.call(&client, "P", "m", Some(Payload::from_json("[1]").unwrap()));
    let respond = async {
        let asked = peer.receive().await;
        assert_eq!(asked["payload"]["params"], json!({"api": "P", "method": "m", "params": [1]}));
        let reply = json!({"app": "Shop", "payload": {"id": asked["payload"]["id"], "success": {"n": 1}}});
        peer.send(&reply.to_string()).await;
    };
    let (answer, ()) = tokio::join!(call, respond);
    assert_eq!(answer.unwrap().as_json(), r#"{"n":1}"#);

    peer.send(r#"{"app":"Other","payload":{"method":"execute","params":{"api":"P","method":"e"}}}"#).await;
    peer.send(r#"{"app":"Shop","payload":{"method":"execute","params":{"api":"P","method":"e","params":{"k":2}}}}"#)
        .await;
    let other = rig
        .event("the other app", |event| match event {
            Event::PeerMisbehaved { error, .. } => Some(error),
            Event::Message { .. } => panic!("it was mixed up with the first"),
            _ => None,
        })
        .await;
    assert!(matches!(other, ProtocolError::OtherApp(_)), "{other:?}");
    let params = rig
        .event("an event", |event| match event {
            Event::Message { params, .. } => params,
            _ => None,
        })
        .await;
    assert_eq!(params.as_json(), r#"{"k":2}"#);
}

async fn who_stops_says_that_it_comes_back<R: Runtime>() {
    let rig = Rig::<R>::start(with_browser_port()).await;
    let mut peer = page(&rig).open().await.unwrap();
    let port = port(&rig);
    let stopped = rig.desktop.stop();
    let (code, _) = peer.closed().await;
    assert_eq!(code, 1012);
    drop(peer);
    within("the end", stopped).await;
    assert!(RawPeer::connect_refused(port).await);
}

async fn it_is_closed_unless_it_is_wanted<R: Runtime>() {
    let rig = Rig::<R>::start(desktop()).await;
    assert_eq!(rig.desktop.ports().browser, None);
}

on_every_runtime! {
    a_page_is_served_as_an_app_is,
    only_the_developers_own_pages_get_in,
    the_oldest_format_is_spoken_with_whoever_begins_it,
    who_stops_says_that_it_comes_back,
    it_is_closed_unless_it_is_wanted,
}
