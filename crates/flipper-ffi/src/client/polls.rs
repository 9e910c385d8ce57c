//! What a client is polled for: actions first, then events, then when the next timer is due.

use super::handle::{FlipperClient, with};
use crate::action::FlipperAction;
use crate::event::FlipperEvent;
use crate::pointer;
use crate::result::FlipperResult;

/// The next thing to do; `FLIPPER_RESULT_DONE` if there is none. It is to be freed.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_poll_action(
    client: *mut FlipperClient,
    out: *mut *mut FlipperAction,
) -> FlipperResult {
    // SAFETY: the caller's promise; the place is looked at first, so that no action is lost.
    unsafe {
        with(client, |client| {
            pointer::give_next(out, || client.poll_action().map(FlipperAction::of_client).ok_or(FlipperResult::Done))
        })
    }
}

/// The next thing that happened; `FLIPPER_RESULT_DONE` if there is none. It is to be freed.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_poll_event(
    client: *mut FlipperClient,
    out: *mut *mut FlipperEvent,
) -> FlipperResult {
    // SAFETY: the caller's promise; the place is looked at first, so that no event is lost.
    unsafe {
        with(client, |client| {
            pointer::give_next(out, || client.poll_event().map(FlipperEvent::of_client).ok_or(FlipperResult::Done))
        })
    }
}

/// When to call `flipper_client_timeout`; `FLIPPER_NEVER` if not at all.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_poll_timeout(client: *mut FlipperClient, out: *mut u64) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let next = client.poll_timeout().map_or(crate::FLIPPER_NEVER, |(at, _)| at.as_millis());
            pointer::write(out, next)
        })
    }
}
