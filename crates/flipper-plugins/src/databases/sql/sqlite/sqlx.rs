//! SQLite through sqlx.

use std::fmt;
use std::time::Instant;

use futures_util::TryStreamExt;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteConnection, SqlitePool, SqliteRow, SqliteValueRef};
use sqlx::{
    Arguments, AssertSqlSafe, Column, ConnectOptions, Decode, Executor, Row, SqlSafeStr, Statement, TypeInfo, ValueRef,
};
use tokio::runtime::{Builder, Runtime};

use super::super::driver::{Bounds, Driver, Outcome, Page, PageRequest, Rows, Structure};
use super::super::engine::{Dialect, Engine};
use super::super::error::{Error, ErrorKind};
use super::super::room::Room;
use super::super::value::Value;
use super::{Alarm, BUSY, Connection, Done, Questions, STEPS, Tally, left_open, read_only, text};

/// A database of SQLite that the app has a pool for.
///
/// It has a connection of its own, with the pool's options, and takes none of the app's. It needs no runtime of the app.
#[derive(Debug)]
pub struct SqlxSqlite {
    link: Link,
    questions: Questions,
}

impl SqlxSqlite {
    /// The database of a pool. It is connected to when the desktop asks for it.
    #[must_use]
    pub fn new(pool: &SqlitePool) -> Self {
        Self::with(pool, false)
    }

    /// The same, so that the desktop can change nothing. SQLite itself sees to that.
    #[must_use]
    pub fn read_only(pool: &SqlitePool) -> Self {
        Self::with(pool, true)
    }

    fn with(pool: &SqlitePool, is_read_only: bool) -> Self {
        let options = SqliteConnectOptions::clone(&pool.connect_options());
        let mut options = options.create_if_missing(false).busy_timeout(BUSY).disable_statement_logging();
        if is_read_only {
            options = options.read_only(true).pragma("query_only", "1");
        }
        Self { link: Link { options, open: None, alarm: Alarm::new() }, questions: Questions::new(is_read_only) }
    }
}

impl Driver for SqlxSqlite {
    fn tables(&mut self, bounds: &Bounds) -> Result<Vec<String>, Error> {
        Questions::tables(&mut self.link, bounds)
    }

    fn table_data(&mut self, request: &PageRequest, bounds: &Bounds) -> Result<Page, Error> {
        self.questions.table_data(&mut self.link, request, bounds)
    }

    fn structure(&mut self, table: &str, bounds: &Bounds) -> Result<Structure, Error> {
        Questions::structure(&mut self.link, table, bounds)
    }

    fn info(&mut self, table: &str, bounds: &Bounds) -> Result<String, Error> {
        Questions::info(&mut self.link, table, bounds)
    }

    fn execute(&mut self, sql: &str, bounds: &Bounds) -> Result<Outcome, Error> {
        self.questions.execute(&mut self.link, sql, bounds)
    }

    fn work_ahead(&mut self, bounds: &Bounds) -> bool {
        self.questions.work_ahead(&mut self.link, bounds)
    }
}

struct Link {
    options: SqliteConnectOptions,
    open: Option<Open>,
    alarm: Alarm,
}

/// The connection, and what drives it: this driver is called on a thread of its own.
struct Open {
    connection: SqliteConnection,
    runtime: Runtime,
}

impl Link {
    fn open(&mut self, bounds: &Bounds) -> Result<&mut Open, Error> {
        self.alarm.set(bounds.until);
        if self.open.is_none() {
            let runtime = Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| Error::new(ErrorKind::Unavailable, error.to_string()))?;
            let rings = self.alarm.clone();
            let connection = runtime.block_on(async {
                let mut connection = self.options.connect().await?;
                connection.lock_handle().await?.set_progress_handler(STEPS, move || !rings.rings());
                Ok(connection)
            });
            let connection = connection.map_err(|error: sqlx::Error| {
                let error = refused(&error);
                Error::new(ErrorKind::Unavailable, error.message())
            })?;
            self.open = Some(Open { connection, runtime });
        }
        self.open.as_mut().ok_or_else(|| Error::new(ErrorKind::Unavailable, "the database is not open"))
    }

    fn run_all(&mut self, sql: &str, bounds: &Bounds, tally: &mut Tally) -> Result<(), Error> {
        for statement in text::statements(sql) {
            let before = self.state(bounds)?;
            let open = self.open(bounds)?;
            let described = open.runtime.block_on(open.connection.prepare(AssertSqlSafe(statement).into_sql_str()));
            let described = described.map_err(|error| refused(&error))?;
            if described.parameters().is_some_and(|parameters| parameters.either(|types| !types.is_empty(), |n| n > 0))
            {
                return Err(Error::new(ErrorKind::Sql, "the statement has parameters, and nothing gives their values"));
            }
            let columns: Vec<_> = described.columns().iter().map(|column| column.name().to_owned()).collect();
            let rows = open.read(columns.clone(), statement, SqliteArguments::default(), 0, bounds)?;
            if !columns.is_empty() {
                tally.returned(rows);
                continue;
            }
            let after = self.state(bounds)?;
            let changes = if before.total_changes == after.total_changes { 0 } else { after.changes };
            tally.did(&Done {
                sql: statement,
                changes: u64::try_from(changes).unwrap_or(0),
                last_row: (before.last_row, after.last_row),
            });
        }
        Ok(())
    }

    fn state(&mut self, bounds: &Bounds) -> Result<State, Error> {
        let rows = self.query("SELECT total_changes(), changes(), last_insert_rowid()", &[], 3, bounds)?.rows;
        Ok(match rows.first().map(Vec::as_slice) {
            Some([Value::Integer(total_changes), Value::Integer(changes), Value::Integer(last_row)]) => {
                State { total_changes: *total_changes, changes: *changes, last_row: *last_row }
            }
            _ => State::default(),
        })
    }

    /// Whether a transaction is open: SQLite begins none in another one.
    fn is_in_transaction(&mut self, bounds: &Bounds) -> Result<bool, Error> {
        let begun = self.query("BEGIN", &[], 0, bounds);
        self.query("ROLLBACK", &[], 0, bounds)?;
        Ok(begun.is_err())
    }
}

/// What SQLite tells of the statements before.
#[derive(Default)]
struct State {
    total_changes: i64,
    changes: i64,
    last_row: i64,
}

impl Open {
    fn read(
        &mut self,
        columns: Vec<String>,
        sql: &str,
        arguments: SqliteArguments,
        whole: usize,
        bounds: &Bounds,
    ) -> Result<Rows, Error> {
        let query = sqlx::query_with(AssertSqlSafe(sql), arguments);
        let mut room = Room::new(bounds.bytes);
        let mut result = Rows { columns, rows: Vec::new(), more: false };
        self.runtime.block_on(async {
            let mut rows = self.connection.fetch(query);
            while let Some(row) = rows.try_next().await.map_err(|error| refused(&error))? {
                if result.rows.len() >= bounds.rows || (bounds.rows < usize::MAX && room.is_used_up()) {
                    result.more = true;
                    break;
                }
                if result.columns.is_empty() {
                    result.columns = row.columns().iter().map(|column| column.name().to_owned()).collect();
                }
                result.rows.push(cells(&row, whole, &mut room)?);
            }
            Ok(result)
        })
    }
}

impl Engine for Link {
    const DIALECT: Dialect = Dialect::Sqlite;

    fn query(&mut self, sql: &str, params: &[Value], whole: usize, bounds: &Bounds) -> Result<Rows, Error> {
        let mut arguments = SqliteArguments::default();
        for value in params {
            let added = match value {
                Value::Integer(value) => arguments.add(*value),
                Value::Float(value) => arguments.add(*value),
                Value::Boolean(value) => arguments.add(*value),
                Value::Text(text) => arguments.add(text.clone()),
                Value::Blob(bytes) => arguments.add(bytes.clone()),
                // Keys are never cut.
                Value::Null | Value::Cut { .. } => arguments.add(None::<i64>),
            };
            added.map_err(|error| Error::new(ErrorKind::Sql, error.to_string()))?;
        }
        let open = self.open(bounds)?;
        let mut rows = open.read(Vec::new(), sql, arguments, whole, bounds)?;
        if rows.columns.is_empty() {
            // Without any row sqlx does not tell them.
            let described = open.runtime.block_on(open.connection.prepare(AssertSqlSafe(sql).into_sql_str()));
            let described = described.map_err(|error| refused(&error))?;
            rows.columns = described.columns().iter().map(|column| column.name().to_owned()).collect();
        }
        Ok(rows)
    }
}

impl Connection for Link {
    fn run(&mut self, sql: &str, bounds: &Bounds) -> Result<Outcome, Error> {
        let mut tally = Tally::default();
        let result = self.run_all(sql, bounds, &mut tally);
        let text = sql.to_ascii_uppercase();
        if text.contains("BEGIN") || text.contains("SAVEPOINT") {
            // What is over by now still has to be put right.
            let bounds = Bounds { until: bounds.until.max(Instant::now() + BUSY), ..*bounds };
            if self.is_in_transaction(&bounds)? {
                return Err(result.err().unwrap_or_else(left_open));
            }
        }
        match result {
            Ok(()) => Ok(tally.outcome()),
            Err(error) => Err(tally.failed(error)),
        }
    }
}

fn cells(row: &SqliteRow, whole: usize, room: &mut Room) -> Result<Vec<Value>, Error> {
    let cells = (0..row.len()).map(|at| {
        let cell = row.try_get_raw(at).map_err(|error| refused(&error))?;
        Ok(cell_of(cell, if at < whole { None } else { Some(&mut *room) }))
    });
    cells.collect()
}

/// A value as it is shown, or as it is needed again where there is no room to keep within.
fn cell_of(cell: SqliteValueRef<'_>, room: Option<&mut Room>) -> Value {
    if cell.is_null() {
        return Value::Null;
    }
    // The type of the value, whatever that of the column is.
    let kind = cell.type_info().name().to_owned();
    let value = match kind.as_str() {
        "INTEGER" => Decode::<sqlx::Sqlite>::decode(cell).map(Value::Integer),
        "REAL" => Decode::<sqlx::Sqlite>::decode(cell).map(Value::Float),
        // SQLite keeps any bytes as text, if it is told to.
        kind => {
            let bytes = <&[u8] as Decode<sqlx::Sqlite>>::decode(cell);
            bytes.map(|bytes| match (std::str::from_utf8(bytes).ok().filter(|_| kind == "TEXT"), room) {
                (Some(text), Some(room)) => room.text(text),
                (Some(text), None) => Value::Text(text.to_owned()),
                (None, Some(room)) => room.blob(bytes),
                (None, None) => Value::Blob(bytes.to_vec()),
            })
        }
    };
    value.unwrap_or_else(|error| Value::from(format!("(cannot be read: {error})")))
}

fn refused(error: &sqlx::Error) -> Error {
    let sqlx::Error::Database(error) = error else { return Error::new(ErrorKind::Unavailable, error.to_string()) };
    let code: Option<i32> = error.code().and_then(|code| code.parse().ok());
    // The first byte of SQLite's result codes.
    match code.map(|code| code & 0xff) {
        Some(9) => Error::new(ErrorKind::Deadline, "the statement took too long, and was interrupted"),
        Some(5 | 6) => Error::new(ErrorKind::Busy, format!("{}: another connection is writing", error.message())),
        Some(8) => read_only(error.message()),
        Some(14 | 26) => Error::new(ErrorKind::Unavailable, error.message()),
        _ => Error::new(ErrorKind::Sql, error.message()),
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("is_open", &self.open.is_some()).finish_non_exhaustive()
    }
}
