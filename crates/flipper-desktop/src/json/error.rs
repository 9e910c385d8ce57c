//! Errors.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Why something that was asked for did not succeed: `{"name":…,"message":…,"hint":…}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Error {
    /// The kind of error, for programs.
    pub name: String,
    /// What went wrong.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// With `AmbiguousApp`: the ids of the apps that have the name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
    /// With `AppError`: the app's error as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Box<RawValue>>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
