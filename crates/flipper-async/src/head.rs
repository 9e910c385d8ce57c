//! A stream whose head is handed over in one piece.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use flipper_client::wire::Head;
use futures_io::{AsyncRead, AsyncWrite};

/// A stream that is read through a [`Head`].
pub(crate) struct WholeHead<S> {
    stream: S,
    head: Head,
}

impl<S> WholeHead<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, head: Head::awaited() }
    }

    /// A stream whose head somebody else has read.
    pub(crate) fn already_read(stream: S) -> Self {
        Self { stream, head: Head::already_read() }
    }

    /// Whether anything has arrived after the head since this was asked last.
    pub(crate) fn take_heard(&mut self) -> bool {
        self.head.take_heard()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WholeHead<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let Self { stream, head } = &mut *self;
        head.read(buf, |buf| Pin::new(&mut *stream).poll_read(cx, buf))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WholeHead<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}
