//! What can be set.

use std::fmt;
use std::time::Duration;

use super::Network;
use super::message::{Request, Response, Verdict};
use super::redaction::Redaction;
use crate::Waiting;

pub(super) type OnRequest = Box<dyn Fn(&mut Request<'_>) -> Verdict + Send + Sync>;
pub(super) type OnResponse = Box<dyn Fn(&mut Response<'_>) -> Verdict + Send + Sync>;

pub(super) struct Settings {
    pub(super) waiting: Waiting,
    pub(super) body_limit: usize,
    pub(super) left_out: Vec<String>,
    pub(super) redaction: Redaction,
    pub(super) on_request: Option<OnRequest>,
    pub(super) on_response: Option<OnResponse>,
    pub(super) progress: Duration,
    pub(super) ui_headers: bool,
    pub(super) mocks: bool,
}

/// Sets up a [`Network`]. [`Network::builder`] begins one, [`build`](Self::build) ends it.
#[must_use]
pub struct NetworkBuilder(Settings);

impl NetworkBuilder {
    pub(super) fn new() -> Self {
        Self(Settings {
            waiting: Waiting::default(),
            body_limit: 1 << 20,
            left_out: vec!["video/".to_owned(), "application/zip".to_owned()],
            redaction: Redaction::default(),
            on_request: None,
            on_response: None,
            progress: Duration::from_secs(1),
            ui_headers: true,
            mocks: true,
        })
    }

    /// How many requests and responses wait while no desktop has initialised the plugin. Default: the first 500, or 1 MiB.
    pub fn waiting(mut self, waiting: Waiting) -> Self {
        self.0.waiting = waiting;
        self
    }

    /// How many bytes of a body are kept and shown. Default: 1 MiB, as official clients do; 0 shows no bodies.
    ///
    /// Response bodies beyond 1 MiB are sent in pieces. Where they come faster than the desktop reads, raise
    /// [`buffered_event_bytes`](flipper_client::proto::Limits::buffered_event_bytes) along with this limit, to a few times
    /// as much.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.0.body_limit = bytes;
        self
    }

    /// Of which content types no body is kept: those that contain one of these texts, in lower case. Default: `video/` and
    /// `application/zip`, as official clients do.
    pub fn leave_out<T: Into<String>>(mut self, content_types: impl IntoIterator<Item = T>) -> Self {
        self.0.left_out = content_types.into_iter().map(Into::into).collect();
        self
    }

    /// What is not shown of headers and URLs. Default: [`Redaction::default`].
    pub fn redaction(mut self, redaction: Redaction) -> Self {
        self.0.redaction = redaction;
        self
    }

    /// Shows every request to `change` before it is sent to the desktop, after [`Redaction`] has been applied.
    ///
    /// What it drops is not shown, and its response neither. It is called again when a request is shown again with the rest
    /// of its body. A request that makes it panic is dropped.
    pub fn on_request(mut self, change: impl Fn(&mut Request<'_>) -> Verdict + Send + Sync + 'static) -> Self {
        self.0.on_request = Some(Box::new(change));
        self
    }

    /// Shows every response to `change` before it is sent to the desktop, after [`Redaction`] has been applied.
    ///
    /// The row of a response that it drops stays as it is. It is called again whenever a response is shown again with
    /// more of its body. A response that makes it panic is dropped.
    pub fn on_response(mut self, change: impl Fn(&mut Response<'_>) -> Verdict + Send + Sync + 'static) -> Self {
        self.0.on_response = Some(Box::new(change));
        self
    }

    /// How long a response may stream until it is shown with what there is so far, and again every so often. Default: one
    /// second. Long bodies are shown more rarely: another second for every 64 KiB.
    ///
    /// This is looked at whenever a piece of the body comes, so that nothing runs in the background.
    pub fn progress(mut self, every: Duration) -> Self {
        self.0.progress = every;
        self
    }

    /// Whether two headers that the app did not send are shown where they are missing. Default: yes.
    ///
    /// The browser page of the official desktop 0.162 knows a request's domain only by a header `X-FB-Friendly-Name`, and
    /// fails to show any response with a body but without a `Content-Length`. These two are added to what is shown,
    /// never to what is sent.
    pub fn ui_headers(mut self, add: bool) -> Self {
        self.0.ui_headers = add;
        self
    }

    /// Whether the desktop may set mock responses. Default: yes.
    pub fn mocks(mut self, allow: bool) -> Self {
        self.0.mocks = allow;
        self
    }

    /// The plugin.
    #[must_use]
    pub fn build(self) -> Network {
        Network::with(self.0)
    }
}

impl fmt::Debug for NetworkBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkBuilder")
            .field("waiting", &self.0.waiting)
            .field("body_limit", &self.0.body_limit)
            .field("left_out", &self.0.left_out)
            .field("redaction", &self.0.redaction)
            .field("progress", &self.0.progress)
            .field("ui_headers", &self.0.ui_headers)
            .field("mocks", &self.0.mocks)
            .finish_non_exhaustive()
    }
}
