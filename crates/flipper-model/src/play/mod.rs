//! Transcripts, carried out on a state machine in virtual time.
//!
//! Whatever is done to the machine on the way is recorded, and so is whatever comes out, so that it can be done again: to
//! another machine of the same kind, by a program in another language, or by a fuzzer.

mod app;
mod desk;
mod desk_lines;
mod input;
mod lines;
mod mismatch;

pub use self::app::{Recording, play_app};
pub use self::desk::{DeskRecording, play_desktop};
pub use self::input::{DeskInput, Input};
pub use self::mismatch::Mismatch;

use std::time::Duration;

use flipper_proto::{CloseCause, Excerpt, Instant, TlsFailure};
use flipper_transcript::{Loss, LossWord};

/// When a transcript begins, on its clock.
const START: Instant = Instant::from_millis(1_000);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn cause(loss: Loss) -> CloseCause {
    let why = || Excerpt::new("as the transcript says");
    match loss {
        Loss::Http(status) => CloseCause::Http(status),
        Loss::Word(word) => match word {
            LossWord::Refused => CloseCause::Refused,
            LossWord::Unreachable => CloseCause::Unreachable(why()),
            LossWord::Timeout => CloseCause::Timeout,
            LossWord::TlsUnknownCa => CloseCause::Tls(TlsFailure::UnknownCa),
            LossWord::TlsExpired => CloseCause::Tls(TlsFailure::Expired),
            LossWord::TlsNotYetValid => CloseCause::Tls(TlsFailure::NotYetValid),
            LossWord::TlsPeerRefused => CloseCause::Tls(TlsFailure::PeerRefused(why())),
            LossWord::TlsHandshake => CloseCause::Tls(TlsFailure::Handshake(why())),
            LossWord::Dropped => CloseCause::DroppedBeforeUpgrade,
            LossWord::NotWebSocket => CloseCause::BadUpgrade(why()),
            LossWord::Eof => CloseCause::Eof,
            LossWord::Reset => CloseCause::Reset,
        },
    }
}

fn closed(code: u16, reason: &str) -> CloseCause {
    CloseCause::Code { code, reason: Excerpt::new(reason) }
}
