//! Mock responses that the desktop sets.

use flipper_conformance::Result;
use flipper_plugins::network::Network;
use serde_json::{Value, json};

use super::Watched;
use crate::rig;

fn route(url: &str) -> Value {
    json!({"requestUrl": url, "method": "GET", "data": url, "headers": [], "status": "200", "enabled": true})
}

fn body(network: &Network, method: &str, url: &str) -> Option<String> {
    network.mock(method, url).map(|mock| String::from_utf8_lossy(&mock.body).into_owned())
}

#[test]
fn the_first_route_counts_whose_url_is_part_of_the_requests() -> Result {
    let mut watched = Watched::new()?;
    assert_eq!(watched.network.mock("GET", "http://a.test/"), None);
    let answer = watched.mock(&json!([route("a.test/v1"), route("a.test"), route("b.test")]))?;
    assert_eq!(answer, json!({"id": 7, "success": {}}));
    let network = watched.network.clone();
    assert_eq!(body(&network, "GET", "http://a.test/v1/x").as_deref(), Some("a.test/v1"));
    assert_eq!(body(&network, "get", "http://a.test/v2").as_deref(), Some("a.test"));
    assert_eq!(body(&network, "POST", "http://a.test/v1"), None);
    assert_eq!(body(&network, "GET", "http://c.test/"), None);

    // Each list replaces all before.
    watched.mock(&json!([route("c.test")]))?;
    assert_eq!(body(&network, "GET", "http://a.test/v1/x"), None);
    assert_eq!(body(&network, "GET", "http://c.test/").as_deref(), Some("c.test"));
    watched.mock(&json!([]))?;
    assert_eq!(body(&network, "GET", "http://c.test/"), None);
    Ok(())
}

#[test]
fn a_route_that_was_copied_from_a_row_is_for_requests_like_the_rows() -> Result {
    let mut watched = Watched::new()?;
    watched.mock(&json!([route("http://REDACTED@a.test/?token=REDACTED"), route("http://invalid/path")]))?;
    assert!(watched.network.mock("GET", "http://ann:secret@a.test/?token=secret&x=1").is_some());
    assert!(watched.network.mock("GET", "/path").is_some());
    Ok(())
}

#[test]
fn routes_are_taken_as_they_are_while_somebody_types() -> Result {
    let mut watched = Watched::new()?;
    let status = |status: Value| {
        let mut route = route("a.test");
        route["status"] = status;
        route
    };
    for (sent, taken) in [
        (json!("404"), 404),
        (json!(" 503 "), 503),
        (json!(201), 201),
        (json!(""), 200),
        (json!("..."), 200),
        (json!("99999"), 200),
        (json!("-1"), 200),
        (json!("101"), 200),
        (json!(null), 200),
        (json!({"a": []}), 200),
    ] {
        watched.mock(&json!([status(sent.clone())]))?;
        assert_eq!(watched.network.mock("GET", "http://a.test/").map(|mock| mock.status), Some(taken), "{sent}");
    }

    let data = |data: Value| {
        let mut route = route("a.test");
        route["data"] = data;
        route
    };
    for (sent, taken) in [
        (json!("text"), b"text".to_vec()),
        (json!({"0": 137, "2": 78, "1": 80, "10": 1}), vec![137, 80, 78, 1]),
        (json!({"0": 256}), br#"{"0":256}"#.to_vec()),
        (json!({"a": 1}), br#"{"a":1}"#.to_vec()),
        (json!([1, 2]), b"[1,2]".to_vec()),
        (json!(null), Vec::new()),
        (json!({}), Vec::new()),
    ] {
        watched.mock(&json!([data(sent.clone())]))?;
        assert_eq!(watched.network.mock("GET", "http://a.test/").map(|mock| mock.body), Some(taken), "{sent}");
    }
    let mut nothing = route("a.test");
    nothing.as_object_mut().ok_or("no object")?.remove("data");
    watched.mock(&json!([nothing]))?;
    assert_eq!(body(&watched.network, "GET", "http://a.test/").as_deref(), Some(""));

    let mut headers = route("a.test");
    headers["headers"] = json!([
        {"key": "", "value": "x"}, {"key": " X-One ", "value": "1"}, {"key": "x-two"}, {"value": "3"}, 5, null,
        {"key": "Content-Length", "value": "9"}, {"key": "content-encoding", "value": "gzip"},
    ]);
    watched.mock(&json!([headers]))?;
    let mock = watched.network.mock("GET", "http://a.test/").ok_or("no mock")?;
    let pairs: Vec<_> = mock.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(pairs, [("X-One", "1"), ("x-two", ""), ("content-type", "text/plain; charset=utf-8")]);
    Ok(())
}

#[test]
fn routes_that_are_none_are_ignored() -> Result {
    let mut watched = Watched::new()?;
    let mut off = route("a.test/off");
    off["enabled"] = json!(false);
    let answer = watched.mock(&json!([
        null, 5, "route", [], {}, route(""), route("  "), off, {"requestUrl": 5, "method": null}, route("a.test/on")
    ]))?;
    assert_eq!(answer["success"], json!({}));
    assert!(watched.network.mock("GET", "http://a.test/off").is_none());
    assert!(watched.network.mock("GET", "http://a.test/on").is_some());
    // No list is an empty one.
    for params in ["{}", "null", r#"{"routes":null}"#, r#"{"routes":{"a":1}}"#] {
        let answer = rig::call(&mut watched.session, "Network", "mockResponses", params)?;
        assert_eq!(answer, json!({"id": 7, "success": {}}), "{params}");
        assert!(watched.network.mock("GET", "http://a.test/on").is_none());
    }
    for params in ["5", "true", r#""routes""#] {
        let answer = rig::call(&mut watched.session, "Network", "mockResponses", params)?;
        assert_eq!(answer["error"]["name"], "InvalidParams", "{params}: {answer}");
    }
    Ok(())
}

#[test]
fn mocks_end_with_the_session() -> Result {
    let mut watched = Watched::new()?;
    watched.mock(&json!([route("a.test")]))?;
    assert!(watched.network.mock("GET", "http://a.test/").is_some());
    watched.session.send(&json!({"method": "deinit", "params": {"plugin": "Network"}}))?;
    watched.session.init("Network")?;
    watched.session.send(&super::supports("mockResponses"))?;
    watched.session.receive()?;
    assert!(watched.network.mock("GET", "http://a.test/").is_none());
    Ok(())
}
