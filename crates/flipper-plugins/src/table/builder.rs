//! A table in the making.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex};

use flipper_client::Call;
use flipper_client::proto::ErrorReport;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::column::Column;
use super::history::History;
use super::keep::Keep;
use super::row::Key;
use super::{Shared, State, Table};

pub(super) type Methods = BTreeMap<String, Box<dyn Fn(Call) + Send + Sync>>;

/// A [`Table`] in the making. [`Table::builder`] begins one, [`build`](Self::build) ends it.
#[must_use]
pub struct TableBuilder<R> {
    settings: Settings<R>,
    methods: Methods,
}

pub(super) struct Settings<R> {
    pub(super) id: String,
    pub(super) background: bool,
    pub(super) columns: Vec<Column>,
    pub(super) key: Option<Key<R>>,
    pub(super) row_method: String,
    pub(super) reset_method: String,
    keep: Keep,
}

impl<R: Serialize + 'static> TableBuilder<R> {
    pub(super) fn new(id: String) -> Self {
        let settings = Settings {
            id,
            background: false,
            columns: Vec::new(),
            key: None,
            row_method: "newRow".to_owned(),
            reset_method: "reset".to_owned(),
            keep: Keep::default(),
        };
        Self { settings, methods: Methods::new() }
    }

    /// Adds a column to those that a desktop is told of. Without any, it shows what it finds in the rows.
    pub fn column(mut self, column: Column) -> Self {
        self.settings.columns.push(column);
        self
    }

    /// This field of a row is its key: a row takes the place of the one with the same key. JavaScript tells `1` and
    /// `"1"` apart, and so does this. Default: none, rows are only appended.
    pub fn key(mut self, field: impl Into<String>) -> Self {
        self.settings.key = Some(Key::Field(field.into()));
        self
    }

    /// As [`key`](Self::key), for rows that have no such field: what `key` makes of a row becomes its field `_key`.
    pub fn key_by<K: Serialize>(mut self, key: impl Fn(&R) -> K + Send + Sync + 'static) -> Self {
        self.settings.key = Some(Key::Made(Box::new(move |row| serde_json::to_value(key(row)))));
        self
    }

    /// The event that carries a row. Default: `newRow`.
    pub fn row_method(mut self, method: impl Into<String>) -> Self {
        self.settings.row_method = method.into();
        self
    }

    /// The event that empties the table. Default: `reset`.
    pub fn reset_method(mut self, method: impl Into<String>) -> Self {
        self.settings.reset_method = method.into();
        self
    }

    /// How many rows are kept for a desktop that comes later or anew.
    pub fn keep(mut self, keep: Keep) -> Self {
        self.settings.keep = keep;
        self
    }

    /// Has the desktop initialise the table as soon as the app connects, and not only while somebody looks at it.
    pub fn background(mut self) -> Self {
        self.settings.background = true;
        self
    }

    /// Adds a method that the desktop can call, as [`PluginBuilder::method`](flipper_client::PluginBuilder::method)
    /// does. One called `metadata` takes the place of the table's own.
    pub fn method<P, T, E>(
        mut self,
        name: impl Into<String>,
        handler: impl Fn(P) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self
    where
        P: DeserializeOwned,
        T: Serialize,
        E: Into<ErrorReport>,
    {
        let answer = move |call: Call| {
            let result = call.parse().and_then(|params| handler(params).map_err(Into::into));
            // A session that ended meanwhile wants no answer.
            let _ended = call.responder.finish(result);
        };
        self.methods.insert(name.into(), Box::new(answer));
        self
    }

    /// The table.
    #[must_use]
    pub fn build(self) -> Table<R> {
        let Self { settings, methods } = self;
        let state = State { history: History::new(settings.keep), connection: None };
        Table { shared: Arc::new(Shared { settings, methods, state: Mutex::new(state), row: PhantomData }) }
    }
}

impl<R> Settings<R> {
    pub(super) fn metadata(&self) -> Metadata<'_> {
        Metadata {
            columns: &self.columns,
            key: self.key.as_ref().map(Key::field),
            row_method: &self.row_method,
            reset_method: &self.reset_method,
            background: self.background,
            keeps: self.keep.rows,
        }
    }
}

/// The answer of [`Table::METADATA`].
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata<'a> {
    pub(crate) columns: &'a [Column],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<&'a str>,
    pub(crate) row_method: &'a str,
    pub(crate) reset_method: &'a str,
    pub(crate) background: bool,
    pub(crate) keeps: usize,
}

impl<R> fmt::Debug for TableBuilder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableBuilder").field("id", &self.settings.id).finish_non_exhaustive()
    }
}
