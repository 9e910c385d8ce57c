//! One end of a connection, as whoever holds it sees it.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_io::{AsyncRead, AsyncWrite};

use super::pipe::{Consequence, Read, Write};
use super::{End, Later, wake_reader};
use crate::core::{Core, State};
use crate::timers::Due;

/// A TCP connection. Dropped, it is closed; with anything unread in it, it is reset.
pub struct SimStream {
    core: Arc<Core>,
    end: End,
}

impl SimStream {
    pub(super) fn new(core: &Arc<Core>, end: End) -> Self {
        Self { core: Arc::clone(core), end }
    }
}

impl AsyncRead for SimStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut woken = None;
        let read = {
            let mut state = self.core.state();
            let now = self.core.now();
            let State { net, timers, trace, .. } = &mut *state;
            let Some(link) = net.links.get_mut(&self.end.link) else {
                return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
            };
            let pipe = &mut link.pipes[1 - self.end.side];
            match pipe.read(buf, now) {
                Read::Bytes(count) => {
                    trace.record(&[self.end.link, self.end.side as u64, count as u64]);
                    woken = pipe.writer.take();
                    Poll::Ready(Ok(count))
                }
                Read::Eof => Poll::Ready(Ok(0)),
                Read::Reset => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                Read::Nothing(arrives) => {
                    pipe.reader = Some(cx.waker().clone());
                    if arrives.is_some() {
                        let mut nobody = Vec::new();
                        wake_reader(pipe, now, timers, &mut nobody);
                    }
                    Poll::Pending
                }
            }
        };
        woken.into_iter().for_each(Waker::wake);
        read
    }
}

impl AsyncWrite for SimStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut woken = Vec::new();
        let written = {
            let mut state = self.core.state();
            let now = self.core.now();
            let State { net, timers, trace, .. } = &mut *state;
            let Some(link) = net.links.get_mut(&self.end.link) else {
                return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
            };
            let pipe = &mut link.pipes[self.end.side];
            let (write, consequence) = pipe.write(bufs, now, &mut net.injected);
            let written = match write {
                Write::Bytes(count) => {
                    trace.record(&[self.end.link, self.end.side as u64, count as u64]);
                    wake_reader(pipe, now, timers, &mut woken);
                    Poll::Ready(Ok(count))
                }
                Write::Full(again) => {
                    match again {
                        Some(at) => drop(timers.set(at, Due::Wake(cx.waker().clone()))),
                        None => pipe.writer = Some(cx.waker().clone()),
                    }
                    Poll::Pending
                }
                Write::Closed => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
                Write::Reset => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            };
            match consequence {
                Consequence::None => {}
                Consequence::Cut { reset } => link.end(reset, false, now, &mut woken),
                Consequence::ResetAt(at) => drop(timers.set(at, Due::Net(Later::Reset(self.end.link)))),
            }
            written
        };
        woken.into_iter().for_each(Waker::wake);
        written
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Closes this direction.
    fn poll_close(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut woken = Vec::new();
        {
            let mut state = self.core.state();
            let now = self.core.now();
            let State { net, timers, .. } = &mut *state;
            if let Some(link) = net.links.get_mut(&self.end.link) {
                let pipe = &mut link.pipes[self.end.side];
                pipe.end(false, false, now);
                wake_reader(pipe, now, timers, &mut woken);
            }
        }
        woken.into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(()))
    }
}

impl Drop for SimStream {
    fn drop(&mut self) {
        let mut woken = Vec::new();
        {
            let mut state = self.core.state();
            let now = self.core.now();
            let State { net, timers, .. } = &mut *state;
            net.let_go(self.end, now, timers, &mut woken);
        }
        woken.into_iter().for_each(Waker::wake);
    }
}

impl fmt::Debug for SimStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SimStream").field(&self.end).finish()
    }
}
