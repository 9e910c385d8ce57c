//! tokio, with a hook in the driver's last look at its timer before it rests.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use flipper_async::{Runtime, Sleep};
use flipper_tokio::Tokio;

/// What is called whenever the driver looks at its timer: whatever other threads may do at that moment.
static HOOK: Mutex<Option<Hook>> = Mutex::new(None);

type Hook = Arc<dyn Fn() + Send + Sync>;

/// tokio, with a hook.
#[derive(Clone)]
pub(crate) struct Hooked(Tokio);

impl Hooked {
    /// Sets the hook, for all that run in this process.
    pub(crate) fn hook(hook: impl Fn() + Send + Sync + 'static) {
        *HOOK.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(hook));
    }
}

impl Runtime for Hooked {
    type Stream = flipper_tokio::Stream;
    type Listener = flipper_tokio::Listener;
    type Sleep = HookedSleep;

    fn current() -> Result<Self, &'static str> {
        Tokio::current().map(Self)
    }

    async fn connect(&self, host: String, port: u16) -> io::Result<Self::Stream> {
        self.0.connect(host, port).await
    }

    async fn bind(&self, at: SocketAddr) -> io::Result<Self::Listener> {
        self.0.bind(at).await
    }

    fn local_address(&self, listener: &Self::Listener) -> io::Result<SocketAddr> {
        self.0.local_address(listener)
    }

    async fn accept(&self, listener: &Self::Listener) -> io::Result<(Self::Stream, SocketAddr)> {
        self.0.accept(listener).await
    }

    fn sleep_until(&self, at: Instant) -> HookedSleep {
        HookedSleep(Box::pin(self.0.sleep_until(at)))
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(task);
    }

    fn unblock<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static {
        self.0.unblock(work)
    }

    fn now(&self) -> Instant {
        self.0.now()
    }
}

/// A timer with a hook.
pub(crate) struct HookedSleep(Pin<Box<<Tokio as Runtime>::Sleep>>);

impl Sleep for HookedSleep {
    fn reset(mut self: Pin<&mut Self>, at: Instant) {
        self.0.as_mut().reset(at);
    }

    fn poll_expired(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let hook = HOOK.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(hook) = hook {
            hook();
        }
        self.0.as_mut().poll_expired(cx)
    }
}
