//! What a desktop tells of itself when it is asked.

use super::handle::{FlipperDesktop, with};
use crate::pointer;
use crate::result::FlipperResult;

/// Something that a desktop counts, from its making on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperDesktopCounter {
    /// Connections that were refused, before or after the upgrade.
    RefusedConnections = 1,
    /// Certificate requests that were refused because they came too fast.
    LimitedExchanges = 2,
    /// Certificate requests with a wrong proof of a pairing, or the proof of a pairing that there is not.
    WrongProofs = 3,
    /// Certificate requests that were refused because of earlier ones with wrong proofs.
    LockedExchanges = 4,
    /// Messages that broke the protocol.
    BadMessages = 5,
    /// Answers to requests that nobody sent, among the bad messages.
    UnexpectedReplies = 6,
    /// Answers that came after their request had ended, or for a second time.
    LateReplies = 7,
    /// Binary messages that held text and were read as such.
    BinaryMessages = 8,
    /// Facts about connections that were over.
    StaleFacts = 9,
}

/// How many connections there are, on all ports, those that are being closed included.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_desktop_connections(desktop: *mut FlipperDesktop, out: *mut u64) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe { with(desktop, |desktop| pointer::write(out, desktop.connections() as u64)) }
}

/// A counter: a `flipper_desktop_counter`. FLIPPER_RESULT_BAD_VALUE for a number that is none.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_desktop_counter_of(
    desktop: *mut FlipperDesktop,
    counter: u32,
    out: *mut u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(desktop, |desktop| {
            let counters = desktop.counters();
            let known = [
                (FlipperDesktopCounter::RefusedConnections, counters.refused_connections),
                (FlipperDesktopCounter::LimitedExchanges, counters.limited_exchanges),
                (FlipperDesktopCounter::WrongProofs, counters.wrong_proofs),
                (FlipperDesktopCounter::LockedExchanges, counters.locked_exchanges),
                (FlipperDesktopCounter::BadMessages, counters.bad_messages),
                (FlipperDesktopCounter::UnexpectedReplies, counters.unexpected_replies),
                (FlipperDesktopCounter::LateReplies, counters.late_replies),
                (FlipperDesktopCounter::BinaryMessages, counters.binary_messages),
                (FlipperDesktopCounter::StaleFacts, counters.stale_facts),
            ];
            let found = known.into_iter().find(|(known, _)| *known as u32 == counter);
            let (_, count) = found.ok_or(FlipperResult::BadValue)?;
            pointer::write(out, count)
        })
    }
}
