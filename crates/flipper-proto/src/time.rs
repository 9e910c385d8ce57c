//! Time as the state machines see it.

use core::fmt;
use core::ops::Add;
use core::time::Duration;

/// A moment: milliseconds since an origin that the caller chose.
///
/// The origin is arbitrary but must stay the same for the life of one state machine. The machines never read a clock:
/// every moment they know was handed in by their caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The origin itself.
    pub const ZERO: Self = Self(0);

    /// The moment `millis` milliseconds after the origin.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the origin.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this moment is; zero if it is not after it.
    #[must_use]
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The end of time never comes: a deadline that saturated there is none.
    pub(crate) const NEVER: Self = Self(u64::MAX);

    /// The deadline `span` after this moment, but not at once: a timer that is always due would never let its driver
    /// rest.
    pub(crate) fn later(self, span: Duration) -> Self {
        self + span.max(Duration::from_millis(1))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// Saturates at the end of time, which no timer ever reaches.
    fn add(self, span: Duration) -> Self {
        let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(millis))
    }
}

/// A calendar time: milliseconds since 1970-01-01T00:00:00Z.
///
/// Only what the wire carries uses it: the `timestamp` and `logs` of a certificate request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallTime(u64);

impl WallTime {
    /// The time `millis` milliseconds after the Unix epoch.
    #[must_use]
    pub const fn from_unix_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_unix_millis(self) -> u64 {
        self.0
    }

    /// This time, `span` earlier; the epoch if that would lie before it.
    #[must_use]
    pub(crate) fn saturating_sub(self, span: Duration) -> Self {
        let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_sub(millis))
    }
}

impl fmt::Display for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}
