//! What the reader of the output wants.

use std::borrow::Cow;
use std::env;
use std::fmt::Write as _;
use std::io::{IsTerminal, stdout};
use std::time::Duration;

use anstyle::{AnsiColor, Style};

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const RED: Style = AnsiColor::Red.on_default();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const CYAN: Style = AnsiColor::Cyan.on_default();

/// Colours are for terminals that know them, unless the reader does not want them (<https://no-color.org>).
#[derive(Clone, Copy)]
pub(crate) struct Paint(bool);

impl Paint {
    pub(crate) fn on(output: &impl IsTerminal) -> Self {
        let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self(can_move(output) && !unwanted)
    }

    pub(crate) fn is_wanted(self) -> bool {
        self.0
    }

    pub(crate) fn with(self, style: Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// Whether what was written can be overwritten.
pub(crate) fn can_move(output: &impl IsTerminal) -> bool {
    output.is_terminal() && env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// How many columns standard output has, if it is a terminal.
pub(crate) fn width() -> Option<usize> {
    size().map(|(columns, _)| columns)
}

/// How many columns and rows standard output has, if it is a terminal.
#[cfg(unix)]
pub(crate) fn size() -> Option<(usize, usize)> {
    let size = rustix::termios::tcgetwinsize(stdout()).ok()?;
    (size.ws_col > 0).then_some((size.ws_col.into(), size.ws_row.into()))
}

#[cfg(not(unix))]
pub(crate) fn size() -> Option<(usize, usize)> {
    None
}

/// Text that fits into so many columns. What was cut off is shown as `…`.
pub(crate) fn fit(text: &str, columns: Option<usize>) -> String {
    match columns {
        Some(columns) if text.chars().count() > columns => {
            text.chars().map(shown).take(columns.saturating_sub(1)).chain(['…']).collect()
        }
        _ => plain(text),
    }
}

/// Text of others, which can neither steer the terminal nor change the order in which the rest of the line is read.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(shown).collect()
}

fn shown(char: char) -> char {
    match char {
        char if char.is_control() => ' ',
        char if is_invisible(char) => char::REPLACEMENT_CHARACTER,
        char => char,
    }
}

/// What turns the direction of writing, ends lines, or is not to be seen. Joiners are left: names need them.
fn is_invisible(char: char) -> bool {
    matches!(
        char,
        '\u{61c}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// JSON for standard output. On a terminal, what could steer that is escaped, which means the same; programs get it as it is.
pub(crate) fn json(json: &str) -> Cow<'_, str> {
    if stdout().is_terminal() { escaped(json) } else { json.into() }
}

fn escaped(json: &str) -> Cow<'_, str> {
    let steers = |char: char| !char.is_ascii_whitespace() && (char.is_control() || is_invisible(char));
    if !json.contains(steers) {
        return json.into();
    }
    let mut text = String::with_capacity(json.len() + 16);
    for char in json.chars() {
        if steers(char) {
            for unit in char.encode_utf16(&mut [0; 2]) {
                let written = write!(text, "\\u{unit:04x}");
                debug_assert!(written.is_ok(), "writing to a String cannot fail");
            }
        } else {
            text.push(char);
        }
    }
    text.into()
}

/// How long something takes, for people: `12.345 s`, and from an hour on `1:02:03`.
pub(crate) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    if seconds < 3600 {
        return format!("{:.3} s", span.as_secs_f64());
    }
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// A number of bytes, for people.
pub(crate) fn bytes(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let number = bytes as f64;
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.1} KB", number / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", number / 1e6),
        _ => format!("{:.1} GB", number / 1e9),
    }
}

/// So many of something.
pub(crate) fn count(number: u64, what: &str) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{text} {what}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut() {
        assert_eq!(fit("abcdef", Some(6)), "abcdef");
        assert_eq!(fit("abcdef", Some(5)), "abcd…");
    }

    #[test]
    fn texts_of_others_do_not_steer_the_terminal() {
        assert_eq!(fit("a\nb\x1b[31m\u{9b}2J\x7f", None), "a b [31m 2J ");
        assert_eq!(fit("gpj.\u{202e}exe", Some(20)), "gpj.\u{fffd}exe");
        assert_eq!(plain("👩\u{200d}💻"), "👩\u{200d}💻");
    }

    #[test]
    fn json_is_escaped_and_means_the_same() {
        let raw = "{\n \"a\": \"\u{9b}2J\u{202e}\u{7f}\u{e0041}ä\"}";
        let shown = escaped(raw);
        assert_eq!(shown, "{\n \"a\": \"\\u009b2J\\u202e\\u007f\\udb40\\udc41ä\"}");
        let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(parsed(&shown), parsed(raw));
    }

    #[test]
    fn numbers_are_for_people() {
        assert_eq!(count(1, "event"), "1 event");
        assert_eq!(count(1_234_567, "event"), "1,234,567 events");
        assert_eq!((bytes(999), bytes(1_500)), ("999 bytes".to_owned(), "1.5 KB".to_owned()));
        assert_eq!(span(Duration::from_millis(3_723_004)), "1:02:03");
    }
}
