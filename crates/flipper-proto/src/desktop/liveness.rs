//! Whether a client is still there.

use core::time::Duration;

use crate::time::Instant;

use super::config::Timing;

/// When a client gave its last sign of life, and what was done about its silence since.
#[derive(Debug)]
pub(super) struct Liveness {
    last_alive: Instant,
    /// When to look again. A sign of life does not move it, so that a message costs no timer.
    check_at: Instant,
    /// Checks in a row that found the client silent. The first sends a ping; every further one finds the last ping
    /// missed.
    ///
    /// Silence is counted in checks and not read off the clock: after a breakpoint in this program, or when the machine
    /// wakes up, the clock has run on while nobody listened.
    silent_checks: u32,
}

/// What a look at a client tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// It is there.
    Alive,
    /// It is to be pinged.
    Silent { newly_unresponsive: bool },
    /// It was silent for too long.
    GaveUp { after: Duration },
}

impl Liveness {
    pub(super) fn new(now: Instant, timing: &Timing) -> Self {
        Self { last_alive: now, check_at: now.later(timing.ping), silent_checks: 0 }
    }

    /// The client gave a sign of life. Returns whether it was unresponsive before.
    pub(super) fn alive(&mut self, now: Instant, timing: &Timing) -> bool {
        let was_unresponsive = self.is_unresponsive(timing);
        self.last_alive = self.last_alive.max(now);
        self.silent_checks = 0;
        was_unresponsive
    }

    /// The moment of [`check_at`](Self::check_at) has come.
    pub(super) fn check(&mut self, now: Instant, timing: &Timing) -> Check {
        let silent = now.saturating_duration_since(self.last_alive);
        let due = self.last_alive.later(timing.ping);
        if due > now {
            self.check_at = due;
            return Check::Alive;
        }
        let was_unresponsive = self.is_unresponsive(timing);
        self.silent_checks = self.silent_checks.saturating_add(1);
        self.check_at = now.later(timing.ping);
        if timing.ping.saturating_mul(self.silent_checks) >= timing.unresponsive {
            return Check::GaveUp { after: silent };
        }
        Check::Silent { newly_unresponsive: !was_unresponsive && self.is_unresponsive(timing) }
    }

    pub(super) fn check_at(&self) -> Instant {
        self.check_at
    }

    pub(super) fn is_unresponsive(&self, timing: &Timing) -> bool {
        self.silent_checks > timing.missed_pings
    }

    /// Whether a ping is on its way that was not answered yet.
    pub(super) fn awaits_pong(&self) -> bool {
        self.silent_checks > 0
    }
}
