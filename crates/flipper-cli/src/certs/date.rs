//! Moments, for people.

use std::fmt;
use std::time::SystemTime;

use flipper_desktop::proto::WallTime;
use time::OffsetDateTime;

const DAY: i64 = 24 * 60 * 60;

/// A moment, shown to the minute, in UTC.
#[derive(Clone, Copy)]
pub(crate) struct Date(WallTime);

impl Date {
    pub(crate) fn of(time: WallTime) -> Self {
        Self(time)
    }

    pub(crate) fn now() -> Self {
        let millis = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
        Self(WallTime::from_unix_millis(u64::try_from(millis).unwrap_or(u64::MAX)))
    }

    /// The seconds from `other` on; negative where `other` is later.
    pub(crate) fn seconds_since(self, other: Self) -> i64 {
        self.seconds().saturating_sub(other.seconds())
    }

    /// The days from `other` on, rounded towards zero.
    pub(crate) fn days_since(self, other: Self) -> i64 {
        self.seconds_since(other) / DAY
    }

    fn seconds(self) -> i64 {
        i64::try_from(self.0.as_unix_millis() / 1000).unwrap_or(i64::MAX)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match OffsetDateTime::from_unix_timestamp(self.seconds()) {
            Ok(at) => {
                let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
                write!(f, "{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", at.hour(), at.minute())
            }
            Err(_) => f.write_str("a time beyond all calendars"),
        }
    }
}
