//! Chance that repeats itself.

use std::ops::RangeInclusive;
use std::time::Duration;

/// A stream of random numbers that follows from its seed (SplitMix64). Good enough to choose with, for nothing secret.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// The stream of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        // Seeds that follow each other begin far apart.
        let mut rng = Self(seed.wrapping_mul(0xA076_1D64_78BD_642F));
        rng.number();
        rng
    }

    /// A stream of its own, so that what is drawn from one changes nothing about the other.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self(self.number())
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number in this range.
    pub fn within(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (first, last) = range.into_inner();
        match last.saturating_sub(first).checked_add(1) {
            Some(count) => first + self.number() % count,
            None => self.number(),
        }
    }

    /// Below `end`, which must not be 0, for places in lists.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.number() % end).unwrap_or(0)
    }

    /// True this often in a hundred.
    pub fn percent(&mut self, chance: u64) -> bool {
        self.number() % 100 < chance
    }

    /// A span between these two, in steps of a microsecond.
    pub fn span(&mut self, shortest: Duration, longest: Duration) -> Duration {
        let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.within(micros(shortest)..=micros(longest)))
    }

    /// One of these.
    pub fn choose<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }
}
