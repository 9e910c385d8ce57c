//! Proofs of a pairing.

use flipper_proto::Instant;
use flipper_proto::desktop::{Judgement, Verdict};

use super::handle::{FlipperDesktop, with};
use crate::event::FlipperEvent;
use crate::pointer;
use crate::result::FlipperResult;

/// What is right or wrong with the proof of a pairing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperVerdict {
    /// It was made with the pairing's secret, for this request, just now.
    Right = 1,
    /// It was not made with the pairing's secret, or for another request, or it came before.
    Wrong = 2,
    /// There is no such pairing.
    Unknown = 3,
}

/// What follows from a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperJudgement {
    /// The client may have its certificate.
    Accepted = 1,
    /// It may not. The detail is how many wrong proofs are left until no more are taken.
    Refused = 2,
    /// It may not, whatever the verdict: there were too many wrong proofs. The detail is for how many milliseconds no more
    /// are taken.
    Locked = 3,
}

/// Says what follows from the verdict over the proof in a certificate request, which is an event of kind
/// FLIPPER_EVENT_KIND_EXCHANGE_REQUESTED: whoever gave too many wrong ones is refused even with the right one, for a
/// while. A request without a proof is accepted: whether it needs one is not decided here.
///
/// `verdict` is a `flipper_verdict`; a `flipper_judgement` is written to `judgement`, and to `detail` what belongs to it.
///
/// Results: FLIPPER_RESULT_NOT_FOUND for an event of another kind, FLIPPER_RESULT_BAD_VALUE for a verdict that is none.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_desktop_judge_proof(
    desktop: *mut FlipperDesktop,
    request: *const FlipperEvent,
    verdict: u32,
    now_ms: u64,
    judgement: *mut u32,
    detail: *mut u64,
) -> FlipperResult {
    const RIGHT: u32 = FlipperVerdict::Right as u32;
    const WRONG: u32 = FlipperVerdict::Wrong as u32;
    const UNKNOWN: u32 = FlipperVerdict::Unknown as u32;
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(desktop, |desktop| {
            let verdict = match verdict {
                RIGHT => Verdict::Right,
                WRONG => Verdict::Wrong,
                UNKNOWN => Verdict::Unknown,
                _ => return Err(FlipperResult::BadValue),
            };
            let request = pointer::shared(request)?.exchange_request().ok_or(FlipperResult::NotFound)?;
            let (judgement, detail) = (pointer::place(judgement)?, pointer::place(detail)?);
            let (kind, value) = match desktop.judge_proof(request, verdict, Instant::from_millis(now_ms)) {
                Judgement::Accepted => (FlipperJudgement::Accepted, 0),
                Judgement::Refused { tries_left } => (FlipperJudgement::Refused, u64::from(tries_left)),
                Judgement::Locked { wait } => (FlipperJudgement::Locked, millis(wait)),
            };
            judgement.write(kind as u32);
            detail.write(value);
            Ok(())
        })
    }
}

pub(super) fn millis(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
