//! A desktop, and how one gets to it.

use flipper_proto::desktop::Desktop;

use super::config::FlipperDesktopConfig;
use crate::exclusive::{Exclusive, guard};
use crate::pointer;
use crate::result::FlipperResult;

/// The desktop's state machine; opaque to C. One thread at a time may use it.
#[derive(Debug)]
pub struct FlipperDesktop {
    desktop: Exclusive<Desktop>,
}

/// Makes a desktop without clients. `config` may be NULL: then everything is as by default.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_desktop_new(
    config: *const FlipperDesktopConfig,
    out: *mut *mut FlipperDesktop,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    guard(|| unsafe {
        pointer::give_next(out, || {
            let desktop = Desktop::new(FlipperDesktopConfig::read(config)?);
            Ok(FlipperDesktop { desktop: Exclusive::new(desktop) })
        })
    })
}

/// Frees a desktop. NULL is nothing to free. The driver's sockets are the driver's to close.
///
/// Threads: any, and no other call with it goes on or follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_desktop_free(desktop: *mut FlipperDesktop) {
    // SAFETY: the caller's promise.
    unsafe { pointer::free(desktop) };
}

/// Does something with a desktop.
///
/// # Safety
/// `desktop` is NULL, or came from [`flipper_desktop_new`] and was not freed.
pub(super) unsafe fn with(
    desktop: *mut FlipperDesktop,
    work: impl FnOnce(&mut Desktop) -> Result<(), FlipperResult>,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    match unsafe { pointer::shared(desktop) } {
        Ok(handle) => handle.desktop.enter(work),
        Err(result) => result,
    }
}
