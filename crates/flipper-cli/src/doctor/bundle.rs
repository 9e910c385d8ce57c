//! What a person attaches to a report.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::report::Report;
use crate::failure::Failure;

/// The variables whose values are worth knowing and no secret.
const VARIABLES: [&str; 6] = [
    "FLIPPER_ALT_PORTS",
    "FLIPPER_PORTS",
    "FLIPPER_BROWSER_PORT",
    "FLIPPER_STATE_DIR",
    "FLIPPER_LOG",
    "ANDROID_ADB_SERVER_PORT",
];

/// Writes the report and what it was made under.
///
/// Files of the desktop are not copied into it. What others said, such as the reason of a refusal, is: therefore every
/// text is searched for what must not be in it.
pub(super) fn write(file: &Path, report: &Report, directory: &Path) -> Result<(), Failure> {
    let variables: BTreeMap<_, _> = VARIABLES.iter().filter_map(|name| Some((*name, env::var(name).ok()?))).collect();
    let mut bundle = json!({
        "report": report,
        "state_directory": directory.display().to_string(),
        "architecture": env::consts::ARCH,
        "environment": variables,
    });
    Secrets::of(directory).remove_from(&mut bundle);
    let text = serde_json::to_string_pretty(&bundle)?;
    fs::write(file, text).map_err(|error| Failure::new(format_args!("cannot write {}: {error}", file.display())))
}

/// Texts that must not be shown to others.
struct Secrets(Vec<String>);

const REMOVED: &str = "[removed]";
/// What is shorter is no secret, and may well be part of something else.
const SHORTEST: usize = 16;

impl Secrets {
    /// Those that the desktop with this directory knows, and those of the environment.
    fn of(directory: &Path) -> Self {
        let mut secrets = Self(Vec::new());
        secrets.add(&fs::read_to_string(directory.join("token")).unwrap_or_default());
        // A link, of which only a part is the secret, and which part is not for this to know.
        let pairing = env::var("FLIPPER_PAIRING").unwrap_or_default();
        pairing.split(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c)).for_each(|part| secrets.add(part));
        let pairings = fs::read(directory.join("pairings.json")).unwrap_or_default();
        secrets.add_all(&serde_json::from_slice(&pairings).unwrap_or_default());
        secrets
    }

    fn add(&mut self, text: &str) {
        let text = text.trim();
        if text.len() >= SHORTEST {
            self.0.push(text.to_owned());
        }
    }

    fn add_all(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.add(text),
            Value::Array(values) => values.iter().for_each(|value| self.add_all(value)),
            Value::Object(fields) => fields.values().for_each(|value| self.add_all(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn remove_from(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.without(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.remove_from(value)),
            Value::Object(fields) => fields.values_mut().for_each(|value| self.remove_from(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn without(&self, text: &str) -> String {
        let text = self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret, REMOVED));
        without_pem(&text)
    }
}

/// The text without keys, certificates and requests, whole or cut off.
fn without_pem(text: &str) -> String {
    const BEGIN: &str = "-----BEGIN ";
    const END: &str = "-----END ";
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, block)) = rest.split_once(BEGIN) {
        kept.push_str(before);
        kept.push_str(REMOVED);
        let after = block.split_once(END).and_then(|(_, end)| end.split_once("-----"));
        rest = after.map_or("", |(_, after)| after);
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_removed_wherever_they_stand() {
        let secrets = Secrets(vec!["0123456789abcdef".to_owned()]);
        let mut value =
            json!({"a": ["x 0123456789abcdef y", {"b": "-----BEGIN KEY-----\nMII\n-----END KEY-----\nz"}], "n": 5});
        secrets.remove_from(&mut value);
        assert_eq!(value, json!({"a": ["x [removed] y", {"b": "[removed]\nz"}], "n": 5}));
        assert_eq!(without_pem("a-----BEGIN KEY-----\nMII"), "a[removed]");
    }
}
