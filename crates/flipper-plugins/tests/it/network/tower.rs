//! tower: clients and servers.

use std::convert::Infallible;
use std::future::{Ready, poll_fn, ready};
use std::io;
use std::pin::pin;
use std::task::{Context, Poll};

use axum::Router;
use bytes::Bytes;
use flipper_conformance::Result;
use flipper_plugins::network::{Network, RecordedBody};
use http::{HeaderMap, Request, Response};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use tower_layer::Layer as _;
use tower_service::Service;

use super::server::{Fed, Server, closed_port, feed, read};
use super::{Watched, body, cut, headers};

type Recorded<B> = flipper_plugins::network::ClientService<Client<HttpConnector, RecordedBody<B>>>;

fn client<B>(network: &Network) -> Recorded<B>
where
    B: http_body::Body<Data: Send, Error: std::fmt::Display> + Send,
{
    network.tower_client().layer(Client::builder(TokioExecutor::new()).build_http())
}

async fn send<S, B>(service: &mut S, request: Request<B>) -> Result<S::Response, S::Error>
where
    S: Service<Request<B>>,
{
    poll_fn(|cx| service.poll_ready(cx)).await?;
    service.call(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_recorded() -> Result {
    let (server, mut watched) = (Server::start().await?, Watched::new()?);
    let mut client = client(&watched.network);
    let request = Request::put(server.url("/echo?q=1")).body(Full::new(Bytes::from_static(b"ping")))?;
    let response = send(&mut client, request).await?;
    assert_eq!(response.headers()["x-framing"], "content-length=4");
    assert_eq!(read(response.into_body()).await?, "ping");
    assert_eq!(watched.event("newRequest")?["url"], server.url("/echo?q=1"));
    // Nobody can look into a body before it goes out.
    let (request, response) = watched.exchange()?;
    assert_eq!((body(&request), body(&response)), (b"ping".to_vec(), b"ping".to_vec()));
    assert_eq!(cut(&response), None);
    watched.assert_silent()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_fails_is_shown_with_the_cause() -> Result {
    let mut watched = Watched::new()?;
    let mut client = client(&watched.network);
    let request = Request::get(format!("http://{}/", closed_port()?)).body(Empty::<Bytes>::new())?;
    assert!(send(&mut client, request).await.is_err());
    let (_, response) = watched.exchange()?;
    assert_eq!((response["status"].as_i64(), response["reason"].as_str()), (Some(-1), Some("client error (Connect)")));
    let details = String::from_utf8(body(&response))?;
    assert!(details.contains("refused"), "{details}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_answered_with_mocks() -> Result {
    let mut watched = Watched::new()?;
    watched.mock(&json!([{"requestUrl": "/orders", "method": "GET", "data": "mocked", "status": "418"}]))?;
    let mut client = client(&watched.network);
    let request = Request::get(format!("http://{}/orders", closed_port()?)).body(Empty::<Bytes>::new())?;
    let response = send(&mut client, request).await?;
    assert_eq!((response.status().as_u16(), response.body().size_hint().exact()), (418, Some(6)));
    assert_eq!(read(response.into_body()).await?, "mocked");
    let (_, response) = watched.exchange()?;
    assert_eq!((response["status"].as_u64(), response["isMock"].as_bool()), (Some(418), Some(true)));
    assert_eq!(body(&response), b"mocked");
    watched.assert_silent()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_recorded() -> Result {
    let mut watched = Watched::new()?;
    let layer = watched.network.tower_server().scheme("https");
    let server = Server::start_with(|router: Router| router.layer(layer)).await?;
    let mut client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::put(server.url("/echo?token=1")).body(Full::new(Bytes::from_static(b"ping")))?;
    assert_eq!(read(send(&mut client, request).await?.into_body()).await?, "ping");
    let first = watched.event("newRequest")?;
    assert_eq!(first["url"], format!("https://{}/echo?token=REDACTED", server.address));
    let (request, response) = watched.exchange()?;
    assert_eq!((body(&request), body(&response)), (b"ping".to_vec(), b"ping".to_vec()));
    assert_eq!((cut(&request), cut(&response)), (None, None));

    for (path, status) in [("/nothing", 204), ("/elsewhere", 404)] {
        let request = Request::get(server.url(path)).body(Full::default())?;
        assert_eq!(send(&mut client, request).await?.status(), status);
        let (_, response) = watched.exchange()?;
        assert_eq!((response["status"].as_u64(), cut(&response)), (Some(u64::from(status)), None));
    }

    // A client that goes away in the middle.
    let feeder = server.will_feed("text/plain");
    let response = send(&mut client, Request::get(server.url("/fed")).body(Full::default())?).await?;
    feed(&feeder, "half")?;
    let mut answer = response.into_body();
    assert!(answer.frame().await.is_some());
    drop((answer, client));
    feeder.closed().await;
    let (_, response) = watched.exchange()?;
    assert_eq!(
        (body(&response), cut(&response)),
        (b"half".to_vec(), Some("kept 4 of 4 bytes so far, the rest was not read"))
    );
    watched.assert_silent()
}

/// A service that answers with a body, once it has been asked twice whether it is ready.
#[derive(Clone)]
struct Answers<B> {
    body: B,
    asked: u32,
    is_broken: bool,
}

impl<Q, B: Clone> Service<Request<Q>> for Answers<B> {
    type Response = Response<B>;
    type Error = io::Error;
    type Future = Ready<io::Result<Response<B>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.asked += 1;
        if self.is_broken {
            return Poll::Ready(Err(io::Error::other("broken")));
        }
        cx.waker().wake_by_ref();
        if self.asked < 2 { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    fn call(&mut self, _: Request<Q>) -> Self::Future {
        assert!(self.asked >= 2, "it was called before it was ready");
        ready(Ok(Response::new(self.body.clone())))
    }
}

fn answers<B>(body: B) -> Answers<B> {
    Answers { body, asked: 0, is_broken: false }
}

#[tokio::test]
async fn services_are_called_when_they_are_ready() -> Result {
    let mut watched = Watched::new()?;
    let layer = watched.network.tower_server();
    let mut service = layer.layer(answers(Full::new(Bytes::from_static(b"four"))));
    let response = send(&mut service, Request::new(Empty::<Bytes>::new())).await?;
    assert_eq!(response.body().size_hint().exact(), Some(4));
    assert!(!response.body().is_end_stream());
    assert_eq!(read(response.into_body()).await?, "four");
    let (request, response) = watched.exchange()?;
    assert_eq!((request["url"].as_str(), body(&response)), (Some("http://invalid/"), b"four".to_vec()));

    let mut broken = layer.layer(Answers { is_broken: true, ..answers(Empty::<Bytes>::new()) });
    let not_ready = poll_fn(|cx| Service::<Request<Empty<Bytes>>>::poll_ready(&mut broken, cx)).await;
    assert_eq!(not_ready.err().map(|error| error.to_string()).as_deref(), Some("broken"));
    Ok(())
}

#[tokio::test]
async fn a_body_whose_length_is_known_need_not_be_read_further() -> Result {
    let mut watched = Watched::new()?;
    let mut service = watched.network.tower_server().layer(answers(Full::new(Bytes::from_static(b"four"))));
    let response = send(&mut service, Request::new(Empty::<Bytes>::new())).await?;
    let mut answer = response.into_body();
    assert!(answer.frame().await.is_some());
    drop(answer);
    assert_eq!(cut(&watched.exchange()?.1), None);
    Ok(())
}

/// A gRPC client, whose channel adds scheme and host further down.
#[tokio::test]
async fn trailers_are_passed_on_and_shown() -> Result {
    let mut watched = Watched::new()?;
    let (feeder, fed) = Fed::new();
    let mut once = Some(fed);
    let service = service(move |_| {
        let mut response = Response::new(once.take().unwrap_or_else(|| Fed::new().1));
        response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/grpc"));
        response
    });
    let mut service = watched.network.tower_client().base("https://api.example.test/").layer(service);
    let request = Request::post("/shop.Orders/Watch").body(Empty::<Bytes>::new())?;
    let mut answer = send(&mut service, request).await?.into_body();
    let (request, head) = watched.exchange()?;
    assert_eq!(request["url"], "https://api.example.test/shop.Orders/Watch");
    assert_eq!(head["status"], 200);
    feed(&feeder, "\0\0\0\0\x01a")?;
    assert!(answer.frame().await.is_some());
    assert_eq!(body(&watched.event("newResponse")?), b"\0\0\0\0\x01a");
    let trailers = HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), "0".parse()?)]);
    feeder.send(Ok(Frame::trailers(trailers.clone())))?;
    drop(feeder);
    assert_eq!(answer.frame().await.ok_or("no trailers")??.into_trailers().ok(), Some(trailers));
    assert!(answer.frame().await.is_none());
    let response = watched.event("newResponse")?;
    assert_eq!((headers(&response, "grpc-status"), cut(&response)), (vec!["0"], None));
    watched.assert_silent()
}

/// A service made of a function.
fn service<Q, B>(
    answer: impl FnMut(Request<Q>) -> Response<B>,
) -> impl Service<Request<Q>, Response = Response<B>, Error = Infallible> {
    struct Function<F>(F);
    impl<F, Q, B> Service<Request<Q>> for Function<F>
    where
        F: FnMut(Request<Q>) -> Response<B>,
    {
        type Response = Response<B>;
        type Error = Infallible;
        type Future = Ready<Result<Response<B>, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: Request<Q>) -> Self::Future {
            ready(Ok((self.0)(request)))
        }
    }
    Function(answer)
}

#[tokio::test]
async fn a_call_that_is_dropped_is_cancelled() -> Result {
    let mut watched = Watched::new()?;
    let mut service = watched.network.tower_server().layer(answers(Full::new(Bytes::from_static(b"four"))));
    poll_fn(|cx| Service::<Request<Empty<Bytes>>>::poll_ready(&mut service, cx)).await?;
    drop(service.call(Request::new(Empty::<Bytes>::new())));
    assert_eq!(watched.exchange()?.1["reason"], "cancelled");
    Ok(())
}

#[tokio::test]
async fn data_in_several_parts_is_recorded_as_a_whole() -> Result {
    use bytes::Buf as _;
    let mut watched = Watched::new()?;
    let service = service(|_: Request<RecordedBody<Empty<Bytes>>>| {
        Response::new(Full::new(Bytes::from_static(b"one ").chain(Bytes::from_static(b"two"))))
    });
    let mut service = watched.network.tower_server().layer(service);
    let answer = send(&mut service, Request::new(Empty::new())).await?.into_body();
    let collected = pin!(answer.collect()).await?.to_bytes();
    assert_eq!(collected, "one two");
    assert_eq!(body(&watched.exchange()?.1), b"one two");
    Ok(())
}
