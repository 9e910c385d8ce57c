//! Comparing JSON.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// Whether two texts are the same JSON, where the string `"…"` in `expected` stands for any value.
///
/// The order of keys and the blanks between tokens do not matter. Numbers are compared digit by digit: `1.10` is not
/// `1.1`. Texts that are no JSON are the same if they are equal.
#[must_use]
pub fn matches(expected: &str, actual: &str) -> bool {
    match (serde_json::from_str(expected), serde_json::from_str(actual)) {
        (Ok(expected), Ok(actual)) => same(expected, actual),
        _ => expected == actual,
    }
}

fn same(expected: &RawValue, actual: &RawValue) -> bool {
    let (expected, actual) = (expected.get(), actual.get());
    match expected.as_bytes().first() {
        Some(b'{') => match (object(expected), object(actual)) {
            (Some(expected), Some(actual)) => {
                expected.len() == actual.len()
                    && expected.iter().zip(&actual).all(|((key, a), (other, b))| key == other && same(a, b))
            }
            _ => expected == actual,
        },
        Some(b'[') => match (array(expected), array(actual)) {
            (Some(expected), Some(actual)) => {
                expected.len() == actual.len() && expected.iter().zip(&actual).all(|(a, b)| same(a, b))
            }
            _ => expected == actual,
        },
        Some(b'"') => {
            expected == "\"…\""
                || expected == actual
                || string(expected).is_some_and(|text| string(actual) == Some(text))
        }
        _ => expected == actual,
    }
}

fn object(json: &str) -> Option<BTreeMap<String, &RawValue>> {
    serde_json::from_str(json).ok()
}

fn array(json: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(json).ok()
}

fn string(json: &str) -> Option<String> {
    serde_json::from_str(json).ok()
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn the_same_json_is_the_same_however_it_is_written() {
        for (a, b) in [
            (r#"{"a":1,"b":[true,null]}"#, "{ \"b\" : [true, null],\n\"a\":1 }"),
            (r#""é\/""#, r#""\u00e9/""#),
            ("1e400", " 1e400 "),
            ("no JSON", "no JSON"),
            (r#"{"id":1,"x":"…"}"#, r#"{"id":1,"x":{"y":[1.10]}}"#),
            (r#""\ud800""#, r#""\ud800""#),
        ] {
            assert!(matches(a, b), "{a} {b}");
        }
    }

    #[test]
    fn other_json_is_not() {
        for (a, b) in [
            ("1.10", "1.1"),
            ("9007199254740993", "9007199254740992"),
            (r#"{"a":1}"#, r#"{"a":1,"b":2}"#),
            (r#"{"a":1,"b":2}"#, r#"{"a":1}"#),
            (r#"{"a":"…"}"#, r#"{"b":1}"#),
            ("[1,2]", "[2,1]"),
            ("[1]", "{}"),
            ("no JSON", "no  JSON"),
            ("1", r#""…""#),
            (r#""\ud800""#, r#""\ud801""#),
        ] {
            assert!(!matches(a, b), "{a} {b}");
        }
    }
}
