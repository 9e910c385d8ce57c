//! Plugin `rust-logs`: what the app logs through `tracing`, as rows.
//!
//! ```
//! use flipper_plugins::logs::Logs;
//! use tracing_subscriber::layer::SubscriberExt as _;
//!
//! let logs = Logs::builder().filter("info,my_app=debug")?.build();
//! // `logs.clone()` goes to the app's builder.
//! let subscriber = tracing_subscriber::registry().with(tracing_subscriber::fmt::layer()).with(logs.layer());
//! # tracing::subscriber::with_default(subscriber, || {
//! tracing::info!(answer = 42, "ready");
//! # });
//! # Ok::<(), flipper_plugins::logs::FilterError>(())
//! ```
//!
//! The official desktop shows logs of devices only; it shows these with the desktop side that `flipper official-plugins
//! install` puts in place. `flipper tail APP rust-logs` shows them without any.
//!
//! # What it costs
//!
//! While no desktop is there and no more events wait, the interest of every callsite is taken back: an event costs what
//! a disabled one does. Spans are followed all the same, so that the events of a desktop that comes later have theirs;
//! [`LogsBuilder::spans_while_closed`] changes that.
//!
//! # No feedback
//!
//! Sending an event must not make events. What this project's own crates log is never recorded, nor what the crates
//! beneath the connection (`tungstenite`, `rustls` and the like) log at `DEBUG` and `TRACE`, whoever uses them; nor what
//! is logged while an event is recorded, by the `Debug` of one of its fields.

mod error;
mod filter;
mod gate;
mod layer;
mod row;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use flipper_client::{Call, Connection, Plugin};
use serde::{Deserialize, Serialize};
use tracing::Subscriber;
use tracing::dispatcher::WeakDispatch;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

use crate::outlet::{Outlet, Waiting};

pub use self::error::FilterError;

use self::filter::Directives;
use self::gate::Gate;
use self::layer::Recorder;
use self::row::Gap;

/// Shows what the app logs. Clones are the same plugin.
#[derive(Clone, Debug)]
pub struct Logs {
    shared: Arc<Shared>,
}

impl Logs {
    /// The id that both ends know it by.
    pub const ID: &str = "rust-logs";

    /// With everything as it is by default: events at `INFO` and above.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Begins with the defaults.
    pub fn builder() -> LogsBuilder {
        LogsBuilder {
            default: Directives::info(),
            waiting: Waiting::new(1_000, 512 << 10),
            text_limit: 16 << 10,
            spans_while_closed: true,
        }
    }

    /// The layer that records, for the app's `tracing` subscriber. It brings its own filter, which the desktop can set:
    /// other layers are not affected.
    ///
    /// Events from before the plugin was added to an app are not recorded.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        Recorder::new(Arc::clone(&self.shared)).with_filter(Gate::new(Arc::clone(&self.shared)))
    }

    /// The filter in use, in the form of `tracing_subscriber`'s `EnvFilter`.
    #[must_use]
    pub fn filter(&self) -> String {
        self.shared.filter().to_string()
    }

    /// Uses another filter from now on, as the desktop may. An empty one stands for the one that the plugin was built
    /// with.
    ///
    /// # Errors
    /// [`FilterError`]: the filter cannot be read, and the former one stays in use.
    pub fn set_filter(&self, directives: &str) -> Result<(), FilterError> {
        let filter =
            if directives.trim().is_empty() { self.shared.default.clone() } else { Directives::parse(directives)? };
        self.shared.looks_at_spans.store(filter.looks_at_spans(), Ordering::Relaxed);
        *self.shared.filter.write().unwrap_or_else(PoisonError::into_inner) = filter;
        self.shared.rebuild_interest();
        Ok(())
    }
}

impl Default for Logs {
    fn default() -> Self {
        Self::new()
    }
}

impl Plugin for Logs {
    fn id(&self) -> &str {
        Self::ID
    }

    fn run_in_background(&self) -> bool {
        true
    }

    fn on_added(&self, connection: Connection) {
        self.shared.outlet.added(connection);
        self.shared.follow_outlet();
    }

    fn on_connect(&self, connection: Connection) {
        self.shared.outlet.connected_uncounted(connection);
        self.shared.follow_outlet();
        let from = self.shared.closed_at.swap(0, Ordering::Relaxed);
        if from != 0 {
            let id = self.shared.next_id();
            self.shared.outlet.send(EVENT, &Gap::new(id, from, unix_millis()));
        }
    }

    fn on_disconnect(&self) {
        self.shared.outlet.disconnected();
        self.shared.follow_outlet();
    }

    fn has_method(&self, method: &str) -> bool {
        matches!(method, "getFilter" | "setFilter")
    }

    fn on_call(&self, call: Call) {
        let set = if call.method.as_str() == "setFilter" {
            call.parse().and_then(|SetFilter { filter }| Ok(self.set_filter(&filter)?))
        } else {
            Ok(())
        };
        let answer = set.map(|()| FilterAnswer { filter: self.filter(), default: self.shared.default.to_string() });
        // A session that ended meanwhile wants no answer.
        let _ended = call.responder.finish(answer);
    }
}

/// A [`Logs`] in the making.
#[derive(Debug)]
#[must_use]
pub struct LogsBuilder {
    default: Directives,
    waiting: Waiting,
    text_limit: usize,
    spans_while_closed: bool,
}

impl LogsBuilder {
    /// What is recorded until the desktop chooses otherwise, in the form of `tracing_subscriber`'s `EnvFilter`, such as
    /// `info,my_app=debug`. Default: `info`.
    ///
    /// # Errors
    /// [`FilterError`]: it cannot be read.
    pub fn filter(mut self, directives: &str) -> Result<Self, FilterError> {
        self.default = Directives::parse(directives)?;
        Ok(self)
    }

    /// How many events wait until a desktop comes. Default: the first 1,000, of 512 KiB together.
    pub fn waiting(mut self, waiting: Waiting) -> Self {
        self.waiting = waiting;
        self
    }

    /// How many bytes of a message, or of a field, are shown; the rest is cut off, and its size stated. Default: 16 KiB.
    pub fn text_limit(mut self, bytes: usize) -> Self {
        self.text_limit = bytes;
        self
    }

    /// Whether the fields of spans are recorded while nobody would see an event. Default: yes, so that an event that
    /// comes later has them. Otherwise it lacks the spans that are older than the desktop's connection.
    pub fn spans_while_closed(mut self, followed: bool) -> Self {
        self.spans_while_closed = followed;
        self
    }

    /// The plugin.
    #[must_use]
    pub fn build(self) -> Logs {
        let shared = Shared {
            outlet: Outlet::new(self.waiting),
            looks_at_spans: AtomicBool::new(self.default.looks_at_spans()),
            filter: RwLock::new(self.default.clone()),
            default: self.default,
            text_limit: self.text_limit,
            spans_while_closed: self.spans_while_closed,
            ids: AtomicU64::new(0),
            known_open: AtomicBool::new(false),
            closed_at: AtomicU64::new(0),
            dispatches: Mutex::default(),
        };
        Logs { shared: Arc::new(shared) }
    }
}

/// The event that carries a row.
const EVENT: &str = "log";

struct Shared {
    outlet: Outlet,
    filter: RwLock<Directives>,
    looks_at_spans: AtomicBool,
    default: Directives,
    text_limit: usize,
    spans_while_closed: bool,
    ids: AtomicU64,
    /// Whether the callsites know that the outlet is open.
    known_open: AtomicBool,
    /// When the outlet closed, in Unix milliseconds, because no more events could wait; 0 while there is no gap.
    closed_at: AtomicU64,
    /// The subscribers that the layer is part of.
    dispatches: Mutex<Vec<WeakDispatch>>,
}

impl Shared {
    fn filter(&self) -> RwLockReadGuard<'_, Directives> {
        self.filter.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Has the callsites know whether an event would get anywhere.
    fn follow_outlet(&self) {
        let open = self.outlet.is_open();
        if self.known_open.swap(open, Ordering::AcqRel) != open {
            self.rebuild_interest();
        }
    }

    /// As [`follow_outlet`](Self::follow_outlet), from where an event has just been recorded: there, `tracing` cannot
    /// ask its subscribers anything.
    fn follow_outlet_soon(self: &Arc<Self>) {
        if self.outlet.is_open() || !self.known_open.swap(false, Ordering::AcqRel) {
            return;
        }
        if !self.outlet.is_open() {
            self.closed_at.store(unix_millis(), Ordering::Relaxed);
        }
        let shared = Arc::clone(self);
        // Without a thread events go on being asked about, each for some nanoseconds.
        let _started = std::thread::Builder::new().name("flipper-logs".to_owned()).spawn(move || {
            shared.rebuild_interest();
        });
    }

    fn rebuild_interest(&self) {
        let dispatches = self.dispatches.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut dispatches = dispatches.iter().filter_map(WeakDispatch::upgrade);
        // Where there is only one subscriber, `tracing` asks the one of the current thread, which may have none.
        match dispatches.next() {
            Some(dispatch) => tracing::dispatcher::with_default(&dispatch, tracing::callsite::rebuild_interest_cache),
            None => tracing::callsite::rebuild_interest_cache(),
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("filter", &self.filter).field("outlet", &self.outlet).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct SetFilter {
    filter: String,
}

#[derive(Serialize)]
struct FilterAnswer {
    filter: String,
    default: String,
}

fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
