//! When events may go.

use core::time::Duration;

use crate::time::Instant;

/// Lets events go in bursts, each some time after the last one.
///
/// The official UI shows events when none has come for 200 ms, however long that takes: an app that sends one every
/// 100 ms is not shown at all while it does.
#[derive(Debug)]
pub(super) struct Bursts {
    interval: Duration,
    /// The latest moment that is known.
    now: Instant,
    /// The end of the pause after a burst.
    pause_until: Option<Instant>,
}

impl Bursts {
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, now: Instant::ZERO, pause_until: None }
    }

    /// The time has come to `now`.
    pub(super) fn pass(&mut self, now: Instant) {
        self.now = self.now.max(now);
        if self.pause_until.is_some_and(|until| until <= self.now) {
            self.pause_until = None;
        }
    }

    /// Until when events have to wait.
    pub(super) fn pause(&self) -> Option<Instant> {
        self.pause_until
    }

    /// No event is left to be sent.
    pub(super) fn end(&mut self) {
        if !self.interval.is_zero() {
            self.pause_until = Some(self.now + self.interval);
        }
    }
}
