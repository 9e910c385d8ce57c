//! HTTP traffic of the app, as the desktop's Network plugin shows it.
//!
//! [`Network`] is the plugin. Give one clone of it to the app's Flipper, and others to what does HTTP in the app: there are
//! integrations for [reqwest](Network::reqwest), [tower](Network::tower_client) and [ureq](Network::ureq), each a feature of
//! this crate. Whatever else speaks HTTP can be recorded by hand:
//!
//! ```
//! use flipper_plugins::network::{Network, Request, Response};
//!
//! let network = Network::default();
//! let exchange = network.request(|| Request::new("GET", "https://api.example.test/v1/orders").header("accept", "text/plain"));
//! // The request goes out, and an answer comes in.
//! let mut body = exchange.response(|| Response::new(200).reason("OK").header("content-type", "text/plain"));
//! body.chunk(b"Hello, ");
//! body.chunk(b"world");
//! body.end();
//! ```
//!
//! While nobody looks and what may wait is there already, an exchange costs a few nanoseconds: the closures are not even
//! called.
//!
//! # What is shown of a body
//!
//! At most a [limit](NetworkBuilder::body_limit), 1 MiB, of each body is kept, and nothing beyond it is copied. Bytes are
//! passed on to the app as they stream by, neither held nor delayed. Whatever is not shown is stated in a header that is
//! added to the row, [`BODY_CUT`]:
//!
//! - what is longer than the limit: `kept 1048576 of 5242880 bytes`;
//! - a body that the app or the peer gave up before its end, or that is still on its way;
//! - a body of which nothing is kept, because of its [type](NetworkBuilder::leave_out), or because no desktop was connected
//!   when its response ended: requests wait for a desktop with their bodies, responses without;
//! - a body that is compressed with gzip or brotli and not there as a whole: the desktop cannot show a part of one.
//!
//! The desktop decompresses bodies by `content-encoding: gzip` or `br`, and shows those of other encodings (`deflate`,
//! `zstd`, several at once) as the bytes that they are. Most clients decode before they hand bytes to the app; where the
//! header says something else still, it is shown as `x-original-content-encoding`: see [`Response::decoded`].
//!
//! # When a row shows what
//!
//! A request is shown when it goes out, and again when its streamed body is complete, unless the response was quicker. A
//! response is shown when its body has ended. One that takes longer than a [second](NetworkBuilder::progress) is shown
//! meanwhile with what there is; event streams and gRPC responses, which may never end, are shown with their first byte.
//! An exchange that fails has the status -1, the error as its reason and as its body. One that is
//! dropped before there was a response failed as `cancelled`.
//!
//! # Secrets
//!
//! [`Redaction`] says what never leaves the app: by default the values of headers and of query parameters that usually
//! hold credentials, and users and passwords in URLs. [`NetworkBuilder::on_request`] and [`NetworkBuilder::on_response`] see
//! every message before it is sent, and may change or drop it. Bodies are sent as they are, but for the same
//! parameters in form-encoded requests.

/// The lines of the chapter of the book are compiled.
#[cfg(all(doctest, feature = "network-reqwest", feature = "network-tower", feature = "network-ureq"))]
#[doc = include_str!("../../../../docs/plugins/network.md")]
struct Chapter;

mod address;
mod body;
mod builder;
mod exchange;
#[cfg(any(feature = "network-reqwest", feature = "network-tower", feature = "network-ureq"))]
mod http_types;
mod message;
mod mock;
#[cfg(any(feature = "network-reqwest", feature = "network-tower"))]
mod recorded_body;
mod redaction;
mod report;
#[cfg(feature = "network-reqwest")]
mod reqwest;
#[cfg(feature = "network-tower")]
mod tower;
#[cfg(feature = "network-ureq")]
mod ureq;

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flipper_client::{Call, Connection, Plugin};

use self::builder::Settings;
use self::mock::Mocks;
use crate::outlet::Outlet;

pub use self::builder::NetworkBuilder;
pub use self::exchange::{BodyRecorder, Exchange};
pub use self::message::{Request, Response, Verdict};
pub use self::mock::MockResponse;
#[cfg(any(feature = "network-reqwest", feature = "network-tower"))]
pub use self::recorded_body::RecordedBody;
pub use self::redaction::Redaction;
pub use self::report::BODY_CUT;
#[cfg(feature = "network-reqwest")]
pub use self::reqwest::ReqwestMiddleware;
#[cfg(feature = "network-tower")]
pub use self::tower::{ClientLayer, ClientService, RecordedFuture, ServerLayer, ServerService};
#[cfg(feature = "network-ureq")]
pub use self::ureq::UreqMiddleware;

/// The plugin `Network`: records HTTP exchanges, and answers requests with the mock responses that are set in the desktop.
///
/// Clones are handles to the same plugin. Give one to the app's Flipper; without that, nothing is recorded.
#[derive(Clone)]
pub struct Network {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    outlet: Outlet,
    mocks: Mocks,
    /// What the ids of this plugin's exchanges begin with: a desktop may have rows of an earlier run.
    run: u32,
    exchanges: AtomicU64,
}

impl Network {
    /// A plugin with the defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Sets up a plugin.
    pub fn builder() -> NetworkBuilder {
        NetworkBuilder::new()
    }

    fn with(settings: Settings) -> Self {
        let outlet = Outlet::new(settings.waiting);
        let run = RandomState::new().hash_one(0_u8) as u32;
        let shared = Shared { settings, outlet, mocks: Mocks::default(), run, exchanges: AtomicU64::new(0) };
        Self { shared: Arc::new(shared) }
    }

    /// Begins an exchange: a request goes out, or comes in.
    ///
    /// `request` is called only if somebody will see it.
    #[inline]
    pub fn request<'a>(&self, request: impl FnOnce() -> Request<'a>) -> Exchange {
        if self.is_recording() { Exchange::begin(self, request()) } else { self.skip() }
    }

    /// Whether an exchange that begins now will be seen: a desktop has initialised the plugin, or there is still room for
    /// what waits for one.
    ///
    /// Nobody needs to ask: [`request`](Self::request) does. It spares preparations.
    #[inline]
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.shared.outlet.is_open()
    }

    /// The exchange that nobody sees. It is counted.
    #[inline]
    fn skip(&self) -> Exchange {
        self.shared.outlet.skip();
        Exchange::unseen()
    }

    /// How many requests and responses no desktop has seen or will see, because none was connected and no room was left.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.shared.outlet.skipped()
    }

    /// The response that somebody wants to be given to a request, instead of what the server would say.
    ///
    /// A mock is for requests of its method whose URL contains its URL; of several, the first counts. The integrations for
    /// clients ask before they send a request.
    #[inline]
    #[must_use]
    pub fn mock(&self, method: &str, url: &str) -> Option<MockResponse> {
        if self.shared.mocks.is_empty() {
            return None;
        }
        self.shared.mocks.find(method, url, &self.shared.settings.redaction)
    }

    /// Whether a request has to be looked at at all.
    #[cfg(any(feature = "network-reqwest", feature = "network-tower", feature = "network-ureq"))]
    #[inline]
    fn is_idle(&self) -> bool {
        !self.is_recording() && self.shared.mocks.is_empty()
    }

    fn next_id(&self) -> String {
        format!("{:08x}-{}", self.shared.run, self.shared.exchanges.fetch_add(1, Ordering::Relaxed))
    }
}

impl Default for Network {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("is_recording", &self.is_recording()).finish_non_exhaustive()
    }
}

impl Plugin for Network {
    fn id(&self) -> &str {
        "Network"
    }

    fn run_in_background(&self) -> bool {
        true
    }

    fn on_added(&self, connection: Connection) {
        self.shared.outlet.added(connection);
    }

    fn on_connect(&self, connection: Connection) {
        self.shared.outlet.connected(connection);
    }

    fn on_disconnect(&self) {
        self.shared.outlet.disconnected();
        self.shared.mocks.clear();
    }

    fn has_method(&self, method: &str) -> bool {
        method == "mockResponses" && self.shared.settings.mocks
    }

    fn on_call(&self, call: Call) {
        // A session that ended meanwhile wants no answer.
        let _ended = match self.shared.mocks.replace(&call) {
            Ok(()) => call.responder.success(&()),
            Err(report) => call.responder.error(&report),
        };
    }
}
