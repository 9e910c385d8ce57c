//! Network traffic as HAR.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use flipper_desktop::Event;
use flipper_desktop::records::{Filter, RecordOptions, Recording, export_har};
use flipper_tokio::Tokio;
use serde_json::{Value, json};

use crate::support::{Rig, app_named, desktop, within};

/// Records events of a plugin `Network`, and exports them.
async fn har_of(events: &[(&str, Value)]) -> (Value, u64, u64) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("network.sqlite");
    let mut rig = Rig::<Tokio>::start(desktop()).await;
    rig.desktop.start_recording(&path, RecordOptions::default()).await.unwrap();
    let network = flipper_tokio::plugin("Network").background().build();
    let app =
        app_named("Shop", "com.example.shop", rig.desktop.ports(), directory.path()).plugin(network).start().unwrap();
    rig.client().await;
    for (method, params) in events {
        app.connection("Network").send(method, params).unwrap();
    }
    for _ in events {
        rig.event("an event", |event| matches!(event, Event::Message { .. }).then_some(())).await;
    }
    within("the end", app.stop()).await;
    within("the end", rig.desktop.stop()).await;
    let mut out = Vec::new();
    let recording = Recording::open(&path).unwrap();
    let summary = export_har(&recording, &Filter::default(), &mut out, &mut |_| {}).unwrap();
    let har: Value = serde_json::from_slice(&out).unwrap();
    check::har(&har);
    (har, summary.written, summary.skipped)
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

fn headers(headers: &[(&str, &str)]) -> Value {
    headers.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

#[tokio::test]
async fn a_request_and_its_response_are_one_entry() {
    let request = json!({
        "id": "r1", "timestamp": 1_732_270_000_123_u64, "method": "POST",
        "url": "https://api.example.test/v1/orders?dry=1&name=a+b%21#top",
        "headers": headers(&[("Content-Type", "application/json"), ("Cookie", "a=1; b=2")]),
        "data": base64(r#"{"item":"key"}"#),
    });
    let response = json!({
        "id": "r1", "timestamp": 1_732_270_000_310_u64, "status": 201, "reason": "Created",
        "headers": headers(&[("content-type", "application/json"), ("Set-Cookie", "s=9; Path=/"), ("Location", "/v1/orders/7")]),
        "data": base64(r#"{"ok":true}"#), "isMock": true,
        "insights": {"dnsLookupTime": 4, "connectTime": 11, "sslHandshakeTime": 22, "transferTime": 3},
    });
    let (har, written, skipped) = har_of(&[("newRequest", request), ("newResponse", response)]).await;
    assert_eq!((written, skipped), (1, 0));
    let entry = &har["log"]["entries"][0];
    assert_eq!(entry["startedDateTime"], "2024-11-22T10:06:40.123Z");
    assert_eq!(entry["time"], 187.0);
    let pair = |name: &str, value: &str| json!({"name": name, "value": value});
    assert_eq!(entry["request"]["queryString"], json!([pair("dry", "1"), pair("name", "a b!")]));
    assert_eq!(entry["request"]["cookies"], json!([pair("a", "1"), pair("b", "2")]));
    assert_eq!(entry["request"]["postData"], json!({"mimeType": "application/json", "text": r#"{"item":"key"}"#}));
    assert_eq!((&entry["response"]["status"], &entry["response"]["statusText"]), (&json!(201), &json!("Created")));
    assert_eq!(entry["response"]["cookies"], json!([pair("s", "9")]));
    assert_eq!(entry["response"]["redirectURL"], "/v1/orders/7");
    assert_eq!(entry["response"]["content"]["text"], r#"{"ok":true}"#);
    assert_eq!(entry["response"]["_mock"], true);
    let timings = &entry["timings"];
    assert_eq!((&timings["dns"], &timings["connect"], &timings["ssl"]), (&json!(4.0), &json!(33.0), &json!(22.0)));
    assert_eq!((&timings["wait"], &timings["receive"]), (&json!(147.0), &json!(3.0)));
}

#[tokio::test]
async fn bodies_are_decoded_as_far_as_that_makes_sense() {
    let get = |id: u64| json!({"id": id, "timestamp": 1000, "method": "GET", "url": "http://a.test/", "headers": []});
    let answer = |id: u64, encoding: &str, body: &[u8]| json!({"id": id, "timestamp": 1005, "status": "200", "headers": headers(&[("Content-Encoding", encoding)]), "data": base64(body)});
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(&b"hello ".repeat(100)).unwrap();
    let packed = packed.finish().unwrap();
    let events = [
        ("newRequest", get(1)),
        ("newResponse", answer(1, "gzip", &packed)),
        ("newRequest", get(2)),
        ("newResponse", answer(2, "gzip", b"unpacked already")),
        ("newRequest", get(3)),
        ("newResponse", answer(3, "gzip", &packed[..packed.len() / 2])),
        ("newRequest", get(4)),
        ("newResponse", answer(4, "identity", &[0xFF, 0xD8, 0x00])),
    ];
    let (har, written, _) = har_of(&events).await;
    assert_eq!(written, 4);
    let content = |at: usize| &har["log"]["entries"][at]["response"]["content"];
    assert_eq!(content(0)["text"], "hello ".repeat(100));
    assert_eq!((&content(0)["size"], &content(0)["compression"]), (&json!(600), &json!(600 - packed.len())));
    assert_eq!(content(1)["text"], "unpacked already");
    assert_eq!((&content(2)["encoding"], &content(2)["size"]), (&json!("base64"), &json!(packed.len() / 2)));
    assert_eq!((&content(3)["encoding"], &content(3)["text"]), (&json!("base64"), &json!("/9gA")));
}

#[tokio::test]
async fn chunks_become_one_body_whatever_their_order() {
    let request =
        |id: &str| json!({"id": id, "timestamp": 1000, "method": "GET", "url": "http://a.test/", "headers": []});
    let first = |id: &str, total: u64| {
        json!({"id": id, "timestamp": 1010, "status": 200, "reason": "OK", "headers": headers(&[("content-type", "text/plain")]),
               "data": base64("abc"), "totalChunks": total, "index": 0})
    };
    let next = |id: &str, total: u64, index: u64, data: &str| json!({"id": id, "totalChunks": total, "index": index, "data": base64(data)});
    let events = [
        ("newRequest", request("whole")),
        ("partialResponse", next("whole", 3, 2, "f")),
        ("partialResponse", first("whole", 3)),
        ("partialResponse", next("whole", 3, 1, "de")),
        ("newRequest", request("broken")),
        ("partialResponse", first("broken", 3)),
        ("partialResponse", next("broken", 3, 2, "f")),
    ];
    let (har, written, skipped) = har_of(&events).await;
    assert_eq!((written, skipped), (2, 0));
    let content = |at: usize| &har["log"]["entries"][at]["response"]["content"];
    assert_eq!(content(0)["text"], "abcdef");
    assert_eq!(content(0)["comment"], Value::Null);
    assert_eq!(content(1)["comment"], "1 parts of the body were not recorded");
}

#[tokio::test]
async fn what_has_no_response_and_what_has_no_request() {
    let events = [
        ("newResponse", json!({"id": "early", "timestamp": 1, "status": 200, "headers": []})),
        (
            "newRequest",
            json!({"id": "lost", "timestamp": 1000, "method": "GET", "url": "http://a.test/", "headers": []}),
        ),
        (
            "newRequest",
            json!({"id": 7, "timestamp": 1000, "method": "GET", "url": "/relative", "headers": [{"key": "n", "value": 5}]}),
        ),
        ("newResponse", json!({"id": "7", "timestamp": 1001, "status": 200, "headers": []})),
        ("newResponse", json!({"id": 7, "timestamp": 900, "status": -1, "reason": "connection refused"})),
        (
            "newRequest",
            json!({"id": 7, "timestamp": 2000, "method": "GET", "url": "http://a.test/again", "headers": []}),
        ),
        ("newRequest", json!("nonsense")),
    ];
    let (har, written, skipped) = har_of(&events).await;
    assert_eq!((written, skipped), (3, 3));
    let entries = &har["log"]["entries"];
    assert_eq!(entries[0]["response"]["_error"], "no response was recorded");
    assert_eq!(
        (&entries[1]["response"]["status"], &entries[1]["response"]["_error"]),
        (&json!(0), &json!("connection refused"))
    );
    assert_eq!(entries[1]["time"], 0.0, "a clock that goes back makes no negative time");
    assert_eq!(entries[1]["request"]["headers"], json!([{"name": "n", "value": "5"}]));
    assert_eq!(entries[2]["request"]["url"], "http://a.test/again");
}

/// What HAR 1.2 demands: every field that must be there, of its type; and no field that is not its own.
mod check {
    use serde_json::Value;

    pub(super) fn har(har: &Value) {
        object(har, "har", &["log"], &[]);
        let log = &har["log"];
        object(log, "log", &["version", "creator", "entries"], &["browser", "pages", "comment"]);
        assert_eq!(log["version"], "1.2");
        object(&log["creator"], "creator", &["name", "version"], &["comment"]);
        for entry in log["entries"].as_array().unwrap() {
            self::entry(entry);
        }
    }

    fn entry(entry: &Value) {
        let required = ["startedDateTime", "time", "request", "response", "cache", "timings"];
        object(entry, "entry", &required, &["pageref", "serverIPAddress", "connection", "comment"]);
        let time = entry["startedDateTime"].as_str().unwrap();
        assert!(time.ends_with('Z') && time.as_bytes()[10] == b'T', "{time}");
        assert!(entry["time"].as_f64().unwrap() >= 0.0);
        request(&entry["request"]);
        response(&entry["response"]);
        object(&entry["cache"], "cache", &[], &["beforeRequest", "afterRequest", "comment"]);
        let timings = &entry["timings"];
        object(timings, "timings", &["send", "wait", "receive"], &["blocked", "dns", "connect", "ssl", "comment"]);
        for name in ["send", "wait", "receive"] {
            assert!(timings[name].as_f64().unwrap() >= 0.0, "{name}");
        }
        for name in ["blocked", "dns", "connect", "ssl"] {
            assert!(timings[name].as_f64().is_none_or(|time| time >= 0.0 || time == -1.0), "{name}");
        }
        let sum: f64 = ["blocked", "dns", "connect", "send", "wait", "receive"]
            .iter()
            .filter_map(|name| timings[name].as_f64())
            .filter(|time| *time > 0.0)
            .sum();
        assert!((sum - entry["time"].as_f64().unwrap()).abs() < 1e-6, "the parts make up the time");
    }

    fn request(request: &Value) {
        let required = ["method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"];
        object(request, "request", &required, &["postData", "comment"]);
        texts(request, &["method", "url", "httpVersion"]);
        integers(request, &["headersSize", "bodySize"]);
        for list in ["cookies", "headers", "queryString"] {
            pairs(&request[list], list);
        }
        if let Some(data) = request.get("postData") {
            object(data, "postData", &["mimeType", "text"], &["comment"]);
            texts(data, &["mimeType", "text"]);
        }
    }

    fn response(response: &Value) {
        let required = [
            "status",
            "statusText",
            "httpVersion",
            "cookies",
            "headers",
            "content",
            "redirectURL",
            "headersSize",
            "bodySize",
        ];
        object(response, "response", &required, &["comment"]);
        texts(response, &["statusText", "httpVersion", "redirectURL"]);
        integers(response, &["status", "headersSize", "bodySize"]);
        for list in ["cookies", "headers"] {
            pairs(&response[list], list);
        }
        let content = &response["content"];
        object(content, "content", &["size", "mimeType"], &["compression", "text", "encoding", "comment"]);
        integers(content, &["size"]);
        texts(content, &["mimeType"]);
    }

    fn object(value: &Value, what: &str, required: &[&str], optional: &[&str]) {
        let fields = value.as_object().unwrap_or_else(|| panic!("{what} is no object: {value}"));
        for name in required {
            assert!(fields.contains_key(*name), "{what} lacks {name}: {value}");
        }
        for name in fields.keys() {
            let known = required.contains(&name.as_str()) || optional.contains(&name.as_str());
            assert!(known || name.starts_with('_'), "{what} has {name}: {value}");
        }
    }

    fn pairs(list: &Value, what: &str) {
        for pair in list.as_array().unwrap_or_else(|| panic!("{what} is no list: {list}")) {
            object(pair, what, &["name", "value"], &["comment"]);
            texts(pair, &["name", "value"]);
        }
    }

    fn texts(value: &Value, names: &[&str]) {
        for name in names {
            assert!(value[name].is_string(), "{name} is no text: {value}");
        }
    }

    fn integers(value: &Value, names: &[&str]) {
        for name in names {
            assert!(value[name].is_i64(), "{name} is no integer: {value}");
        }
    }
}
