//! Waiting for another status.

use std::sync::Arc;
use std::time::{Duration, Instant};

use event_listener::Listener as _;

use crate::app::App;
use crate::status::Status;

/// Waits for another [`Status`], in async code or in a blocked thread.
#[derive(Debug)]
pub struct Watch {
    app: Arc<App>,
    seen: Status,
}

impl Watch {
    pub(crate) fn new(app: Arc<App>) -> Self {
        let seen = app.status();
        Self { app, seen }
    }

    /// For adapters that are switched off.
    #[doc(hidden)]
    #[must_use]
    pub fn over() -> Self {
        Self::new(App::stopped())
    }

    /// The status, as soon as it is another than this watch gave last; `None` when Flipper has stopped for good.
    ///
    /// What came and went between two calls is not seen: this tells where the app stands, not how it got there.
    pub async fn changed(&mut self) -> Option<Status> {
        loop {
            let listener = self.app.listen();
            match self.news() {
                News::Changed(status) => return Some(status),
                News::Over => return None,
                News::None => listener.await,
            }
        }
    }

    /// As [`changed`](Self::changed), blocking the thread.
    pub fn blocking_changed(&mut self) -> Option<Status> {
        self.wait(None)
    }

    /// Waits until the status is one that is looked for; `None` when Flipper has stopped for good before.
    pub async fn until(&mut self, mut found: impl FnMut(&Status) -> bool) -> Option<Status> {
        let mut status = self.app.status();
        while !found(&status) {
            status = self.changed().await?;
        }
        self.seen.clone_from(&status);
        Some(status)
    }

    /// As [`until`](Self::until), blocking the thread.
    pub fn blocking_until(&mut self, found: impl FnMut(&Status) -> bool) -> Option<Status> {
        self.wait_until(None, found)
    }

    /// As [`blocking_until`](Self::blocking_until), but `None` also once `timeout` has passed.
    pub fn blocking_until_within(&mut self, timeout: Duration, found: impl FnMut(&Status) -> bool) -> Option<Status> {
        // What lies beyond the end of the clock is for ever.
        self.wait_until(Instant::now().checked_add(timeout), found)
    }

    fn wait_until(&mut self, deadline: Option<Instant>, mut found: impl FnMut(&Status) -> bool) -> Option<Status> {
        let mut status = self.app.status();
        while !found(&status) {
            status = self.wait(deadline)?;
        }
        self.seen.clone_from(&status);
        Some(status)
    }

    fn wait(&mut self, deadline: Option<Instant>) -> Option<Status> {
        loop {
            let listener = self.app.listen();
            match (self.news(), deadline) {
                (News::Changed(status), _) => return Some(status),
                (News::Over, _) => return None,
                (News::None, None) => listener.wait(),
                (News::None, Some(deadline)) => drop(listener.wait_deadline(deadline)?),
            }
        }
    }

    fn news(&mut self) -> News {
        // Asked first, so that what changed last is still told.
        let over = self.app.is_finished();
        let status = self.app.status();
        if status == self.seen {
            return if over { News::Over } else { News::None };
        }
        self.seen.clone_from(&status);
        News::Changed(status)
    }
}

enum News {
    None,
    Changed(Status),
    Over,
}
