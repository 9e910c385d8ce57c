//! What the reader of the output wants.

use std::env;
use std::io::IsTerminal;
use std::time::Duration;

/// Colours are for terminals that know them, unless the reader does not want them (<https://no-color.org>).
pub(crate) fn wants_colours(output: &impl IsTerminal) -> bool {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    output.is_terminal() && !set("NO_COLOR") && env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// How many columns standard output has, if it is a terminal.
#[cfg(unix)]
pub(crate) fn width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    (size.ws_col > 0).then_some(size.ws_col.into())
}

#[cfg(not(unix))]
pub(crate) fn width() -> Option<usize> {
    None
}

/// Text that fits into so many columns. What was cut off is shown as `…`.
pub(crate) fn fit(text: &str, columns: Option<usize>) -> String {
    let shown = |char: char| if char.is_control() { ' ' } else { char };
    match columns {
        Some(columns) if text.chars().count() > columns => {
            text.chars().map(shown).take(columns.saturating_sub(1)).chain(['…']).collect()
        }
        _ => text.chars().map(shown).collect(),
    }
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
        assert_eq!(fit("a\nb\x1b[31m", None), "a b [31m");
    }

    #[test]
    fn numbers_are_for_people() {
        assert_eq!(count(1, "event"), "1 event");
        assert_eq!(count(1_234_567, "event"), "1,234,567 events");
        assert_eq!((bytes(999), bytes(1_500)), ("999 bytes".to_owned(), "1.5 KB".to_owned()));
        assert_eq!(span(Duration::from_millis(3_723_004)), "1:02:03");
    }
}
