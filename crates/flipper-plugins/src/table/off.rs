//! Tables without the feature `enabled`: they have no rows.
#![expect(missing_docs, reason = "it is documented where it does something")]

mod error;
mod keep;

use std::fmt;
use std::marker::PhantomData;

use flipper_client::proto::ErrorReport;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::error::RowError;
pub use self::keep::Keep;

/// Has no rows, and takes none.
pub struct Table<R> {
    row: PhantomData<fn(&R)>,
}

impl<R: Serialize + 'static> Table<R> {
    pub const METADATA: &str = "metadata";

    #[inline]
    pub fn builder(_id: impl Into<String>) -> TableBuilder<R> {
        TableBuilder { row: PhantomData }
    }

    /// Always `Ok`, whatever the row is.
    #[inline]
    pub fn upsert(&self, _row: &R) -> Result<(), RowError> {
        Ok(())
    }

    /// Always `false`: there was no row.
    #[inline]
    pub fn remove<K: Serialize + ?Sized>(&self, _key: &K) -> Result<bool, RowError> {
        Ok(false)
    }

    #[inline]
    pub fn clear(&self) {}

    /// Always 0.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        0
    }

    /// Always.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        true
    }

    /// Never.
    #[must_use]
    #[inline]
    pub fn is_shown(&self) -> bool {
        false
    }
}

does_nothing!(Table<R>, "");

impl<R> Clone for Table<R> {
    #[inline]
    fn clone(&self) -> Self {
        Self { row: PhantomData }
    }
}

impl<R> fmt::Debug for Table<R> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Table")
    }
}

/// Drops what it is given.
#[must_use]
pub struct TableBuilder<R> {
    row: PhantomData<fn(&R)>,
}

impl<R: Serialize + 'static> TableBuilder<R> {
    #[inline]
    pub fn column(self, _column: Column) -> Self {
        self
    }

    #[inline]
    pub fn key(self, _field: impl Into<String>) -> Self {
        self
    }

    #[inline]
    pub fn key_by<K: Serialize>(self, _key: impl Fn(&R) -> K + Send + Sync + 'static) -> Self {
        self
    }

    #[inline]
    pub fn row_method(self, _method: impl Into<String>) -> Self {
        self
    }

    #[inline]
    pub fn reset_method(self, _method: impl Into<String>) -> Self {
        self
    }

    #[inline]
    pub fn keep(self, _keep: Keep) -> Self {
        self
    }

    #[inline]
    pub fn background(self) -> Self {
        self
    }

    #[inline]
    pub fn method<P, T, E>(
        self,
        _name: impl Into<String>,
        _handler: impl Fn(P) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self
    where
        P: DeserializeOwned,
        T: Serialize,
        E: Into<ErrorReport>,
    {
        self
    }

    #[must_use]
    #[inline]
    pub fn build(self) -> Table<R> {
        Table { row: PhantomData }
    }
}

impl<R> fmt::Debug for TableBuilder<R> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TableBuilder")
    }
}

/// Keeps nothing, so that all are alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column(());

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ColumnKind {
    Text,
    Number,
    Bool,
    Time,
    Json,
}

impl Column {
    #[must_use]
    #[inline]
    pub fn new(_key: impl Into<String>, _kind: ColumnKind) -> Self {
        Self(())
    }

    #[must_use]
    #[inline]
    pub fn text(_key: impl Into<String>) -> Self {
        Self(())
    }

    #[must_use]
    #[inline]
    pub fn number(_key: impl Into<String>) -> Self {
        Self(())
    }

    #[must_use]
    #[inline]
    pub fn bool(_key: impl Into<String>) -> Self {
        Self(())
    }

    #[must_use]
    #[inline]
    pub fn time(_key: impl Into<String>) -> Self {
        Self(())
    }

    #[must_use]
    #[inline]
    pub fn json(_key: impl Into<String>) -> Self {
        Self(())
    }

    #[must_use]
    #[inline]
    pub fn titled(self, _title: impl Into<String>) -> Self {
        self
    }

    #[must_use]
    #[inline]
    pub fn wide(self, _pixels: u32) -> Self {
        self
    }
}
