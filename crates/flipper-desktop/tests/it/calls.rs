//! Sessions with this project's own client, and with peers that do not answer.

use std::time::Duration;

use flipper_async::Runtime;
use flipper_demo::Ticker;
use flipper_desktop::proto::desktop::{Call, DisconnectCause};
use flipper_desktop::proto::{ClientId, Payload, PluginId, Query};
use flipper_desktop::{CallError, Event, InitPolicy};
use flipper_tokio::{Flipper, plugin};
use serde_json::json;
use tempfile::{TempDir, tempdir};

use crate::support::{Identity, Peer, Request, Rig, app, app_named, desktop, memory_authority, poll_once, within};

/// A desktop with the app of most tests connected to it.
struct Connected<R: Runtime> {
    rig: Rig<R>,
    client: ClientId,
    app: Flipper,
    _dir: TempDir,
}

async fn connected<R: Runtime>() -> Connected<R> {
    let mut rig = Rig::<R>::start(desktop()).await;
    let dir = tempdir().unwrap();
    let app = app(rig.desktop.ports(), dir.path()).start().unwrap();
    let client = rig.client().await;
    Connected { rig, client, app, _dir: dir }
}

impl<R: Runtime> Connected<R> {
    async fn call(&self, method: &str, params: &str) -> Result<Payload, CallError> {
        let params = Payload::from_json(params).unwrap();
        self.rig.desktop.call(&self.client, "Example", method, Some(params)).await
    }
}

fn ids(names: &[&str]) -> Vec<PluginId> {
    names.iter().map(|name| PluginId::new(name)).collect()
}

async fn an_app_that_never_was_here_connects_and_is_served<R: Runtime>() {
    let mut rig = Rig::<R>::start(desktop()).await;
    let dir = tempdir().unwrap();
    let app =
        app(rig.desktop.ports(), dir.path()).plugin(Ticker::default()).plugin(plugin("Quiet").build()).start().unwrap();
    // In this order, always.
    let mut told = Vec::new();
    let client = rig
        .event("the first tick", |event| match event {
            Event::CertificateIssued { .. } => {
                told.push("issued");
                None
            }
            Event::ClientConnected { .. } => {
                told.push("connected");
                None
            }
            Event::PluginsChanged { plugins, background, .. } => {
                assert_eq!(plugins.to_vec(), ids(&["Example", "Quiet", "Ticker"]));
                assert_eq!(background.to_vec(), ids(&["Example", "Ticker"]));
                told.push("plugins");
                None
            }
            Event::Message { client, plugin, method, .. } => {
                assert_eq!((plugin.as_str(), method.as_str()), ("Ticker", "tick"));
                Some(client)
            }
            _ => None,
        })
        .await;
    assert_eq!(told, ["issued", "connected", "plugins"]);

    let found = rig.desktop.client(&client).unwrap();
    assert_eq!(found.info.query.app, "Test App");
    assert_eq!(found.initialised, ids(&["Example", "Ticker"]).into_iter().collect());
    assert_eq!(rig.desktop.plugins(&client).unwrap().len(), 3);
    assert_eq!(rig.desktop.clients(), [found]);
    within("the end", app.stop()).await;
    rig.event("the end", |event| matches!(event, Event::ClientDisconnected { .. }).then_some(())).await;
    assert!(rig.desktop.clients().is_empty());
}

async fn calls_are_answered_verbatim<R: Runtime>() {
    let test = connected::<R>().await;
    let odd = r#"{"b":1.10,"a":[1e2,"é\u0000"],"b2":12345678901234567890}"#;
    assert_eq!(test.call("echo", odd).await.unwrap().as_json(), odd);
    assert_eq!(test.call("reverse", r#"{"word":"Flipper"}"#).await.unwrap().as_json(), r#"{"word":"reppilF"}"#);
    let none = test.rig.desktop.call(&test.client, "Example", "echo", None).await.unwrap();
    assert_eq!(none.as_json(), "{}");
    assert!(test.rig.desktop.is_method_supported(&test.client, "Example", "echo").await.unwrap());
    assert!(!test.rig.desktop.is_method_supported(&test.client, "Example", "nothing").await.unwrap());
}

async fn errors_are_told_as_the_app_gives_them<R: Runtime>() {
    let test = connected::<R>().await;
    let failed = async |method: &str| match test.call(method, "{}").await {
        Err(CallError::Failed { report, .. }) => *report,
        other => panic!("{other:?}"),
    };
    let report = failed("fail").await;
    assert_eq!((report.name.as_deref(), report.message.as_str()), (Some("SampleError"), "This method always fails"));
    assert_eq!(failed("nothing").await.message, "Receiver nothing not found.");
    assert_eq!(failed("panic").await.name.as_deref(), Some("PluginPanicked"));
    // It goes on after that as if nothing had happened.
    assert_eq!(test.call("echo", "[1]").await.unwrap().as_json(), "[1]");

    let other = test.rig.desktop.call(&test.client, "Nothing", "echo", None).await;
    assert!(
        matches!(other, Err(CallError::Failed { report, .. }) if report.name.as_deref() == Some("ConnectionNotFound"))
    );
    let nobody = ClientId::from_text("nobody");
    let error = test.rig.desktop.call(&nobody, "Example", "echo", None).await.unwrap_err();
    assert_eq!((error.clone(), error.to_string().as_str()), (CallError::NotConnected, "no such client is connected"));
    assert_eq!(test.rig.desktop.init_plugin(&nobody, "Example"), Err(CallError::NotConnected));
}

async fn the_policy_says_which_plugins_are_initialised<R: Runtime>() {
    for (policy, expected) in
        [(InitPolicy::Background, &["Second"][..]), (InitPolicy::All, &["First", "Second"]), (InitPolicy::None, &[])]
    {
        let authority = memory_authority();
        let mut rig = Rig::<R>::start(desktop().authority(authority.clone()).init_policy(policy)).await;
        let query = Query::new("app", "Linux", "device", "d1");
        let tls = Identity::of("com.example.test").tls(&authority, &authority, "d1");
        let mut peer = Request::session(rig.desktop.ports().secure, &query, tls).open().await.unwrap();
        peer.introduce(&["First", "Second"], &["Second"]).await;
        let client = rig.client().await;
        for plugin in expected {
            assert_eq!(peer.receive().await, json!({"method": "init", "params": {"plugin": plugin}}));
        }
        assert_eq!(rig.desktop.client(&client).unwrap().initialised, ids(expected).into_iter().collect());
        // What was left is not initialised again, and what is new is looked at.
        if let [first, ..] = expected {
            rig.desktop.deinit_plugin(&client, first).unwrap();
            assert_eq!(peer.receive().await["method"], "deinit");
        }
        peer.send(r#"{"method":"refreshPlugins"}"#).await;
        peer.introduce(&["First", "Second", "Third"], &["Second"]).await;
        rig.client().await;
        let mut now = ids(expected.get(1..).unwrap_or_default());
        if policy == InitPolicy::All {
            assert_eq!(peer.receive().await, json!({"method": "init", "params": {"plugin": "Third"}}));
            now.push(PluginId::new("Third"));
        }
        assert_eq!(rig.desktop.client(&client).unwrap().initialised, now.into_iter().collect());
    }
}

async fn plugins_are_initialised_and_left<R: Runtime>() {
    let mut rig = Rig::<R>::start(desktop().init_policy(InitPolicy::None)).await;
    let dir = tempdir().unwrap();
    let _app = app(rig.desktop.ports(), dir.path()).start().unwrap();
    let client = rig.client().await;
    let echo = async || rig.desktop.call(&client, "Example", "echo", None).await;
    assert!(echo().await.is_err());
    rig.desktop.init_plugin(&client, "Example").unwrap();
    assert!(echo().await.is_ok());
    rig.desktop.deinit_plugin(&client, "Example").unwrap();
    assert!(echo().await.is_err());
    rig.desktop.init_plugin(&client, "Nothing").unwrap();
    let report = rig
        .event("the complaint", |event| match event {
            Event::ClientError { report, .. } => Some(report),
            _ => None,
        })
        .await;
    assert_eq!(report.name.as_deref(), Some("PluginNotFound"));
}

async fn a_background_plugin_is_initialised_once_and_may_be_left<R: Runtime>() {
    let mut test = connected::<R>().await;
    test.rig.desktop.deinit_plugin(&test.client, "Example").unwrap();
    test.app.add_plugin(plugin("Later").background().build()).unwrap();
    let background = test
        .rig
        .event("the new plugin", |event| match event {
            Event::PluginsChanged { background, .. } => Some(background),
            _ => None,
        })
        .await;
    assert_eq!(background.to_vec(), ids(&["Example", "Later"]));
    let initialised = test.rig.desktop.client(&test.client).unwrap().initialised;
    assert_eq!(initialised, ids(&["Later"]).into_iter().collect());
}

async fn a_client_that_is_disconnected_comes_back<R: Runtime>() {
    let mut test = connected::<R>().await;
    test.rig.desktop.disconnect(&test.client).unwrap();
    assert_eq!(test.rig.desktop.disconnect(&test.client), Err(CallError::NotConnected));
    let cause = test
        .rig
        .event("the end", |event| match event {
            Event::ClientDisconnected { cause, .. } => Some(cause),
            _ => None,
        })
        .await;
    assert!(matches!(cause, DisconnectCause::Disconnected(code) if code.as_u16() == 1000));
    assert_eq!(test.rig.client().await, test.client);
}

/// A session with a peer that has plugin `Mute`, and says nothing of itself.
async fn mute_peer<R: Runtime>() -> (Rig<R>, ClientId, Peer) {
    let authority = memory_authority();
    let mut rig = Rig::<R>::start(desktop().authority(authority.clone())).await;
    let tls = Identity::of("com.example.mute").tls(&authority, &authority, "");
    let query = Query::new("Mute", "Linux", "device", "");
    let mut peer = Request::session(rig.desktop.ports().secure, &query, tls).open().await.unwrap();
    peer.introduce(&["Mute"], &[]).await;
    let client = rig.client().await;
    (rig, client, peer)
}

async fn calls_that_wait_fail_when_the_client_is_gone<R: Runtime>() {
    let (rig, client, mut peer) = mute_peer::<R>().await;
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let (desktop, client) = (rig.desktop.clone(), client.clone());
            tokio::spawn(async move { desktop.call(&client, "Mute", "wait", None).await })
        })
        .collect();
    for _ in 0..100 {
        assert_eq!(peer.receive().await["method"], "execute");
    }
    assert_eq!(rig.desktop.client(&client).unwrap().pending_requests, 100);
    drop(peer);
    for call in calls {
        assert_eq!(within("a call to fail", call).await.unwrap(), Err(CallError::Disconnected));
    }
}

async fn a_call_has_a_deadline_and_its_answer_comes_too_late<R: Runtime>() {
    let (rig, client, mut peer) = mute_peer::<R>().await;
    let call = Call::new("Mute", "wait").within(Duration::from_millis(20));
    let error = rig.desktop.call_with(&client, &call).await.unwrap_err();
    assert_eq!(error, CallError::TimedOut { after: Duration::from_millis(20) });
    let id = peer.receive().await["id"].clone();
    peer.send(&json!({"id": id, "success": {}}).to_string()).await;

    // The next one is a call of its own.
    let call = Call::new("Mute", "wait");
    let (answer, ()) = tokio::join!(rig.desktop.call_with(&client, &call), async {
        let id = peer.receive().await["id"].clone();
        peer.send(&json!({"id": id, "success": {"n": 2}}).to_string()).await;
    });
    assert_eq!(answer.unwrap().as_json(), r#"{"n":2}"#);
    assert_eq!(rig.desktop.counters().protocol.late_replies, 1);
}

async fn a_call_may_be_dropped<R: Runtime>() {
    let (rig, client, mut peer) = mute_peer::<R>().await;
    {
        let call = rig.desktop.call(&client, "Mute", "wait", None);
        let call = std::pin::pin!(call);
        assert!(poll_once(call).await.is_pending());
    }
    let id = peer.receive().await["id"].clone();
    peer.send(&json!({"id": id, "success": {}}).to_string()).await;
    peer.send(r#"{"method":"execute","params":{"api":"Mute","method":"done"}}"#).await;
    let mut rig = rig;
    rig.event("the next event", |event| matches!(event, Event::Message { .. }).then_some(())).await;
    assert_eq!(rig.desktop.client(&client).unwrap().pending_requests, 0);
}

async fn an_answer_that_makes_no_sense_is_an_error<R: Runtime>() {
    let (rig, client, mut peer) = mute_peer::<R>().await;
    let supported = rig.desktop.is_method_supported(&client, "Mute", "wait");
    let (answer, ()) = tokio::join!(supported, async {
        let id = peer.receive().await["id"].clone();
        peer.send(&json!({"id": id, "success": "perhaps"}).to_string()).await;
    });
    assert!(matches!(answer, Err(CallError::BadAnswer(_))));
}

async fn two_processes_of_one_app_are_two_clients<R: Runtime>() {
    let mut rig = Rig::<R>::start(desktop()).await;
    let dirs = (tempdir().unwrap(), tempdir().unwrap());
    let _first = app_named("Twin", "com.example.twin", rig.desktop.ports(), dirs.0.path()).start().unwrap();
    let first = rig.client().await;
    let _second = app_named("Twin", "com.example.twin", rig.desktop.ports(), dirs.1.path()).start().unwrap();
    let second = rig.client().await;
    assert_ne!(first, second);
    assert_eq!(rig.desktop.clients().len(), 2);
}

on_every_runtime! {
    an_app_that_never_was_here_connects_and_is_served,
    calls_are_answered_verbatim,
    errors_are_told_as_the_app_gives_them,
    the_policy_says_which_plugins_are_initialised,
    plugins_are_initialised_and_left,
    a_background_plugin_is_initialised_once_and_may_be_left,
    a_client_that_is_disconnected_comes_back,
    calls_that_wait_fail_when_the_client_is_gone,
    a_call_has_a_deadline_and_its_answer_comes_too_late,
    a_call_may_be_dropped,
    an_answer_that_makes_no_sense_is_an_error,
    two_processes_of_one_app_are_two_clients,
}
