//! What is left of the runtime without the feature `enabled`.

use std::sync::Arc;

use smol::Executor;

/// smol, which is not asked for anything.
#[derive(Clone, Debug, Default)]
pub struct Smol(());

impl Smol {
    /// The executor is left alone.
    #[must_use]
    #[inline]
    pub fn on(_executor: &Arc<Executor<'static>>) -> Self {
        Self(())
    }
}
