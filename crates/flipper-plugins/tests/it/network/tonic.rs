//! gRPC: a client of tonic's, as the documentation puts the recorder into it.

use axum::Router;
use axum::routing::post;
use bytes::{Buf as _, BufMut as _, Bytes};
use flipper_conformance::Result;
use http::{HeaderMap, Response};
use http_body::Frame;
use tonic::Status;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Channel;
use tower::ServiceBuilder;

use super::server::{Fed, Server, feed};
use super::{Watched, body, headers};

/// Messages are bytes.
#[derive(Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(from.has_remaining().then(|| from.copy_to_bytes(from.remaining())))
    }
}

/// The answer to every call: one message, and a status in the trailers.
async fn answer() -> Result<Response<axum::body::Body>, String> {
    let (feeder, body) = Fed::new();
    feed(&feeder, "\0\0\0\0\x04pong").map_err(|error| error.to_string())?;
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
    feeder.send(Ok(Frame::trailers(trailers))).map_err(|error| error.to_string())?;
    let response = Response::builder().header("content-type", "application/grpc");
    response.body(axum::body::Body::new(body)).map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_shown_with_its_frames_and_its_status() -> Result {
    let mut watched = Watched::new()?;
    let server = Server::start_with(|router: Router| router.route("/pkg.Echo/Say", post(answer))).await?;
    let base = server.url("");
    let channel = Channel::from_shared(base.clone())?.connect().await?;
    let channel = ServiceBuilder::new()
        .layer(watched.network.tower_client().base(&base))
        .map_request(|request: http::Request<_>| request.map(tonic::body::Body::new))
        .service(channel);

    let mut client = Grpc::new(channel);
    client.ready().await?;
    let path = http::uri::PathAndQuery::from_static("/pkg.Echo/Say");
    let answer = client.unary(tonic::Request::new(Bytes::from_static(b"ping")), path, Raw).await?;
    assert_eq!(answer.into_inner(), "pong");

    let (mut shown, mut last) = (None, None);
    while last.as_ref().is_none_or(|response| headers(response, "grpc-status").is_empty()) {
        let mut event = watched.session.receive()?["params"].take();
        let params = event["params"].take();
        match event["method"].as_str() {
            Some("newRequest") => shown = Some(params),
            Some("newResponse") => last = Some(params),
            _ => return Err(format!("an exchange was expected, not {event}").into()),
        }
    }
    let (request, response) = (shown.ok_or("no request")?, last.ok_or("no response")?);
    assert_eq!(request["url"], format!("{base}/pkg.Echo/Say"));
    assert_eq!(body(&request), b"\0\0\0\0\x04ping");
    assert_eq!(body(&response), b"\0\0\0\0\x04pong");
    assert_eq!(headers(&response, "grpc-status"), ["0"]);
    Ok(())
}
