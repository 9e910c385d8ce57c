//! What callbacks get back from whoever gave them.

use std::ffi::c_void;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

/// A `user` pointer, which is freed when nobody will call back any more.
pub(super) struct User {
    pointer: *mut c_void,
    free: Option<unsafe extern "C" fn(*mut c_void)>,
    /// Before, it is still the caller's.
    is_taken: AtomicBool,
}

// SAFETY: it is never looked into, and C is told that callbacks come from any thread.
unsafe impl Send for User {}
// SAFETY: as above.
unsafe impl Sync for User {}

impl User {
    /// # Safety
    /// `free` takes `pointer`, once, from any thread.
    pub(super) unsafe fn new(pointer: *mut c_void, free: Option<unsafe extern "C" fn(*mut c_void)>) -> Self {
        Self { pointer, free, is_taken: AtomicBool::new(false) }
    }

    /// From now on it is to be freed.
    pub(super) fn take(&self) {
        self.is_taken.store(true, Ordering::Relaxed);
    }

    pub(super) fn pointer(&self) -> *mut c_void {
        self.pointer
    }
}

impl Drop for User {
    fn drop(&mut self) {
        if let (Some(free), true) = (self.free, *self.is_taken.get_mut()) {
            // SAFETY: whoever made this promised it, and this is the only time.
            unsafe { free(self.pointer) };
        }
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("User")
    }
}
