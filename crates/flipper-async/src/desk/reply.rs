//! The reply to one request.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use flipper_proto::RequestId;
use flipper_proto::desktop::Outcome;

use super::replies::Mailbox;
use super::shared::Shared;

/// Ready when a request has ended, one way or the other. Dropped before, the request goes on and its end is told to
/// nobody.
#[must_use = "nobody is told how the request ended"]
pub struct PendingReply {
    desk: Arc<Shared>,
    request: RequestId,
}

impl PendingReply {
    pub(super) fn new(desk: Arc<Shared>, request: RequestId) -> Self {
        Self { desk, request }
    }

    /// The request.
    #[must_use]
    pub fn request(&self) -> RequestId {
        self.request
    }
}

impl Future for PendingReply {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        self.desk.poll_reply(self.request, cx)
    }
}

impl Drop for PendingReply {
    fn drop(&mut self) {
        self.desk.abandon_reply(self.request);
    }
}

impl fmt::Debug for PendingReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PendingReply").field(&self.request).finish()
    }
}

/// Where the reply to one request goes.
#[derive(Debug)]
pub(super) enum ReplySlot {
    /// Somebody waits for it, or will.
    Wanted(Option<Waker>),
    /// It is here.
    Here(Outcome),
    /// Somebody who has asked for more wants it there.
    Mailbox(Arc<Mailbox>),
    /// Nobody wants it any more.
    Abandoned,
}
