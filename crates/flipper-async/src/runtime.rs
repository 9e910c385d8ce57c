//! What the driver needs of a runtime.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_io::{AsyncRead, AsyncWrite};

/// A runtime, as the driver sees it: sockets, a timer, tasks and a clock.
///
/// A clone is a handle to the same runtime.
pub trait Runtime: Clone + Send + Sync + Unpin + 'static {
    /// A TCP connection, with Nagle's algorithm off and vectored writes passed on.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// A listening TCP socket.
    type Listener: Send + Sync + 'static;
    /// One timer.
    type Sleep: Sleep;

    /// The runtime that the caller runs on.
    ///
    /// # Errors
    /// When the caller runs on none: what is missing, and what to do.
    fn current() -> Result<Self, &'static str>;

    /// Opens a TCP connection. `host` is a name or an address.
    fn connect(&self, host: String, port: u16) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Listens.
    fn bind(&self, at: SocketAddr) -> impl Future<Output = io::Result<Self::Listener>> + Send;

    /// The address that a socket listens on.
    ///
    /// # Errors
    /// As the system says.
    fn local_address(&self, listener: &Self::Listener) -> io::Result<SocketAddr>;

    /// Takes the next connection.
    fn accept(&self, listener: &Self::Listener) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>> + Send;

    /// A timer that expires at `at`.
    fn sleep_until(&self, at: Instant) -> Self::Sleep;

    /// Runs a task to its end.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static);

    /// Runs code that blocks, where it blocks nobody.
    fn unblock<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static;

    /// The moment.
    fn now(&self) -> Instant;
}

/// Waits for this long.
pub async fn sleep<R: Runtime>(runtime: &R, span: Duration) {
    let mut sleep = pin!(runtime.sleep_until(runtime.now() + span));
    poll_fn(|cx| sleep.as_mut().poll_expired(cx)).await;
}

/// One timer.
pub trait Sleep: Send + 'static {
    /// Has the timer expire at `at`, whatever it was set to before.
    fn reset(self: Pin<&mut Self>, at: Instant);

    /// Ready once the timer has expired.
    fn poll_expired(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()>;
}
