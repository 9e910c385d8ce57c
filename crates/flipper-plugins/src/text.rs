//! Texts of any length, kept short.

use std::fmt::{self, Write as _};

/// Writes a text, and in the place of what is beyond the limit how much that is.
pub(crate) fn bounded(limit: usize, text: fmt::Arguments<'_>) -> String {
    let mut cut = Cut { text: String::new(), limit, left_out: 0 };
    if cut.write_fmt(text).is_err() {
        cut.text.push_str("… (it could not be formatted)");
    } else if cut.left_out > 0 {
        cut.text.push_str(&format!("… ({} more bytes)", cut.left_out));
    }
    cut.text
}

struct Cut {
    text: String,
    limit: usize,
    left_out: usize,
}

impl fmt::Write for Cut {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = if self.left_out == 0 { self.limit - self.text.len() } else { 0 };
        let kept = &more[..more.floor_char_boundary(room)];
        self.text.push_str(kept);
        self.left_out += more.len() - kept.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_says_how_much_is_missing() {
        assert_eq!(bounded(5, format_args!("12345")), "12345");
        assert_eq!(bounded(5, format_args!("12345{}", "678")), "12345… (3 more bytes)");
        assert_eq!(bounded(5, format_args!("1234é5")), "1234… (3 more bytes)");
        assert_eq!(bounded(0, format_args!("é")), "… (2 more bytes)");
    }
}
