//! One request and its response.

use std::borrow::Cow;
use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::Network;
use super::address::absolute;
use super::body::{Body, End};
use super::message::{Request, Response, Verdict, readable};
use super::report::{Insights, NewRequest, NewResponse, PIECE, header, millis};

/// A request that has no response yet. [`Network::request`] begins one.
///
/// Dropped, it ends as `cancelled`.
#[must_use = "an exchange that is dropped is shown as cancelled"]
pub struct Exchange(Option<Arc<Record>>);

/// Records a body as it streams by: one of a request, or one of a response, whose end is the end of the exchange.
///
/// Dropped before its end, it is shown with what there was, and that there was no end.
#[must_use = "a body that is dropped is shown as one that was not read to its end"]
pub struct BodyRecorder(Recording);

enum Recording {
    Nothing,
    Request(Arc<Record>),
    Response(Box<Incoming>),
}

/// What is known of an exchange whose request the desktop was told.
struct Record {
    network: Network,
    id: String,
    began: Instant,
    /// When it began, in milliseconds since 1970.
    at: u64,
    /// The URL that the app uses, and the one that is shown, if that is another: errors may quote it.
    urls: Option<(String, String)>,
    state: Mutex<State>,
}

struct State {
    /// Without its body.
    request: Request<'static>,
    body: Body,
    /// How many bytes of the body the desktop was told of.
    told: u64,
    has_response: bool,
}

/// A response whose body streams by.
struct Incoming {
    record: Arc<Record>,
    /// Without its body.
    response: Response<'static>,
    body: Body,
    first_byte: Duration,
    /// When the desktop was told of it last, or may be told of it first.
    told: Option<Instant>,
    told_bytes: usize,
    is_over: bool,
}

impl Exchange {
    pub(super) const fn unseen() -> Self {
        Self(None)
    }

    pub(super) fn begin(network: &Network, request: Request<'_>) -> Self {
        let settings = &network.shared.settings;
        let Request { method, url, mut headers, body: known } = request;
        settings.redaction.clean(&mut headers);
        let shown = absolute(&settings.redaction.clean_url(&url)).into_owned();
        let mut body = body_of(network, &headers);
        body.push(&known);
        body.end(End::Complete);
        let record = Record {
            network: network.clone(),
            id: network.next_id(),
            began: Instant::now(),
            at: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis),
            urls: (shown != url).then(|| (url, shown.clone())),
            state: Mutex::new(State {
                told: body.seen(),
                request: Request { method, url: shown, headers, body: Cow::Borrowed(&[]) },
                body,
                has_response: false,
            }),
        };
        // A response to a request that the desktop does not know would be lost anyway.
        let is_told = record.show_request(&mut record.state());
        Self(is_told.then(|| Arc::new(record)))
    }

    /// Whether a desktop sees this exchange, now or when it comes.
    #[inline]
    #[must_use]
    pub fn is_seen(&self) -> bool {
        self.0.is_some()
    }

    /// Records the body of the request as it streams out. It may outlive the exchange: what comes after the response
    /// has been shown is not shown any more.
    pub fn request_body(&self) -> BodyRecorder {
        BodyRecorder(match &self.0 {
            None => Recording::Nothing,
            Some(record) => {
                record.state().body.reopen();
                Recording::Request(Arc::clone(record))
            }
        })
    }

    /// The response has come, or its head; its body is recorded with what is returned. [`BodyRecorder::end`] ends the
    /// exchange.
    ///
    /// `response` is called only if somebody will see it.
    pub fn response<'a>(mut self, response: impl FnOnce() -> Response<'a>) -> BodyRecorder {
        BodyRecorder(match self.0.take() {
            None => Recording::Nothing,
            Some(record) => Recording::Response(Box::new(Incoming::new(record, response()))),
        })
    }

    /// The exchange has failed without a response. `error` is shown as reason and as body.
    pub fn fail(mut self, error: impl fmt::Display) {
        if let Some(record) = self.0.take() {
            record.fail(&error, &error);
        }
    }

    /// As [`fail`](Self::fail), with more to say in the body than in the reason.
    pub fn fail_with(mut self, error: impl fmt::Display, details: impl fmt::Display) {
        if let Some(record) = self.0.take() {
            record.fail(&error, &details);
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some(record) = self.0.take() {
            record.fail(&"cancelled", &"cancelled: dropped before there was a response");
        }
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("id", &self.0.as_ref().map(|record| &record.id)).finish_non_exhaustive()
    }
}

impl BodyRecorder {
    /// Whether a desktop sees this body, now or when it comes.
    #[inline]
    #[must_use]
    pub fn is_seen(&self) -> bool {
        !matches!(self.0, Recording::Nothing)
    }

    /// A piece of the body has passed.
    #[inline]
    pub fn chunk(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Recording::Nothing => {}
            Recording::Request(record) => record.state().body.push(bytes),
            Recording::Response(incoming) => {
                incoming.body.push(bytes);
                incoming.show_progress();
            }
        }
    }

    /// A piece of the body has passed that cannot be looked at. It is counted.
    pub fn unseen_chunk(&mut self, length: usize) {
        match &mut self.0 {
            Recording::Nothing => {}
            Recording::Request(record) => record.state().body.pass(length),
            Recording::Response(incoming) => incoming.body.pass(length),
        }
    }

    /// A trailer has come. It is shown among the headers.
    pub fn trailer(&mut self, name: impl Into<String>, value: impl AsRef<[u8]>) {
        let mut trailer = [(name.into(), readable(value.as_ref()))];
        match &mut self.0 {
            Recording::Nothing => {}
            Recording::Request(record) => {
                record.network.shared.settings.redaction.clean(&mut trailer);
                record.state().request.headers.extend(trailer);
            }
            Recording::Response(incoming) => {
                incoming.record.network.shared.settings.redaction.clean(&mut trailer);
                incoming.response.headers.extend(trailer);
            }
        }
    }

    /// The body is complete.
    pub fn end(mut self) {
        match mem::replace(&mut self.0, Recording::Nothing) {
            Recording::Nothing => {}
            Recording::Request(record) => record.end_request(),
            Recording::Response(mut incoming) => incoming.end(End::Complete),
        }
    }

    /// The body has failed. A response is shown as one that failed, with what there was of it.
    pub fn fail(mut self, error: impl fmt::Display) {
        match mem::replace(&mut self.0, Recording::Nothing) {
            Recording::Nothing => {}
            Recording::Request(record) => record.state().body.end(End::Failed),
            Recording::Response(mut incoming) => incoming.fail(&error),
        }
    }
}

impl Drop for BodyRecorder {
    fn drop(&mut self) {
        match &mut self.0 {
            Recording::Nothing => {}
            Recording::Request(record) => record.state().body.end(End::Dropped),
            Recording::Response(incoming) => incoming.end(End::Dropped),
        }
    }
}

impl fmt::Debug for BodyRecorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyRecorder").field("is_seen", &self.is_seen()).finish_non_exhaustive()
    }
}

impl Record {
    /// The state is never left half-changed.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the desktop of the request, and says whether it will know of it.
    fn show_request(&self, state: &mut State) -> bool {
        let settings = &self.network.shared.settings;
        // A hook may change what has to be shown again; otherwise nothing is copied.
        let Request { method, url, headers, .. } = match settings.on_request {
            Some(_) => state.request.clone(),
            None => mem::replace(&mut state.request, Request::new("", "")),
        };
        let body = match header(&headers, "content-type") {
            Some(kind) if kind.starts_with("application/x-www-form-urlencoded") => {
                clean_form(&self.network, &state.body)
            }
            _ => Cow::Borrowed(state.body.kept()),
        };
        let mut request = Request { method, url, headers, body };
        if verdict(settings.on_request.as_deref(), &mut request) == Verdict::Drop {
            return false;
        }
        let message = NewRequest::new(&self.id, self.at, &request, &state.body, settings.ui_headers);
        let is_told = self.network.shared.outlet.send("newRequest", &message);
        if settings.on_request.is_none() {
            let Request { method, url, headers, .. } = request;
            state.request = Request { method, url, headers, body: Cow::Borrowed(&[]) };
        }
        is_told
    }

    /// The whole body of the request has gone out.
    fn end_request(&self) {
        let mut state = self.state();
        state.body.end(End::Complete);
        // The desktop would forget the response.
        if !state.has_response && state.body.seen() > state.told {
            state.told = state.body.seen();
            self.show_request(&mut state);
        }
    }

    /// Tells the desktop of the response, as it is by now.
    fn show_response(&self, response: &mut Response<'_>, body: &Body, first_byte: Duration) {
        let settings = &self.network.shared.settings;
        let mut state = self.state();
        if !mem::replace(&mut state.has_response, true) {
            if state.body.seen() > state.told {
                self.show_request(&mut state);
            }
            // It is not shown again.
            state.body.leave_out("");
        }
        drop(state);
        if verdict(settings.on_response.as_deref(), response) == Verdict::Drop {
            return;
        }
        let took = self.began.elapsed();
        let insights = Insights::new(first_byte, took.saturating_sub(first_byte), body.seen());
        let timestamp = self.at + millis(took);
        let outlet = &self.network.shared.outlet;
        let (first, pieces) = NewResponse::new(&self.id, timestamp, response, body, insights, settings.ui_headers);
        let Some(pieces) = pieces else {
            outlet.send("newResponse", &first);
            return;
        };
        // Pieces of which one is missing are never shown: the rest needs not be sent.
        let _all_sent =
            outlet.send("partialResponse", &first) && pieces.iter().all(|piece| outlet.send("partialResponse", &piece));
    }

    fn fail(&self, error: &dyn fmt::Display, details: &dyn fmt::Display) {
        let mut body = Body::new(self.network.shared.settings.body_limit);
        body.push(self.error_text(details).as_bytes());
        body.end(End::Complete);
        let mut response = Response::new(0).header("content-type", "text/plain; charset=utf-8");
        response.status = -1;
        response.body = Cow::Borrowed(body.kept());
        response.reason = self.error_text(error);
        self.show_response(&mut response, &body, Duration::ZERO);
    }

    /// An error as text, without the secrets of the URL that it may quote.
    fn error_text(&self, error: &dyn fmt::Display) -> String {
        let text = error.to_string();
        match &self.urls {
            Some((used, shown)) if !used.is_empty() => text.replace(used, shown),
            _ => text,
        }
    }
}

impl Incoming {
    fn new(record: Arc<Record>, response: Response<'_>) -> Self {
        let network = &record.network;
        let Response { status, reason, mut headers, body: known, is_mock, is_decoded } = response;
        network.shared.settings.redaction.clean(&mut headers);
        let mut body = body_of(network, &headers);
        body.push(&known);
        let first_byte = record.began.elapsed();
        let is_endless = header(&headers, "content-type").is_some_and(may_be_endless);
        let mut incoming = Self {
            response: Response { status, reason, headers, body: Cow::Borrowed(&[]), is_mock, is_decoded },
            body,
            first_byte,
            told: Some(record.began + first_byte),
            told_bytes: 0,
            is_over: false,
            record,
        };
        if is_endless {
            incoming.show();
            // Its first bytes are shown as soon as they are there.
            incoming.told = None;
        }
        incoming
    }

    /// Tells the desktop of a body that takes long.
    fn show_progress(&mut self) {
        let kept = self.body.kept().len();
        // Pieces are for the end.
        if kept == self.told_bytes || kept > PIECE || !self.record.network.shared.outlet.is_connected() {
            return;
        }
        let rarer = u32::try_from(kept >> 16).unwrap_or(u32::MAX).saturating_add(1);
        let pause = self.record.network.shared.settings.progress.saturating_mul(rarer);
        if self.told.is_none_or(|told| told.elapsed() >= pause) {
            self.show();
        }
    }

    fn show(&mut self) {
        if !self.record.network.shared.outlet.is_connected() && self.body.seen() > 0 {
            self.body.leave_out("; no desktop was connected");
        }
        // As with requests.
        let shown = match self.record.network.shared.settings.on_response {
            Some(_) => self.response.clone(),
            None => mem::replace(&mut self.response, Response::new(0)),
        };
        let mut shown = Response { body: Cow::Borrowed(self.body.kept()), ..shown };
        self.record.show_response(&mut shown, &self.body, self.first_byte);
        if self.record.network.shared.settings.on_response.is_none() {
            self.response = Response { body: Cow::Borrowed(&[]), ..shown };
        }
        self.told = Some(Instant::now());
        self.told_bytes = self.body.kept().len();
    }

    fn end(&mut self, end: End) {
        if !mem::replace(&mut self.is_over, true) {
            self.body.end(end);
            self.show();
        }
    }

    fn fail(&mut self, error: &dyn fmt::Display) {
        let reason = self.record.error_text(error);
        let Response { status, reason: phrase, .. } = &self.response;
        self.response.reason = format!("{status} {phrase}, then: {reason}");
        self.response.status = -1;
        self.end(End::Failed);
    }
}

/// An empty body that keeps what the settings say.
fn body_of(network: &Network, headers: &[(String, String)]) -> Body {
    let settings = &network.shared.settings;
    let mut body = Body::new(settings.body_limit);
    if let Some(kind) = header(headers, "content-type") {
        let kind = kind.to_ascii_lowercase();
        if settings.left_out.iter().any(|left_out| kind.contains(left_out)) {
            body.leave_out("; bodies of this type are left out");
        }
    }
    body
}

/// Whether nobody should wait for the end of a body of this type.
fn may_be_endless(content_type: &str) -> bool {
    ["text/event-stream", "application/grpc", "multipart/x-mixed-replace"]
        .iter()
        .any(|endless| content_type.get(..endless.len()).is_some_and(|kind| kind.eq_ignore_ascii_case(endless)))
}

/// The body of a form without its secrets.
fn clean_form<'a>(network: &Network, body: &'a Body) -> Cow<'a, [u8]> {
    match String::from_utf8_lossy(body.kept()) {
        Cow::Borrowed(form) => match network.shared.settings.redaction.clean_parameters(form) {
            Cow::Borrowed(_) => Cow::Borrowed(body.kept()),
            Cow::Owned(clean) => Cow::Owned(clean.into_bytes()),
        },
        Cow::Owned(form) => {
            let clean = network.shared.settings.redaction.clean_parameters(&form);
            Cow::Owned(clean.into_owned().into_bytes())
        }
    }
}

type Hook<M> = dyn Fn(&mut M) -> Verdict + Send + Sync;

/// What a hook says, which may panic: what it was to hide is better not shown.
fn verdict<M>(hook: Option<&Hook<M>>, message: &mut M) -> Verdict {
    let Some(hook) = hook else { return Verdict::Keep };
    catch_unwind(AssertUnwindSafe(|| hook(message))).unwrap_or_else(|_| {
        tracing::error!("a hook of the plugin Network panicked: what it was shown is left out");
        Verdict::Drop
    })
}
