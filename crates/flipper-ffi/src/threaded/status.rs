//! Where an app stands.

use std::ffi::c_char;
use std::slice;

use flipper_proto::client::State;

use super::app::{FlipperApp, with};
use crate::pointer;
use crate::result::FlipperResult;

/// Where an app is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperStateKind {
    /// Not started, or stopped.
    Stopped = 1,
    /// Reading the stored credentials.
    Preparing = 2,
    /// On the plain port, to have certificates issued.
    Exchanging = 3,
    /// On the way to a session.
    Connecting = 4,
    /// In a session.
    Connected = 5,
    /// In a session, and the desktop has left pings unanswered. It goes on.
    Unresponsive = 6,
    /// After a failure, before the next attempt.
    Waiting = 7,
    /// Closing the connection: before a new one, or for good.
    Closing = 8,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperCounter {
    /// Messages that broke the protocol.
    BadMessages = 1,
    /// Answers to nobody, among the bad messages.
    UnexpectedReplies = 2,
    /// Binary messages that held text and were read as such.
    BinaryMessages = 3,
    /// Events that found their plugin's buffer full.
    EventsDropped = 4,
    /// Answers that were replaced by an error, because the desktop does not read or because they were too large.
    AnswersReplaced = 5,
    /// Answers for which not even that error found room.
    AnswersDropped = 6,
    /// What the observer was not told, because callbacks have blocked for so long that too much waits.
    MissedNotices = 20,
}

/// Where an app stands: a `flipper_state_kind`.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_app_state(app: *const FlipperApp, out: *mut u32) -> FlipperResult {
    // SAFETY: the caller's promise.
    unsafe {
        with(app, |shared| {
            let kind = match shared.flipper.status().state {
                State::Stopped => FlipperStateKind::Stopped,
                State::Preparing => FlipperStateKind::Preparing,
                State::Exchanging => FlipperStateKind::Exchanging,
                State::Connecting => FlipperStateKind::Connecting,
                State::Connected { unresponsive: false } => FlipperStateKind::Connected,
                State::Connected { unresponsive: true } => FlipperStateKind::Unresponsive,
                State::Waiting { .. } => FlipperStateKind::Waiting,
                State::Closing => FlipperStateKind::Closing,
                _ => return Err(FlipperResult::NotFound),
            };
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
    unsafe { with(app, |shared| copy(&shared.flipper.status().state.to_string(), buffer, capacity, length)) }
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
            copy(&failure.to_string(), buffer, capacity, length)
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
            let counters = shared.flipper.counters();
            let known = [
                (FlipperCounter::BadMessages, counters.bad_messages),
                (FlipperCounter::UnexpectedReplies, counters.unexpected_replies),
                (FlipperCounter::BinaryMessages, counters.binary_messages),
                (FlipperCounter::EventsDropped, counters.events_dropped),
                (FlipperCounter::AnswersReplaced, counters.answers_replaced),
                (FlipperCounter::AnswersDropped, counters.answers_dropped),
                (FlipperCounter::MissedNotices, shared.flipper.missed_notices()),
            ];
            let found = known.into_iter().find(|(known, _)| *known as u32 == counter);
            pointer::write(out, found.ok_or(FlipperResult::BadValue)?.1)
        })
    }
}

/// Copies as much of a text as fits, whole characters, with a NUL.
///
/// # Safety
/// `buffer` points to `capacity` bytes, or is NULL; `length` is NULL, or points to a number.
unsafe fn copy(text: &str, buffer: *mut c_char, capacity: usize, length: *mut usize) -> Result<(), FlipperResult> {
    if capacity > 0 {
        if buffer.is_null() {
            return Err(FlipperResult::Null);
        }
        // No longer than what is written: whatever capacity may say, no more is touched.
        let taken = text.floor_char_boundary(capacity - 1);
        // SAFETY: the caller's promise.
        let buffer = unsafe { slice::from_raw_parts_mut(buffer.cast::<u8>(), taken + 1) };
        buffer[..taken].copy_from_slice(&text.as_bytes()[..taken]);
        buffer[taken] = 0;
    }
    if !length.is_null() {
        // SAFETY: the caller's promise.
        unsafe { pointer::write(length, text.len()) }?;
    }
    Ok(())
}
