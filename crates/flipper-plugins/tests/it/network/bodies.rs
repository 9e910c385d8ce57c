//! What is shown of bodies.

use flipper_conformance::Result;
use flipper_plugins::network::{Network, Request, Response};
use serde_json::json;

use super::{Watched, body, cut, headers};

/// A response with this body, in pieces of 1000 bytes.
fn respond(network: &Network, response: Response<'static>, body: &[u8]) {
    let mut answer = network.request(|| Request::new("GET", "http://a.test/")).response(|| response);
    body.chunks(1000).for_each(|chunk| answer.chunk(chunk));
    answer.end();
}

#[test]
fn only_the_beginning_of_a_long_body_is_kept() -> Result {
    let mut watched = Watched::new()?;
    let long: Vec<u8> = (0..5 << 20).map(|n: u32| n as u8).collect();
    respond(&watched.network, Response::new(200), &long);
    let (_, response) = watched.exchange()?;
    assert!(body(&response) == long[..1 << 20]);
    assert_eq!(cut(&response), Some("kept 1048576 of 5242880 bytes"));
    assert_eq!(headers(&response, "content-length"), ["5242880"]);

    watched
        .network
        .request(|| Request::new("POST", "http://a.test/").body(&long))
        .response(|| Response::new(200))
        .end();
    let (request, _) = watched.exchange()?;
    assert!(body(&request) == long[..1 << 20]);
    assert_eq!(cut(&request), Some("kept 1048576 of 5242880 bytes"));
    Ok(())
}

#[test]
fn long_bodies_go_in_pieces_where_they_are_wanted() -> Result {
    let mut watched = Watched::with(Network::builder().body_limit(2_500_000).build())?;
    let long: Vec<u8> = (0..3_000_000).map(|n: u32| n as u8).collect();
    respond(&watched.network, Response::new(200).reason("OK"), &long);
    let request = watched.event("newRequest")?;
    let first = watched.event("partialResponse")?;
    assert_eq!((first["totalChunks"].as_u64(), first["index"].as_u64()), (Some(3), Some(0)));
    assert_eq!((first["status"].as_u64(), first["reason"].as_str()), (Some(200), Some("OK")));
    assert_eq!(cut(&first), Some("kept 2500000 of 3000000 bytes"));
    let mut all = body(&first);
    assert_eq!(all.len(), 1 << 20);
    for index in 1..3 {
        let piece = watched.event("partialResponse")?;
        assert_eq!(
            piece,
            json!({"id": request["id"], "totalChunks": 3, "index": index, "data": piece["data"].as_str().ok_or("no data")?})
        );
        all.extend(body(&piece));
    }
    assert!(all == long[..2_500_000]);
    watched.assert_silent()
}

#[test]
fn a_limit_of_nothing_shows_no_bodies() -> Result {
    let mut watched = Watched::with(Network::builder().body_limit(0).build())?;
    respond(&watched.network, Response::new(200), b"body");
    let (_, response) = watched.exchange()?;
    assert_eq!((response.get("data"), cut(&response)), (None, Some("kept 0 of 4 bytes")));
    Ok(())
}

#[test]
fn a_compressed_body_is_shown_as_a_whole_or_not_at_all() -> Result {
    let mut watched = Watched::with(Network::builder().body_limit(10).build())?;
    for (sent, shown) in [("gzip", "gzip"), ("GZIP", "gzip"), ("x-gzip", "gzip"), ("br", "br"), (" Br ", "br")] {
        respond(&watched.network, Response::new(200).header("Content-Encoding", sent), b"0123456789");
        let (_, whole) = watched.exchange()?;
        assert_eq!((body(&whole).len(), cut(&whole)), (10, None), "{sent}");
        assert_eq!(headers(&whole, "content-encoding"), [shown]);

        respond(&watched.network, Response::new(200).header("Content-Encoding", sent), b"01234567890");
        let (_, long) = watched.exchange()?;
        assert_eq!(long.get("data"), None, "{sent}");
        assert_eq!(cut(&long), Some("kept 0 of 11 bytes; compressed bodies are shown only as a whole"));
    }
    // One that is not there as a whole.
    let exchange = watched.network.request(|| Request::new("GET", "http://a.test/"));
    let mut answer = exchange.response(|| Response::new(200).header("content-encoding", "gzip"));
    answer.chunk(b"0123");
    drop(answer);
    let (_, part) = watched.exchange()?;
    assert_eq!(part.get("data"), None);
    assert_eq!(
        cut(&part),
        Some("kept 0 of 4 bytes so far, the rest was not read; compressed bodies are shown only as a whole")
    );
    Ok(())
}

#[test]
fn what_the_desktop_cannot_decode_is_shown_as_it_is() -> Result {
    let mut watched = Watched::with(Network::builder().body_limit(4).build())?;
    for encoding in ["deflate", "zstd", "gzip, br", "identity"] {
        respond(&watched.network, Response::new(200).header("content-encoding", encoding), b"01234");
        let (_, response) = watched.exchange()?;
        assert_eq!((body(&response), cut(&response)), (b"0123".to_vec(), Some("kept 4 of 5 bytes")), "{encoding}");
        assert_eq!(headers(&response, "content-encoding"), [encoding]);
    }
    Ok(())
}

#[test]
fn what_was_decoded_already_is_not_decoded_again() -> Result {
    let mut watched = Watched::with(Network::builder().body_limit(4).build())?;
    respond(&watched.network, Response::new(200).header("content-encoding", "br").decoded(), b"hello");
    let (_, response) = watched.exchange()?;
    assert_eq!(body(&response), b"hell");
    assert_eq!(headers(&response, "content-encoding"), [""; 0]);
    assert_eq!(headers(&response, "x-original-content-encoding"), ["br"]);
    Ok(())
}

#[test]
fn bodies_of_some_types_are_left_out() -> Result {
    let mut watched = Watched::new()?;
    for kind in ["video/mp4", "Application/ZIP"] {
        respond(&watched.network, Response::new(200).header("content-type", kind), b"body");
        let (_, response) = watched.exchange()?;
        assert_eq!(response.get("data"), None, "{kind}");
        assert_eq!(cut(&response), Some("kept 0 of 4 bytes; bodies of this type are left out"));
    }
    let mut watched = Watched::with(Network::builder().leave_out(["image/"]).build())?;
    for (kind, shown) in [("video/mp4", "body"), ("image/png", "")] {
        respond(&watched.network, Response::new(200).header("content-type", kind), b"body");
        assert_eq!(body(&watched.exchange()?.1), shown.as_bytes(), "{kind}");
    }
    Ok(())
}

#[test]
fn bytes_that_cannot_be_looked_at_are_counted() -> Result {
    let mut watched = Watched::new()?;
    let mut answer = watched.network.request(|| Request::new("GET", "http://a.test/")).response(|| Response::new(200));
    answer.chunk(b"ab");
    answer.unseen_chunk(3);
    // It would be shown in the wrong place.
    answer.chunk(b"cd");
    answer.end();
    let (_, response) = watched.exchange()?;
    assert_eq!((body(&response), cut(&response)), (b"ab".to_vec(), Some("kept 2 of 7 bytes")));
    Ok(())
}
