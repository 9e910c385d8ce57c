//! What an answer may cost.

use std::time::Duration;

/// How long the desktop waits, and how much it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How long a statement may take, with the time that it waited for others. Default: 30 s. More than 40 s count as 40 s: the
    /// official desktop gives up after 45 s.
    pub deadline: Duration,
    /// How many rows of a statement's result are shown. Default: 1000.
    pub rows: usize,
    /// About how many bytes the values of one answer may have together. Default: 4 MiB; the official desktop warns of
    /// messages over 5 MiB.
    pub bytes: usize,
    /// How many calls wait for one database. Default: 64. Those beyond are told that it is busy.
    pub waiting: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(30), rows: 1000, bytes: 4 << 20, waiting: 64 }
    }
}
