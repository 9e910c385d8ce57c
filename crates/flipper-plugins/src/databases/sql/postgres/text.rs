//! What can be read off the text of a statement.

/// A part of a statement.
enum Part<'a> {
    /// A name in backticks, without them.
    Backticks(String),
    /// Something else: a word, a quoted text, a comment, a sign.
    Other(&'a str),
}

/// The names that stand in backticks, which PostgreSQL does not know.
pub(super) fn quoted_with_backticks(sql: &str) -> Vec<String> {
    if !sql.contains('`') {
        return Vec::new();
    }
    let names = parts(sql).into_iter().filter_map(|part| match part {
        Part::Backticks(name) => Some(name),
        Part::Other(_) => None,
    });
    names.collect()
}

/// The statement, with other names in the place of those in backticks, one for each.
pub(super) fn with_names(sql: &str, names: Vec<String>) -> String {
    let mut names = names.into_iter();
    let parts = parts(sql).into_iter().map(|part| match part {
        Part::Backticks(name) => names.next().unwrap_or(name),
        Part::Other(text) => text.to_owned(),
    });
    parts.collect()
}

/// The first word of a statement, in upper case.
pub(super) fn verb(sql: &str) -> String {
    let word = parts(sql).into_iter().find_map(|part| match part {
        Part::Other(text) if text.starts_with(|c: char| c.is_ascii_alphabetic()) => Some(text.to_ascii_uppercase()),
        _ => None,
    });
    word.unwrap_or_default()
}

fn parts(sql: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = sql;
    // Whether the part before lets backslashes escape quotes in the text that follows.
    let mut escapes = false;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '`' => {
                if let Some(end) = rest[1..].find('`') {
                    parts.push(Part::Backticks(rest[1..=end].to_owned()));
                    rest = &rest[end + 2..];
                    continue;
                }
                1
            }
            '\'' => text_length(rest, '\'', escapes),
            '"' => text_length(rest, '"', false),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => comment_length(rest),
            '$' => dollar_length(rest),
            _ if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let part = &rest[..length];
        escapes = part.eq_ignore_ascii_case("e");
        parts.push(Part::Other(part));
        rest = &rest[length..];
    }
    parts
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn text_length(text: &str, quote: char, escapes: bool) -> usize {
    let mut inside = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = inside.next() {
        if escapes && c == '\\' {
            inside.next();
        } else if c == quote {
            // A doubled quote is one of the text.
            if inside.next_if(|(_, next)| *next == quote).is_none() {
                return at + 1;
            }
        }
    }
    text.len()
}

/// Comments of PostgreSQL lie in one another.
fn comment_length(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// A text between dollar signs, such as `$$…$$` or `$body$…$body$`, or only the sign.
fn dollar_length(text: &str) -> usize {
    let Some(end) = text[1..].find('$').map(|at| at + 1) else { return 1 };
    let tag = &text[..=end];
    if !tag[1..end].chars().all(is_word) || tag[1..].starts_with(|c: char| c.is_ascii_digit()) {
        return 1;
    }
    text[tag.len()..].find(tag).map_or(text.len(), |at| tag.len() + at + tag.len())
}
