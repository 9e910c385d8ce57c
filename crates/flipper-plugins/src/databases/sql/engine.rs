//! What drivers of SQL databases have in common: statements whose results are rows of values.

use super::driver::{Bounds, Rows};
use super::error::Error;
use super::value::Value;

/// A connection that runs statements which this crate has written.
pub(super) trait Engine {
    /// How its SQL differs.
    const DIALECT: Dialect;

    /// Runs one statement. The first `whole` columns are keys, of which nothing is cut, and the others are for a person.
    fn query(&mut self, sql: &str, params: &[Value], whole: usize, bounds: &Bounds) -> Result<Rows, Error>;
}

/// Where the SQL of databases differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Nulls come first; params are numbered, and bound.
    #[cfg(any(feature = "databases-rusqlite", feature = "databases-sqlx-sqlite"))]
    Sqlite,
    /// Nulls come last; params are written into the statement as text, and cast to their type.
    #[cfg(feature = "databases-sqlx-postgres")]
    Postgres,
}

impl Dialect {
    /// Whether nulls come before everything else, from the smallest to the largest.
    pub(super) fn nulls_first(self) -> bool {
        match self {
            #[cfg(any(feature = "databases-rusqlite", feature = "databases-sqlx-sqlite"))]
            Self::Sqlite => true,
            #[cfg(feature = "databases-sqlx-postgres")]
            Self::Postgres => false,
        }
    }

    /// A value as an operand, of the type of a column.
    pub(super) fn operand(self, value: &Value, data_type: &str, params: &mut Vec<Value>) -> String {
        match self {
            #[cfg(any(feature = "databases-rusqlite", feature = "databases-sqlx-sqlite"))]
            Self::Sqlite => {
                let _ = data_type;
                params.push(value.clone());
                format!("?{}", params.len())
            }
            #[cfg(feature = "databases-sqlx-postgres")]
            Self::Postgres => {
                let _ = params;
                match value {
                    Value::Text(text) => format!("{}::{data_type}", text_literal(text)),
                    // Keys are read as text.
                    _ => "NULL".to_owned(),
                }
            }
        }
    }
}

/// A name as SQL has it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as PostgreSQL has it, whatever `standard_conforming_strings` says.
#[cfg(feature = "databases-sqlx-postgres")]
pub(super) fn text_literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}
