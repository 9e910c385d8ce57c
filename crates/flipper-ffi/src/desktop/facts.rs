//! What a driver tells a desktop.

use std::ffi::c_char;

use flipper_proto::{ConnId, Instant};

use super::handle::{FlipperDesktop, with};
use crate::close::FlipperCloseKind;
use crate::pointer;
use crate::result::FlipperResult;

/// A text message arrived on a connection.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_desktop_message(
    desktop: *mut FlipperDesktop,
    conn: u64,
    text: *const c_char,
    len: usize,
    now_ms: u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(desktop, |desktop| {
            let text = pointer::text(text, len)?;
            desktop.handle_message(ConnId::from_u64(conn), text, Instant::from_millis(now_ms));
            Ok(())
        })
    }
}

/// A binary message arrived on a connection.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_desktop_binary(
    desktop: *mut FlipperDesktop,
    conn: u64,
    bytes: *const c_char,
    len: usize,
    now_ms: u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(desktop, |desktop| {
            let bytes = pointer::bytes(bytes, len)?;
            desktop.handle_binary(ConnId::from_u64(conn), bytes, Instant::from_millis(now_ms));
            Ok(())
        })
    }
}

/// The peer gave a sign of life that is no message: a pong, a ping, or part of a long message.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_desktop_alive(desktop: *mut FlipperDesktop, conn: u64, now_ms: u64) -> FlipperResult {
    // SAFETY: the caller's promise.
    unsafe {
        with(desktop, |desktop| {
            desktop.handle_alive(ConnId::from_u64(conn), Instant::from_millis(now_ms));
            Ok(())
        })
    }
}

/// The socket takes `room` more bytes; `SIZE_MAX` is any number of them. Messages are given to be sent while there is room;
/// one that is larger than the rest of it goes all the same, and leaves none. A new connection takes one message before
/// its room is told.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_desktop_writable(
    desktop: *mut FlipperDesktop,
    conn: u64,
    room: usize,
    now_ms: u64,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    unsafe {
        with(desktop, |desktop| {
            desktop.handle_writable(ConnId::from_u64(conn), room, Instant::from_millis(now_ms));
            Ok(())
        })
    }
}

/// The socket has ended, for a reason of `flipper_close_kind`. No fact about it counts any more.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_desktop_closed(
    desktop: *mut FlipperDesktop,
    conn: u64,
    kind: u32,
    code: u16,
    reason: *const c_char,
    len: usize,
    now_ms: u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(desktop, |desktop| {
            let reason = pointer::text(reason, len)?;
            let limit = desktop.config().limits.message_bytes;
            let cause = FlipperCloseKind::cause(kind, code, reason, limit).ok_or(FlipperResult::BadValue)?;
            desktop.handle_closed(ConnId::from_u64(conn), cause, Instant::from_millis(now_ms));
            Ok(())
        })
    }
}

/// Time has passed. Wanted when the moment of `flipper_desktop_poll_timeout` has come; harmless at any other.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_desktop_timeout(desktop: *mut FlipperDesktop, now_ms: u64) -> FlipperResult {
    // SAFETY: the caller's promise.
    unsafe {
        with(desktop, |desktop| {
            desktop.handle_timeout(Instant::from_millis(now_ms));
            Ok(())
        })
    }
}
