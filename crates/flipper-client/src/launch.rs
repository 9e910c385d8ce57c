//! What an app's settings need of an adapter.

use crate::{Setup, StartError};

/// What an adapter does with a [`Setup`].
pub trait Launch {
    /// What the app holds while Flipper runs.
    type Handle;

    /// Starts. Nothing that needs the network or the disk happens before this returns.
    ///
    /// # Errors
    /// [`StartError`], where the settings make no sense or the runtime is not there.
    fn launch(setup: Setup) -> Result<Self::Handle, StartError>;

    /// What the app holds instead where Flipper could not start: one that has stopped before it began.
    fn stopped() -> Self::Handle;
}
