//! What can be read off the text of a statement.

/// The first word of a statement, in upper case.
pub(super) fn verb(sql: &str) -> String {
    let mut rest = sql.trim_start();
    loop {
        let after = match rest {
            _ if rest.starts_with("--") => rest.split_once('\n').map_or("", |(_, after)| after),
            _ if rest.starts_with("/*") => rest.split_once("*/").map_or("", |(_, after)| after),
            _ if rest.starts_with(['(', ';']) => &rest[1..],
            _ => break,
        };
        rest = after.trim_start();
    }
    rest.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_ascii_uppercase()
}

/// What an index is over: the parts between the outer parentheses of `CREATE INDEX … ON table (…)`.
pub(super) fn indexed_terms(create: &str) -> Vec<String> {
    let mut terms = Vec::new();
    let mut term = String::new();
    let mut depth = 0_u32;
    let mut quote = None;
    for c in create.chars() {
        match (quote, c) {
            (Some(open), _) => {
                if c == closing(open) {
                    quote = None;
                }
            }
            (None, '\'' | '"' | '`' | '[') => quote = Some(c),
            (None, '(') => {
                depth += 1;
                if depth == 1 {
                    continue;
                }
            }
            (None, ')') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    terms.push(term.trim().to_owned());
                    return terms;
                }
            }
            (None, ',') if depth == 1 => {
                terms.push(std::mem::take(&mut term).trim().to_owned());
                continue;
            }
            (None, _) => {}
        }
        if depth > 0 {
            term.push(c);
        }
    }
    terms
}

fn closing(open: char) -> char {
    if open == '[' { ']' } else { open }
}

/// The statements of a text. Whatever is no end of a statement for SQLite is none here: semicolons in quotes, comments, and
/// between the statements of a trigger.
#[cfg(feature = "databases-sqlx-sqlite")]
pub(super) fn statements(sql: &str) -> Vec<&str> {
    let mut statements = Vec::new();
    let (mut begin, mut rest) = (0, sql);
    let mut words: Vec<String> = Vec::new();
    while let Some(first) = rest.chars().next() {
        let token = match first {
            '\'' | '"' | '`' | '[' => quoted(rest, closing(first)),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |at| at + 2),
            _ if first.is_alphanumeric() || first == '_' => {
                rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len())
            }
            _ => first.len_utf8(),
        };
        let is_code = !first.is_whitespace() && !rest.starts_with("--") && !rest.starts_with("/*");
        let is_end = first == ';' && !is_in_trigger(&words);
        if is_code {
            words.push(rest[..token].to_ascii_uppercase());
        }
        rest = &rest[token..];
        if is_end {
            let end = sql.len() - rest.len();
            statements.push(&sql[begin..end]);
            begin = end;
            words.clear();
        }
    }
    if words.iter().any(|word| word != ";") {
        statements.push(&sql[begin..]);
    }
    statements.retain(|statement| {
        !verb(statement).is_empty() || !statement.trim_matches([';', ' ', '\n', '\t', '\r']).is_empty()
    });
    statements
}

/// How long a quoted text is, which begins here.
#[cfg(feature = "databases-sqlx-sqlite")]
fn quoted(text: &str, closing: char) -> usize {
    let mut inside = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = inside.next() {
        if c != closing {
            continue;
        }
        // A doubled quote is one of the text.
        if closing != ']' && inside.peek().is_some_and(|(_, next)| *next == closing) {
            inside.next();
            continue;
        }
        return at + c.len_utf8();
    }
    text.len()
}

/// A trigger ends with `; END ;` and not before.
#[cfg(feature = "databases-sqlx-sqlite")]
fn is_in_trigger(words: &[String]) -> bool {
    let mut head = words.iter().map(String::as_str);
    let head = (head.next(), head.next(), head.next());
    let is_trigger = matches!(
        head,
        (Some("CREATE"), Some("TRIGGER"), _) | (Some("CREATE"), Some("TEMP" | "TEMPORARY"), Some("TRIGGER"))
    );
    let is_over = matches!(words, [.., semicolon, end] if semicolon == ";" && end == "END");
    is_trigger && !is_over
}
