//! What one may ask a client. Nothing changes by it.

use std::ffi::c_char;

use flipper_proto::client::Client;

use super::handle::{FlipperClient, with};
use crate::pointer;
use crate::result::FlipperResult;
use crate::state::{FlipperCounter, FlipperStateKind};

/// Where a client is: a `flipper_state_kind`.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_state(client: *mut FlipperClient, out: *mut u32) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let kind = FlipperStateKind::of(&client.state()).ok_or(FlipperResult::NotFound)?;
            pointer::write(out, kind as u32)
        })
    }
}

/// Where a client is, for people. As much as fits is written into the buffer, with a NUL behind it; `length`, which may be
/// NULL, is how many bytes there are without the NUL. So a capacity of 0 asks for the length alone.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_state_text(
    client: *mut FlipperClient,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe { with(client, |client| pointer::copy(&client.state().to_string(), buffer, capacity, length)) }
}

/// What failed last, also when it is over, for people: what happened, where, and what to do. The buffer is as that of
/// `flipper_client_state_text`.
///
/// FLIPPER_RESULT_NOT_FOUND: nothing has failed.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_last_failure(
    client: *mut FlipperClient,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let failure = client.last_failure().ok_or(FlipperResult::NotFound)?;
            pointer::copy(&failure.to_string(), buffer, capacity, length)
        })
    }
}

/// How much was lost, refused or ignored so far, for a `flipper_counter`.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_counter(
    client: *mut FlipperClient,
    counter: u32,
    out: *mut u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let count = FlipperCounter::count(&client.counters(), counter);
            pointer::write(out, count.ok_or(FlipperResult::BadValue)?)
        })
    }
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

/// How many events of a plugin wait to be sent.
///
/// FLIPPER_RESULT_UNKNOWN_PLUGIN: there is none of this id.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_waiting(
    client: *mut FlipperClient,
    plugin: *const c_char,
    plugin_len: usize,
    out: *mut u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let waiting = client.waiting_events(pointer::text(plugin, plugin_len)?)?;
            pointer::write(out, waiting as u64)
        })
    }
}

/// How many events of a plugin were dropped because its buffer was full.
///
/// FLIPPER_RESULT_UNKNOWN_PLUGIN: there is none of this id.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_dropped(
    client: *mut FlipperClient,
    plugin: *const c_char,
    plugin_len: usize,
    out: *mut u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let dropped = client.dropped_events(pointer::text(plugin, plugin_len)?)?;
            pointer::write(out, dropped)
        })
    }
}

/// The id of a plugin that there is.
fn known<'a>(client: &Client, plugin: &'a str) -> Result<&'a str, FlipperResult> {
    client.waiting_events(plugin)?;
    Ok(plugin)
}
