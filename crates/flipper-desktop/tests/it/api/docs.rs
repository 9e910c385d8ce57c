//! What `docs/desktop-api.md` says is so.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use flipper_desktop::api::RunningDesktop;
use flipper_desktop::json::{self, Kind};
use flipper_tokio::Flipper;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::tempdir;

use super::{Answer, Served};
use crate::support::{app_named, within};

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/desktop-api.md");
    fs::read_to_string(path).unwrap()
}

/// The lines of all examples of this kind.
fn examples(kind: &str) -> Vec<String> {
    let (document, begin) = (document(), format!("```json {kind}\n"));
    let blocks = document.split(&begin).skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    let lines: Vec<String> = blocks.flat_map(str::lines).map(str::to_owned).collect();
    assert!(!lines.is_empty(), "no example of {kind}");
    lines
}

/// An example that was read and written again is the same: every field of it has its name, its type and its place.
fn assert_stays_the_same<T: Serialize + DeserializeOwned>(example: &str) -> T {
    let read: T = serde_json::from_str(example).unwrap_or_else(|error| panic!("{error}: {example}"));
    let written = serde_json::to_string(&read).unwrap();
    assert_eq!(written, example);
    read
}

#[test]
fn examples_are_what_is_written() {
    for example in examples("app") {
        assert_stays_the_same::<json::App>(&example);
    }
    for example in examples("device") {
        assert_stays_the_same::<json::Device>(&example);
    }
    for example in examples("status") {
        assert_stays_the_same::<json::Status>(&example);
    }
    for example in examples("recording") {
        assert_stays_the_same::<json::Recording>(&example);
    }
    for example in examples("recorded") {
        assert_stays_the_same::<json::RecordingContent>(&example);
    }
    for example in examples("recorded-events") {
        assert_stays_the_same::<json::RecordedEvents>(&example);
    }
    for example in examples("error") {
        let error: Value = serde_json::from_str(&example).unwrap();
        let inner = example.strip_prefix("{\"error\":").and_then(|rest| rest.strip_suffix('}')).unwrap();
        assert_stays_the_same::<json::Error>(inner);
        assert!(document().contains(&format!("| `{}`", error["error"]["name"].as_str().unwrap())), "{example}");
    }
    let mut kinds = BTreeSet::new();
    for example in examples("event") {
        kinds.insert(assert_stays_the_same::<json::Event>(&example).kind);
    }
    assert!(!kinds.contains(&Kind::Unknown));
}

#[test]
fn the_example_of_a_place_is_one() {
    let dir = tempdir().unwrap();
    let place: Value = serde_json::from_str(&examples("place")[0]).unwrap();
    let mut alive = place.clone();
    alive["pid"] = std::process::id().into();
    fs::write(dir.path().join("desktop.json"), alive.to_string()).unwrap();
    fs::write(dir.path().join("token"), "A".repeat(43)).unwrap();
    let found = RunningDesktop::read(dir.path()).unwrap();
    assert_eq!(json!(found.ports), place["ports"]);
    assert_eq!(found.api_address().to_string(), "127.0.0.1:52342");
}

/// A desktop with the app of the examples.
async fn shop() -> (Served, Flipper, tempfile::TempDir) {
    let mut served = Served::start().await;
    let dir = tempdir().unwrap();
    let builder = app_named("Shop", "com.example.shop", served.rig.desktop.ports(), dir.path());
    let app = builder.plugin(flipper_demo::example()).start().unwrap();
    served.rig.client().await;
    (served, app, dir)
}

#[tokio::test]
async fn every_route_is_there() {
    let (served, _app, _dir) = shop().await;
    let document = document();
    let routes =
        document.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |").map(|(route, _)| route));
    let routes: Vec<_> = routes.filter_map(|route| route.split_once(" /")).collect();
    assert_eq!(routes.len(), 20);
    for (method, path) in routes {
        if path.contains("recordings") && !cfg!(feature = "records") {
            continue;
        }
        let path = path.replace("{app}", "Shop").replace("{plugin}", "Example").replace("{method}", "echo");
        let answer: Answer = served.ask(method, &format!("/{path}"), "").await;
        let is_missing = matches!(answer.status, 404 | 405) && answer.error().1 != "NoSuchRecording";
        assert!(!is_missing, "{method} /{path}: {}", answer.text);
        if path.ends_with("disconnect") {
            return_of_the_app(&served).await;
        }
    }
}

async fn return_of_the_app(served: &Served) {
    let mut socket = served.open("/api/v1/events?snapshot=true").await;
    loop {
        let event = socket.receive().await;
        let there = event["event"] == "plugins-changed" || event["app"]["plugins"].is_array();
        if there {
            return;
        }
    }
}

#[tokio::test]
async fn every_command_is_understood() {
    let (served, app, _dir) = shop().await;
    let mut socket = served.open("/api/v1/socket").await;
    for command in examples("command") {
        socket.send(&command).await;
        let command: Value = serde_json::from_str(&command).unwrap();
        loop {
            let answer = socket.receive().await;
            if answer["id"] == command["id"] {
                assert!(answer.get("success").is_some(), "{command}: {answer}");
                break;
            }
            assert!(answer.get("event").is_some(), "{command}: {answer}");
        }
    }
    for answer in examples("answer") {
        let answer: BTreeMap<String, Value> = serde_json::from_str(&answer).unwrap();
        assert!(answer.len() == 2 && answer.contains_key("id"), "{answer:?}");
    }
    let mut official = served.open("/").await;
    for command in examples("official") {
        official.send(&command).await;
        loop {
            let answer = official.receive().await;
            if answer["event"] != "server-event" {
                assert_eq!(answer["event"], "exec-response", "{command}: {answer}");
                break;
            }
        }
    }
    within("the end", app.stop()).await;
}

#[tokio::test]
async fn events_have_the_documented_fields() {
    let mut served = Served::start().await;
    let mut socket = served.open("/api/v1/events").await;
    let dir = tempdir().unwrap();
    let builder = app_named("Shop", "com.example.shop", served.rig.desktop.ports(), dir.path());
    let app = builder.plugin(flipper_demo::example()).start().unwrap();
    served.rig.client().await;
    let emit = "/api/v1/apps/Shop/plugins/Example/call/emit";
    assert_eq!(served.post(emit, r#"{"count":1,"size":1}"#).await.status, 200);
    within("the end", app.stop()).await;
    let documented: BTreeMap<String, BTreeSet<String>> =
        examples("event").iter().map(|line| fields(&serde_json::from_str(line).unwrap())).collect();
    let mut seen = BTreeSet::new();
    loop {
        let (kind, fields) = fields(&socket.receive().await);
        let known = &documented[&kind];
        assert!(fields.is_subset(known), "{kind}: {fields:?}");
        let last = kind == "app-disconnected";
        seen.insert(kind);
        if last {
            break;
        }
    }
    let wanted = ["app-connected", "app-disconnected", "certificate-issued", "message", "plugins-changed"];
    assert!(wanted.iter().all(|kind| seen.contains(*kind)), "{seen:?}");
}

/// The kind of an event, and its fields.
fn fields(event: &Value) -> (String, BTreeSet<String>) {
    (event["event"].as_str().unwrap().to_owned(), event.as_object().unwrap().keys().cloned().collect())
}
