//! Integration with reqwest, through `reqwest-middleware`.

use std::error::Error as _;

use async_trait::async_trait;
use http::Extensions;
use reqwest::{Body, Request, Response, ResponseBuilderExt as _};
use reqwest_middleware::{Error, Middleware, Next, Result};

use super::exchange::Exchange;
use super::mock::MockResponse;
use super::recorded_body::RecordedBody;
use super::{Network, http_types};

impl Network {
    /// A middleware for `reqwest-middleware` that records what a client sends and gets, and answers with mock responses.
    ///
    /// Add it last, so that it sees what goes out: with retries further out, each try is an exchange of its own. Headers
    /// that the client adds itself, such as default headers and `accept`, are added further in and not shown; redirects
    /// are followed further in, too.
    ///
    /// ```no_run
    /// use flipper_plugins::network::Network;
    ///
    /// let network = Network::default();
    /// let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new()).with(network.reqwest()).build();
    /// # drop(client);
    /// ```
    #[must_use]
    pub fn reqwest(&self) -> ReqwestMiddleware {
        ReqwestMiddleware { network: self.clone() }
    }
}

/// Records the requests of a reqwest client: see [`Network::reqwest`].
#[derive(Clone, Debug)]
pub struct ReqwestMiddleware {
    network: Network,
}

#[async_trait]
impl Middleware for ReqwestMiddleware {
    async fn handle(&self, mut request: Request, extensions: &mut Extensions, next: Next<'_>) -> Result<Response> {
        let network = &self.network;
        if network.is_idle() {
            drop(network.skip());
            return next.run(request, extensions).await;
        }
        let exchange = network.request(|| describe(&request));
        if let Some(mock) = network.mock(request.method().as_str(), request.url().as_str()) {
            return Ok(answer(&request, mock, exchange));
        }
        let is_streamed = request.body().is_some_and(|body| body.as_bytes().is_none());
        if exchange.is_seen()
            && is_streamed
            && let Some(body) = request.body_mut().take()
        {
            let recorded = RecordedBody::new(body, exchange.request_body());
            *request.body_mut() = Some(Body::wrap(recorded));
        }
        match next.run(request, extensions).await {
            Ok(response) if exchange.is_seen() => Ok(record(response, exchange)),
            Ok(response) => Ok(response),
            Err(error) => {
                let (short, long) = describe_error(&error);
                exchange.fail_with(short, long);
                Err(error)
            }
        }
    }
}

fn describe(request: &Request) -> super::Request<'_> {
    let mut described = super::Request::new(request.method().as_str(), request.url().as_str());
    described.headers = http_types::headers(request.headers());
    described.body(request.body().and_then(Body::as_bytes).unwrap_or_default())
}

/// The same response, with a body that is recorded.
fn record(response: Response, exchange: Exchange) -> Response {
    let recorder = exchange.response(|| http_types::response(response.status(), response.headers()));
    let url = response.url().clone();
    let (parts, body) = http::Response::<Body>::from(response).into_parts();
    assemble(url, parts, Body::wrap(RecordedBody::new(body, recorder)))
}

fn answer(request: &Request, mock: MockResponse, exchange: Exchange) -> Response {
    let parts = http_types::mock_parts(&mock);
    exchange.response(|| http_types::mocked(&parts, &mock)).end();
    assemble(request.url().clone(), parts, Body::from(mock.body))
}

/// A response of these parts. reqwest keeps its URL where nobody else can put it.
fn assemble(url: reqwest::Url, mut parts: http::response::Parts, body: Body) -> Response {
    if let Ok(located) = http::Response::builder().url(url).body(()) {
        parts.extensions.extend(located.into_parts().0.extensions);
    }
    Response::from(http::Response::from_parts(parts, body))
}

/// The text of an error and of its causes, without URLs: they are in the row, and may hold secrets.
fn describe_error(error: &Error) -> (String, String) {
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        texts.push(error.to_string());
        cause = error.source();
    }
    if let Some(url) = error.url() {
        for text in &mut texts {
            *text = text.replace(&format!(" for url ({url})"), "").replace(url.as_str(), "this URL");
        }
    }
    (texts.join(": "), texts.join("\n"))
}
