//! Where an app stands.

use std::ffi::c_char;

use super::app::{FlipperApp, with};
use crate::pointer;
use crate::result::FlipperResult;
use crate::state::{FlipperCounter, FlipperStateKind};

const MISSED_NOTICES: u32 = FlipperCounter::MissedNotices as u32;

/// Where an app stands: a `flipper_state_kind`.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_app_state(app: *const FlipperApp, out: *mut u32) -> FlipperResult {
    // SAFETY: the caller's promise.
    unsafe {
        with(app, |shared| {
            let kind = FlipperStateKind::of(&shared.flipper.status().state).ok_or(FlipperResult::NotFound)?;
            pointer::write(out, kind as u32)
        })
    }
}

/// Where an app stands, for people. As much as fits is written into the buffer, with a NUL behind it; `length`, which may be
/// NULL, is how many bytes there are without the NUL. So a capacity of 0 asks for the length alone.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_app_state_text(
    app: *const FlipperApp,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    unsafe { with(app, |shared| pointer::copy(&shared.flipper.status().state.to_string(), buffer, capacity, length)) }
}

/// What failed last, also when it is over, for people: what happened, where, and what to do. The buffer is as that of
/// `flipper_app_state_text`.
///
/// Results: FLIPPER_RESULT_NOT_FOUND where nothing has failed.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_app_last_failure(
    app: *const FlipperApp,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    unsafe {
        with(app, |shared| {
            let failure = shared.flipper.status().last_failure.ok_or(FlipperResult::NotFound)?;
            pointer::copy(&failure.to_string(), buffer, capacity, length)
        })
    }
}

/// How much was lost, refused or ignored so far, for a `flipper_counter`.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_app_counter(app: *const FlipperApp, counter: u32, out: *mut u64) -> FlipperResult {
    // SAFETY: the caller's promise.
    unsafe {
        with(app, |shared| {
            let count = match counter {
                MISSED_NOTICES => Some(shared.flipper.missed_notices()),
                counter => FlipperCounter::count(&shared.flipper.counters(), counter),
            };
            pointer::write(out, count.ok_or(FlipperResult::BadValue)?)
        })
    }
}
