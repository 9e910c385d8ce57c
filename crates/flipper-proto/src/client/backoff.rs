//! When to try again.

use core::time::Duration;

use super::config::Backoff;

#[derive(Debug)]
pub(super) struct Retries {
    settings: Backoff,
    /// Waits since the last stable session.
    waits: u32,
    /// Sessions in a row that ended before they were stable.
    pub(super) short_sessions: u32,
    random: u64,
}

impl Retries {
    pub(super) fn new(settings: Backoff, seed: u64) -> Self {
        Self { settings, waits: 0, short_sessions: 0, random: seed }
    }

    pub(super) fn reset(&mut self) {
        self.waits = 0;
        self.short_sessions = 0;
    }

    /// Whether sessions end again and again as soon as they begin.
    pub(super) fn looping(&self) -> bool {
        self.short_sessions >= self.settings.loop_sessions
    }

    /// How long to wait now.
    pub(super) fn next_wait(&mut self) -> Duration {
        let doubled = self.settings.first.saturating_mul(1u32.checked_shl(self.waits).unwrap_or(u32::MAX));
        let span = if self.looping() { self.settings.ceiling } else { doubled.min(self.settings.ceiling) };
        self.waits = self.waits.saturating_add(1).min(31);
        let half = u64::try_from(span.as_millis() / 2).unwrap_or(u64::MAX / 2);
        Duration::from_millis(half + self.draw() % (half + 1))
    }

    /// SplitMix64: a full-period generator whose whole state is one number.
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
