//! What one may ask a client. Nothing changes by it.

use std::ffi::c_char;

use flipper_proto::client::{Client, Counters, Event};

use super::handle::{FlipperClient, with};
use crate::event::FlipperEvent;
use crate::pointer;
use crate::result::FlipperResult;

/// What is counted from the moment that a client was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperClientCounter {
    /// Messages that broke the protocol.
    BadMessages = 1,
    /// Answers to nobody, which are among those.
    UnexpectedReplies = 2,
    /// Binary messages that held text and were read as such.
    BinaryMessages = 3,
    /// Events that found the buffer of their plugin full.
    EventsDropped = 4,
    /// Answers that were replaced by an error, because the desktop does not read or because they were too large.
    AnswersReplaced = 5,
    /// Answers for which not even that error found room.
    AnswersDropped = 6,
    /// Facts about attempts or jobs that were over.
    StaleFacts = 7,
}

/// Where the client is: gives an event of kind FLIPPER_EVENT_KIND_STATE, to be freed by `flipper_event_free`.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_state_of(
    client: *mut FlipperClient,
    out: *mut *mut FlipperEvent,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe { with(client, |client| pointer::give(out, FlipperEvent::of_client(Event::StateChanged(client.state())))) }
}

/// The latest failure, also when the client has got over it since: gives an event of kind FLIPPER_EVENT_KIND_FAILED, to be
/// freed by `flipper_event_free`. FLIPPER_RESULT_NOT_FOUND: nothing has failed.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_last_failure(
    client: *mut FlipperClient,
    out: *mut *mut FlipperEvent,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            pointer::give_next(out, || {
                let failure = client.last_failure().ok_or(FlipperResult::NotFound)?;
                Ok(FlipperEvent::of_client(Event::Failed(failure.clone())))
            })
        })
    }
}

/// How often something happened that was lost, refused or ignored. `counter` is a `flipper_client_counter`.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_counter_of(
    client: *mut FlipperClient,
    counter: u32,
    out: *mut u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| pointer::write(out, count(client.counters(), counter).ok_or(FlipperResult::BadValue)?))
    }
}

/// One of the counters.
pub(crate) fn count(counters: Counters, counter: u32) -> Option<u64> {
    let known = [
        (FlipperClientCounter::BadMessages, counters.bad_messages),
        (FlipperClientCounter::UnexpectedReplies, counters.unexpected_replies),
        (FlipperClientCounter::BinaryMessages, counters.binary_messages),
        (FlipperClientCounter::EventsDropped, counters.events_dropped),
        (FlipperClientCounter::AnswersReplaced, counters.answers_replaced),
        (FlipperClientCounter::AnswersDropped, counters.answers_dropped),
        (FlipperClientCounter::StaleFacts, counters.stale_facts),
    ];
    known.into_iter().find(|(known, _)| *known as u32 == counter).map(|(_, count)| count)
}

/// Whether the desktop has initialised a plugin: 0 or 1.
///
/// FLIPPER_RESULT_UNKNOWN_PLUGIN: there is none of this id.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_is_plugin_connected(
    client: *mut FlipperClient,
    plugin: *const c_char,
    plugin_len: usize,
    out: *mut u8,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let plugin = known(client, pointer::text(plugin, plugin_len)?)?;
            pointer::write(out, client.is_plugin_connected(plugin).into())
        })
    }
}

/// Whether everything that a plugin has sent, and every answer and error, has left the app: 0 or 1. That is known only to
/// those who tell `flipper_client_flushed`.
///
/// FLIPPER_RESULT_UNKNOWN_PLUGIN: there is none of this id.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_is_flushed(
    client: *mut FlipperClient,
    plugin: *const c_char,
    plugin_len: usize,
    out: *mut u8,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let plugin = known(client, pointer::text(plugin, plugin_len)?)?;
            pointer::write(out, client.is_flushed(plugin).into())
        })
    }
}

/// How many events of a plugin wait, and how many were dropped because its buffer was full. Either may be NULL.
///
/// FLIPPER_RESULT_UNKNOWN_PLUGIN: there is none of this id.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_events_of(
    client: *mut FlipperClient,
    plugin: *const c_char,
    plugin_len: usize,
    waiting: *mut u64,
    dropped: *mut u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let plugin = pointer::text(plugin, plugin_len)?;
            let counts = (client.waiting_events(plugin)?, client.dropped_events(plugin)?);
            pointer::write_optional(waiting, counts.0 as u64);
            pointer::write_optional(dropped, counts.1);
            Ok(())
        })
    }
}

/// The id of a plugin that there is.
fn known<'a>(client: &Client, plugin: &'a str) -> Result<&'a str, FlipperResult> {
    client.waiting_events(plugin)?;
    Ok(plugin)
}
