//! Every line is written as it is read, and what is wrong with one is told.

#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

use std::time::Duration;

use flipper_transcript::{AppWish, Frame, Line, Loss, LossWord, Problem, Side, Step, Timer, Transcript};

fn parse(text: &str) -> Result<Transcript, flipper_transcript::ParseError> {
    Transcript::parse("test", text)
}

/// The only line of a transcript.
fn line(text: &str) -> Line {
    parse(text).unwrap().entries.remove(0).line
}

#[test]
fn every_kind_of_line_is_written_as_it_is_read() {
    let text = r#"# A comment.
#

@tests both
@plugins A B/foreground
@credentials stored device_id=d medium=2 os=MacOS days=3
@set buffered-events 2
@connect session os=Linux device_id=
@opened
app> {"id":1}
app>binary {"id": 1}
app>bytes 00 ff
desk>
desk>  two blanks
@close 1011 no such os
@close 1000
@leave 1000
@ended
@abort
@lost http 401
@lost tls-unknown-ca
@ping
@pong
@room 0
@socket 2
@advance 250ms
@advance 3s
@advance 90m
@advance 25h
@advance 30d
@advance 0ms
@advance to retry
@job load done
@job store failed no space
app< start
app< stop
app< add A
app< add B/foreground
app< remove A
app< send A m
app< send A m {"x": 1.10}
app< respond 1 {}
app< error 1 {}
app< fail 1 it broke
app< supported 1 true
app< report oops
app<! respond 1 {}
app! connected A
app! disconnected A
app! call A m
app! call A m [1, 2]
app! tell A m null
app! supports A m
app! state connected
app! step stored
app! failed no
app! misbehaved no
desk< init A
desk< deinit A
desk< call A m {}
desk< supports A m
desk< notify A m
desk< disconnect 1000
desk< grant
desk< grant d
desk< refuse no
desk< stop
desk<! init A
desk! connected Sample#Linux#box#d
desk! gone reset
desk! unresponsive
desk! responsive
desk! plugins
desk! plugins A B/foreground
desk! event A m {}
desk! reply 1 success {}
desk! reply 2 error {}
desk! reply 3 neither
desk! reply 4 invalid
desk! reply 5 timeout
desk! reply 6 disconnected
desk! error {}
desk! misbehaved no
desk! refused no
desk! asked /app/
desk! acknowledged ok
desk! acknowledged failed
"#;
    assert_eq!(parse(text).unwrap().to_string(), text);
}

#[test]
fn lines_mean_what_they_say() {
    assert_eq!(line("@advance 90m"), Line::Advance(Duration::from_secs(5_400)));
    assert_eq!(line("@advance to stable"), Line::AdvanceTo(Timer::Stable));
    assert_eq!(line("@lost http 503"), Line::Lost(Loss::Http(503)));
    assert_eq!(line("@lost eof"), Line::Lost(Loss::Word(LossWord::Eof)));
    assert_eq!(line("desk> a  b "), Line::Message { from: Side::Desktop, frame: Frame::Text("a  b".into()) });
    assert_eq!(line("app>bytes 0A ff"), Line::Message { from: Side::App, frame: Frame::Bytes(vec![10, 255]) });
    let wish = AppWish::Send("A".into(), "m".into(), Some("{ \"x\": [1, 2] }".into()));
    assert_eq!(line("  app<   send A m  { \"x\": [1, 2] }"), Line::AppWish { wish, refused: false });
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_what_to_do() {
    for (text, told) in [
        ("\n\nhello", "test.flip:3: \"hello\" is no line of a transcript; it must begin with"),
        ("@connekt session", "test.flip:1: \"connekt\" is no directive; known are tests, plugins"),
        ("@connect somewhere", "\"somewhere\" is no port; known are exchange, session, browser"),
        ("@connect session os", "`=` and a value is missing at the end"),
        ("@opened now", "\"now\" has no meaning here; remove it"),
        ("@close soon", "\"soon\" is no close code"),
        ("@close", "close code is missing at the end"),
        ("@leave 70000", "\"70000\" is no close code"),
        ("@lost interest", "\"interest\" is no cause; known are refused"),
        ("@lost http ok", "\"ok\" is no HTTP status"),
        ("@advance 3", "\"3\" is no span of time such as 3s or 250ms"),
        ("@advance 99999999999999999999d", "is no span of time"),
        ("@advance to dinner", "\"dinner\" is no timer; known are retry"),
        ("@job dig done", "\"dig\" is no job; known are load"),
        ("@job load perhaps", "\"perhaps\" is no outcome of a job; known are done, failed"),
        ("@credentials many", "\"many\" is no kind of credentials; known are none, stored"),
        ("@credentials stored age=3", "\"age=3\" is no property of credentials; known are device_id="),
        ("@credentials stored days=x", "\"days=x\" is no number of days"),
        ("@plugins A/hidden", "\"hidden\" is no mode of a plugin; known are foreground"),
        ("@set speed 3", "\"speed\" is no setting; known are os"),
        ("@tests nobody", "\"nobody\" is no side; known are app, desktop, both"),
        ("@opened\n@plugins A", "test.flip:2: set-up must stand before everything else"),
        ("@set os A\n# once more\n@set os B", "test.flip:3: os was set before"),
        ("app< dance", "\"dance\" is no wish of an app; known are start"),
        ("app< respond one {}", "\"one\" is no number of a call"),
        ("app< respond 1", "JSON is missing at the end"),
        ("app! danced", "\"danced\" is no news of an app; known are connected"),
        ("app! connected A B", "\"B\" has no meaning here"),
        ("desk< dance", "\"dance\" is no wish of a desktop; known are init"),
        ("desk! danced", "\"danced\" is no news of a desktop; known are connected"),
        ("desk! reply 1 perhaps", "\"perhaps\" is no end of a request; known are success"),
        ("desk! acknowledged maybe", "\"maybe\" is no end of an exchange; known are ok, failed"),
        ("app>bytes 100", "\"100\" is no byte in hexadecimal"),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(told), "{text:?}: {error}");
    }
    let error = parse("@room -1").unwrap_err();
    assert_eq!(error.line, 1);
    assert_eq!(error.problem, Problem::BadNumber { what: "number of bytes", word: "-1".into() });
}

#[test]
fn a_script_is_the_part_of_one_side() {
    let text =
        "@tests both\n@connect session\n@opened\napp> 1\ndesk> 2\napp! state x\ndesk! responsive\n@lost http 401\n";
    let transcript = parse(text).unwrap();
    let script = |side| {
        let steps = transcript.script(side).map(|(number, step)| match step {
            Step::Do(line) => (number, "do", line.to_string()),
            Step::Expect(line) => (number, "expect", line.to_string()),
        });
        steps.collect::<Vec<_>>()
    };
    let of = |lines: &[(usize, &'static str, &str)]| {
        lines.iter().map(|(number, what, line)| (*number, *what, (*line).to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(
        script(Side::App),
        of(&[
            (2, "expect", "@connect session"),
            (3, "do", "@opened"),
            (4, "expect", "app> 1"),
            (5, "do", "desk> 2"),
            (6, "expect", "app! state x"),
            (8, "do", "@lost http 401"),
        ])
    );
    assert_eq!(
        script(Side::Desktop),
        of(&[
            (2, "do", "@connect session"),
            (3, "expect", "@opened"),
            (4, "do", "app> 1"),
            (5, "expect", "desk> 2"),
            (7, "expect", "desk! responsive"),
            (8, "expect", "@lost http 401"),
        ])
    );
}

#[test]
fn a_folder_that_is_not_there_is_told() {
    let error = flipper_transcript::read_folder(std::path::Path::new("/nowhere")).unwrap_err().to_string();
    assert!(error.starts_with("cannot read /nowhere: "), "{error}");
}
