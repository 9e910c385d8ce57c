//! The runtime trait over the simulator.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use flipper_async::Runtime;

use crate::core::{Core, ProcessId};
use crate::net::{SimListener, SimStream};
use crate::timers::SimSleep;

/// A process of the simulated machine, as what runs in it sees it. Clones are the same process.
#[derive(Clone)]
pub struct SimRuntime {
    core: Arc<Core>,
    process: ProcessId,
}

impl SimRuntime {
    pub(crate) fn new(core: Arc<Core>, process: ProcessId) -> Self {
        Self { core, process }
    }

    /// The name of the process.
    #[must_use]
    pub fn name(&self) -> String {
        self.core.name(self.process)
    }

    /// Stops the process as SIGSTOP does: its tasks do not run, while the system goes on to take what is sent to it.
    pub fn freeze(&self) {
        self.note(format_args!("is frozen"));
        self.core.freeze(self.process);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.note(format_args!("goes on"));
        self.core.thaw(self.process);
    }

    /// Ends the process as a crash does. The system closes its sockets.
    pub fn kill(&self) {
        self.note(format_args!("is killed"));
        self.core.kill(self.process);
    }

    /// How many tasks it has that did not end yet.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.core.tasks(self.process)
    }

    /// How far the virtual clock has come.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.core.now()
    }

    /// Notes that something happened, for those who read along and for [`Sim::digest`](crate::Sim::digest).
    pub fn note(&self, what: fmt::Arguments<'_>) {
        self.core.note(self.process, what);
    }

    /// Waits for this long.
    pub async fn sleep(&self, span: Duration) {
        flipper_async::sleep(self, span).await;
    }

    /// Waits for `future`, though not longer than this.
    pub async fn within<T>(&self, span: Duration, future: impl Future<Output = T>) -> Option<T> {
        let sleep = std::pin::pin!(self.sleep(span));
        match futures_util::future::select(std::pin::pin!(future), sleep).await {
            futures_util::future::Either::Left((result, _)) => Some(result),
            futures_util::future::Either::Right(_) => None,
        }
    }
}

impl Runtime for SimRuntime {
    type Stream = SimStream;
    type Listener = SimListener;
    type Sleep = SimSleep;

    /// There is none: a simulator runs only what was started on one of its processes.
    fn current() -> Result<Self, &'static str> {
        Err("a simulator has no current process; start on one that Sim::process() returned")
    }

    fn connect(&self, host: String, port: u16) -> impl Future<Output = io::Result<SimStream>> + Send {
        crate::net::connect(Arc::clone(&self.core), self.process, host, port)
    }

    async fn bind(&self, at: SocketAddr) -> io::Result<SimListener> {
        SimListener::bind(&self.core, at)
    }

    fn local_address(&self, listener: &SimListener) -> io::Result<SocketAddr> {
        Ok(listener.address())
    }

    async fn accept(&self, listener: &SimListener) -> io::Result<(SimStream, SocketAddr)> {
        listener.accept().await
    }

    fn sleep_until(&self, at: Instant) -> SimSleep {
        SimSleep::new(Arc::clone(&self.core), self.core.since_origin(at))
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.core.spawn(self.process, Box::pin(task));
    }

    /// The work is done at one moment, like everything here, but that moment may come later.
    fn unblock<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static {
        let longest = self.core.config.longest_work;
        let takes =
            if longest.is_zero() { Duration::ZERO } else { self.core.state().rng.span(Duration::ZERO, longest) };
        let result: Arc<Mutex<Work<T>>> = Arc::new(Mutex::new(Work::Pending(None)));
        let here = Arc::clone(&result);
        let runtime = self.clone();
        // It goes on though nobody waits for it any more, as on a thread of its own.
        self.spawn(async move {
            runtime.sleep(takes).await;
            let done = Work::Done(work());
            let before = std::mem::replace(&mut *here.lock().unwrap_or_else(PoisonError::into_inner), done);
            if let Work::Pending(Some(waker)) = before {
                waker.wake();
            }
        });
        poll_fn(move |cx| {
            let mut result = result.lock().unwrap_or_else(PoisonError::into_inner);
            match std::mem::replace(&mut *result, Work::Pending(Some(cx.waker().clone()))) {
                Work::Done(value) => Poll::Ready(value),
                Work::Pending(_) => Poll::Pending,
            }
        })
    }

    fn now(&self) -> Instant {
        self.core.instant()
    }
}

/// A piece of work that blocks.
enum Work<T> {
    Pending(Option<Waker>),
    Done(T),
}

impl fmt::Debug for SimRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SimRuntime").field(&self.name()).finish()
    }
}
