//! One cell, and how the desktop is told of it without loss.

use std::fmt::Write;

use serde::ser::{Serialize, SerializeStruct, Serializer};

/// How many bytes of a text, or of a blob that is text, are shown. It is the limit of the official clients.
pub(super) const TEXT: usize = 100 * 1024;
/// How many bytes of a blob that is no text are shown, as two digits each.
const BINARY: usize = TEXT / 2;
/// How many bytes of a longer blob are shown.
const BINARY_HEAD: usize = 1024;
/// The largest integer that a number of JavaScript holds exactly, as its `Number.MAX_SAFE_INTEGER`.
const SAFE_INTEGER: u64 = (1 << 53) - 1;

/// One cell of a table.
///
/// The desktop is shown every value without loss. Integers that JavaScript would round, and floats that JSON has no words
/// for, are shown as text. A blob is shown as its text if it is UTF-8 without control characters, otherwise as an SQL
/// literal, `x'00ff'`. What is longer than some 100 KiB is shown in part, with its size.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// SQL's `NULL`.
    Null,
    /// An integer.
    Integer(i64),
    /// A number with a fraction, which may be infinite or none at all.
    Float(f64),
    /// A text.
    Text(String),
    /// True or false.
    Boolean(bool),
    /// Bytes.
    Blob(Vec<u8>),
    /// The beginning of a text or blob that is too large to be shown.
    Cut {
        /// What is left: [`Text`](Self::Text) or [`Blob`](Self::Blob).
        head: Box<Self>,
        /// How many bytes it had.
        bytes: u64,
    },
}

impl Value {
    /// A text, of which no more is copied than will be shown.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::text_within(text, TEXT)
    }

    /// Bytes, of which no more are copied than will be shown.
    #[must_use]
    pub fn blob(bytes: &[u8]) -> Self {
        Self::blob_within(bytes, TEXT)
    }

    pub(super) fn text_within(text: &str, limit: usize) -> Self {
        if text.len() <= limit {
            return Self::Text(text.to_owned());
        }
        let head = text[..text.floor_char_boundary(limit)].to_owned();
        Self::Cut { head: Box::new(Self::Text(head)), bytes: text.len() as u64 }
    }

    pub(super) fn blob_within(bytes: &[u8], limit: usize) -> Self {
        let shown = if readable(bytes).is_some() { limit } else { limit.min(BINARY) };
        if bytes.len() <= shown {
            return Self::Blob(bytes.to_vec());
        }
        let head = bytes[..BINARY_HEAD.min(shown)].to_vec();
        Self::Cut { head: Box::new(Self::Blob(head)), bytes: bytes.len() as u64 }
    }

    /// Whether JavaScript does not round an integer.
    pub(super) fn is_exact(integer: i64) -> bool {
        integer.unsigned_abs() <= SAFE_INTEGER
    }
}

/// The text that bytes hold, if a person can read it and cannot take it for an SQL literal.
fn readable(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let plain = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    (!text.starts_with("x'") && text.chars().all(plain)).then_some(text)
}

fn literal(bytes: &[u8]) -> String {
    let mut literal = String::with_capacity(bytes.len() * 2 + 3);
    literal.push_str("x'");
    for byte in bytes {
        // Writing to a string does not fail.
        let _never = write!(literal, "{byte:02x}");
    }
    literal.push('\'');
    literal
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => {
                let mut cell = serializer.serialize_struct("Value", 1)?;
                cell.serialize_field("type", "null")?;
                cell.end()
            }
            Self::Integer(value) if Self::is_exact(*value) => tagged(serializer, "integer", value),
            Self::Integer(value) => tagged(serializer, "string", &value.to_string()),
            Self::Float(value) if value.is_finite() => tagged(serializer, "float", value),
            Self::Float(value) if value.is_nan() => tagged(serializer, "string", "NaN"),
            Self::Float(value) if *value > 0.0 => tagged(serializer, "string", "Infinity"),
            Self::Float(_) => tagged(serializer, "string", "-Infinity"),
            Self::Text(text) => tagged(serializer, "string", text),
            Self::Boolean(value) => tagged(serializer, "boolean", value),
            Self::Blob(bytes) => match readable(bytes) {
                Some(text) => tagged(serializer, "blob", text),
                None => tagged(serializer, "blob", &literal(bytes)),
            },
            Self::Cut { head, bytes } => match head.as_ref() {
                Self::Text(text) => {
                    let shown = text.len();
                    tagged(serializer, "string", &format!("{text}… {{the first {shown} of {bytes} bytes}}"))
                }
                Self::Blob(head) => {
                    let (shown, head) = (head.len(), literal(head));
                    tagged(serializer, "blob", &format!("{{{bytes}-byte binary blob}} the first {shown}: {head}"))
                }
                other => other.serialize(serializer),
            },
        }
    }
}

fn tagged<S: Serializer, T: Serialize + ?Sized>(serializer: S, kind: &str, value: &T) -> Result<S::Ok, S::Error> {
    let mut cell = serializer.serialize_struct("Value", 2)?;
    cell.serialize_field("type", kind)?;
    cell.serialize_field("value", value)?;
    cell.end()
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        if text.len() <= TEXT { Self::Text(text) } else { Self::text(&text) }
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::blob(bytes)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
