//! What keeps a state machine whole: one caller at a time, and nobody after a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, TryLockError};

use crate::result::FlipperResult;

/// Something that one caller at a time may use. It never waits: whoever comes meanwhile is told so.
#[derive(Debug)]
pub(crate) struct Exclusive<T> {
    inner: Mutex<T>,
}

impl<T> Exclusive<T> {
    pub(crate) fn new(inner: T) -> Self {
        Self { inner: Mutex::new(inner) }
    }

    /// Does something with it. After a panic, nobody does anything with it any more.
    pub(crate) fn enter(&self, work: impl FnOnce(&mut T) -> Result<(), FlipperResult>) -> FlipperResult {
        guard(|| match self.inner.try_lock() {
            Ok(mut inner) => work(&mut inner),
            Err(TryLockError::WouldBlock) => Err(FlipperResult::InUse),
            Err(TryLockError::Poisoned(_)) => Err(FlipperResult::Panic),
        })
    }
}

/// Keeps a panic from reaching C.
pub(crate) fn guard(work: impl FnOnce() -> Result<(), FlipperResult>) -> FlipperResult {
    // Whatever a panic leaves half done is either poisoned or was never handed out.
    catch_unwind(AssertUnwindSafe(work)).map_or(FlipperResult::Panic, FlipperResult::from)
}

#[cfg(test)]
mod tests {
    use super::{Exclusive, FlipperResult};

    #[test]
    fn after_a_panic_a_handle_is_of_no_use() {
        let handle = Exclusive::new(0);
        assert_eq!(handle.enter(|_| Ok(())), FlipperResult::Ok);
        assert_eq!(handle.enter(|_| Err(FlipperResult::Done)), FlipperResult::Done);
        assert_eq!(handle.enter(|_| panic!("a fault of this library")), FlipperResult::Panic);
        assert_eq!(handle.enter(|_| unreachable!("it is poisoned")), FlipperResult::Panic);
    }

    #[test]
    fn whoever_comes_meanwhile_is_told_so() {
        let handle = Exclusive::new(0);
        let mut meanwhile = FlipperResult::Ok;
        assert_eq!(
            handle.enter(|_| {
                meanwhile = handle.enter(|_| Ok(()));
                Ok(())
            }),
            FlipperResult::Ok
        );
        assert_eq!(meanwhile, FlipperResult::InUse);
    }
}
