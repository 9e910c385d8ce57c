//! SQLite, through whichever crate.

mod schema;
mod text;

#[cfg(feature = "databases-rusqlite")]
mod rusqlite;
#[cfg(feature = "databases-sqlx-sqlite")]
mod sqlx;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use self::schema::Table;
use super::driver::{Bounds, Outcome, Page, PageRequest, Rows, Structure};
use super::engine::Engine;
use super::error::{Error, ErrorKind};
use super::paging::Pages;
use super::value::Value;

#[cfg(feature = "databases-rusqlite")]
pub use self::rusqlite::Sqlite;
#[cfg(feature = "databases-sqlx-sqlite")]
pub use self::sqlx::SqlxSqlite;

/// How long to wait for another connection that writes.
const BUSY: Duration = Duration::from_secs(5);
/// After how many steps of a statement it is looked whether its time is over.
const STEPS: i32 = 1000;

/// A connection to SQLite.
trait Connection: Engine {
    /// Runs what a person typed.
    fn run(&mut self, sql: &str, bounds: &Bounds) -> Result<Outcome, Error>;
}

/// A database of SQLite: what to ask it, whoever carries the questions there.
#[derive(Debug)]
struct Questions {
    is_read_only: bool,
    pages: Pages<Vec<Value>>,
}

impl Questions {
    fn new(is_read_only: bool) -> Self {
        Self { is_read_only, pages: Pages::new() }
    }

    fn tables(connection: &mut impl Connection, bounds: &Bounds) -> Result<Vec<String>, Error> {
        let sql = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
                   ORDER BY name";
        let rows = connection.query(sql, &[], 1, &unlimited(bounds))?;
        Ok(rows.rows.into_iter().filter_map(|row| text_of(row.into_iter().next())).collect())
    }

    fn table_data(
        &mut self,
        connection: &mut impl Connection,
        request: &PageRequest,
        bounds: &Bounds,
    ) -> Result<Page, Error> {
        // What other connections commit, what this one changes, and what tables there are.
        let state = "SELECT d.data_version, s.schema_version, total_changes() \
                     FROM pragma_data_version AS d, pragma_schema_version AS s";
        let state = connection.query(state, &[], 3, bounds)?;
        self.pages.at(&request.table, state.rows.into_iter().flatten().collect());
        let table = Table::read(connection, &request.table, bounds)?;
        let order = request.order.as_deref().map(|order| table.column(order)).transpose()?;
        let ways = table.ways(connection, order, request.reverse, bounds)?;
        self.pages.page(connection, request, ways, bounds)
    }

    fn structure(connection: &mut impl Connection, table: &str, bounds: &Bounds) -> Result<Structure, Error> {
        Table::read(connection, table, bounds)?.structure(connection, bounds)
    }

    fn info(connection: &mut impl Connection, table: &str, bounds: &Bounds) -> Result<String, Error> {
        Table::read(connection, table, bounds)?;
        let sql = "SELECT sql FROM sqlite_schema WHERE tbl_name = ?1 AND sql IS NOT NULL \
                   ORDER BY type NOT IN ('table', 'view'), type, name";
        let rows = connection.query(sql, &[Value::from(table)], 1, &unlimited(bounds))?;
        let statements: Vec<_> = rows.rows.into_iter().filter_map(|row| text_of(row.into_iter().next())).collect();
        Ok(statements.join(";\n\n"))
    }

    fn execute(&self, connection: &mut impl Connection, sql: &str, bounds: &Bounds) -> Result<Outcome, Error> {
        // The connection refuses to write; only this would make it change its mind.
        if self.is_read_only && sql.to_ascii_lowercase().contains("query_only") {
            return Err(read_only("PRAGMA query_only is not for you"));
        }
        connection.run(sql, bounds)
    }

    fn work_ahead(&mut self, connection: &mut impl Connection, bounds: &Bounds) -> bool {
        self.pages.work_ahead(connection, bounds)
    }
}

/// A result that is never cut: it has a row for each table, column or index.
fn unlimited(bounds: &Bounds) -> Bounds {
    Bounds { rows: usize::MAX, ..*bounds }
}

fn text_of(value: Option<Value>) -> Option<String> {
    match value {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

fn read_only(what: &str) -> Error {
    Error::new(ErrorKind::ReadOnly, format!("the app has opened this database to be read only: {what}"))
}

/// When the statement that runs is to be interrupted, for SQLite's progress handler.
#[derive(Clone, Debug)]
struct Alarm {
    origin: Instant,
    /// Milliseconds since the origin.
    at: Arc<AtomicU64>,
}

impl Alarm {
    fn new() -> Self {
        Self { origin: Instant::now(), at: Arc::new(AtomicU64::new(u64::MAX)) }
    }

    fn set(&self, until: Instant) {
        let after = until.saturating_duration_since(self.origin).as_millis();
        self.at.store(u64::try_from(after).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn rings(&self) -> bool {
        self.origin.elapsed().as_millis() >= u128::from(self.at.load(Ordering::Relaxed))
    }
}

/// What the statements of one text have come to, taken together.
#[derive(Debug, Default)]
struct Tally {
    statements: usize,
    rows: Option<Rows>,
    changed: Option<u64>,
    inserted: Option<i64>,
}

/// What one statement that returns no rows has done.
struct Done<'a> {
    sql: &'a str,
    changes: u64,
    /// The row that was inserted last on this connection, before and after.
    last_row: (i64, i64),
}

impl Tally {
    fn returned(&mut self, rows: Rows) {
        self.statements += 1;
        self.rows = Some(rows);
    }

    fn did(&mut self, done: &Done<'_>) {
        self.statements += 1;
        self.inserted = None;
        let verb = text::verb(done.sql);
        if !matches!(verb.as_str(), "INSERT" | "REPLACE" | "UPDATE" | "DELETE" | "WITH") {
            return;
        }
        self.changed = Some(self.changed.unwrap_or(0) + done.changes);
        // The id is that of an earlier row where none was inserted, or the table has no row ids.
        if matches!(verb.as_str(), "INSERT" | "REPLACE") && done.changes > 0 && done.last_row.0 != done.last_row.1 {
            self.inserted = Some(done.last_row.1);
        }
    }

    /// Statements before one that failed have done what they did.
    fn failed(&self, error: Error) -> Error {
        match self.statements {
            0 => error,
            before => Error::new(
                error.kind(),
                format!("{} (statement {}; those before it were carried out)", error.message(), before + 1),
            ),
        }
    }

    fn outcome(self) -> Outcome {
        match self {
            Self { rows: Some(rows), .. } => Outcome::Rows(rows),
            Self { inserted: Some(id), statements: 1, .. } => Outcome::Inserted(id),
            Self { changed: Some(count), .. } => Outcome::Changed(count),
            _ => Outcome::Done,
        }
    }
}

/// What a transaction that was left open is answered with, after it was rolled back.
fn left_open() -> Error {
    Error::new(
        ErrorKind::Sql,
        "the transaction was left open, which would lock the database; it was rolled back. Send BEGIN … COMMIT in one text",
    )
}
