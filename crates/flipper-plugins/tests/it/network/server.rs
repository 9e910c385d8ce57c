//! A server to talk to, which does what the test says when it says it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::{any, get};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use flipper_conformance::Result;
use http::{HeaderMap, StatusCode};
use http_body::{Frame, SizeHint};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

pub(crate) const LONG: usize = 10 << 20;

/// Sends what a [`Fed`] body yields, and when.
pub(crate) type Feeder = UnboundedSender<io::Result<Frame<Bytes>>>;

/// A body that yields what it is fed, until its feeder is dropped.
pub(crate) struct Fed {
    frames: UnboundedReceiver<io::Result<Frame<Bytes>>>,
}

impl Fed {
    pub(crate) fn new() -> (Feeder, Self) {
        let (feeder, frames) = unbounded_channel();
        (feeder, Self { frames })
    }
}

pub(crate) fn feed(feeder: &Feeder, bytes: &'static str) -> Result {
    feeder.send(Ok(Frame::data(Bytes::from_static(bytes.as_bytes())))).map_err(|_| "nobody reads".into())
}

impl http_body::Body for Fed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.frames.poll_recv(cx)
    }
}

/// 10 MiB in pieces of 64 KiB.
struct Long(usize);

impl http_body::Body for Long {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let size = self.0.min(1 << 16);
        self.0 -= size;
        Poll::Ready((size > 0).then(|| Ok(Frame::data(Bytes::from(vec![b'x'; size])))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0 as u64)
    }
}

/// The bodies that `/fed` answers with, one after the other.
type Fodder = Arc<Mutex<VecDeque<(&'static str, Fed)>>>;

/// A running server.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    fodder: Fodder,
}

impl Server {
    /// Serves on the runtime that this is called on.
    pub(crate) async fn start() -> Result<Self> {
        Self::start_with(|router| router).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(Router) -> Router) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let fodder = Fodder::default();
        let router = Router::new()
            .route("/hello", get(|| async { ([("x-two", "a"), ("content-type", "text/plain")], "Hello, world") }))
            .route(
                "/gzip",
                get(|| async { ([("content-encoding", "gzip"), ("content-type", "text/plain")], gzip("Hello, gzip")) }),
            )
            .route(
                "/latin1",
                get(|| async { ([("content-type", "text/plain; charset=iso-8859-1")], b"caf\xe9".to_vec()) }),
            )
            .route("/missing", get(|| async { (StatusCode::NOT_FOUND, "there is none") }))
            .route("/nothing", get(|| async { StatusCode::NO_CONTENT }))
            .route("/long", get(|| async { Body::new(Long(LONG)) }))
            .route("/never", get(std::future::pending::<()>))
            .route("/echo", any(|headers: HeaderMap, body: Body| async move { echo(&headers, body) }))
            .route("/fed", any(fed))
            .with_state(Arc::clone(&fodder));
        let router = change(router);
        tokio::spawn(async { axum::serve(listener, router).await });
        Ok(Self { address, fodder })
    }

    /// Serves on a runtime of its own, which ends with what is returned.
    pub(crate) fn on_threads() -> Result<(Self, tokio::runtime::Runtime)> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Ok((runtime.block_on(Self::start())?, runtime))
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next request of `/fed` is answered with a body of this type.
    pub(crate) fn will_feed(&self, content_type: &'static str) -> Feeder {
        let (feeder, fed) = Fed::new();
        self.fodder.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push_back((content_type, fed));
        feeder
    }
}

/// A port that nobody listens on.
pub(crate) fn closed_port() -> Result<SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

pub(crate) fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).unwrap_or_default()
}

/// Answers with what it got, and says how long that was said to be.
fn echo(headers: &HeaderMap, body: Body) -> impl IntoResponse + use<> {
    let framing = ["content-length", "transfer-encoding"]
        .iter()
        .filter_map(|name| Some(format!("{name}={}", headers.get(*name)?.to_str().ok()?)))
        .collect::<Vec<_>>();
    ([("x-framing", framing.join(" "))], body)
}

async fn fed(State(fodder): State<Fodder>) -> impl IntoResponse {
    let next = fodder.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop_front();
    match next {
        Some((content_type, fed)) => ([("content-type", content_type)], Body::new(fed)).into_response(),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// Reads everything.
pub(crate) async fn read<B>(body: B) -> Result<Bytes>
where
    B: http_body::Body<Error: std::error::Error + Send + Sync + 'static>,
{
    Ok(http_body_util::BodyExt::collect(body).await?.to_bytes())
}
