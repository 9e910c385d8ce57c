//! Where an app stands.

use flipper_proto::client::Event;

use super::app::{FlipperApp, with};
use crate::client::count;
use crate::event::FlipperEvent;
use crate::pointer;
use crate::result::FlipperResult;

/// Where an app is: gives an event of kind FLIPPER_EVENT_KIND_STATE, to be freed by `flipper_event_free`. Its times count
/// from when the app was made.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_app_state_of(app: *const FlipperApp, out: *mut *mut FlipperEvent) -> FlipperResult {
    // SAFETY: the caller's promise.
    unsafe {
        with(app, |shared| pointer::give(out, FlipperEvent::new(Event::StateChanged(shared.flipper.status().state))))
    }
}

/// The latest failure, also when the app has got over it since: gives an event of kind FLIPPER_EVENT_KIND_FAILED, to be
/// freed by `flipper_event_free`. Its text says what happened, where, and what to do.
///
/// FLIPPER_RESULT_NOT_FOUND: nothing has failed.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_app_last_failure(
    app: *const FlipperApp,
    out: *mut *mut FlipperEvent,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    unsafe {
        with(app, |shared| {
            let failure = shared.flipper.status().last_failure.ok_or(FlipperResult::NotFound)?;
            pointer::give(out, FlipperEvent::new(Event::Failed(failure)))
        })
    }
}

/// How often something happened that was lost, refused or ignored. `counter` is a `flipper_client_counter`.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_app_counter_of(app: *const FlipperApp, counter: u32, out: *mut u64) -> FlipperResult {
    // SAFETY: the caller's promise.
    unsafe {
        with(app, |shared| {
            pointer::write(out, count(shared.flipper.counters(), counter).ok_or(FlipperResult::BadValue)?)
        })
    }
}

/// How much the observer was not told, because callbacks have blocked for so long that too much waits.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_app_missed_notices(app: *const FlipperApp, out: *mut u64) -> FlipperResult {
    // SAFETY: the caller's promise.
    unsafe { with(app, |shared| pointer::write(out, shared.flipper.missed_notices())) }
}
