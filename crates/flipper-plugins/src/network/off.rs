//! What is left of the plugin Network without the feature `enabled`: the same API, which does nothing.
//!
//! What is documented here is only how it differs; the rest stands where the real one is.
#![expect(missing_docs, reason = "it is documented where it does something")]

use std::fmt;
use std::time::Duration;

use crate::Waiting;

#[path = "message.rs"]
mod message;

pub use self::message::{Request, Response, Verdict};

pub const BODY_CUT: &str = "x-flipper-body-cut";

/// Records nothing, and needs no memory.
#[derive(Clone, Debug, Default)]
pub struct Network(());

impl Network {
    #[must_use]
    #[inline]
    pub fn new() -> Self {
        Self(())
    }

    #[inline]
    pub fn builder() -> NetworkBuilder {
        NetworkBuilder(())
    }

    /// `request` is not called.
    #[inline]
    pub fn request<'a>(&self, _request: impl FnOnce() -> Request<'a>) -> Exchange {
        Exchange(())
    }

    /// `false`.
    #[must_use]
    #[inline]
    pub fn is_recording(&self) -> bool {
        false
    }

    /// 0: nobody counts.
    #[must_use]
    #[inline]
    pub fn skipped(&self) -> u64 {
        0
    }

    /// `None`.
    #[must_use]
    #[inline]
    pub fn mock(&self, _method: &str, _url: &str) -> Option<MockResponse> {
        None
    }
}

does_nothing!(Network, "Network");

#[derive(Debug)]
#[must_use]
pub struct NetworkBuilder(());

impl NetworkBuilder {
    #[inline]
    pub fn waiting(self, _waiting: Waiting) -> Self {
        self
    }

    #[inline]
    pub fn body_limit(self, _bytes: usize) -> Self {
        self
    }

    #[inline]
    pub fn leave_out<T: Into<String>>(self, _content_types: impl IntoIterator<Item = T>) -> Self {
        self
    }

    #[inline]
    pub fn redaction(self, _redaction: Redaction) -> Self {
        self
    }

    #[inline]
    pub fn on_request(self, _change: impl Fn(&mut Request<'_>) -> Verdict + Send + Sync + 'static) -> Self {
        self
    }

    #[inline]
    pub fn on_response(self, _change: impl Fn(&mut Response<'_>) -> Verdict + Send + Sync + 'static) -> Self {
        self
    }

    #[inline]
    pub fn progress(self, _every: Duration) -> Self {
        self
    }

    #[inline]
    pub fn ui_headers(self, _add: bool) -> Self {
        self
    }

    #[inline]
    pub fn mocks(self, _allow: bool) -> Self {
        self
    }

    #[must_use]
    #[inline]
    pub fn build(self) -> Network {
        Network(())
    }
}

#[derive(Clone, Debug, Default)]
pub struct Redaction(());

impl Redaction {
    #[must_use]
    #[inline]
    pub fn nothing() -> Self {
        Self(())
    }

    #[must_use]
    #[inline]
    pub fn header(self, _name: impl Into<String>) -> Self {
        self
    }

    #[must_use]
    #[inline]
    pub fn show_header(self, _name: &str) -> Self {
        self
    }

    #[must_use]
    #[inline]
    pub fn headers_if(self, _rule: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self
    }

    #[must_use]
    #[inline]
    pub fn parameter(self, _name: impl Into<String>) -> Self {
        self
    }

    #[must_use]
    #[inline]
    pub fn show_parameter(self, _name: &str) -> Self {
        self
    }

    #[must_use]
    #[inline]
    pub fn parameters_if(self, _rule: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self
    }
}

#[derive(Debug)]
#[must_use = "an exchange that is dropped is shown as cancelled"]
pub struct Exchange(());

impl Exchange {
    /// `false`.
    #[must_use]
    #[inline]
    pub fn is_seen(&self) -> bool {
        false
    }

    #[inline]
    pub fn request_body(&self) -> BodyRecorder {
        BodyRecorder(())
    }

    /// `response` is not called.
    #[inline]
    pub fn response<'a>(self, _response: impl FnOnce() -> Response<'a>) -> BodyRecorder {
        BodyRecorder(())
    }

    #[inline]
    pub fn fail(self, _error: impl fmt::Display) {}

    #[inline]
    pub fn fail_with(self, _error: impl fmt::Display, _details: impl fmt::Display) {}
}

#[derive(Debug)]
#[must_use = "a body that is dropped is shown as one that was not read to its end"]
pub struct BodyRecorder(());

impl BodyRecorder {
    /// `false`.
    #[must_use]
    #[inline]
    pub fn is_seen(&self) -> bool {
        false
    }

    #[inline]
    pub fn chunk(&mut self, _bytes: &[u8]) {}

    #[inline]
    pub fn unseen_chunk(&mut self, _length: usize) {}

    #[inline]
    pub fn trailer(&mut self, _name: impl Into<String>, _value: impl AsRef<[u8]>) {}

    #[inline]
    pub fn end(self) {}

    #[inline]
    pub fn fail(self, _error: impl fmt::Display) {}
}

/// There is none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MockResponse {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

#[cfg(feature = "network-reqwest")]
pub use self::reqwest::ReqwestMiddleware;
#[cfg(feature = "network-tower")]
pub use self::tower::{ClientLayer, ClientService, RecordedFuture, ServerLayer, ServerService};
#[cfg(feature = "network-ureq")]
pub use self::ureq::UreqMiddleware;

/// The body itself.
#[cfg(any(feature = "network-reqwest", feature = "network-tower"))]
pub type RecordedBody<B> = B;

#[cfg(feature = "network-reqwest")]
mod reqwest {
    use async_trait::async_trait;
    use http::Extensions;
    use reqwest::{Request, Response};
    use reqwest_middleware::{Middleware, Next, Result};

    use super::Network;

    impl Network {
        #[must_use]
        #[inline]
        pub fn reqwest(&self) -> ReqwestMiddleware {
            ReqwestMiddleware(())
        }
    }

    #[derive(Clone, Debug)]
    pub struct ReqwestMiddleware(());

    #[async_trait]
    impl Middleware for ReqwestMiddleware {
        async fn handle(&self, request: Request, extensions: &mut Extensions, next: Next<'_>) -> Result<Response> {
            next.run(request, extensions).await
        }
    }
}

#[cfg(feature = "network-tower")]
mod tower {
    use std::marker::PhantomData;

    use tower_layer::Layer;

    use super::Network;

    impl Network {
        #[inline]
        pub fn tower_client(&self) -> ClientLayer {
            ClientLayer(())
        }

        #[inline]
        pub fn tower_server(&self) -> ServerLayer {
            ServerLayer(())
        }
    }

    #[derive(Clone, Debug)]
    #[must_use]
    pub struct ClientLayer(());

    impl ClientLayer {
        #[inline]
        pub fn base(self, _base: impl Into<String>) -> Self {
            self
        }
    }

    impl<S> Layer<S> for ClientLayer {
        type Service = S;

        #[inline]
        fn layer(&self, inner: S) -> S {
            inner
        }
    }

    /// The client itself.
    pub type ClientService<S> = S;

    #[derive(Clone, Debug)]
    #[must_use]
    pub struct ServerLayer(());

    impl ServerLayer {
        #[inline]
        pub fn scheme(self, _scheme: impl Into<String>) -> Self {
            self
        }
    }

    impl<S> Layer<S> for ServerLayer {
        type Service = S;

        #[inline]
        fn layer(&self, inner: S) -> S {
            inner
        }
    }

    /// The server itself.
    pub type ServerService<S> = S;

    /// There is none: the services themselves answer.
    #[derive(Debug)]
    pub struct RecordedFuture<F, B>(PhantomData<(F, B)>);
}

#[cfg(feature = "network-ureq")]
mod ureq {
    use ureq::middleware::{Middleware, MiddlewareNext};
    use ureq::{Body, Error, SendBody};

    use super::Network;

    impl Network {
        #[must_use]
        #[inline]
        pub fn ureq(&self) -> UreqMiddleware {
            UreqMiddleware(())
        }
    }

    #[derive(Clone, Debug)]
    pub struct UreqMiddleware(());

    impl Middleware for UreqMiddleware {
        #[inline]
        fn handle(
            &self,
            request: http::Request<SendBody<'_>>,
            next: MiddlewareNext<'_>,
        ) -> Result<http::Response<Body>, Error> {
            next.handle(request)
        }
    }
}
