//! The replies to many requests of one asker.

use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use flipper_proto::desktop::{Desktop, Outcome};
use flipper_proto::{Instant, RequestId};

use super::shared::Shared;

/// The replies to the requests that one asker has made by it, in the order in which they come.
///
/// One who has many requests under way is woken once for all replies that are there, and takes them together. Dropped,
/// the requests go on and their ends are told to nobody.
pub struct Replies {
    desk: Arc<Shared>,
    mailbox: Arc<Mailbox>,
}

impl Replies {
    pub(super) fn new(desk: Arc<Shared>) -> Self {
        Self { desk, mailbox: Arc::default() }
    }

    /// Has the state machine do something, and carries its decisions out. Whatever request `ask` pushes is replied to
    /// here, and not told among the news. It runs under the desk's lock: it must not wait for anything, nor use the desk.
    pub fn ask<T>(&self, ask: impl FnOnce(&mut Desktop, Instant, &mut Vec<RequestId>) -> T) -> T {
        self.desk.ask_for(&self.mailbox, ask)
    }

    /// Takes all replies that are there, and appends them. Pending while there is none; `cx` is then woken when there
    /// is.
    pub fn poll_take(&mut self, cx: &Context<'_>, replies: &mut Vec<(RequestId, Outcome)>) -> Poll<()> {
        let mut letters = self.mailbox.lock();
        if letters.replies.is_empty() {
            letters.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if replies.is_empty() {
            mem::swap(replies, &mut letters.replies);
        } else {
            replies.append(&mut letters.replies);
        }
        Poll::Ready(())
    }
}

impl Drop for Replies {
    fn drop(&mut self) {
        let mut letters = self.mailbox.lock();
        letters.is_abandoned = true;
        letters.replies = Vec::new();
    }
}

impl fmt::Debug for Replies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replies").field("waiting", &self.mailbox.lock().replies.len()).finish_non_exhaustive()
    }
}

/// Where replies wait to be taken.
#[derive(Debug, Default)]
pub(super) struct Mailbox(Mutex<Letters>);

#[derive(Debug, Default)]
struct Letters {
    replies: Vec<(RequestId, Outcome)>,
    waker: Option<Waker>,
    is_abandoned: bool,
}

impl Mailbox {
    /// Returns whom to wake.
    pub(super) fn put(&self, request: RequestId, outcome: Outcome) -> Option<Waker> {
        let mut letters = self.lock();
        if letters.is_abandoned {
            return None;
        }
        letters.replies.push((request, outcome));
        letters.waker.take()
    }

    fn lock(&self) -> MutexGuard<'_, Letters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
