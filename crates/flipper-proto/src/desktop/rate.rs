//! How often something may happen.

use crate::time::Instant;

use super::config::Rate;

/// A token bucket.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: Rate,
    /// In thousandths, so that a fraction of a second brings a fraction of a token.
    level: u64,
    filled_at: Instant,
}

/// One token, in thousandths: what one per second brings in as many milliseconds.
const TOKEN: u64 = 1_000;

impl Bucket {
    pub(super) fn full(rate: Rate, now: Instant) -> Self {
        Self { rate, level: u64::from(rate.burst) * TOKEN, filled_at: now }
    }

    pub(super) fn take(&mut self, now: Instant) -> bool {
        let passed = u64::try_from(now.saturating_duration_since(self.filled_at).as_millis()).unwrap_or(u64::MAX);
        let gained = passed.saturating_mul(u64::from(self.rate.per_second));
        self.level = self.level.saturating_add(gained).min(u64::from(self.rate.burst) * TOKEN);
        self.filled_at = self.filled_at.max(now);
        let taken = self.level >= TOKEN;
        if taken {
            self.level -= TOKEN;
        }
        taken
    }
}
