//! reqwest, through its middleware.

use std::io;

use bytes::Bytes;
use flipper_conformance::adapters::TokioAdapter;
use flipper_conformance::scripted::Desktop;
use flipper_conformance::{Result, suite};
use flipper_plugins::network::Network;
use http_body_util::BodyExt as _;
use reqwest::{Body, Client, Method, StatusCode, Version};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use serde_json::json;
use tempfile::TempDir;

use super::server::{Fed, LONG, Server, closed_port, feed, gzip};
use super::{Watched, body, cut, headers};
use crate::rig;

fn client(network: &Network) -> ClientWithMiddleware {
    // Where another crate of the build has reqwest do TLS, it wants somebody to choose the cryptography.
    let _there_already = rustls::crypto::ring::default_provider().install_default();
    ClientBuilder::new(Client::new()).with(network.reqwest()).build()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_app_gets_what_it_would_get_and_the_desktop_sees_it() -> Result {
    let (server, mut watched) = (Server::start().await?, Watched::new()?);
    let url = server.url("/hello?q=1");
    let response = client(&watched.network).get(&url).header("x-one", "1").send().await?;
    assert_eq!((response.status(), response.version()), (StatusCode::OK, Version::HTTP_11));
    assert_eq!((response.url().as_str(), response.content_length()), (url.as_str(), Some(12)));
    assert_eq!(response.remote_addr(), Some(server.address));
    assert_eq!(response.headers()["x-two"], "a");
    assert_eq!(response.text().await?, "Hello, world");

    let (request, response) = watched.exchange()?;
    assert_eq!((request["method"].as_str(), request["url"].as_str()), (Some("GET"), Some(url.as_str())));
    assert_eq!(headers(&request, "x-one"), ["1"]);
    assert_eq!((response["status"].as_u64(), response["reason"].as_str()), (Some(200), Some("OK")));
    assert_eq!((headers(&response, "x-two"), headers(&response, "content-length")), (vec!["a"], vec!["12"]));
    assert_eq!((body(&response), cut(&response)), (b"Hello, world".to_vec(), None));
    assert_eq!(response["isMock"], false);
    watched.assert_silent()
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_known_are_shown_with_the_request() -> Result {
    let (server, mut watched) = (Server::start().await?, Watched::new()?);
    let sent = client(&watched.network).post(server.url("/echo")).body("ping").send().await?;
    assert_eq!(sent.headers()["x-framing"], "content-length=4");
    assert_eq!(sent.text().await?, "ping");
    let (request, response) = watched.exchange()?;
    assert_eq!((body(&request), body(&response)), (b"ping".to_vec(), b"ping".to_vec()));
    watched.assert_silent()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_streamed_request_is_recorded_as_it_goes_out() -> Result {
    let (server, mut watched) = (Server::start().await?, Watched::new()?);
    let (feeder, fed) = Fed::new();
    let request = client(&watched.network).post(server.url("/echo")).body(Body::wrap(fed)).send();
    let sending = tokio::spawn(request);
    assert_eq!(body(&watched.event("newRequest")?), b"");
    feed(&feeder, "one ")?;
    let mut response = sending.await??;
    assert_eq!(response.headers()["x-framing"], "transfer-encoding=chunked");
    // The server echoes the first part while the second has not been made.
    assert_eq!(response.chunk().await?, Some(Bytes::from_static(b"one ")));
    feed(&feeder, "two")?;
    drop(feeder);
    assert_eq!(response.text().await?, "two");
    assert_eq!(body(&watched.event("newRequest")?), b"one two");
    assert_eq!(body(&watched.event("newResponse")?), b"one two");
    watched.assert_silent()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_app_reads_the_first_part_before_there_is_a_second() -> Result {
    let (server, mut watched) = (Server::start().await?, Watched::new()?);
    let feeder = server.will_feed("text/plain");
    let mut response = client(&watched.network).get(server.url("/fed")).send().await?;
    feed(&feeder, "one ")?;
    assert_eq!(response.chunk().await?, Some(Bytes::from_static(b"one ")));
    feed(&feeder, "two")?;
    drop(feeder);
    assert_eq!(response.text().await?, "two");
    assert_eq!(body(&watched.exchange()?.1), b"one two");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_event_stream_is_shown_while_it_goes_on() -> Result {
    let (server, mut watched) = (Server::start().await?, Watched::new()?);
    let feeder = server.will_feed("text/event-stream");
    let mut stream = client(&watched.network).get(server.url("/fed")).send().await?;
    assert_eq!(watched.exchange()?.1["status"], 200);
    feed(&feeder, "data: 1\n\n")?;
    assert!(stream.chunk().await?.is_some());
    let shown = watched.event("newResponse")?;
    assert_eq!(body(&shown), b"data: 1\n\n");
    assert_eq!(cut(&shown), Some("kept 9 of 9 bytes so far, the rest is still to come"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_megabytes_arrive_and_one_is_shown() -> Result {
    let (server, mut watched) = (Server::start().await?, Watched::new()?);
    let response = client(&watched.network).get(server.url("/long")).send().await?;
    assert_eq!(response.bytes().await?.len(), LONG);
    let (_, shown) = watched.exchange()?;
    assert_eq!(cut(&shown), Some("kept 1048576 of 10485760 bytes"));
    assert_eq!(body(&shown).len(), 1 << 20);
    assert_eq!(headers(&shown, "content-length"), ["10485760"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_bodies_are_passed_on_as_they_are() -> Result {
    let (server, mut watched) = (Server::start().await?, Watched::new()?);
    let response = client(&watched.network).get(server.url("/gzip")).send().await?;
    assert_eq!(response.bytes().await?, gzip("Hello, gzip"));
    let (_, response) = watched.exchange()?;
    assert_eq!((headers(&response, "content-encoding"), body(&response)), (vec!["gzip"], gzip("Hello, gzip")));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_given_up_is_cancelled() -> Result {
    let (server, mut watched) = (Server::start().await?, Watched::new()?);
    let never = tokio::spawn(client(&watched.network).get(server.url("/never")).send());
    let request = watched.event("newRequest")?;
    never.abort();
    let response = watched.event("newResponse")?;
    assert_eq!(response["id"], request["id"]);
    assert_eq!((response["status"].as_i64(), response["reason"].as_str()), (Some(-1), Some("cancelled")));

    let feeder = server.will_feed("text/plain");
    let mut response = client(&watched.network).get(server.url("/fed")).send().await?;
    feed(&feeder, "half")?;
    assert!(response.chunk().await?.is_some());
    drop(response);
    let (_, response) = watched.exchange()?;
    assert_eq!((response["status"].as_i64(), body(&response)), (Some(200), b"half".to_vec()));
    assert_eq!(cut(&response), Some("kept 4 of 4 bytes so far, the rest was not read"));
    watched.assert_silent()
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_the_apps_and_are_shown_without_secrets() -> Result {
    let (server, mut watched) = (Server::start().await?, Watched::new()?);
    let url = format!("http://ann:s3cr3t@{}/?token=s3cr3t", closed_port()?);
    let error = client(&watched.network).get(&url).send().await.err().ok_or("somebody listens")?;
    assert!(error.is_connect(), "{error}");
    let (request, response) = watched.exchange()?;
    assert_eq!(response["status"], -1);
    let reason = response["reason"].as_str().ok_or("no reason")?;
    assert!(reason.contains("refused"), "{reason}");
    let all = format!("{request}{response}{}", String::from_utf8(body(&response))?);
    assert!(!all.contains("s3cr3t"), "{all}");

    let feeder = server.will_feed("text/plain");
    let mut response = client(&watched.network).get(server.url("/fed")).send().await?;
    feed(&feeder, "half")?;
    assert!(response.chunk().await?.is_some());
    feeder.send(Err(io::Error::other("enough")))?;
    assert!(response.chunk().await.is_err());
    let (_, response) = watched.exchange()?;
    assert_eq!((response["status"].as_i64(), body(&response)), (Some(-1), b"half".to_vec()));
    let reason = response["reason"].as_str().ok_or("no reason")?;
    assert!(reason.starts_with("200 OK, then: "), "{reason}");
    watched.assert_silent()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mock_response_is_given_without_a_server() -> Result {
    let mut watched = Watched::new()?;
    let url = format!("http://{}/orders", closed_port()?);
    watched.mock(&json!([{
        "requestUrl": "/orders", "method": "POST", "data": "{}", "status": "503", "enabled": true,
        "headers": [{"key": "x-one", "value": "1"}, {"key": "not a name", "value": "2"}, {"key": "x-bad", "value": "\n"}],
    }]))?;
    let client = client(&watched.network);
    let response = client.post(&url).body("order").send().await?;
    assert_eq!((response.status(), response.url().as_str()), (StatusCode::SERVICE_UNAVAILABLE, url.as_str()));
    assert_eq!((&response.headers()["x-one"], response.content_length()), (&"1".parse()?, Some(2)));
    assert_eq!(response.text().await?, "{}");
    let (request, response) = watched.exchange()?;
    assert_eq!(body(&request), b"order");
    assert_eq!((response["status"].as_u64(), response["isMock"].as_bool()), (Some(503), Some(true)));
    assert_eq!((body(&response), headers(&response, "x-bad")), (b"{}".to_vec(), Vec::<&str>::new()));
    assert!(client.get(&url).send().await.is_err(), "it is for another method");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_requests_at_once() -> Result {
    let (server, mut watched) = (Server::start().await?, Watched::new()?);
    let client = client(&watched.network);
    let all: Vec<_> = (0..100)
        .map(|number| {
            let request = client.request(Method::PUT, server.url("/echo")).body(number.to_string());
            tokio::spawn(async { request.send().await?.text().await.map_err(reqwest_middleware::Error::from) })
        })
        .collect();
    for (number, done) in all.into_iter().enumerate() {
        assert_eq!(done.await??, number.to_string());
    }
    let mut requests = std::collections::BTreeMap::new();
    for _ in 0..200 {
        let message = watched.session.receive()?;
        let params = &message["params"]["params"];
        let id = params["id"].to_string();
        match message["params"]["method"].as_str() {
            Some("newRequest") => drop(requests.insert(id, body(params))),
            _ => assert_eq!(requests.remove(&id), Some(body(params))),
        }
    }
    assert!(requests.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_desktop_nothing_is_different() -> Result {
    let server = Server::start().await?;
    let network = Network::new();
    let (feeder, fed) = Fed::new();
    feed(&feeder, "ping")?;
    drop(feeder);
    let response = client(&network).post(server.url("/echo")).body(Body::wrap(fed.boxed())).send().await?;
    assert_eq!(response.text().await?, "ping");
    assert_eq!(network.skipped(), 1);
    Ok(())
}

#[test]
fn it_works_in_an_app_on_tokio() -> Result {
    let (server, runtime) = Server::on_threads()?;
    let _entered = runtime.enter();
    let (desktop, dir, network) = (Desktop::new()?, TempDir::new()?, Network::new());
    desktop.provision(dir.path())?;
    let _app = suite::builder::<TokioAdapter>(&desktop, dir.path()).plugin(network.clone()).start()?;
    let mut session = desktop.session()?;
    session.init("Network")?;
    let route = json!({"routes": [{"requestUrl": "/mocked", "method": "GET", "data": "mock"}]}).to_string();
    assert_eq!(rig::call(&mut session, "Network", "mockResponses", &route)?["success"], json!({}));
    let client = client(&network);
    for (path, text) in [("/hello", "Hello, world"), ("/mocked", "mock")] {
        let read =
            async { client.get(server.url(path)).send().await?.text().await.map_err(reqwest_middleware::Error::from) };
        assert_eq!(runtime.block_on(read)?, text);
        rig::event(&mut session, "newRequest")?;
        assert_eq!(body(&rig::event(&mut session, "newResponse")?), text.as_bytes());
    }
    Ok(())
}
