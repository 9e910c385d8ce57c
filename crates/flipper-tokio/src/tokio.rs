//! The runtime trait over tokio.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use flipper_async::Runtime;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;

use crate::stream::Stream;

/// tokio, as the driver sees it: a handle to the runtime that it was made on.
#[derive(Clone, Debug)]
pub struct Tokio(Handle);

/// A listening TCP socket.
#[derive(Debug)]
pub struct Listener(TcpListener);

/// One timer.
#[derive(Debug)]
pub struct Sleep(Pin<Box<tokio::time::Sleep>>);

impl Runtime for Tokio {
    type Stream = Stream;
    type Listener = Listener;
    type Sleep = Sleep;

    fn current() -> Result<Self, &'static str> {
        Handle::try_current().map(Self).map_err(|_| {
            "there is no tokio runtime here; start Flipper from within one, such as a function under #[tokio::main]"
        })
    }

    async fn connect(&self, host: String, port: u16) -> io::Result<Stream> {
        let tcp = TcpStream::connect((host.as_str(), port)).await?;
        tcp.set_nodelay(true)?;
        Ok(Stream(tcp))
    }

    async fn bind(&self, at: SocketAddr) -> io::Result<Listener> {
        TcpListener::bind(at).await.map(Listener)
    }

    fn local_address(&self, listener: &Listener) -> io::Result<SocketAddr> {
        listener.0.local_addr()
    }

    async fn accept(&self, listener: &Listener) -> io::Result<(Stream, SocketAddr)> {
        let (tcp, peer) = listener.0.accept().await?;
        tcp.set_nodelay(true)?;
        Ok((Stream(tcp), peer))
    }

    fn sleep_until(&self, at: Instant) -> Sleep {
        let _entered = self.0.enter();
        Sleep(Box::pin(tokio::time::sleep_until(at.into())))
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(task);
    }

    fn unblock<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static {
        let running = self.0.spawn_blocking(work);
        async {
            match running.await {
                Ok(done) => done,
                Err(failed) => match failed.try_into_panic() {
                    Ok(panic) => resume_unwind(panic),
                    // The runtime is shutting down and will drop this task, too.
                    Err(_) => std::future::pending().await,
                },
            }
        }
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}

impl flipper_async::Sleep for Sleep {
    fn reset(mut self: Pin<&mut Self>, at: Instant) {
        self.0.as_mut().reset(at.into());
    }

    fn poll_expired(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}
