//! The runtime trait over smol.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Instant;

use flipper_async::Runtime;
use smol::net::{TcpListener, TcpStream};
use smol::{Executor, Timer};

/// A TCP connection.
pub type Stream = TcpStream;

/// A listening TCP socket.
pub type Listener = TcpListener;

/// smol, as the driver sees it: its global executor, or one of the app's own.
#[derive(Clone, Default)]
pub struct Smol {
    /// Weak, because the tasks that the executor holds have clones of this: they end with it.
    executor: Option<Weak<Executor<'static>>>,
}

/// One timer.
#[derive(Debug)]
pub struct Sleep(Timer);

impl Smol {
    /// Runs tasks on this executor, which the app has to keep, and to run, for as long as Flipper does. When the last
    /// `Arc` of it is dropped, Flipper ends.
    #[must_use]
    pub fn on(executor: &Arc<Executor<'static>>) -> Self {
        Self { executor: Some(Arc::downgrade(executor)) }
    }
}

impl Runtime for Smol {
    type Stream = Stream;
    type Listener = Listener;
    type Sleep = Sleep;

    /// The global executor. It is always there.
    fn current() -> Result<Self, &'static str> {
        Ok(Self::default())
    }

    async fn connect(&self, host: String, port: u16) -> io::Result<Stream> {
        let tcp = TcpStream::connect((host, port)).await?;
        tcp.set_nodelay(true)?;
        Ok(tcp)
    }

    async fn bind(&self, at: SocketAddr) -> io::Result<Listener> {
        TcpListener::bind(at).await
    }

    fn local_address(&self, listener: &Listener) -> io::Result<SocketAddr> {
        listener.local_addr()
    }

    async fn accept(&self, listener: &Listener) -> io::Result<(Stream, SocketAddr)> {
        let (tcp, peer) = listener.accept().await?;
        tcp.set_nodelay(true)?;
        Ok((tcp, peer))
    }

    fn sleep_until(&self, at: Instant) -> Sleep {
        Sleep(Timer::at(at))
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        match &self.executor {
            Some(executor) => {
                if let Some(executor) = executor.upgrade() {
                    executor.spawn(task).detach();
                }
            }
            None => smol::spawn(task).detach(),
        }
    }

    fn unblock<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static {
        smol::unblock(work)
    }

    fn now(&self) -> Instant {
        Instant::now()
    }
}

impl flipper_async::Sleep for Sleep {
    fn reset(mut self: Pin<&mut Self>, at: Instant) {
        self.0.set_at(at);
    }

    fn poll_expired(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx).map(drop)
    }
}

impl fmt::Debug for Smol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let executor = if self.executor.is_some() { "the app's" } else { "global" };
        f.debug_struct("Smol").field("executor", &executor).finish()
    }
}
