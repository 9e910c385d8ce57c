//! A row as JSON.

use flipper_client::proto::Payload;
use serde::Serialize;
use serde_json::Value;

use super::error::RowError;
use crate::number;

/// Where the key of a row comes from.
pub(super) enum Key<R> {
    /// A field of the row.
    Field(String),
    /// The app says it, and it becomes the field [`MADE_KEY`].
    Made(MakeKey<R>),
}

type MakeKey<R> = Box<dyn Fn(&R) -> Result<Value, serde_json::Error> + Send + Sync>;

/// The field that a made key is shown as.
pub(super) const MADE_KEY: &str = "_key";

impl<R> Key<R> {
    pub(super) fn field(&self) -> &str {
        match self {
            Self::Field(field) => field,
            Self::Made(_) => MADE_KEY,
        }
    }
}

/// Writes a row, and its key as text.
pub(super) fn write<R: Serialize>(row: &R, key: Option<&Key<R>>) -> Result<(Option<String>, Payload), RowError> {
    let not_json = |error: serde_json::Error| RowError::NotJson(error.to_string());
    let mut value = serde_json::to_value(row).map_err(not_json)?;
    number::keep_every_digit(&mut value);
    let Value::Object(fields) = &mut value else { return Err(RowError::NotAnObject) };
    if let Some(Key::Made(make)) = key {
        let mut made = make(row).map_err(not_json)?;
        number::keep_every_digit(&mut made);
        fields.insert(MADE_KEY.to_owned(), made);
    }
    let text = match key.map(Key::field) {
        None => None,
        Some(field) => match fields.get(field) {
            None | Some(Value::Null) => return Err(RowError::NoKey(field.to_owned())),
            Some(key) => Some(key.to_string()),
        },
    };
    Ok((text, Payload::serialize(&value).map_err(not_json)?))
}

/// A key as [`write`] has it.
pub(super) fn key_text<K: Serialize + ?Sized>(key: &K) -> Result<String, RowError> {
    let mut key = serde_json::to_value(key).map_err(|error| RowError::NotJson(error.to_string()))?;
    number::keep_every_digit(&mut key);
    Ok(key.to_string())
}
