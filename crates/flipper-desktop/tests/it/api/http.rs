use flipper_desktop::api::Api;
use flipper_desktop::json::{App, Device, Status};
use flipper_desktop::proto::Limits;
use flipper_tokio::Tokio;
use serde_json::json;
use tempfile::tempdir;

use super::{Served, connected, escaped, with_scripted_app};
use crate::support::{Rig, app_named, desktop, poll_once, within};

const ECHO: &str = "/api/v1/apps/Test%20App/plugins/Example/call/echo";

#[tokio::test]
async fn apps_are_listed_and_shown() {
    let test = connected().await;
    let apps: Vec<App> = serde_json::from_str(&test.served.get("/api/v1/apps").await.text).unwrap();
    let [app] = &apps[..] else { panic!("{apps:?}") };
    assert_eq!((app.id.as_str(), app.name.as_str()), (test.client.as_str(), "Test App"));
    assert_eq!(app.plugins.as_deref(), Some(&["Example".to_owned()][..]));
    assert_eq!(app.initialised, ["Example"]);

    let by_id = test.served.get(&format!("/api/v1/apps/{}", escaped(&test.client))).await;
    let by_name = test.served.get("/api/v1/apps/Test%20App").await;
    assert_eq!((by_id.status, by_id.json()["id"].clone()), (200, by_name.json()["id"].clone()));
    assert!(by_id.head.contains("content-type: application/json"), "{}", by_id.head);
    assert!(by_id.head.contains("cache-control: no-store"), "{}", by_id.head);

    let devices: Vec<Device> = serde_json::from_str(&test.served.get("/api/v1/devices").await.text).unwrap();
    let kinds: Vec<_> = devices.iter().map(|device| (&*device.kind, device.apps.as_slice())).collect();
    assert_eq!(kinds, [("this-machine", &[][..]), ("named", &[app.id.clone()][..])]);
    let status: Status = serde_json::from_str(&test.served.get("/api/v1/status").await.text).unwrap();
    assert_eq!((status.apps, status.observers, status.pid), (1, 0, std::process::id()));
    assert_eq!(
        (status.ports.ui, status.ports.secure),
        (test.served.api.port(), test.served.rig.desktop.ports().secure)
    );
}

#[tokio::test]
async fn methods_are_called_and_numbers_survive_verbatim() {
    let test = connected().await;
    let odd = r#"{"b":1.10,"a":[1e2,"é\u0000"],"b2":12345678901234567890}"#;
    let answer = test.served.post(ECHO, odd).await;
    assert_eq!((answer.status, answer.text), (200, format!("{{\"success\":{odd}}}")));
    let empty = test.served.post(&format!("{ECHO}?timeout_ms=60000"), "").await;
    assert_eq!(empty.text, r#"{"success":{}}"#);
    let supports = |method: &str| format!("/api/v1/apps/Test%20App/plugins/Example/supports/{method}");
    assert_eq!(test.served.get(&supports("echo")).await.text, r#"{"isSupported":true}"#);
    assert_eq!(test.served.get(&supports("nothing")).await.text, r#"{"isSupported":false}"#);
}

#[tokio::test]
async fn plugins_are_left_and_initialised_and_apps_are_disconnected() {
    let mut test = connected().await;
    let plugin = "/api/v1/apps/Test%20App/plugins/Example";
    assert_eq!(test.served.post(&format!("{plugin}/deinit"), "").await.text, r#"{"success":{}}"#);
    let failed = test.served.post(ECHO, "").await;
    assert_eq!(failed.error(), (422, "AppError".to_owned()));
    assert_eq!(failed.json()["error"]["cause"]["name"], "ConnectionNotFound");
    assert_eq!(test.served.post(&format!("{plugin}/init"), "").await.status, 200);
    assert_eq!(test.served.post(ECHO, "[1]").await.text, r#"{"success":[1]}"#);
    assert_eq!(test.served.post("/api/v1/apps/Test%20App/disconnect", "").await.status, 200);
    // It comes back by itself.
    test.served.rig.client().await;
    within("the end", test.app.stop()).await;
}

#[tokio::test]
async fn every_error_says_what_and_what_to_do() {
    let test = connected().await;
    let served = &test.served;
    let wrong = |status, name: &str| (status, name.to_owned());
    assert_eq!(served.get("/api/v1/apps/Nobody").await.error(), wrong(404, "NoSuchApp"));
    assert_eq!(served.get("/api/v2/apps").await.error(), wrong(404, "NoSuchRoute"));
    assert_eq!(served.post("/api/v1/apps", "").await.error(), wrong(405, "WrongMethod"));
    assert_eq!(served.post(ECHO, "{").await.error(), wrong(400, "BadRequest"));
    assert_eq!(served.post(&format!("{ECHO}?timeout_ms=soon"), "").await.error(), wrong(400, "BadRequest"));
    assert_eq!(served.get("/api/v1/events").await.error(), wrong(426, "UpgradeRequired"));
    let failed = served.post(&ECHO.replace("echo", "fail"), "{}").await;
    assert_eq!(failed.error(), wrong(422, "AppError"));
    assert_eq!(failed.json()["error"]["cause"], json!({"name": "SampleError", "message": "This method always fails"}));
    let hint = served.get("/api/v1/apps/Nobody").await.json();
    assert!(hint["error"]["hint"].as_str().unwrap().contains(test.client.as_str()), "{hint}");
}

#[tokio::test]
async fn a_name_that_several_apps_have_is_refused_with_their_ids() {
    let mut served = Served::start().await;
    let dir = tempdir().unwrap();
    let mut apps = Vec::new();
    for (app_id, device) in [("com.example.one", "first"), ("com.example.two", "second")] {
        let builder = app_named("Twin", app_id, served.rig.desktop.ports(), dir.path()).device(device);
        apps.push(builder.start().unwrap());
    }
    let mut ids = [served.rig.client().await.to_string(), served.rig.client().await.to_string()];
    ids.sort();
    let answer = served.get("/api/v1/apps/Twin").await;
    assert_eq!(answer.error(), (409, "AmbiguousApp".to_owned()));
    assert_eq!(answer.json()["error"]["candidates"], json!(ids));
}

#[tokio::test]
async fn an_app_that_does_not_answer_and_one_that_leaves() {
    let (served, mut peer, client) = with_scripted_app().await;
    let path = format!("/api/v1/apps/{}/plugins/Silent/call/wait", escaped(&client));
    assert_eq!(served.post(&format!("{path}?timeout_ms=1"), "").await.error(), (504, "TimedOut".to_owned()));
    assert_eq!(peer.receive().await["params"]["method"], "wait");
    let leaves = async {
        assert_eq!(peer.receive().await["params"]["method"], "wait");
        drop(peer);
    };
    let (answer, ()) = tokio::join!(served.post(&path, ""), leaves);
    assert_eq!(answer.error(), (502, "AppDisconnected".to_owned()));
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let mut limits = Limits::default();
    limits.message_bytes = 1_000;
    let served = Served::with(desktop().limits(limits)).await;
    let answer = served.post("/api/v1/apps/App/plugins/P/call/m", &format!("\"{}\"", "x".repeat(1_000))).await;
    assert_eq!(answer.error(), (413, "TooLarge".to_owned()));
    assert!(answer.json()["error"]["message"].as_str().unwrap().contains("1000"));
}

#[tokio::test]
async fn who_comes_while_as_many_are_served_as_may_be_waits() {
    let rig = Rig::<Tokio>::start(desktop()).await;
    let api = Api::builder(&rig.desktop).port(0).connections(1).start().await.unwrap();
    let served = Served { rig, api };
    let mut socket = served.open("/api/v1/socket").await;
    socket.send(r#"{"id":1,"status":{}}"#).await;
    assert_eq!(socket.receive().await["success"]["observers"], 1);
    let mut waiting = std::pin::pin!(served.get("/api/v1/status"));
    assert!(poll_once(waiting.as_mut()).await.is_pending());
    socket.send(r#"{"id":2,"status":{}}"#).await;
    assert_eq!(socket.receive().await["id"], 2);
    assert!(poll_once(waiting.as_mut()).await.is_pending());
    drop(socket);
    assert_eq!(within("the answer", waiting).await.json()["observers"], 0);
}
