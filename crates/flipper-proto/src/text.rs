//! Shared text and raw JSON.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;
use core::ops::Deref;

use bytestring::ByteString;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// Immutable UTF-8 text that is cheap to clone and to take parts of: clones and parts share one buffer.
///
/// A message that arrives becomes one `Text`; the method names and params that the state machines hand out are parts of
/// it, so that a large message is never copied on its way to a plugin. A part keeps the whole buffer alive.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(ByteString);

impl Text {
    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Shares a string of this message, without a copy where it stands there as it is.
    pub(crate) fn share(&self, string: Cow<'_, str>) -> Self {
        match string {
            Cow::Borrowed(part) => self.part(part),
            Cow::Owned(string) => Self::from(string),
        }
    }

    /// Shares `part`, which must be borrowed from this text; anything else is copied.
    pub(crate) fn part(&self, part: &str) -> Self {
        let whole = self.0.as_bytes().as_ptr_range();
        let inside = part.as_bytes().as_ptr_range();
        if whole.start <= inside.start && inside.end <= whole.end {
            Self(self.0.slice_ref(part))
        } else {
            Self::from(part)
        }
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(ByteString::from(text))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(ByteString::from(text))
    }
}

impl From<ByteString> for Text {
    fn from(text: ByteString) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

/// One JSON value, kept as the text that it arrived in or was written in.
///
/// Nothing is parsed until somebody asks, and numbers survive verbatim: `1.10` stays `1.10`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Payload(Text);

impl Payload {
    /// An empty JSON object, the answer of calls that have nothing to say.
    ///
    /// The official UI never completes a call whose `success` is falsy (`null`, `false`, `0`, `""`), so this is what a
    /// call without a result should answer.
    #[must_use]
    pub fn empty_object() -> Self {
        Self(Text(ByteString::from_static("{}")))
    }

    /// Writes `value` as JSON.
    ///
    /// # Errors
    /// When `value` cannot be represented, for example a map whose keys are no strings.
    pub fn serialize<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::to_string(value).map(|json| Self(Text::from(json)))
    }

    /// Takes text that holds one JSON value, and checks that it does.
    ///
    /// # Errors
    /// When `json` is not one JSON value.
    pub fn from_json(json: impl Into<Text>) -> Result<Self, serde_json::Error> {
        let text = json.into();
        let value = serde_json::from_str::<&RawValue>(&text)?;
        Ok(Self::part_of(&text, value))
    }

    /// The JSON text.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// Reads the value as `T`.
    ///
    /// # Errors
    /// When the JSON does not have the shape of `T`, or is nested deeper than serde_json's limit of 128.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }

    /// Whether a JavaScript peer takes the value for true.
    ///
    /// `null`, `false`, zero and the empty string are falsy; an official UI that gets one of them as the `success` of a
    /// call waits for ever.
    #[must_use]
    pub fn is_truthy(&self) -> bool {
        match self.as_json() {
            "null" | "false" | "\"\"" => false,
            json if json.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => {
                json.parse::<f64>().is_ok_and(|number| number != 0.0)
            }
            _ => true,
        }
    }

    /// The part of `text` that `value` was read from, without a copy, and without another look at it. A value that was
    /// read from something else is copied.
    #[must_use]
    pub fn part_of(text: &Text, value: &RawValue) -> Self {
        Self(text.part(value.get()))
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_json())
    }
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_json())
    }
}
