//! What waits for a desktop.

/// How many events of a plugin wait while no desktop has initialised it.
///
/// The first ones wait, so that a desktop sees how an app began; those that find no room are counted, and the desktop is
/// told how many there were. Once there is no more room, an event costs a few nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waiting {
    /// How many events wait. Default: 500, as many as official clients keep.
    pub events: usize,
    /// How many bytes they have together, as JSON. Default: 1 MiB.
    pub bytes: usize,
}

impl Waiting {
    /// Nothing waits: a desktop sees only what happens while it looks.
    pub const NOTHING: Self = Self { events: 0, bytes: 0 };

    /// At most so many events, with so many bytes together.
    #[must_use]
    pub const fn new(events: usize, bytes: usize) -> Self {
        Self { events, bytes }
    }
}

impl Default for Waiting {
    fn default() -> Self {
        Self::new(500, 1 << 20)
    }
}
