//! What the reader of the output wants.

use std::env;
use std::io::IsTerminal;

/// Colours are for terminals that know them, unless the reader does not want them (<https://no-color.org>).
pub(crate) fn wants_colours(output: &impl IsTerminal) -> bool {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    output.is_terminal() && !set("NO_COLOR") && env::var_os("TERM").is_none_or(|term| term != "dumb")
}
