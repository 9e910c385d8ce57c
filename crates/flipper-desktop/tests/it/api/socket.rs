use flipper_desktop::Event;
use serde_json::{Value, json};

use super::{connected, with_scripted_app};
use crate::support::{Peer, within};

/// Sends a command and waits for its answer, past events.
async fn command(peer: &mut Peer, command: Value) -> Value {
    peer.send(&command.to_string()).await;
    loop {
        let answer = peer.receive().await;
        if answer.get("id").is_some() {
            return answer;
        }
    }
}

async fn event(peer: &mut Peer, kind: &str) -> Value {
    loop {
        let event = peer.receive().await;
        if event["event"] == kind {
            return event;
        }
    }
}

#[tokio::test]
async fn commands_are_answered_under_their_ids() {
    let test = connected().await;
    let mut socket = test.served.open("/api/v1/socket").await;
    let id = test.client.as_str();
    let apps = command(&mut socket, json!({"id": "a", "apps": {}})).await;
    assert_eq!((&apps["id"], &apps["success"][0]["id"]), (&json!("a"), &json!(id)));
    let app = command(&mut socket, json!({"id": 0, "app": {"app": "Test App"}})).await;
    assert_eq!((&app["id"], &app["success"]["id"]), (&json!(0), &json!(id)));
    let devices = command(&mut socket, json!({"id": 1, "devices": {}})).await;
    assert_eq!(devices["success"][1]["apps"], json!([id]));
    let status = command(&mut socket, json!({"id": 2, "status": {}})).await;
    assert_eq!(status["success"]["observers"], 1);
    for app in [id, "Test App"] {
        let call = json!({"app": app, "plugin": "Example", "method": "reverse", "params": {"word": "abc"}});
        let answer = command(&mut socket, json!({"id": 3, "call": call})).await;
        assert_eq!(answer, json!({"id": 3, "success": {"word": "cba"}}));
    }
    let plugin = json!({"app": id, "plugin": "Example"});
    assert_eq!(command(&mut socket, json!({"id": 4, "deinit": plugin})).await, json!({"id": 4, "success": {}}));
    let echo = json!({"app": id, "plugin": "Example", "method": "echo"});
    let failed = command(&mut socket, json!({"id": 5, "call": echo})).await;
    assert_eq!((&failed["id"], &failed["error"]["name"]), (&json!(5), &json!("AppError")));
    assert_eq!(failed["error"]["cause"]["name"], "ConnectionNotFound");
    assert_eq!(command(&mut socket, json!({"id": 6, "init": plugin})).await["success"], json!({}));
    let supports = command(&mut socket, json!({"id": 7, "supports": echo})).await;
    assert_eq!(supports["success"], json!({"isSupported": true}));
    assert_eq!(command(&mut socket, json!({"id": 8, "disconnect": {"app": id}})).await["success"], json!({}));
}

#[tokio::test]
async fn what_is_no_command_is_answered_too() {
    let test = connected().await;
    let mut socket = test.served.open("/api/v1/socket").await;
    for (text, id) in [
        ("nothing", Value::Null),
        ("[]", Value::Null),
        ("{}", Value::Null),
        (r#"{"apps":{}}"#, Value::Null),
        (r#"{"id":{},"apps":{}}"#, Value::Null),
        (r#"{"id":1}"#, json!(1)),
        (r#"{"id":2,"apps":{},"status":{}}"#, json!(2)),
        (r#"{"id":3,"fly":{}}"#, Value::Null),
        (r#"{"id":4,"call":{"app":"x"}}"#, Value::Null),
    ] {
        socket.send(text).await;
        let answer = socket.receive().await;
        assert_eq!((&answer["id"], &answer["error"]["name"]), (&id, &json!("BadRequest")), "{text}");
    }
    let nobody = json!({"app": "Nobody", "plugin": "Example", "method": "echo"});
    let answer = command(&mut socket, json!({"id": 5, "call": nobody})).await;
    assert_eq!((&answer["id"], &answer["error"]["name"]), (&json!(5), &json!("NoSuchApp")));
}

#[tokio::test]
async fn answers_come_as_they_are_there_and_whoever_leaves_is_told_of() {
    let (served, mut app, client) = with_scripted_app().await;
    let mut socket = served.open("/api/v1/socket").await;
    let call = |id: u32| json!({"id": id, "call": {"app": client.as_str(), "plugin": "Silent", "method": "m", "timeout_ms": 60_000}});
    for id in [1, 2, 3] {
        socket.send(&call(id).to_string()).await;
    }
    let first = app.receive().await;
    let second = app.receive().await;
    assert_eq!(app.receive().await["method"], "execute");
    app.send(&json!({"id": second["id"], "success": 2}).to_string()).await;
    assert_eq!(socket.receive().await, json!({"id": 2, "success": 2}));
    app.send(&json!({"id": first["id"], "success": 1}).to_string()).await;
    assert_eq!(socket.receive().await, json!({"id": 1, "success": 1}));
    drop(app);
    let gone = socket.receive().await;
    assert_eq!((&gone["id"], &gone["error"]["name"]), (&json!(3), &json!("AppDisconnected")));
}

#[tokio::test]
async fn two_observers_may_use_the_same_ids() {
    let (served, mut app, client) = with_scripted_app().await;
    let mut sockets = [served.open("/api/v1/socket").await, served.open("/api/v1/socket").await];
    for (socket, method) in sockets.iter_mut().zip(["left", "right"]) {
        let call = json!({"app": client.as_str(), "plugin": "Silent", "method": method});
        socket.send(&json!({"id": 1, "call": call}).to_string()).await;
    }
    let asked = [app.receive().await, app.receive().await];
    for message in asked.iter().rev() {
        let method = &message["params"]["method"];
        app.send(&json!({"id": message["id"], "success": {"method": method}}).to_string()).await;
    }
    for (socket, method) in sockets.iter_mut().zip(["left", "right"]) {
        assert_eq!(socket.receive().await, json!({"id": 1, "success": {"method": method}}));
    }
}

#[tokio::test]
async fn more_calls_than_may_be_under_way_are_refused_at_once() {
    let (served, mut app, client) = with_scripted_app().await;
    let mut socket = served.open("/api/v1/socket").await;
    let call = json!({"app": client.as_str(), "plugin": "Silent", "method": "m"});
    for id in 0..=1_024 {
        socket.send(&json!({"id": id, "call": call}).to_string()).await;
    }
    let refused = socket.receive().await;
    assert_eq!((&refused["id"], &refused["error"]["name"]), (&json!(1_024), &json!("Busy")));
    let asked = app.receive().await;
    app.send(&json!({"id": asked["id"], "success": {}}).to_string()).await;
    assert_eq!(socket.receive().await["id"], 0);
}

#[tokio::test]
async fn events_are_subscribed_to_with_what_is_there_already() {
    let mut test = connected().await;
    let mut socket = test.served.open("/api/v1/socket").await;
    let subscribed = command(&mut socket, json!({"id": 1, "subscribe": {"snapshot": true}})).await;
    assert_eq!(subscribed, json!({"id": 1, "success": {}}));
    let there = socket.receive().await;
    assert_eq!((&there["event"], &there["app"]["id"]), (&json!("app-connected"), &json!(test.client.as_str())));
    assert_eq!(there["app"]["initialised"], json!(["Example"]));
    let emit = "/api/v1/apps/Test%20App/plugins/Example/call/emit";
    assert_eq!(test.served.post(emit, r#"{"count":2,"size":1}"#).await.status, 200);
    for index in [0, 1] {
        let row = event(&mut socket, "message").await;
        assert_eq!((&row["plugin"], &row["method"]), (&json!("Example"), &json!("row")));
        assert_eq!(row["params"], json!({"index": index, "data": "x"}));
        assert!(row["time"].as_u64().unwrap() > 1_600_000_000_000);
    }
    let unsubscribed = command(&mut socket, json!({"id": 3, "unsubscribe": {}})).await;
    assert_eq!(unsubscribed, json!({"id": 3, "success": {}}));
    within("the end", test.app.stop()).await;
    test.served.rig.event("the end", |event| matches!(event, Event::ClientDisconnected { .. }).then_some(())).await;
    socket.send(r#"{"id":4,"apps":{}}"#).await;
    // Nothing was told of the end.
    assert_eq!(socket.receive().await, json!({"id": 4, "success": []}));
}

#[tokio::test]
async fn events_are_filtered_where_they_are_told() {
    let test = connected().await;
    let of_app = "/api/v1/events?app=Test+App";
    let mut all = test.served.open(of_app).await;
    let mut other_app = test.served.open("/api/v1/events?app=Other&snapshot=true").await;
    let mut of_plugin = test.served.open("/api/v1/events?app=Test%20App&plugin=Example").await;
    let mut other_plugin = test.served.open("/api/v1/events?plugin=Other").await;
    let call = "/api/v1/apps/Test%20App/plugins/Example/call/emit";
    assert_eq!(test.served.post(call, r#"{"count":1}"#).await.status, 200);
    within("the end", test.app.stop()).await;
    assert_eq!(all.receive().await["event"], "message");
    let gone = event(&mut all, "app-disconnected").await;
    assert_eq!(gone["app"], test.client.as_str());
    assert_eq!(of_plugin.receive().await["event"], "message");
    within("the end", test.served.api.stop()).await;
    // Nothing else was told to those who did not want it.
    for socket in [&mut other_app, &mut of_plugin, &mut other_plugin] {
        let end = within("the end", futures_util::StreamExt::next(&mut socket.socket)).await;
        assert!(matches!(end, Some(Ok(tungstenite::Message::Close(Some(_))))), "{end:?}");
    }
}

#[tokio::test]
async fn an_observer_that_does_not_read_slows_nobody_and_is_told_what_it_missed() {
    const BURSTS: u64 = 20;
    const BURST: u64 = 1_000;
    let test = connected().await;
    let mut slow = test.served.open("/api/v1/events?plugin=Example").await;
    let emit = "/api/v1/apps/Test%20App/plugins/Example/call/emit";
    for _ in 0..BURSTS {
        // 80 MB: more than its queue and the system's buffers hold.
        assert_eq!(test.served.post(emit, r#"{"count":1000,"size":4000}"#).await.status, 200);
    }
    let (mut at, mut missed) = (0, 0);
    while at < BURSTS * BURST {
        let told = slow.receive().await;
        if told["event"] == "missed" {
            missed += told["count"].as_u64().unwrap();
            at += told["count"].as_u64().unwrap();
        } else {
            // Nothing is missing but what was said to be, and where it was said.
            assert_eq!(told["params"]["index"], at % BURST, "{at}");
            at += 1;
        }
    }
    assert_eq!(at, BURSTS * BURST);
    assert!(missed > 0);
    let status = test.served.get("/api/v1/status").await.json();
    assert!(status["counters"]["missed_events"].as_u64().unwrap() >= missed, "{status}");
}

#[tokio::test]
async fn a_socket_for_events_takes_no_commands() {
    let test = connected().await;
    let mut socket = test.served.open("/api/v1/events").await;
    socket.send(r#"{"id":1,"apps":{}}"#).await;
    let (code, reason) = socket.closed().await;
    assert_eq!(code, 1008);
    assert!(reason.contains("/api/v1/socket"), "{reason}");
}

#[tokio::test]
async fn sockets_are_told_that_the_desktop_stops() {
    let test = connected().await;
    let mut of_api = test.served.open("/api/v1/socket").await;
    let mut events = test.served.open("/api/v1/events").await;
    assert_eq!(command(&mut of_api, json!({"id": 1, "status": {}})).await["success"]["apps"], 1);
    within("the end", test.served.rig.desktop.stop()).await;
    assert_eq!(events.closed().await.0, 1001);
    let (stopped, closed) = tokio::join!(test.served.api.stop(), of_api.closed());
    assert_eq!((stopped, closed.0), ((), 1001));
}
