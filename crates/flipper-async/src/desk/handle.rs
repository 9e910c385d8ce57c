//! What the program around the desk holds.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use flipper_client::Clock;
use flipper_proto::desktop::{Config, Desktop};
use flipper_proto::{ApiMisuse, Instant, RequestId};

use super::accept::listen;
use super::alarm::Alarm;
use super::news::{News, Port};
use super::open::{Door, Tls};
use super::options::Options;
use super::replies::Replies;
use super::reply::PendingReply;
use super::shared::{Counters, Shared};
use super::tap::Tap;
use crate::runtime::Runtime;

/// A desktop that runs. When the last clone is dropped, it stops.
#[derive(Clone)]
pub struct Desk<R> {
    held: Arc<Held>,
    runtime: R,
}

struct Held {
    shared: Arc<Shared>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

impl<R: Runtime> Desk<R> {
    /// A desktop that listens nowhere yet.
    #[must_use]
    pub fn new(runtime: R, config: Config, options: Options) -> Self {
        let clock = {
            let runtime = runtime.clone();
            Clock::new(move || runtime.now())
        };
        let shared = Shared::new(config, options, clock);
        runtime.spawn(Alarm::new(&runtime, Arc::clone(&shared)));
        Self { held: Arc::new(Held { shared }), runtime }
    }

    /// Takes the connections of the port for certificate exchanges. There may be several listeners, for several
    /// addresses.
    pub fn listen_insecure(&self, listener: R::Listener) {
        self.listen(listener, Port::Insecure, Door::Insecure);
    }

    /// Takes the connections of the port for sessions.
    pub fn listen_secure(&self, listener: R::Listener, tls: Tls) {
        self.listen(listener, Port::Secure, Door::Secure(tls));
    }

    /// Takes the connections of the port for browsers and Node.
    pub fn listen_browser(&self, listener: R::Listener) {
        self.listen(listener, Port::Browser, Door::Browser);
    }

    fn listen(&self, listener: R::Listener, port: Port, door: Door) {
        let shared = Arc::clone(&self.held.shared);
        let presence = shared.task();
        let task = listen(self.runtime.clone(), shared, listener, port, door);
        self.runtime.spawn(async move {
            task.await;
            drop(presence);
        });
    }

    /// Changes the state machine, and has its decisions carried out. The closure is handed the moment. It runs under
    /// the desk's lock: it must not wait for anything, nor use the desk.
    pub fn with_core<T>(&self, change: impl FnOnce(&mut Desktop, Instant) -> T) -> T {
        self.held.shared.with_core(change)
    }

    /// Asks the state machine something, under the desk's lock.
    pub fn peek<T>(&self, question: impl FnOnce(&Desktop) -> T) -> T {
        self.held.shared.peek(question)
    }

    /// Sends the request that `ask` makes; its reply is not told among the news, but by what this returns.
    ///
    /// # Errors
    /// What `ask` returns.
    pub fn ask(
        &self,
        ask: impl FnOnce(&mut Desktop, Instant) -> Result<RequestId, ApiMisuse>,
    ) -> Result<PendingReply, ApiMisuse> {
        self.held.shared.ask(ask)
    }

    /// Shows `tap` everything that passes from now on, instead of the one that was there before; or nobody. It is told
    /// first of the clients that are there, as if they came now.
    pub fn set_tap(&self, tap: Option<Arc<dyn Tap>>) {
        self.held.shared.set_tap(tap);
    }

    /// The replies to requests that are yet to be made, for one who makes many and wants them together.
    #[must_use]
    pub fn replies(&self) -> Replies {
        Replies::new(Arc::clone(&self.held.shared))
    }

    /// The next news, in order: one or more, as many as there are and one batch holds. `None` once the desk has ended
    /// and all of them were taken. For one caller at a time.
    pub fn next_news(&self) -> impl Future<Output = Option<Vec<News>>> + Send + use<R> {
        // The future must not hold the desk: whoever waits for news would keep it from ending.
        let shared = Arc::clone(&self.held.shared);
        async move { shared.next_news().await }
    }

    /// The clock that the state machine goes by.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        self.held.shared.clock()
    }

    /// What came to nothing before the state machine could know of it.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.held.shared.counters()
    }

    /// Stops: no connection is taken any more, and those that are there are closed with 1001.
    ///
    /// It begins at once, whether the future is awaited or not. The future is ready when every socket is closed and the
    /// ports are free; a peer that does not close its side holds that up by two seconds at most
    /// ([`Timing::close`](flipper_proto::desktop::Timing::close)).
    pub fn stop(&self) -> impl Future<Output = ()> + Send + use<R> {
        let shared = Arc::clone(&self.held.shared);
        shared.stop();
        async move { shared.ended().await }
    }
}

impl<R> fmt::Debug for Desk<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connections = self.held.shared.peek(Desktop::connections);
        f.debug_struct("Desk").field("connections", &connections).finish_non_exhaustive()
    }
}
