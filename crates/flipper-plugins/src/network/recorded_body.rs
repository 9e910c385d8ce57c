//! A body that is recorded as it streams by.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::exchange::BodyRecorder;

pin_project! {
    /// A body that is recorded as it streams by: frame by frame, as the other side reads it, and without a delay.
    ///
    /// It ends as the body in it does, or says the same about its size. In place of a body it may have the bytes of a
    /// mock response.
    pub struct RecordedBody<B: Body> {
        #[pin]
        body: Option<B>,
        mock: Option<B::Data>,
        tail: Tail,
    }
}

/// Sees to it that a body that was read to its end is recorded as such.
pub(super) struct Tail {
    recorder: Option<BodyRecorder>,
    /// How many bytes there will be, if that is known.
    expected: Option<u64>,
    seen: u64,
}

impl<B: Body> RecordedBody<B> {
    pub(super) fn new(body: B, recorder: BodyRecorder) -> Self {
        let mut tail = Tail { recorder: Some(recorder), expected: body.size_hint().exact(), seen: 0 };
        if body.is_end_stream() {
            tail.end();
        }
        Self { body: Some(body), mock: None, tail }
    }

    /// One that nobody sees.
    #[cfg(feature = "network-tower")]
    pub(super) fn unseen(body: B) -> Self {
        Self { body: Some(body), mock: None, tail: Tail { recorder: None, expected: None, seen: 0 } }
    }

    #[cfg(feature = "network-tower")]
    pub(super) fn mock(data: B::Data) -> Self {
        let mock = data.has_remaining().then_some(data);
        Self { body: None, mock, tail: Tail { recorder: None, expected: None, seen: 0 } }
    }
}

impl<B> Body for RecordedBody<B>
where
    B: Body<Error: fmt::Display>,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let Some(mut body) = this.body.as_mut().as_pin_mut() else {
            return Poll::Ready(this.mock.take().map(|data| Ok(Frame::data(data))));
        };
        let polled = ready!(body.as_mut().poll_frame(cx));
        match &polled {
            Some(Ok(frame)) => {
                this.tail.frame(frame);
                // Nobody has to read on from here.
                if body.is_end_stream() {
                    this.tail.end();
                }
            }
            Some(Err(error)) => this.tail.fail(error),
            None => this.tail.end(),
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().map_or(self.mock.is_none(), Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let mock = || SizeHint::with_exact(self.mock.as_ref().map_or(0, |data| data.remaining() as u64));
        self.body.as_ref().map_or_else(mock, Body::size_hint)
    }
}

impl<B: Body> fmt::Debug for RecordedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedBody").field("is_mock", &self.body.is_none()).finish_non_exhaustive()
    }
}

impl Tail {
    fn frame<D: Buf>(&mut self, frame: &Frame<D>) {
        let Some(recorder) = &mut self.recorder else { return };
        if let Some(data) = frame.data_ref() {
            self.seen += data.remaining() as u64;
            record(recorder, data);
        } else if let Some(trailers) = frame.trailers_ref() {
            for (name, value) in trailers {
                recorder.trailer(name.as_str(), value);
            }
        }
    }

    fn end(&mut self) {
        if let Some(recorder) = self.recorder.take() {
            recorder.end();
        }
    }

    fn fail(&mut self, error: &dyn fmt::Display) {
        if let Some(recorder) = self.recorder.take() {
            recorder.fail(error);
        }
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        // Who knows the length reads no further.
        if self.expected == Some(self.seen) {
            self.end();
        }
    }
}

/// Records data, which may be in several parts, without taking it.
fn record<D: Buf>(recorder: &mut BodyRecorder, data: &D) {
    let first = data.chunk();
    recorder.chunk(first);
    let mut rest = data.remaining() - first.len();
    if rest > 0 {
        let mut parts = [std::io::IoSlice::new(&[]); 16];
        let filled = data.chunks_vectored(&mut parts);
        for part in parts.iter().take(filled).skip(1) {
            recorder.chunk(part);
            rest = rest.saturating_sub(part.len());
        }
    }
    if rest > 0 {
        recorder.unseen_chunk(rest);
    }
}
