//! The calendar.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use flipper_proto::WallTime;
use rustls::time_provider::TimeProvider;
use rustls_pki_types::UnixTime;

/// The clock that says what day it is: whether certificates are valid, and what time a certificate request carries.
///
/// The default is the system's. Another one is for tests, and for programs that know the time better.
#[derive(Clone)]
pub struct WallClock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl WallClock {
    /// A clock that reads `now`.
    pub fn new(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time. A clock before 1970 is as wrong as the epoch itself.
    #[must_use]
    pub fn now(&self) -> WallTime {
        let millis = self.since_epoch().as_millis();
        WallTime::from_unix_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }

    fn since_epoch(&self) -> Duration {
        (self.0)().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

impl Default for WallClock {
    fn default() -> Self {
        Self::new(SystemTime::now)
    }
}

impl TimeProvider for WallClock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(self.since_epoch()))
    }
}

impl fmt::Debug for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WallClock").field(&self.now()).finish()
    }
}
