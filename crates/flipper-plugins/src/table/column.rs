//! What a desktop is told of a column.

use serde::Serialize;

/// A column of a [`Table`](super::Table). Fields of a row that no column names are still there: the official desktop
/// shows the whole row beside the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(rename = "type")]
    kind: ColumnKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
}

/// What the cells of a column hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ColumnKind {
    /// Text.
    Text,
    /// Numbers.
    Number,
    /// `true` and `false`.
    Bool,
    /// Moments, as Unix milliseconds.
    Time,
    /// Any JSON.
    Json,
}

impl Column {
    /// A column that shows the field `key` of every row.
    #[must_use]
    pub fn new(key: impl Into<String>, kind: ColumnKind) -> Self {
        Self { key: key.into(), title: None, kind, width: None }
    }

    /// A column of texts.
    #[must_use]
    pub fn text(key: impl Into<String>) -> Self {
        Self::new(key, ColumnKind::Text)
    }

    /// A column of numbers.
    #[must_use]
    pub fn number(key: impl Into<String>) -> Self {
        Self::new(key, ColumnKind::Number)
    }

    /// A column of `true` and `false`.
    #[must_use]
    pub fn bool(key: impl Into<String>) -> Self {
        Self::new(key, ColumnKind::Bool)
    }

    /// A column of moments, as Unix milliseconds.
    #[must_use]
    pub fn time(key: impl Into<String>) -> Self {
        Self::new(key, ColumnKind::Time)
    }

    /// A column of any JSON.
    #[must_use]
    pub fn json(key: impl Into<String>) -> Self {
        Self::new(key, ColumnKind::Json)
    }

    /// What stands above the column. Default: the key.
    #[must_use]
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// How wide the column is, in pixels. Default: as the desktop likes.
    #[must_use]
    pub fn wide(mut self, pixels: u32) -> Self {
        self.width = Some(pixels);
        self
    }
}
