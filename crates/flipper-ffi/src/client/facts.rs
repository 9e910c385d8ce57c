//! What a driver tells a client of its sockets and of time. A fact about an attempt that is over changes nothing.

use std::ffi::c_char;

use flipper_proto::AttemptId;

use super::handle::{FlipperClient, at, with};
use crate::close::FlipperCloseKind;
use crate::pointer;
use crate::result::FlipperResult;

/// The WebSocket of `attempt` is open: the upgrade was answered with 101.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_opened(client: *mut FlipperClient, attempt: u64, now_ms: u64) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            client.handle_opened(AttemptId::from_u64(attempt), at(now_ms));
            Ok(())
        })
    }
}

/// A text message arrived, the whole of it.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_message(
    client: *mut FlipperClient,
    attempt: u64,
    text: *const c_char,
    len: usize,
    now_ms: u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let text = pointer::text(text, len)?;
            client.handle_message(AttemptId::from_u64(attempt), text, at(now_ms));
            Ok(())
        })
    }
}

/// A binary message arrived. One that holds text is read like a text message.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_binary(
    client: *mut FlipperClient,
    attempt: u64,
    bytes: *const c_char,
    len: usize,
    now_ms: u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let bytes = pointer::bytes(bytes, len)?;
            client.handle_binary(AttemptId::from_u64(attempt), bytes, at(now_ms));
            Ok(())
        })
    }
}

/// The desktop gave a sign of life that is no message: a pong, a ping, or part of a long message.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_alive(client: *mut FlipperClient, attempt: u64, now_ms: u64) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            client.handle_alive(AttemptId::from_u64(attempt), at(now_ms));
            Ok(())
        })
    }
}

/// The socket takes `room` more bytes. Actions of kind FLIPPER_ACTION_KIND_SEND are given only while there is room: tell this
/// once the socket is open, and whenever it takes more again.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_writable(
    client: *mut FlipperClient,
    attempt: u64,
    room: usize,
    now_ms: u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            client.handle_writable(AttemptId::from_u64(attempt), room, at(now_ms));
            Ok(())
        })
    }
}

/// Every message that was given for `attempt` is with the system. Needed for `flipper_client_is_flushed` alone: tell it
/// whenever it is so, before actions are polled.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_flushed(
    client: *mut FlipperClient,
    attempt: u64,
    now_ms: u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            client.handle_flushed(AttemptId::from_u64(attempt), at(now_ms));
            Ok(())
        })
    }
}

/// The socket has ended, or could not be opened. `kind` is a `flipper_close_kind`; where that names a code or a reason, they
/// are given, too, and else 0 and nothing.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_closed(
    client: *mut FlipperClient,
    attempt: u64,
    kind: u32,
    code: u16,
    reason: *const c_char,
    len: usize,
    now_ms: u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let reason = pointer::text(reason, len)?;
            let limit = client.config().limits.message_bytes;
            let cause = FlipperCloseKind::cause(kind, code, reason, limit).ok_or(FlipperResult::BadValue)?;
            client.handle_closed(AttemptId::from_u64(attempt), cause, at(now_ms));
            Ok(())
        })
    }
}

/// Time has passed. Needed when the time of `flipper_client_poll_timeout` has come, and harmless at any other.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_timeout(client: *mut FlipperClient, now_ms: u64) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            client.handle_timeout(at(now_ms));
            Ok(())
        })
    }
}
