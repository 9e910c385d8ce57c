//! Tables: plugins of an app's own whose rows are typed, and which a desktop can show without knowing them.
//!
//! ```
//! use flipper_plugins::table::{Column, Table};
//! use serde::Serialize;
//!
//! #[derive(Serialize)]
//! struct Order {
//!     id: u64,
//!     customer: String,
//!     paid: bool,
//! }
//!
//! let orders = Table::builder("orders")
//!     .key("id")
//!     .column(Column::number("id").titled("Order").wide(80))
//!     .column(Column::text("customer"))
//!     .column(Column::bool("paid"))
//!     .build();
//! // `orders.clone()` goes to the app's builder; the app keeps `orders`.
//! orders.upsert(&Order { id: 1, customer: "Ann".into(), paid: false })?;
//! orders.upsert(&Order { id: 1, customer: "Ann".into(), paid: true })?;
//! assert_eq!(orders.len(), 1);
//! # Ok::<(), flipper_plugins::table::RowError>(())
//! ```
//!
//! # On the wire
//!
//! What the official `createTablePlugin` takes: one event for each row, whose params are the row as an object (method
//! [`row_method`](TableBuilder::row_method)), and one without a meaning in its params that empties the table
//! ([`reset_method`](TableBuilder::reset_method)). A desktop loses the rows of an app that connects anew, so the table
//! keeps the last ones and sends them again, after a reset, whenever it is initialised.
//!
//! The method `metadata` describes the table to a desktop that does not know it: see [`Table::METADATA`].

mod builder;
mod column;
mod error;
mod history;
mod keep;
mod row;

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flipper_client::proto::Payload;
use flipper_client::{Call, Connection, Plugin, SendError};
use serde::Serialize;

#[cfg(feature = "crash")]
pub(crate) use self::builder::Metadata;
pub use self::builder::TableBuilder;
pub use self::column::{Column, ColumnKind};
pub use self::error::RowError;
pub use self::keep::Keep;

use self::builder::{Methods, Settings};
use self::history::History;

/// A plugin that shows rows of type `R`. Clones are the same table.
pub struct Table<R> {
    shared: Arc<Shared<R>>,
}

impl<R: Serialize + 'static> Table<R> {
    /// The method that describes the table. Its answer:
    ///
    /// ```json
    /// {"columns": [{"key": "id", "title": "Order", "type": "number", "width": 80}],
    ///  "key": "id", "rowMethod": "newRow", "resetMethod": "reset", "background": false, "keeps": 1000}
    /// ```
    ///
    /// `key` is missing where rows are only appended, `title` and `width` where none were given.
    pub const METADATA: &str = "metadata";

    /// Begins a table under this plugin id.
    pub fn builder(id: impl Into<String>) -> TableBuilder<R> {
        TableBuilder::new(id.into())
    }

    /// Shows a row. Where the table has a key, it takes the place of the row with the same key.
    ///
    /// The row is an object once it is written as JSON. Integers that JavaScript cannot hold (beyond 2^53) are sent as
    /// text, so that no digit is lost.
    ///
    /// # Errors
    /// [`RowError`]: the row cannot be shown.
    pub fn upsert(&self, row: &R) -> Result<(), RowError> {
        let shared = &self.shared;
        // The row's own code runs here, and under no lock.
        let (key, json) = row::write(row, shared.settings.key.as_ref())?;
        let mut state = shared.state();
        let sent = match &state.connection {
            Some(connection) => connection.send_json(&shared.settings.row_method, Some(&json)),
            None => Ok(()),
        };
        state.history.upsert(key, json);
        match sent {
            // An app that goes on without Flipper has done nothing wrong.
            Ok(()) | Err(SendError::Stopped | SendError::PluginRemoved | SendError::NotConnected) => Ok(()),
            Err(error) => Err(RowError::NotSent(error)),
        }
    }

    /// Takes the row with this key away, and says whether it was kept. The key is what the row has as its key field.
    ///
    /// A desktop's table cannot lose one row: it is emptied and filled again with those that are kept.
    ///
    /// # Errors
    /// [`RowError::NotJson`], where the key cannot be written as JSON.
    pub fn remove<K: Serialize + ?Sized>(&self, key: &K) -> Result<bool, RowError> {
        let key = row::key_text(key)?;
        let mut state = self.shared.state();
        let removed = state.history.remove(&key);
        if removed {
            self.shared.show_all(&state);
        }
        Ok(removed)
    }

    /// Empties the table.
    pub fn clear(&self) {
        let mut state = self.shared.state();
        state.history.clear();
        self.shared.show_all(&state);
    }

    /// How many rows are kept, to be shown to the next desktop.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.state().history.len()
    }

    /// Whether no row is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a desktop shows the table now.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        self.shared.state().connection.is_some()
    }
}

struct Shared<R> {
    settings: Settings<R>,
    methods: Methods,
    state: Mutex<State>,
    row: PhantomData<fn(&R)>,
}

/// Rows are sent under its lock: the desktop gets them in the order in which they are kept.
struct State {
    history: History,
    connection: Option<Connection>,
}

impl<R> Shared<R> {
    /// No code of the app's runs under it, so it is never left half-changed.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the desktop show exactly what is kept.
    fn show_all(&self, state: &State) {
        let Some(connection) = &state.connection else { return };
        let rows = state.history.rows().map(|row| (&self.settings.row_method, row));
        let reset = Payload::empty_object();
        for (method, params) in std::iter::once((&self.settings.reset_method, &reset)).chain(rows) {
            if let Err(error) = connection.send_json(method, Some(params)) {
                tracing::warn!(plugin = %connection.plugin(), "the table is not shown in full: {error}");
                return;
            }
        }
    }
}

impl<R: Serialize + 'static> Plugin for Table<R> {
    fn id(&self) -> &str {
        &self.shared.settings.id
    }

    fn run_in_background(&self) -> bool {
        self.shared.settings.background
    }

    fn on_connect(&self, connection: Connection) {
        let mut state = self.shared.state();
        state.connection = Some(connection);
        self.shared.show_all(&state);
    }

    fn on_disconnect(&self) {
        self.shared.state().connection = None;
    }

    fn has_method(&self, method: &str) -> bool {
        method == Self::METADATA || self.shared.methods.contains_key(method)
    }

    fn on_call(&self, call: Call) {
        match self.shared.methods.get(call.method.as_str()) {
            Some(method) => method(call),
            None => {
                // A session that ended meanwhile wants no answer.
                let _ended = call.responder.success(&self.shared.settings.metadata());
            }
        }
    }
}

impl<R> Clone for Table<R> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<R> fmt::Debug for Table<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("id", &self.shared.settings.id).finish_non_exhaustive()
    }
}
