//! What is left of the runtime without the feature `enabled`.

/// tokio, which is not asked for anything.
#[derive(Clone, Debug)]
pub struct Tokio(());
