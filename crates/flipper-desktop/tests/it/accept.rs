//! A system that gives no connections for a while.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use flipper_async::Runtime;
use flipper_async::desk::{Desk, News, Options, Port};
use flipper_desktop::proto::Query;
use flipper_desktop::proto::desktop::Config;
use flipper_tokio::{Listener, Sleep, Stream, Tokio};

use crate::support::{Request, within};

/// tokio, where accepting fails at first.
#[derive(Clone)]
struct Flaky {
    tokio: Tokio,
    failures: Arc<AtomicUsize>,
    /// How many timers were made, and how many of them before accepting worked.
    timers: Arc<AtomicUsize>,
    timers_before: Arc<AtomicUsize>,
}

impl Runtime for Flaky {
    type Stream = Stream;
    type Listener = Listener;
    type Sleep = Sleep;

    fn current() -> Result<Self, &'static str> {
        let none = || Arc::new(AtomicUsize::new(0));
        Ok(Self { tokio: Tokio::current()?, failures: none(), timers: none(), timers_before: none() })
    }

    async fn connect(&self, host: String, port: u16) -> io::Result<Stream> {
        self.tokio.connect(host, port).await
    }

    async fn bind(&self, at: SocketAddr) -> io::Result<Listener> {
        self.tokio.bind(at).await
    }

    fn local_address(&self, listener: &Listener) -> io::Result<SocketAddr> {
        self.tokio.local_address(listener)
    }

    async fn accept(&self, listener: &Listener) -> io::Result<(Stream, SocketAddr)> {
        let left = self.failures.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        match left {
            // EMFILE
            Ok(_) => Err(io::Error::from_raw_os_error(24)),
            Err(_) => {
                let timers = self.timers.load(Ordering::Relaxed);
                let _set = self.timers_before.compare_exchange(0, timers, Ordering::Relaxed, Ordering::Relaxed);
                self.tokio.accept(listener).await
            }
        }
    }

    fn sleep_until(&self, at: Instant) -> Sleep {
        self.timers.fetch_add(1, Ordering::Relaxed);
        self.tokio.sleep_until(at)
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tokio.spawn(task);
    }

    fn unblock<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static {
        self.tokio.unblock(work)
    }

    fn now(&self) -> Instant {
        self.tokio.now()
    }
}

#[tokio::test]
async fn a_listener_outlives_a_shortage_of_files_without_spinning() {
    let runtime = Flaky::current().unwrap();
    runtime.failures.store(3, Ordering::Relaxed);
    let listener = runtime.bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let port = runtime.local_address(&listener).unwrap().port();
    let desk = Desk::new(runtime.clone(), Config::new(), Options::default());
    desk.listen_insecure(listener);
    let query = Query::new("app", "Linux", "device", "unknown");
    let peer = Request::exchange(port, &query).open().await.unwrap();
    // The desk's own, and one for each time that it failed.
    assert_eq!(runtime.timers_before.load(Ordering::Relaxed), 4);
    let news = within("the news", desk.next_news()).await.unwrap();
    assert!(matches!(news[..], [News::AcceptFailed { port: Port::Insecure, .. }]), "{news:?}");
    assert_eq!(desk.counters().failed_accepts, 3);
    drop(peer);
    within("the end", desk.stop()).await;
    assert_eq!(within("the last news", desk.next_news()).await, None);
}
