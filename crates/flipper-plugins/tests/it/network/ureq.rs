//! ureq, through its middleware.

use std::io::Read;

use flipper_conformance::Result;
use flipper_plugins::network::Network;
use serde_json::json;
use ureq::{Agent, SendBody};

use super::server::{LONG, Server, closed_port, feed, gzip};
use super::{Watched, body, cut, headers};

fn agent(network: &Network) -> Agent {
    Agent::config_builder().http_status_as_error(false).middleware(network.ureq()).build().into()
}

#[test]
fn the_app_gets_what_it_would_get_and_the_desktop_sees_it() -> Result {
    let ((server, _runtime), mut watched) = (Server::on_threads()?, Watched::new()?);
    let agent = agent(&watched.network);
    let url = server.url("/hello?q=1");
    let mut response = agent.get(&url).header("x-one", "1").call()?;
    assert_eq!((response.status().as_u16(), &response.headers()["content-length"]), (200, &"12".parse()?));
    assert_eq!(response.body().mime_type(), Some("text/plain"));
    assert_eq!(response.body_mut().read_to_string()?, "Hello, world");
    let (request, response) = watched.exchange()?;
    assert_eq!((request["method"].as_str(), request["url"].as_str()), (Some("GET"), Some(url.as_str())));
    assert_eq!((headers(&request, "x-one"), cut(&request)), (vec!["1"], None));
    assert_eq!((response["status"].as_u64(), body(&response)), (Some(200), b"Hello, world".to_vec()));
    assert_eq!(cut(&response), None);

    for (path, status) in [("/missing", 404), ("/nothing", 204)] {
        assert_eq!(agent.get(server.url(path)).call()?.status(), status);
        let response = watched.exchange()?.1;
        assert_eq!(response["status"], status);
    }
    assert_eq!(agent.head(server.url("/hello")).call()?.headers()["content-length"], "12");
    let (_, head) = watched.exchange()?;
    assert_eq!((head["status"].as_u64(), cut(&head)), (Some(200), None));
    watched.assert_silent()
}

#[test]
fn what_is_sent_is_the_same_with_and_without() -> Result {
    let ((server, _runtime), mut watched) = (Server::on_threads()?, Watched::new()?);
    let (plain, recorded) = (Agent::new_with_defaults(), agent(&watched.network));
    let url = server.url("/echo");
    let send = |agent: &Agent, number: usize| -> Result<(String, String)> {
        let json = ("content-type", "application/json; charset=utf-8");
        let mut response = match number {
            0 => agent.post(&url).header(json.0, json.1).send("{}")?,
            1 => agent.put(&url).send_form([("a", "1"), ("password", "2")])?,
            2 => agent
                .post(&url)
                .header("content-length", "7")
                .send(SendBody::from_reader(&mut b"one two".as_slice()))?,
            3 => agent.post(&url).send("text")?,
            4 => agent.patch(&url).send(SendBody::from_reader(&mut b"chunked".as_slice()))?,
            _ => agent.post(&url).send_empty()?,
        };
        let framing = response.headers()["x-framing"].to_str()?.to_owned();
        Ok((framing, response.body_mut().read_to_string()?))
    };
    let not_recorded = "not recorded, if there is one: the request has no content-length";
    for (number, (framing, sent, shown, stated)) in [
        ("content-length=2", "{}", "{}", None),
        ("content-length=14", "a=1&password=2", "a=1&password=REDACTED", None),
        ("content-length=7", "one two", "one two", None),
        ("content-length=4", "text", "", Some(not_recorded)),
        ("transfer-encoding=chunked", "chunked", "", Some(not_recorded)),
        ("content-length=0", "", "", Some(not_recorded)),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(send(&plain, number)?, (framing.to_owned(), sent.to_owned()), "{number}");
        assert_eq!(send(&recorded, number)?, (framing.to_owned(), sent.to_owned()), "{number}");
        let mut request = watched.event("newRequest")?;
        if number == 2 {
            assert_eq!(body(&request), b"", "it is streamed");
            request = watched.event("newRequest")?;
        }
        assert_eq!((body(&request), cut(&request)), (shown.as_bytes().to_vec(), stated), "{number}");
        assert_eq!(body(&watched.event("newResponse")?), sent.as_bytes(), "{number}");
    }
    watched.assert_silent()
}

#[test]
fn the_app_reads_the_first_part_before_there_is_a_second() -> Result {
    let ((server, _runtime), mut watched) = (Server::on_threads()?, Watched::new()?);
    let feeder = server.will_feed("text/plain");
    let mut reader = agent(&watched.network).get(server.url("/fed")).call()?.into_body().into_reader();
    let mut part = [0; 4];
    feed(&feeder, "one ")?;
    reader.read_exact(&mut part)?;
    assert_eq!(&part, b"one ");
    feed(&feeder, "two")?;
    drop(feeder);
    let mut rest = String::new();
    reader.read_to_string(&mut rest)?;
    assert_eq!(rest, "two");
    assert_eq!(body(&watched.exchange()?.1), b"one two");

    let feeder = server.will_feed("text/plain");
    let mut reader = agent(&watched.network).get(server.url("/fed")).call()?.into_body().into_reader();
    feed(&feeder, "half")?;
    reader.read_exact(&mut part)?;
    drop(reader);
    let (_, response) = watched.exchange()?;
    assert_eq!(
        (body(&response), cut(&response)),
        (b"half".to_vec(), Some("kept 4 of 4 bytes so far, the rest was not read"))
    );
    Ok(())
}

#[test]
fn ten_megabytes_arrive_and_one_is_shown() -> Result {
    let ((server, _runtime), mut watched) = (Server::on_threads()?, Watched::new()?);
    let mut response = agent(&watched.network).get(server.url("/long")).call()?;
    assert_eq!(response.body_mut().with_config().limit(1 << 30).read_to_vec()?.len(), LONG);
    assert_eq!(cut(&watched.exchange()?.1), Some("kept 1048576 of 10485760 bytes"));
    Ok(())
}

#[test]
fn encodings_are_left_to_ureq() -> Result {
    let ((server, _runtime), mut watched) = (Server::on_threads()?, Watched::new()?);
    let agent = agent(&watched.network);
    let read = agent.get(server.url("/gzip")).call()?.body_mut().read_to_vec()?;
    let (_, response) = watched.exchange()?;
    // Depending on its features, ureq decodes it or not: what is shown is what the app got.
    assert_eq!(body(&response), read);
    assert_eq!(headers(&response, "content-encoding").is_empty(), read != gzip("Hello, gzip"));

    let read = agent.get(server.url("/latin1")).call()?.body_mut().read_to_vec()?;
    let plain = Agent::new_with_defaults().get(server.url("/latin1")).call()?.body_mut().read_to_vec()?;
    assert_eq!(read, plain);
    assert_eq!(body(&watched.exchange()?.1), plain);
    Ok(())
}

#[test]
fn failures_are_the_apps_and_are_shown() -> Result {
    let ((server, _runtime), mut watched) = (Server::on_threads()?, Watched::new()?);
    let refused = agent(&watched.network).get(format!("http://{}/", closed_port()?)).call();
    assert!(refused.is_err());
    let (_, response) = watched.exchange()?;
    assert_eq!(response["status"], -1);
    assert!(response["reason"].as_str().is_some_and(|reason| reason.contains("refused")), "{response}");

    let strict: Agent = Agent::config_builder().middleware(watched.network.ureq()).build().into();
    assert!(matches!(strict.get(server.url("/missing")).call(), Err(ureq::Error::StatusCode(404))));
    let (_, response) = watched.exchange()?;
    assert_eq!((response["status"].as_u64(), response["reason"].as_str()), (Some(404), Some("Not Found")));
    assert!(cut(&response).is_some_and(|cut| cut.contains("http_status_as_error")), "{response}");
    Ok(())
}

#[test]
fn a_mock_response_is_given_without_a_server() -> Result {
    let mut watched = Watched::new()?;
    watched.mock(&json!([{"requestUrl": "/orders", "method": "GET", "data": "mocked", "status": "..."}]))?;
    let mut response = agent(&watched.network).get(format!("http://{}/orders", closed_port()?)).call()?;
    assert_eq!((response.status().as_u16(), response.body().mime_type()), (200, Some("text/plain")));
    assert_eq!(response.body_mut().read_to_string()?, "mocked");
    let (_, response) = watched.exchange()?;
    assert_eq!((response["isMock"].as_bool(), body(&response)), (Some(true), b"mocked".to_vec()));
    watched.assert_silent()
}

#[test]
fn without_a_desktop_nothing_is_different() -> Result {
    let (server, _runtime) = Server::on_threads()?;
    let network = Network::new();
    let mut response = agent(&network).post(server.url("/echo")).send("ping")?;
    assert_eq!(response.body().content_length(), Some(4));
    assert_eq!(response.body_mut().read_to_string()?, "ping");
    assert_eq!(network.skipped(), 1);
    Ok(())
}
