//! What an app says, and is told, of the threads.

use std::fmt;
use std::num::NonZeroUsize;

/// What only this adapter can be told. See [`Flipper::launch_with`](crate::Flipper::launch_with).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// How many threads call plugins back. Default: 1, and then everything comes one after the other, in order.
    ///
    /// With more, calls go side by side, also those of one plugin, so that one that blocks does not hold up the others. A
    /// plugin is still told that it is connected before its first call begins, and that this is over when its last one
    /// has returned; the observer is told one thing after the other.
    pub handlers: NonZeroUsize,
}

impl Default for Options {
    fn default() -> Self {
        Self { handlers: NonZeroUsize::MIN }
    }
}

/// A callback cannot wait for the end of its own Flipper, which waits for the callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InCallback;

impl fmt::Display for InCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a callback of this Flipper cannot wait for its end, which waits for the callback")
    }
}

impl std::error::Error for InCallback {}
