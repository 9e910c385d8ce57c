//! How long an exchange takes.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use bytes::Bytes;
use flipper_plugins::network::{Network, Request, Response};
use http::{Extensions, HeaderValue};
use http_body_util::{BodyExt as _, Full};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};
use tower_layer::Layer as _;
use tower_service::Service;

use crate::desk::App;
use crate::{Result, median, worked};

/// As many exchanges fit into what waits for a desktop.
const BATCH: u32 = 240;
const BATCHES: usize = 60;

/// A service that answers with a kilobyte.
#[derive(Clone)]
struct Answers(Bytes);

impl<B> Service<http::Request<B>> for Answers {
    type Response = http::Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<B>) -> Self::Future {
        let mut response = http::Response::new(Full::new(self.0.clone()));
        for (name, value) in [("content-type", "application/json"), ("content-length", "1024"), ("server", "bench")] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        ready(Ok(response))
    }
}

#[async_trait]
impl Middleware for Answers {
    async fn handle(
        &self,
        _: reqwest::Request,
        _: &mut Extensions,
        _: Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        let Ok(response) = self.clone().call(http::Request::new(())).into_inner();
        Ok(response.map(reqwest::Body::wrap).into())
    }
}

/// Runs what never waits.
fn run_now<T>(future: impl Future<Output = T>) -> Result<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Ok(done),
        Poll::Pending => Err("it waits".into()),
    }
}

fn request() -> Result<http::Request<Full<Bytes>>> {
    let mut request = http::Request::post("http://api.example.test/v1/orders?page=3&size=20")
        .body(Full::new(Bytes::from_static(b"{\"item\":\"key\",\"count\":3}")))?;
    for (name, value) in [
        ("accept", "application/json"),
        ("accept-encoding", "gzip, br"),
        ("authorization", "Bearer 0123456789abcdef0123456789abcdef"),
        ("content-type", "application/json"),
        ("content-length", "24"),
        ("user-agent", "bench/1.0"),
        ("x-request-id", "7f9c24e8-3b12-4f1a-9d5e-0a1b2c3d4e5f"),
    ] {
        request.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(request)
}

fn tower<S, B>(service: &mut S) -> Result
where
    S: Service<http::Request<Full<Bytes>>, Response = http::Response<B>, Error = Infallible>,
    B: http_body::Body<Error = Infallible>,
{
    let Ok(response) = run_now(service.call(request()?))?;
    let Ok(body) = run_now(response.into_body().collect())?;
    black_box(body.to_bytes());
    Ok(())
}

fn reqwest(client: &ClientWithMiddleware) -> Result {
    let (parts, _) = request()?.into_parts();
    let request = client.post(parts.uri.to_string()).headers(parts.headers).body("{\"item\":\"key\",\"count\":3}");
    let response = run_now(request.send())??;
    black_box(run_now(response.bytes())??);
    Ok(())
}

fn by_hand(network: &Network) -> Result {
    let exchange = network
        .request(|| Request::new("GET", "http://api.example.test/v1/orders").header("accept", "application/json"));
    exchange.response(|| Response::new(200).header("content-type", "application/json")).end();
    Ok(())
}

/// The median of the nanoseconds that `exchange` takes.
fn measure(
    app: impl Fn() -> Result<App>,
    renew: bool,
    is_recorded: bool,
    exchange: impl Fn(&Network) -> Box<dyn FnMut() -> Result>,
) -> Result<f64> {
    let mut current = app()?;
    let mut all = Vec::new();
    for _ in 0..BATCHES {
        if renew {
            current = app()?;
        }
        let mut exchange = exchange(&current.network);
        let before = current.received();
        let begun = worked();
        for _ in 0..BATCH {
            exchange()?;
        }
        all.push((worked() - begun).as_nanos() as f64 / f64::from(BATCH));
        if is_recorded && !renew && current.network.is_recording() {
            current.wait_for(before + u64::from(BATCH) * 2)?;
        }
    }
    Ok(median(all))
}

pub(crate) fn run() -> Result {
    let answers = Answers(Bytes::from(vec![b'x'; 1024]));
    type Exchange<'a> = (&'a str, Box<dyn Fn(&Network) -> Box<dyn FnMut() -> Result>>);
    let plain_service = answers.clone();
    let plain_client = answers.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let _entered = runtime.enter();
    let exchanges: [Exchange<'_>; 5] = [
        (
            "tower, not recorded",
            Box::new(move |_| {
                let mut service = plain_service.clone();
                Box::new(move || tower(&mut service))
            }),
        ),
        (
            "tower",
            Box::new({
                let answers = answers.clone();
                move |network| {
                    let mut service = network.tower_server().layer(answers.clone());
                    Box::new(move || tower(&mut service))
                }
            }),
        ),
        (
            "reqwest, not recorded",
            Box::new(move |_| {
                let client = ClientBuilder::new(client()).with(plain_client.clone()).build();
                Box::new(move || reqwest(&client))
            }),
        ),
        (
            "reqwest",
            Box::new(move |network| {
                let client = ClientBuilder::new(client()).with(network.reqwest()).with(answers.clone()).build();
                Box::new(move || reqwest(&client))
            }),
        ),
        (
            "by hand",
            Box::new(|network| {
                let network = network.clone();
                Box::new(move || by_hand(&network))
            }),
        ),
    ];
    println!(
        "nanoseconds of the own thread for an exchange, median of {BATCHES} batches of {BATCH}: request of 24 bytes, response of 1 KiB"
    );
    println!("{:<24}{:>12}{:>12}{:>12}", "", "connected", "waiting", "full");
    for (name, exchange) in &exchanges {
        let is_recorded = !name.ends_with("not recorded");
        let connected = measure(App::connected, false, is_recorded, exchange)?;
        let waiting = measure(App::waiting, true, is_recorded, exchange)?;
        let full = measure(App::full, false, is_recorded, exchange)?;
        println!("{name:<24}{connected:>12.0}{waiting:>12.0}{full:>12.0}");
    }
    Ok(())
}

/// Where another crate of the build has reqwest do TLS, it wants somebody to choose the cryptography.
fn client() -> reqwest::Client {
    let _there_already = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}
