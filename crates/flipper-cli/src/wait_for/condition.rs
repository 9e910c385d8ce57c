//! What the params of an event have to hold.

use std::str::FromStr;

use serde_json::Value;
use serde_json::value::RawValue;

/// A value that stands somewhere in JSON.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    path: Vec<Step>,
    value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

impl FromStr for Condition {
    type Err = String;

    /// Reads `PATH=VALUE`: keys joined by dots, places in lists in brackets, with or without `$.` before them. A value
    /// that is no JSON is a text.
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("{text} is no condition; give one such as status=200 or items[0].name=Ann");
        let (path, value) = text.split_once('=').ok_or_else(bad)?;
        let path = path.strip_prefix('$').map_or(path, |path| path.strip_prefix('.').unwrap_or(path));
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        let mut steps = Vec::new();
        for part in path.split('.').filter(|_| !path.is_empty()) {
            let (key, mut indices) = part.split_at(part.find('[').unwrap_or(part.len()));
            match key {
                "" if indices.is_empty() || !steps.is_empty() => return Err(bad()),
                "" => {}
                key => steps.push(Step::Key(key.to_owned())),
            }
            while !indices.is_empty() {
                let (index, rest) = indices.strip_prefix('[').and_then(|rest| rest.split_once(']')).ok_or_else(bad)?;
                steps.push(Step::Index(index.parse().map_err(|_| bad())?));
                indices = rest;
            }
        }
        Ok(Self { path: steps, value })
    }
}

impl Condition {
    fn holds(&self, json: &Value) -> bool {
        let found = self.path.iter().try_fold(json, |json, step| match step {
            Step::Key(key) => json.get(key),
            Step::Index(index) => json.get(index),
        });
        found.is_some_and(|found| same(found, &self.value))
    }
}

/// Whether all of them hold. Where nothing is, nothing holds.
pub(super) fn all(conditions: &[Condition], json: Option<&RawValue>) -> bool {
    let json = json.and_then(|json| serde_json::from_str(json.get()).ok());
    json.is_some_and(|json| conditions.iter().all(|condition| condition.holds(&json)))
}

/// 1 and 1.0 are the same number, and 1 is the same as the text `1`: a command line cannot tell them apart.
fn same(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (Value::String(text), Value::Number(number)) => number.to_string() == *text,
        (Value::String(text), Value::Bool(truth)) => truth.to_string() == *text,
        (Value::String(text), Value::Null) => text == "null",
        _ => found == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(condition: &str, json: &str) -> bool {
        let json = RawValue::from_string(json.to_owned()).unwrap();
        all(&[condition.parse().unwrap()], Some(&json))
    }

    #[test]
    fn values_are_found_where_they_are() {
        let json = r#"{"status":200,"user":{"name":"Ann","ok":true},"items":[{"id":"7"},[1,2.5]],"a=b":1}"#;
        for good in [
            "status=200",
            "status=200.0",
            "$.status=200",
            "user.name=Ann",
            r#"user.name="Ann""#,
            "user.ok=true",
            "items[0].id=7",
            "items[1][1]=2.5",
            r#"user={"ok":true,"name":"Ann"}"#,
        ] {
            assert!(holds(good, json), "{good}");
        }
        for bad in ["status=201", "user.name=ann", "items[2]=1", "nothing=null", "status.code=200", "items[0].id=8"] {
            assert!(!holds(bad, json), "{bad}");
        }
        assert!(holds("$=7", "7"));
        assert!(holds("$[1]=2", "[1,2]"));
        assert!(!all(&["a=1".parse().unwrap()], None));
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for bad in ["status", "a..b=1", "a[x]=1", "a[1=2", ".=1", "a[0]b=1"] {
            assert!(bad.parse::<Condition>().is_err(), "{bad}");
        }
    }
}
