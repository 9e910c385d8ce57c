//! Requests, responses, and what is shown of them when.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use flipper_conformance::Result;
use flipper_plugins::Waiting;
use flipper_plugins::network::{Network, Request, Response, Verdict};
use serde_json::json;

use super::{Watched, body, cut, headers, supports};
use crate::rig::{self, Rig};

fn now() -> Result<u64> {
    Ok(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?)
}

#[test]
fn an_exchange_is_a_request_and_a_response() -> Result {
    let mut watched = Watched::new()?;
    let before = now()?;
    let exchange = watched.network.request(|| {
        Request::new("POST", "https://api.example.test/v1/orders?dry=1")
            .header("content-type", "application/json")
            .header("accept", "a/b")
            .header("accept", "c/d")
            .header("x-name", b"caf\xe9")
            .body(br#"{"item":"key"}"#.as_slice())
    });
    assert!(exchange.is_seen());
    let mut request = watched.event("newRequest")?;
    let mut answer = exchange.response(|| {
        Response::new(201).reason("Created").header("content-type", "application/json").body(b"{\"ok\":".as_slice())
    });
    answer.chunk(b"true}");
    answer.trailer("grpc-status", "0");
    answer.end();
    let mut response = watched.event("newResponse")?;
    let after = now()?;

    let (asked, answered) = (request["timestamp"].take(), response["timestamp"].take());
    let (asked, answered) = (asked.as_u64().ok_or("no time")?, answered.as_u64().ok_or("no time")?);
    assert!(before <= asked && asked <= answered && answered <= after, "{before} {asked} {answered} {after}");
    assert_eq!(request["id"], response["id"]);
    assert_eq!(
        request,
        json!({
            "id": request["id"].as_str().ok_or("the id is no string")?, "timestamp": null, "method": "POST",
            "url": "https://api.example.test/v1/orders?dry=1",
            "headers": [
                {"key": "content-type", "value": "application/json"}, {"key": "accept", "value": "a/b"},
                {"key": "accept", "value": "c/d"}, {"key": "x-name", "value": "caf\\xe9"},
                {"key": "Content-Length", "value": "14"},
                {"key": "X-FB-Friendly-Name", "value": "api.example.test/v1/orders"},
            ],
            "data": "eyJpdGVtIjoia2V5In0=",
        })
    );
    assert_eq!(response["insights"]["bytesTransfered"], 11);
    response["insights"].take();
    assert_eq!(
        response,
        json!({
            "id": request["id"], "timestamp": null, "status": 201, "reason": "Created",
            "headers": [
                {"key": "content-type", "value": "application/json"}, {"key": "grpc-status", "value": "0"},
                {"key": "Content-Length", "value": "11"},
            ],
            "data": "eyJvayI6dHJ1ZX0=", "isMock": false, "insights": null,
        })
    );
    watched.assert_silent()
}

#[test]
fn headers_that_the_app_did_not_send_are_not_shown_where_that_is_not_wanted() -> Result {
    let mut watched = Watched::with(Network::builder().ui_headers(false).build())?;
    let exchange = watched.network.request(|| Request::new("PUT", "http://a.test/").body(b"x".as_slice()));
    exchange.response(|| Response::new(200).body(b"y".as_slice())).end();
    let (request, response) = watched.exchange()?;
    assert_eq!((request["headers"].clone(), response["headers"].clone()), (json!([]), json!([])));
    Ok(())
}

#[test]
fn what_the_app_says_itself_is_not_said_again() -> Result {
    let mut watched = Watched::new()?;
    let exchange = watched.network.request(|| {
        Request::new("PUT", "http://a.test/")
            .header("x-fb-friendly-name", "mine")
            .header("content-length", "1")
            .body(b"x".as_slice())
    });
    exchange.response(|| Response::new(200).header("CONTENT-LENGTH", "1").body(b"y".as_slice())).end();
    let (request, response) = watched.exchange()?;
    assert_eq!(headers(&request, "x-fb-friendly-name"), ["mine"]);
    assert_eq!(headers(&request, "content-length"), ["1"]);
    assert_eq!(headers(&response, "content-length"), ["1"]);
    Ok(())
}

#[test]
fn a_failure_is_a_response_of_status_minus_one() -> Result {
    let mut watched = Watched::new()?;
    watched.network.request(|| Request::new("GET", "http://a.test/")).fail("connection refused");
    let (_, failed) = watched.exchange()?;
    assert_eq!((failed["status"].as_i64(), failed["reason"].as_str()), (Some(-1), Some("connection refused")));
    assert_eq!(body(&failed), b"connection refused");
    assert_eq!(headers(&failed, "content-type"), ["text/plain; charset=utf-8"]);

    drop(watched.network.request(|| Request::new("GET", "http://a.test/")));
    let (_, cancelled) = watched.exchange()?;
    assert_eq!((cancelled["status"].as_i64(), cancelled["reason"].as_str()), (Some(-1), Some("cancelled")));

    let exchange = watched.network.request(|| Request::new("GET", "http://a.test/"));
    let mut answer = exchange.response(|| Response::new(200).reason("OK").header("content-type", "text/plain"));
    answer.chunk(b"half");
    answer.fail("connection reset");
    let (_, broken) = watched.exchange()?;
    assert_eq!(
        (broken["status"].as_i64(), broken["reason"].as_str()),
        (Some(-1), Some("200 OK, then: connection reset"))
    );
    assert_eq!((body(&broken), cut(&broken)), (b"half".to_vec(), Some("kept 4 of 4 bytes so far, then it failed")));
    watched.assert_silent()
}

#[test]
fn a_response_that_nobody_reads_to_its_end_is_shown_as_far_as_it_was_read() -> Result {
    let mut watched = Watched::new()?;
    let exchange = watched.network.request(|| Request::new("GET", "http://a.test/"));
    let mut answer = exchange.response(|| Response::new(200));
    answer.chunk(b"half");
    drop(answer);
    let (_, response) = watched.exchange()?;
    assert_eq!(response["status"], 200);
    assert_eq!(
        (body(&response), cut(&response)),
        (b"half".to_vec(), Some("kept 4 of 4 bytes so far, the rest was not read"))
    );
    watched.assert_silent()
}

#[test]
fn a_streamed_request_is_shown_again_when_its_body_is_there_but_never_after_the_response() -> Result {
    let mut watched = Watched::new()?;
    let exchange = watched.network.request(|| Request::new("POST", "http://a.test/"));
    let mut sent = exchange.request_body();
    let first = watched.event("newRequest")?;
    assert_eq!((body(&first), cut(&first)), (Vec::new(), None));
    sent.chunk(b"ab");
    sent.chunk(b"cd");
    watched.assert_silent()?;
    sent.end();
    let again = watched.event("newRequest")?;
    assert_eq!((&again["id"], &again["timestamp"]), (&first["id"], &first["timestamp"]));
    assert_eq!((body(&again), cut(&again)), (b"abcd".to_vec(), None));
    exchange.response(|| Response::new(200)).end();
    watched.event("newResponse")?;

    let exchange = watched.network.request(|| Request::new("POST", "http://a.test/"));
    let mut sent = exchange.request_body();
    watched.event("newRequest")?;
    sent.chunk(b"ab");
    exchange.response(|| Response::new(413)).end();
    let (known, _) = watched.exchange()?;
    assert_eq!(
        (body(&known), cut(&known)),
        (b"ab".to_vec(), Some("kept 2 of 2 bytes so far, the rest is still to come"))
    );
    sent.chunk(b"cd");
    sent.end();
    watched.assert_silent()
}

#[test]
fn a_response_that_takes_long_is_shown_meanwhile() -> Result {
    let mut watched = Watched::with(Network::builder().progress(Duration::ZERO).build())?;
    let exchange = watched.network.request(|| Request::new("GET", "http://a.test/"));
    let mut answer = exchange.response(|| Response::new(200));
    watched.event("newRequest")?;
    answer.chunk(b"ab");
    let so_far = watched.event("newResponse")?;
    assert_eq!(
        (body(&so_far), cut(&so_far)),
        (b"ab".to_vec(), Some("kept 2 of 2 bytes so far, the rest is still to come"))
    );
    answer.chunk(b"cd");
    assert_eq!(body(&watched.event("newResponse")?), b"abcd");
    answer.end();
    let done = watched.event("newResponse")?;
    assert_eq!((body(&done), cut(&done)), (b"abcd".to_vec(), None));
    watched.assert_silent()
}

#[test]
fn an_event_stream_is_shown_before_it_has_said_anything() -> Result {
    let mut watched = Watched::new()?;
    let exchange = watched.network.request(|| Request::new("GET", "http://a.test/events"));
    let mut stream =
        exchange.response(|| Response::new(200).header("content-type", "Text/Event-Stream; charset=utf-8"));
    let (_, head) = watched.exchange()?;
    assert_eq!((head["status"].as_i64(), body(&head)), (Some(200), Vec::new()));
    stream.chunk(b"data: 1\n\n");
    let first = watched.event("newResponse")?;
    assert_eq!(body(&first), b"data: 1\n\n");
    assert_eq!(first["id"], head["id"]);
    Ok(())
}

#[test]
fn rows_of_two_runs_have_different_ids() -> Result {
    let mut ids = Vec::new();
    for _ in 0..2 {
        let mut watched = Watched::new()?;
        for _ in 0..2 {
            watched.network.request(|| Request::new("GET", "http://a.test/")).response(|| Response::new(200)).end();
            ids.push(watched.exchange()?.0["id"].to_string());
        }
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4, "{ids:?}");
    Ok(())
}

#[test]
fn what_happens_before_a_desktop_comes_waits_for_it_without_response_bodies() -> Result {
    let network = Network::builder().waiting(Waiting::new(3, 1 << 20)).build();
    assert!(!network.is_recording(), "it is in no app yet");
    let rig = Rig::new(network.clone())?;
    let post = || Request::new("POST", "http://a.test/").body(b"body".as_slice());
    network.request(post).response(|| Response::new(200).body(b"secret".as_slice())).end();
    // The third event that waits is the last: neither is the response of the second request kept, nor the third request.
    let second = network.request(post);
    assert!(second.is_seen());
    second.response(|| Response::new(201)).end();
    let third = network.request(post);
    assert!(!third.is_seen() && !network.is_recording());
    // Nobody asks what it is.
    let fourth = network.request(|| panic!("the request is made in vain"));
    assert_eq!(network.skipped(), 3);

    let mut session = rig.session("Network")?;
    let mut told = Vec::new();
    let mut dropped = None;
    for _ in 0..4 {
        let mut message = session.receive()?;
        // What was dropped is told before the rest or after it.
        match message["error"]["message"].as_str() {
            Some(text) => dropped = Some(text.to_owned()),
            None => told.push(message["params"]["params"].take()),
        }
    }
    assert_eq!(dropped.as_deref(), Some("3 events of plugin Network were not kept while no desktop was there"));
    assert_eq!((&told[0]["id"], told[2]["id"] == told[0]["id"]), (&told[1]["id"], false));
    assert_eq!((body(&told[0]), body(&told[1]), body(&told[2])), (b"body".to_vec(), Vec::new(), b"body".to_vec()));
    assert_eq!(cut(&told[1]), Some("kept 0 of 6 bytes; no desktop was connected"));

    // Requests that nobody was told of have no responses either.
    third.response(|| panic!("the response is made in vain")).end();
    fourth.fail("in vain");
    session.assert_answers()?;
    network.request(post).response(|| Response::new(200).body(b"seen".as_slice())).end();
    rig::event(&mut session, "newRequest")?;
    assert_eq!(body(&rig::event(&mut session, "newResponse")?), b"seen");
    Ok(())
}

#[test]
fn hooks_change_and_drop() -> Result {
    let network = Network::builder()
        .on_request(|request| {
            request.url = request.url.replace("inner", "outer");
            request.body.to_mut().make_ascii_uppercase();
            match request.method.as_str() {
                "TRACE" => Verdict::Drop,
                "PANIC" => panic!("a hook panics"),
                _ => Verdict::Keep,
            }
        })
        .on_response(|response| {
            response.headers.retain(|(name, _)| name != "x-inner");
            if response.status == 500 { Verdict::Drop } else { Verdict::Keep }
        });
    let mut watched = Watched::with(network.build())?;
    for method in ["TRACE", "PANIC"] {
        let exchange = watched.network.request(|| Request::new(method, "http://inner.test/"));
        assert!(!exchange.is_seen());
        exchange.response(|| Response::new(200)).end();
    }
    let inner = || Request::new("GET", "http://inner.test/").body(b"body".as_slice());
    watched.network.request(inner).response(|| Response::new(500)).end();
    watched.event("newRequest")?;
    watched.network.request(inner).response(|| Response::new(200).header("x-inner", "1").header("x-outer", "2")).end();
    let (request, response) = watched.exchange()?;
    assert_eq!((request["url"].as_str(), body(&request)), (Some("http://outer.test/"), b"BODY".to_vec()));
    assert_eq!(response["headers"], json!([{"key": "x-outer", "value": "2"}]));
    watched.assert_silent()
}

#[test]
fn a_hundred_threads_have_whole_exchanges() -> Result {
    let mut watched = Watched::new()?;
    let threads: Vec<_> = (0..100)
        .map(|number| {
            let network = watched.network.clone();
            std::thread::spawn(move || {
                let exchange = network.request(|| Request::new("GET", format!("http://a.test/{number}")));
                let mut answer = exchange.response(|| Response::new(200));
                answer.chunk(number.to_string().as_bytes());
                answer.end();
            })
        })
        .collect();
    for thread in threads {
        thread.join().map_err(|_| "a thread panicked")?;
    }
    let mut requests = std::collections::BTreeMap::new();
    let mut answered = 0;
    for _ in 0..200 {
        let message = watched.session.receive()?;
        let (method, params) = (&message["params"]["method"], &message["params"]["params"]);
        let id = params["id"].as_str().ok_or("no id")?.to_owned();
        if method == "newRequest" {
            requests.insert(id, params["url"].to_string());
        } else {
            let body = String::from_utf8(body(params))?;
            assert_eq!(
                requests.remove(&id),
                Some(format!("\"http://a.test/{body}\"")),
                "a response without its request"
            );
            answered += 1;
        }
    }
    assert_eq!((answered, requests.len()), (100, 0));
    Ok(())
}

#[test]
fn it_runs_in_the_background_and_can_be_mocked_unless_that_is_not_wanted() -> Result {
    let mut watched = Watched::new()?;
    watched.session.send(&json!({"id": 1, "method": "getBackgroundPlugins"}))?;
    assert_eq!(watched.session.receive()?, json!({"id": 1, "success": {"plugins": ["Network"]}}));
    for (allow, supported) in [(true, true), (false, false)] {
        let mut watched = Watched::with(Network::builder().mocks(allow).build())?;
        watched.session.send(&supports("mockResponses"))?;
        assert_eq!(watched.session.receive()?["success"]["isSupported"], supported);
    }
    Ok(())
}
