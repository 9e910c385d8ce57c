//! What a desktop is polled for: actions first, then events, then when the next timer is due.

use flipper_proto::desktop::Timer;

use super::handle::{FlipperDesktop, with};
use crate::action::FlipperAction;
use crate::event::FlipperEvent;
use crate::pointer;
use crate::result::FlipperResult;

/// The next thing to do; FLIPPER_RESULT_DONE if there is none. It is to be freed with `flipper_action_free`.
///
/// Poll it until there is none after every fact and every wish.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_desktop_poll_action(
    desktop: *mut FlipperDesktop,
    out: *mut *mut FlipperAction,
) -> FlipperResult {
    // SAFETY: the caller's promise; the place is looked at first, so that no action is lost.
    unsafe {
        with(desktop, |desktop| {
            pointer::give_next(out, || desktop.poll_action().map(FlipperAction::of_desktop).ok_or(FlipperResult::Done))
        })
    }
}

/// The next thing that happened; FLIPPER_RESULT_DONE if there is none. It is to be freed with `flipper_event_free`.
///
/// Poll it until there is none after the actions.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_desktop_poll_event(
    desktop: *mut FlipperDesktop,
    out: *mut *mut FlipperEvent,
) -> FlipperResult {
    // SAFETY: the caller's promise; the place is looked at first, so that no event is lost.
    unsafe {
        with(desktop, |desktop| {
            pointer::give_next(out, || desktop.poll_event().map(FlipperEvent::of_desktop).ok_or(FlipperResult::Done))
        })
    }
}

/// When to call `flipper_desktop_timeout`; FLIPPER_NEVER if not at all. Ask anew after every fact and every wish. `timer`,
/// which may be NULL, is given why: a `flipper_desktop_timer`, or 0.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_desktop_poll_timeout(
    desktop: *mut FlipperDesktop,
    timer: *mut u32,
    at_ms: *mut u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(desktop, |desktop| {
            let next = desktop.poll_timeout();
            pointer::write(at_ms, next.map_or(crate::FLIPPER_NEVER, |(at, _)| at.as_millis()))?;
            let reason = next.and_then(|(_, timer)| FlipperDesktopTimer::of(timer)).map_or(0, |timer| timer as u32);
            pointer::write_optional(timer, reason);
            Ok(())
        })
    }
}

/// What a desktop's next timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperDesktopTimer {
    /// A connection has taken too long to close.
    Close = 1,
    /// A connection on the exchange port asks for nothing.
    ExchangeIdle = 2,
    /// A client has not told which plugins it has.
    Registration = 3,
    /// A client may have been silent for a while; a ping is due, or is missed.
    Ping = 4,
    /// A request has not been answered in time.
    Request = 5,
}

impl FlipperDesktopTimer {
    fn of(timer: Timer) -> Option<Self> {
        Some(match timer {
            Timer::Close => Self::Close,
            Timer::ExchangeIdle => Self::ExchangeIdle,
            Timer::Registration => Self::Registration,
            Timer::Ping => Self::Ping,
            Timer::Request => Self::Request,
            _ => return None,
        })
    }
}
