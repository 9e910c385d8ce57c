//! Every transcript, played to the side that it is a test of.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that fails panics")]

use std::path::Path;

use flipper_model::play;
use flipper_transcript::{AppNews, Line, Side, Step, Transcript};

fn transcripts() -> Vec<Transcript> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../flipper-conformance/transcripts");
    flipper_transcript::read_folder(&folder).unwrap_or_else(|error| panic!("{error}"))
}

/// Every mismatch of every file is shown, and not the first alone.
fn play_all<T>(side: Side, play: impl Fn(&Transcript) -> Result<T, play::Mismatch>, check: impl Fn(&Transcript, T)) {
    let (mut played, mut mismatches) = (0, Vec::new());
    for transcript in transcripts().iter().filter(|transcript| transcript.tests().includes(side)) {
        match play(transcript) {
            Ok(recording) => check(transcript, recording),
            Err(mismatch) => mismatches.push(mismatch.to_string()),
        }
        played += 1;
    }
    assert!(mismatches.is_empty(), "{}", mismatches.join("\n"));
    assert!(played >= 10, "only {played} transcripts");
}

#[test]
fn a_client_does_what_the_transcripts_say() {
    play_all(Side::App, play::play_app, |transcript, recording| {
        assert_eq!(recording.replay(), recording.outputs, "{}: the same facts, the same decisions", transcript.name);
    });
}

#[test]
fn a_desktop_does_what_the_transcripts_say() {
    play_all(Side::Desktop, play::play_desktop, |transcript, recording| {
        assert_eq!(recording.replay(), recording.outputs, "{}: the same facts, the same decisions", transcript.name);
    });
}

#[test]
fn transcripts_are_written_as_they_are_read() {
    for transcript in transcripts() {
        let written = transcript.to_string();
        assert_eq!(Transcript::parse(&transcript.name, &written).as_ref(), Ok(&transcript));
    }
}

/// A player that never complains would prove nothing: without any line that must be there, no transcript passes.
#[test]
fn no_line_that_must_be_there_can_be_left_out() {
    for transcript in transcripts() {
        for side in [Side::App, Side::Desktop].into_iter().filter(|side| transcript.tests().includes(*side)) {
            for (number, step) in transcript.script(side) {
                let may_be_left_out = match step {
                    Step::Do(_) => true,
                    Step::Expect(line) => matches!(
                        line,
                        Line::Ping
                            | Line::Job { .. }
                            | Line::AppNews(AppNews::State(_) | AppNews::Step(_) | AppNews::Failed(_))
                    ),
                };
                if may_be_left_out {
                    continue;
                }
                let mut shorter = transcript.clone();
                shorter.entries.retain(|entry| entry.number != number);
                let outcome = match side {
                    Side::App => play::play_app(&shorter).map(drop),
                    Side::Desktop => play::play_desktop(&shorter).map(drop),
                };
                assert!(outcome.is_err(), "{}.flip passes without line {number}: {step:?}", transcript.name);
            }
        }
    }
}
