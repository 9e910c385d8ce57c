//! Waiting for what never comes.

use std::time::Duration;

use crate::status::Status;

/// Has seen the only status there is, which is that of a Flipper that has stopped.
#[derive(Debug)]
pub struct Watch(());

impl Watch {
    /// For adapters that are switched off.
    #[doc(hidden)]
    #[must_use]
    #[inline]
    pub const fn over() -> Self {
        Self(())
    }

    /// `None`, at once.
    #[inline]
    pub async fn changed(&mut self) -> Option<Status> {
        None
    }

    /// `None`, at once.
    #[inline]
    pub fn blocking_changed(&mut self) -> Option<Status> {
        None
    }

    /// At once: the status, if it is one that is looked for.
    #[inline]
    pub async fn until(&mut self, found: impl FnMut(&Status) -> bool) -> Option<Status> {
        self.blocking_until(found)
    }

    /// At once: the status, if it is one that is looked for.
    #[inline]
    pub fn blocking_until(&mut self, mut found: impl FnMut(&Status) -> bool) -> Option<Status> {
        Some(Status::stopped()).filter(|status| found(status))
    }

    /// At once: the status, if it is one that is looked for.
    #[inline]
    pub fn blocking_until_within(&mut self, _timeout: Duration, found: impl FnMut(&Status) -> bool) -> Option<Status> {
        self.blocking_until(found)
    }
}

/// Empty. What has it may be dropped by name, as the real one, and no lint says that this does nothing.
impl Drop for Watch {
    #[inline]
    fn drop(&mut self) {}
}
