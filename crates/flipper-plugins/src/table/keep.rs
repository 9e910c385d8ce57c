//! What is kept of a table.

/// How many rows a [`Table`](super::Table) keeps, to show them to a desktop that comes later or anew.
///
/// The oldest goes when there is no more room. A desktop that looks on goes on showing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Keep {
    /// How many rows. Default: 1,000. More than
    /// [`Limits::buffered_events`](flipper_client::proto::Limits::buffered_events) cannot be sent at once.
    pub rows: usize,
    /// How many bytes they have together, as JSON. Default: 1 MiB.
    pub bytes: usize,
}

impl Keep {
    /// None: a desktop sees the rows that come while it looks.
    pub const NOTHING: Self = Self { rows: 0, bytes: 0 };

    /// At most so many rows, with so many bytes together.
    #[must_use]
    pub const fn new(rows: usize, bytes: usize) -> Self {
        Self { rows, bytes }
    }
}

impl Default for Keep {
    fn default() -> Self {
        Self::new(1_000, 1 << 20)
    }
}
