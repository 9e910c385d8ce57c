//! Hands over the head of an HTTP message in one piece.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};

/// The longest head of an HTTP message that is read, in bytes.
pub(crate) const MAX_HEAD: usize = 16 * 1024;

/// Where the head ends, if it does. The last `new` bytes were not looked at before.
pub(crate) fn find_end_of_head(bytes: &[u8], new: usize) -> Option<usize> {
    const END: &[u8] = b"\r\n\r\n";
    // What was there before may hold the beginning of the end.
    let begin = bytes.len().saturating_sub(new + END.len() - 1);
    let found = bytes[begin..].windows(END.len()).position(|window| window == END)?;
    Some(begin + found + END.len())
}

/// A stream whose first bytes, up to the empty line that ends an HTTP head, are handed over together.
///
/// tungstenite takes a handshake that arrives in many small pieces for an attack and gives it up; a slow network or a
/// proxy does nothing worse than that.
pub(crate) struct WholeHead<S> {
    stream: S,
    head: Head,
    /// Whether anything has arrived since the last question.
    heard: bool,
}

enum Head {
    Gathering(Vec<u8>),
    Given { bytes: Vec<u8>, at: usize },
    Over,
}

impl<S> WholeHead<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, head: Head::Gathering(Vec::new()), heard: false }
    }

    /// A stream whose head somebody else has read.
    pub(crate) fn already_read(stream: S) -> Self {
        Self { stream, head: Head::Over, heard: false }
    }

    /// Whether anything has arrived after the head since this was asked last: a long message is a sign of life before
    /// it is whole.
    pub(crate) fn take_heard(&mut self) -> bool {
        std::mem::take(&mut self.heard)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WholeHead<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        loop {
            match &mut this.head {
                Head::Over => {
                    let count = ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
                    this.heard |= count > 0;
                    return Poll::Ready(Ok(count));
                }
                Head::Given { bytes, at } => {
                    let rest = &bytes[*at..];
                    let count = rest.len().min(buf.len());
                    buf[..count].copy_from_slice(&rest[..count]);
                    *at += count;
                    if *at == bytes.len() {
                        this.head = Head::Over;
                    }
                    return Poll::Ready(Ok(count));
                }
                Head::Gathering(bytes) => {
                    let mut piece = [0; 1024];
                    let count = match ready!(Pin::new(&mut this.stream).poll_read(cx, &mut piece)) {
                        Ok(count) => count,
                        // What came before tells more, and the next read tells this again.
                        Err(_) if !bytes.is_empty() => 0,
                        Err(error) => return Poll::Ready(Err(error)),
                    };
                    bytes.extend_from_slice(&piece[..count]);
                    let ended = find_end_of_head(bytes, count).is_some();
                    if count == 0 && bytes.is_empty() {
                        return Poll::Ready(Ok(0));
                    }
                    if ended || count == 0 || bytes.len() >= MAX_HEAD {
                        this.head = Head::Given { bytes: std::mem::take(bytes), at: 0 };
                    }
                }
            }
        }
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
