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
