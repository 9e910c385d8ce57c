use serde_json::{Value, json};

#[cfg(target_os = "linux")]
use super::Served;
use super::{connected, with_scripted_app};
#[cfg(target_os = "linux")]
use crate::support::adb::{AdbServer, Device};
#[cfg(target_os = "linux")]
use crate::support::desktop;
use crate::support::{Peer, within};

pub(super) async fn exec(peer: &mut Peer, id: u32, command: &str, args: Value) {
    peer.send(&json!({"event": "exec", "payload": {"id": id, "command": command, "args": args}}).to_string()).await;
}

/// The answer to a command, past events: the frame's event, and its payload.
pub(super) async fn answer(peer: &mut Peer) -> (String, Value) {
    loop {
        let mut frame = peer.receive().await;
        if frame["event"] != "server-event" {
            return (frame["event"].as_str().unwrap().to_owned(), frame["payload"].take());
        }
    }
}

pub(super) async fn data(peer: &mut Peer, command: &str, args: Value) -> Value {
    exec(peer, 7, command, args).await;
    let (event, mut payload) = answer(peer).await;
    assert_eq!((event.as_str(), &payload["id"]), ("exec-response", &json!(7)), "{payload}");
    payload["data"].take()
}

pub(super) async fn event(peer: &mut Peer) -> (String, Value) {
    let mut frame = peer.receive().await;
    assert_eq!(frame["event"], "server-event", "{frame}");
    (frame["payload"]["event"].as_str().unwrap().to_owned(), frame["payload"]["data"].take())
}

#[tokio::test]
async fn apps_and_devices_are_listed_and_found() {
    let (served, _app, client) = with_scripted_app().await;
    let mut socket = served.open("/").await;
    let id = client.as_str();
    let listed = json!({"id": id, "query": {
        "app": "Scripted", "os": "Linux", "device": "box", "device_id": "d1", "sdk_version": 4,
    }});
    let device = json!({
        "serial": "d1", "deviceType": "dummy", "title": "box", "os": "Linux",
        "features": {"screenshotAvailable": false, "screenCaptureAvailable": false},
    });
    assert_eq!(data(&mut socket, "get-server-state", json!([])).await, json!({"state": "started"}));
    assert_eq!(data(&mut socket, "client-list", json!([])).await, json!([listed]));
    assert_eq!(data(&mut socket, "client-find", json!([id])).await, listed);
    assert_eq!(data(&mut socket, "client-find", json!(["nobody"])).await, Value::Null);
    let devices = data(&mut socket, "device-list", json!([])).await;
    assert_eq!((&devices[0]["serial"], &devices[1]), (&json!(""), &device), "{devices}");
    assert_eq!(data(&mut socket, "device-find", json!(["d1"])).await, device);
    assert_eq!(data(&mut socket, "device-find", json!(["d2"])).await, Value::Null);
}

#[tokio::test]
async fn messages_reach_the_app_and_answers_come_back() {
    let test = connected().await;
    let mut socket = test.served.open("/").await;
    let id = test.client.as_str();
    let request = |id: u32, method: &str, params: Value| json!({"id": id, "method": method, "params": params});
    let plugins = data(&mut socket, "client-request-response", json!([id, {"id": 0, "method": "getPlugins"}])).await;
    assert_eq!((&plugins["id"], &plugins["success"]), (&json!(0), &json!({"plugins": ["Example"]})));
    assert!(plugins["length"].as_u64().unwrap() > 30, "{plugins}");
    assert_eq!(
        data(&mut socket, "client-request", json!([id, {"method": "init", "params": {"plugin": "Example"}}])).await,
        Value::Null
    );
    let call = json!({"api": "Example", "method": "reverse", "params": {"word": "abc"}});
    let answer = data(&mut socket, "client-request-response", json!([id, request(5, "execute", call)])).await;
    assert_eq!((&answer["id"], &answer["success"]), (&json!(5), &json!({"word": "cba"})));
    let supported = json!({"api": "Example", "method": "echo"});
    let answer =
        data(&mut socket, "client-request-response", json!([id, request(6, "isMethodSupported", supported)])).await;
    assert_eq!(answer["success"], json!({"isSupported": true}));
    let fail = json!({"api": "Example", "method": "fail", "params": {}});
    let answer = data(&mut socket, "client-request-response", json!([id, request(7, "execute", fail)])).await;
    assert_eq!(answer["error"]["name"], "SampleError");
    // Without an answer of its own; what it sends comes as an event.
    let emit = json!({"method": "execute", "params": {"api": "Example", "method": "emit", "params": {"count": 1}}});
    exec(&mut socket, 8, "client-request", json!([id, emit])).await;
    let (mut answered, mut told) = (false, false);
    while !(answered && told) {
        let frame = socket.receive().await;
        match frame["event"].as_str().unwrap() {
            "exec-response" => {
                assert_eq!(frame["payload"], json!({"id": 8}));
                answered = true;
            }
            _ => {
                let data = &frame["payload"]["data"];
                assert_eq!((&frame["payload"]["event"], &data["id"]), (&json!("client-message"), &json!(id)));
                let message: Value = serde_json::from_str(data["message"].as_str().unwrap()).unwrap();
                let row = json!({"api": "Example", "method": "row", "params": {"index": 0, "data": ""}});
                assert_eq!(message, json!({"method": "execute", "params": row}));
                told = true;
            }
        }
    }
}

#[tokio::test]
async fn ids_of_two_observers_do_not_collide_and_never_reach_the_app() {
    let (served, mut app, client) = with_scripted_app().await;
    let mut sockets = [served.open("/").await, served.open("/").await];
    for (socket, method) in sockets.iter_mut().zip(["left", "right"]) {
        let message = json!({"id": 0, "method": method});
        exec(socket, 1, "client-request-response", json!([client.as_str(), message])).await;
    }
    let asked = [app.receive().await, app.receive().await];
    assert_ne!(asked[0]["id"], asked[1]["id"]);
    for message in asked.iter().rev() {
        app.send(&json!({"id": message["id"], "success": message["method"]}).to_string()).await;
    }
    for (socket, method) in sockets.iter_mut().zip(["left", "right"]) {
        let (_, payload) = answer(socket).await;
        assert_eq!((&payload["id"], &payload["data"]["id"]), (&json!(1), &json!(0)));
        assert_eq!(payload["data"]["success"], method);
    }
}

#[tokio::test]
async fn the_order_of_what_is_sent_to_one_app_is_kept() {
    let (served, mut app, client) = with_scripted_app().await;
    let mut socket = served.open("/").await;
    let id = client.as_str();
    let message = |method: &str| json!([id, {"method": method, "params": {"plugin": "Silent"}}]);
    let call = json!([id, {"id": 1, "method": "execute", "params": {"api": "Silent", "method": "m"}}]);
    exec(&mut socket, 1, "client-request", message("init")).await;
    exec(&mut socket, 2, "client-request-response", call).await;
    exec(&mut socket, 3, "client-request", message("deinit")).await;
    let order = [app.receive().await, app.receive().await, app.receive().await];
    let order: Vec<&str> = order.iter().filter_map(|message| message["method"].as_str()).collect();
    assert_eq!(order, ["init", "execute", "deinit"]);
}

#[tokio::test]
async fn an_app_that_leaves_is_told_of_and_so_is_what_it_leaves_unanswered() {
    let (served, mut app, client) = with_scripted_app().await;
    let mut socket = served.open("/").await;
    let id = client.as_str();
    let message = json!([id, {"id": 3, "method": "execute", "params": {"api": "Silent", "method": "m"}}]);
    exec(&mut socket, 1, "client-request-response", message.clone()).await;
    assert_eq!(app.receive().await["method"], "execute");
    drop(app);
    let mut frames = [socket.receive().await, socket.receive().await, socket.receive().await];
    frames.sort_by_key(|frame| frame["payload"]["event"].to_string());
    let told: Vec<&str> = frames.iter().filter_map(|frame| frame["payload"]["event"].as_str()).collect();
    assert_eq!(told, ["client-disconnected", "device-disconnected"]);
    assert_eq!(frames[0]["payload"]["data"], json!({"id": id}));
    assert_eq!(frames[1]["payload"]["data"]["serial"], "d1");
    let lost = &frames[2]["payload"]["data"];
    assert_eq!((&lost["error"]["name"], &lost["length"]), (&json!("CLIENT_DISCONNECTED"), &json!(0)));
    let refused = data(&mut socket, "client-request-response", message).await;
    assert_eq!(refused["error"]["name"], "CLIENT_DISCONNECTED");
    exec(&mut socket, 2, "client-request", json!([id, {"method": "init", "params": {"plugin": "Silent"}}])).await;
    let (event, payload) = answer(&mut socket).await;
    assert_eq!((event.as_str(), &payload["id"]), ("exec-response-error", &json!(2)));
}

#[tokio::test]
async fn apps_that_come_are_told_of_in_the_order_that_the_page_needs() {
    let mut test = connected().await;
    let mut socket = test.served.open("/").await;
    assert_eq!(data(&mut socket, "client-list", json!([])).await[0]["id"], test.client.as_str());
    test.served.rig.desktop.disconnect(&test.client).unwrap();
    for expected in ["client-disconnected", "device-disconnected", "device-connected", "client-connected"] {
        assert_eq!(event(&mut socket).await.0, expected);
    }
    // The plugins of an app that has just come are no news, but a change of them is.
    test.served.rig.client().await;
    let added = test.app.add_plugin(flipper_tokio::plugin("Late").build());
    assert!(added.is_ok());
    let (name, told) = event(&mut socket).await;
    assert_eq!((name.as_str(), &told["message"]), ("client-message", &json!(r#"{"method":"refreshPlugins"}"#)));
    within("the end", test.app.stop()).await;
}

#[tokio::test]
async fn what_is_not_understood_is_refused_with_a_reason() {
    let test = connected().await;
    let mut socket = test.served.open("/").await;
    let id = test.client.as_str();
    for (command, args) in [
        ("open-file", json!(["/etc/passwd"])),
        ("node-api-exec", json!(["id"])),
        ("shutdown", json!([])),
        ("device-shell-exec", json!(["d1", "id"])),
        ("client-find", json!([])),
        ("device-find", json!([1])),
        ("client-request", json!([id])),
        ("client-request", json!([id, {"method": "getPlugins"}])),
        ("client-request", json!([id, {"method": "init"}])),
        ("client-request-response", json!([1, {"id": 1, "method": "getPlugins"}])),
        ("client-request-response", json!([id, {"id": 1}])),
    ] {
        exec(&mut socket, 1, command, args).await;
        let (event, payload) = answer(&mut socket).await;
        assert_eq!((event.as_str(), &payload["id"]), ("exec-response-error", &json!(1)), "{command}");
        assert!(payload["data"].as_str().unwrap().starts_with("Error: "), "{payload}");
    }
    for text in ["nothing", "[]", r#"{"event":"fly"}"#, r#"{"event":"exec","payload":{"command":"client-list"}}"#] {
        socket.send(text).await;
        assert_eq!(answer(&mut socket).await.0, "error", "{text}");
    }
    assert_eq!(data(&mut socket, "get-server-state", json!([])).await["state"], "started");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn devices_that_adb_has_are_listed_and_told_of() {
    let Some(adb) = AdbServer::start() else { return };
    let builder = desktop().android(flipper_desktop::Android::new(adb.address()));
    let served = Served::with(builder).await;
    let mut socket = served.open("/").await;
    let this_machine = data(&mut socket, "device-list", json!([])).await[0].take();
    let phone = Device::new();
    adb.connect(&phone);
    // It is told again when adb knows more of it. Until it can be used, it is none.
    let told = loop {
        let (name, told) = event(&mut socket).await;
        assert_eq!(told["serial"], json!(phone.serial()));
        if name == "device-connected" && told["title"] == "Test Phone" {
            break told;
        }
    };
    assert_eq!(told["deviceType"], "physical");
    assert_eq!(data(&mut socket, "device-list", json!([])).await, json!([this_machine, told]));
    assert_eq!(data(&mut socket, "device-find", json!([phone.serial()])).await, told);
    phone.unplug();
    loop {
        let (name, told) = event(&mut socket).await;
        assert_eq!(told["serial"], json!(phone.serial()));
        if name == "device-disconnected" {
            break;
        }
    }
}
