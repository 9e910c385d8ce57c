//! What a client is polled for: actions first, then events, then when the next timer is due.

use flipper_proto::client::Timer;

use super::handle::{FlipperClient, with};
use crate::action::FlipperAction;
use crate::event::FlipperEvent;
use crate::pointer;
use crate::result::FlipperResult;

/// The next thing to do, in order; FLIPPER_RESULT_DONE if there is none. Poll it until then after every fact and every wish.
/// What it gives is to be freed by `flipper_action_free`.
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

/// The next thing that happened; FLIPPER_RESULT_DONE if there is none. Poll it until then once there are no more actions.
/// What it gives is to be freed by `flipper_event_free`.
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

/// When to call `flipper_client_timeout`; FLIPPER_NEVER if not at all. Ask anew after every fact and every wish. `timer`,
/// which may be NULL, is given why: a `flipper_client_timer`, or 0.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_poll_timeout(
    client: *mut FlipperClient,
    timer: *mut u32,
    at_ms: *mut u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let next = client.poll_timeout();
            pointer::write(at_ms, next.map_or(crate::FLIPPER_NEVER, |(at, _)| at.as_millis()))?;
            let reason = next.and_then(|(_, timer)| FlipperClientTimer::of(timer)).map_or(0, |timer| timer as u32);
            pointer::write_optional(timer, reason);
            Ok(())
        })
    }
}

/// What a client's next timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperClientTimer {
    /// The next attempt is due.
    Retry = 1,
    /// An attempt has taken too long to open.
    Connect = 2,
    /// The desktop has taken too long to answer the certificate request.
    Grant = 3,
    /// A socket has taken too long to close.
    Close = 4,
    /// The desktop has been silent: a ping is due, or is missed.
    Ping = 5,
    /// The session counts as stable.
    Stable = 6,
    /// The pause after a burst of events is over, and others wait.
    Events = 7,
}

impl FlipperClientTimer {
    fn of(timer: Timer) -> Option<Self> {
        Some(match timer {
            Timer::Retry => Self::Retry,
            Timer::Connect => Self::Connect,
            Timer::Grant => Self::Grant,
            Timer::Close => Self::Close,
            Timer::Ping => Self::Ping,
            Timer::Stable => Self::Stable,
            Timer::Events => Self::Events,
            _ => return None,
        })
    }
}
