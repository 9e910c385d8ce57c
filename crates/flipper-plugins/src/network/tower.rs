//! Integration with tower: clients and servers that speak in the types of the `http` crate.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::HOST;
use http_body::Body;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::exchange::Exchange;
use super::recorded_body::RecordedBody;
use super::{Network, Request, http_types};

impl Network {
    /// A tower layer that records what a client sends and gets, and answers with mock responses.
    ///
    /// It is for services that take [`http::Request`] and give [`http::Response`], such as hyper-util's client or what
    /// tower-http makes of it. Their bodies become [`RecordedBody`]s; the data of response bodies has to be what can be
    /// made of [`Bytes`], for mocks.
    pub fn tower_client(&self) -> ClientLayer {
        ClientLayer { network: self.clone(), base: None }
    }

    /// A tower layer that records what a server gets and answers.
    ///
    /// It is for services that take [`http::Request`] and give [`http::Response`], such as axum's:
    /// `Router::layer(network.tower_server())`. Their bodies become [`RecordedBody`]s.
    pub fn tower_server(&self) -> ServerLayer {
        ServerLayer { network: self.clone(), scheme: "http".to_owned() }
    }
}

/// Records the requests of a client: see [`Network::tower_client`].
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientLayer {
    network: Network,
    base: Option<String>,
}

impl ClientLayer {
    /// What is shown before the path of a request whose URI has neither scheme nor host, such as
    /// `https://api.example.test`. Services that connect to one server only, such as tonic's, add these further down.
    pub fn base(mut self, base: impl Into<String>) -> Self {
        self.base = Some(base.into().trim_end_matches('/').to_owned());
        self
    }
}

impl<S> Layer<S> for ClientLayer {
    type Service = ClientService<S>;

    fn layer(&self, inner: S) -> ClientService<S> {
        ClientService { inner, layer: self.clone() }
    }
}

/// A client whose requests are recorded: what [`ClientLayer`] makes of one.
#[derive(Clone, Debug)]
pub struct ClientService<S> {
    inner: S,
    layer: ClientLayer,
}

impl<S, Q, A> Service<http::Request<Q>> for ClientService<S>
where
    S: Service<http::Request<RecordedBody<Q>>, Response = http::Response<A>, Error: fmt::Display + fmt::Debug>,
    Q: Body,
    A: Body<Data: From<Bytes>>,
{
    type Response = http::Response<RecordedBody<A>>;
    type Error = S::Error;
    type Future = RecordedFuture<S::Future, A>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Q>) -> Self::Future {
        let ClientLayer { network, base } = &self.layer;
        if network.is_idle() {
            return RecordedFuture::of(self.inner.call(request.map(RecordedBody::unseen)), network.skip());
        }
        let url = url(&request, base.as_deref(), "http");
        let mock = network.mock(request.method().as_str(), &url);
        let exchange = network.request(|| describe(&request, url));
        let Some(mock) = mock else {
            return RecordedFuture::of(self.inner.call(record(request, &exchange)), exchange);
        };
        let parts = http_types::mock_parts(&mock);
        exchange.response(|| http_types::mocked(&parts, &mock)).end();
        let body = RecordedBody::mock(Bytes::from(mock.body).into());
        RecordedFuture { call: None, exchange: None, mock: Some(http::Response::from_parts(parts, body)) }
    }
}

/// Records the requests of a server: see [`Network::tower_server`].
#[derive(Clone, Debug)]
#[must_use]
pub struct ServerLayer {
    network: Network,
    scheme: String,
}

impl ServerLayer {
    /// The scheme that URLs are shown with, since servers are not told it. Default: `http`.
    pub fn scheme(mut self, scheme: impl Into<String>) -> Self {
        self.scheme = scheme.into();
        self
    }
}

impl<S> Layer<S> for ServerLayer {
    type Service = ServerService<S>;

    fn layer(&self, inner: S) -> ServerService<S> {
        ServerService { inner, layer: self.clone() }
    }
}

/// A server whose requests are recorded: what [`ServerLayer`] makes of one.
#[derive(Clone, Debug)]
pub struct ServerService<S> {
    inner: S,
    layer: ServerLayer,
}

impl<S, Q, A> Service<http::Request<Q>> for ServerService<S>
where
    S: Service<http::Request<RecordedBody<Q>>, Response = http::Response<A>, Error: fmt::Display + fmt::Debug>,
    Q: Body,
    A: Body,
{
    type Response = http::Response<RecordedBody<A>>;
    type Error = S::Error;
    type Future = RecordedFuture<S::Future, A>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Q>) -> Self::Future {
        let ServerLayer { network, scheme } = &self.layer;
        if !network.is_recording() {
            return RecordedFuture::of(self.inner.call(request.map(RecordedBody::unseen)), network.skip());
        }
        let exchange = network.request(|| describe(&request, url(&request, None, scheme)));
        RecordedFuture::of(self.inner.call(record(request, &exchange)), exchange)
    }
}

pin_project! {
    /// A request on its way. Dropped before there is a response, it is shown as cancelled.
    pub struct RecordedFuture<F, B: Body> {
        #[pin]
        call: Option<F>,
        exchange: Option<Exchange>,
        mock: Option<http::Response<RecordedBody<B>>>,
    }
}

impl<F, B: Body> RecordedFuture<F, B> {
    fn of(call: F, exchange: Exchange) -> Self {
        Self { call: Some(call), exchange: Some(exchange), mock: None }
    }
}

impl<F, B, E> Future for RecordedFuture<F, B>
where
    F: Future<Output = Result<http::Response<B>, E>>,
    B: Body,
    E: fmt::Display + fmt::Debug,
{
    type Output = Result<http::Response<RecordedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(call) = this.call.as_pin_mut() else {
            return this.mock.take().map_or(Poll::Pending, |mock| Poll::Ready(Ok(mock)));
        };
        let result = ready!(call.poll(cx));
        let exchange = this.exchange.take().unwrap_or_else(Exchange::unseen);
        Poll::Ready(match result {
            Ok(response) if exchange.is_seen() => {
                let (parts, body) = response.into_parts();
                let recorder = exchange.response(|| http_types::response(parts.status, &parts.headers));
                Ok(http::Response::from_parts(parts, RecordedBody::new(body, recorder)))
            }
            Ok(response) => Ok(response.map(RecordedBody::unseen)),
            Err(error) => {
                exchange.fail_with(&error, format_args!("{error}\n\n{error:?}"));
                Err(error)
            }
        })
    }
}

impl<F, B: Body> fmt::Debug for RecordedFuture<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedFuture").field("exchange", &self.exchange).finish_non_exhaustive()
    }
}

fn describe<B>(request: &http::Request<B>, url: String) -> Request<'static> {
    let mut described = Request::new(request.method().as_str(), url);
    described.headers = http_types::headers(request.headers());
    described
}

fn record<B: Body>(request: http::Request<B>, exchange: &Exchange) -> http::Request<RecordedBody<B>> {
    request.map(|body| {
        if exchange.is_seen() && !body.is_end_stream() {
            RecordedBody::new(body, exchange.request_body())
        } else {
            RecordedBody::unseen(body)
        }
    })
}

/// The URL of a request. A server is only told the path, and the host in a header.
fn url<B>(request: &http::Request<B>, base: Option<&str>, scheme: &str) -> String {
    let uri = request.uri();
    let path = uri.path_and_query().map_or("", |path| path.as_str());
    match (uri.scheme(), uri.authority(), base, request.headers().get(HOST).map(|host| host.to_str())) {
        (Some(_), Some(_), ..) => uri.to_string(),
        // The target of CONNECT is a host and nothing else.
        (None, Some(authority), ..) => format!("{scheme}://{authority}{path}"),
        (_, _, Some(base), _) => format!("{base}{path}"),
        (_, _, None, Some(Ok(host))) => format!("{scheme}://{host}{path}"),
        _ => uri.to_string(),
    }
}
