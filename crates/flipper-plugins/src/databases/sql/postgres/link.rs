//! The connection, and what is said over it.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow, PgValueRef};
use sqlx::{
    AssertSqlSafe, Column, ConnectOptions, Either, Executor, PgPool, Row, SqlSafeStr, Statement, TypeInfo, ValueRef,
};
use tokio::runtime::{Builder, Runtime};

use super::super::driver::{Bounds, Outcome, Rows};
use super::super::engine::{Dialect, Engine};
use super::super::error::{Error, ErrorKind};
use super::super::room::Room;
use super::super::value::Value;
use super::text;

/// How long the server has to say that it has interrupted a statement.
const GRACE: Duration = Duration::from_secs(1);

/// A connection that is made when it is needed, and made anew when it was lost.
pub(super) struct Link {
    options: PgConnectOptions,
    is_read_only: bool,
    open: Option<Open>,
}

/// The connection, and what drives it: this driver is called on a thread of its own.
struct Open {
    connection: PgConnection,
    runtime: Runtime,
}

/// What a text of statements has brought.
#[derive(Default)]
struct Brought {
    rows: Option<Rows>,
    affected: u64,
}

impl Link {
    pub(super) fn new(pool: &PgPool, is_read_only: bool) -> Self {
        let options = PgConnectOptions::clone(&pool.connect_options());
        // A statement that was prepared before its table was changed would tell of columns that are no more.
        let options = options.statement_cache_capacity(0).disable_statement_logging();
        Self { options, is_read_only, open: None }
    }

    /// Connects if need be, and tells the server how much time there is.
    pub(super) fn begin(&mut self, bounds: &Bounds) -> Result<(), Error> {
        let left = time_left(bounds).as_millis().max(1);
        let sql = format!("SET statement_timeout = {left}");
        if self.open.is_some() && self.run_all(&sql, 0, bounds).is_ok() {
            return Ok(());
        }
        // There was none, or the server has ended it.
        self.open = None;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| unavailable(&error))?;
        let connecting =
            runtime.block_on(async { tokio::time::timeout(time_left(bounds), self.options.connect()).await });
        let connection = match connecting {
            Ok(connection) => connection.map_err(|error| unavailable(&error))?,
            Err(_) => return Err(unavailable(&"it does not answer")),
        };
        self.open = Some(Open { connection, runtime });
        self.run_all(&sql, 0, bounds).map(drop)
    }

    /// Runs what a person typed.
    pub(super) fn run(&mut self, sql: &str, bounds: &Bounds) -> Result<Outcome, Error> {
        let result = self.run_text(sql, bounds);
        let upper = sql.to_ascii_uppercase();
        if !upper.contains("BEGIN") && !upper.contains("START") {
            return result;
        }
        // Outside of a transaction, every statement begins one of its own.
        let state = self.run_all("SELECT now() < statement_timestamp()", 0, bounds);
        let rows = state.map(|brought| brought.rows.unwrap_or_default().rows);
        if rows.is_ok_and(|rows| rows == [[Value::Boolean(false)]]) {
            return result;
        }
        if self.run_all("ROLLBACK", 0, bounds).is_err() {
            self.open = None;
        }
        Err(result.err().unwrap_or_else(|| {
            let message = "the transaction was left open, which would hold its locks; it was rolled back. \
                           Send BEGIN … COMMIT in one text";
            Error::new(ErrorKind::Sql, message)
        }))
    }

    fn run_text(&mut self, sql: &str, bounds: &Bounds) -> Result<Outcome, Error> {
        let columns = match self.columns(sql, bounds) {
            Ok(columns) => columns,
            // It is said in the language of the server, but only this has no place in the text.
            Err((error, Some(code))) if code == "42601" && error.message().contains("prepared statement") => {
                return self.run_several(sql, bounds);
            }
            Err((error, _)) => return Err(error),
        };
        let brought = if self.is_read_only { self.run_read_only(sql, bounds)? } else { self.run_all(sql, 0, bounds)? };
        if !columns.is_empty() {
            let rows = brought.rows.unwrap_or_default();
            return Ok(Outcome::Rows(Rows { columns, ..rows }));
        }
        Ok(match text::verb(sql).as_str() {
            "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "WITH" | "COPY" => Outcome::Changed(brought.affected),
            _ => Outcome::Done,
        })
    }

    /// Several statements are one transaction, unless they say otherwise.
    fn run_several(&mut self, sql: &str, bounds: &Bounds) -> Result<Outcome, Error> {
        if self.is_read_only {
            let message = "the app has opened this database to be read only, which allows one statement at a time";
            return Err(Error::new(ErrorKind::ReadOnly, message));
        }
        Ok(match self.run_all(sql, 0, bounds)? {
            Brought { rows: Some(rows), .. } => Outcome::Rows(rows),
            Brought { affected: 0, .. } => Outcome::Done,
            Brought { affected, .. } => Outcome::Changed(affected),
        })
    }

    /// One statement in a transaction that it cannot make writable: it is not the first one.
    fn run_read_only(&mut self, sql: &str, bounds: &Bounds) -> Result<Brought, Error> {
        self.run_all("BEGIN READ ONLY", 0, bounds)?;
        let result = self.run_all("SELECT 1", 0, bounds).and_then(|_| self.run_all(sql, 0, bounds));
        if self.run_all("ROLLBACK", 0, bounds).is_err() {
            self.open = None;
        }
        result
    }

    /// What columns a statement has, even if it has no rows. It also tells whether it is one statement.
    fn columns(&mut self, sql: &str, bounds: &Bounds) -> Result<Vec<String>, (Error, Option<String>)> {
        let Some(Open { connection, runtime }) = &mut self.open else {
            return Err((unavailable(&"not connected"), None));
        };
        let prepared = runtime.block_on(async {
            let preparing = connection.prepare(AssertSqlSafe(sql).into_sql_str());
            tokio::time::timeout(time_left(bounds) + GRACE, preparing).await
        });
        match prepared {
            Ok(Ok(prepared)) => Ok(prepared.columns().iter().map(|column| column.name().to_owned()).collect()),
            Ok(Err(error)) => {
                let code = error.as_database_error().and_then(|error| error.code()).map(Cow::into_owned);
                Err((refused(&error), code))
            }
            Err(_) => {
                self.open = None;
                Err((late(), None))
            }
        }
    }

    /// Runs a text over the simple protocol, in which all values are text, whatever their types.
    fn run_all(&mut self, sql: &str, whole: usize, bounds: &Bounds) -> Result<Brought, Error> {
        let Some(Open { connection, runtime }) = &mut self.open else { return Err(unavailable(&"not connected")) };
        let result = runtime.block_on(async {
            let running = read(connection, sql, whole, bounds);
            tokio::time::timeout(time_left(bounds) + GRACE, running).await
        });
        match result {
            Ok(Ok(brought)) => Ok(brought),
            Ok(Err(error)) => {
                let is_lost = error.as_database_error().is_none();
                let error = refused(&error);
                if is_lost {
                    self.open = None;
                }
                Err(error)
            }
            Err(_) => {
                self.open = None;
                Err(late())
            }
        }
    }
}

async fn read(connection: &mut PgConnection, sql: &str, whole: usize, bounds: &Bounds) -> Result<Brought, sqlx::Error> {
    let mut brought = Brought::default();
    let mut room = Room::new(bounds.bytes);
    let mut rows: Option<Rows> = None;
    let mut results = connection.fetch_many(sqlx::raw_sql(AssertSqlSafe(sql)));
    while let Some(result) = results.try_next().await? {
        let row = match result {
            Either::Left(done) => {
                brought.affected += done.rows_affected();
                if let Some(rows) = rows.take() {
                    brought.rows = Some(rows);
                    room = Room::new(bounds.bytes);
                }
                continue;
            }
            Either::Right(row) => row,
        };
        let rows = rows.get_or_insert_with(|| Rows {
            columns: row.columns().iter().map(|column| column.name().to_owned()).collect(),
            ..Rows::default()
        });
        // The rest is read all the same: a statement that is given up does not count as carried out.
        if rows.rows.len() >= bounds.rows || (bounds.rows < usize::MAX && room.is_used_up()) {
            rows.more = true;
            continue;
        }
        rows.rows.push(cells(&row, whole, &mut room)?);
    }
    Ok(brought)
}

impl Engine for Link {
    const DIALECT: Dialect = Dialect::Postgres;

    fn query(&mut self, sql: &str, _params: &[Value], whole: usize, bounds: &Bounds) -> Result<Rows, Error> {
        Ok(self.run_all(sql, whole, bounds)?.rows.unwrap_or_default())
    }
}

fn cells(row: &PgRow, whole: usize, room: &mut Room) -> Result<Vec<Value>, sqlx::Error> {
    let cells = (0..row.len()).map(|at| {
        let cell = row.try_get_raw(at)?;
        Ok(if at < whole { all_of(&cell) } else { shown(&cell, room) })
    });
    cells.collect()
}

/// A value as it is needed again: as text.
fn all_of(cell: &PgValueRef<'_>) -> Value {
    match cell.as_str() {
        Ok(text) if !cell.is_null() => Value::Text(text.to_owned()),
        _ => Value::Null,
    }
}

/// A value as it is shown.
fn shown(cell: &PgValueRef<'_>, room: &mut Room) -> Value {
    if cell.is_null() {
        return Value::Null;
    }
    let Ok(text) = cell.as_str() else { return Value::from("(no text)") };
    let typed = match cell.type_info().name() {
        "INT2" | "INT4" | "INT8" | "OID" => text.parse().ok().map(Value::Integer),
        "FLOAT4" | "FLOAT8" => text.parse().ok().map(Value::Float),
        "BOOL" => Some(Value::Boolean(text == "t")),
        "BYTEA" => text.strip_prefix("\\x").and_then(bytes).map(|bytes| room.blob(&bytes)),
        _ => None,
    };
    match typed {
        Some(value) => room.take(value),
        None => room.text(text),
    }
}

/// The bytes of two digits each.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

fn time_left(bounds: &Bounds) -> Duration {
    bounds.until.saturating_duration_since(Instant::now())
}

fn late() -> Error {
    Error::new(ErrorKind::Deadline, "the server did not answer in time")
}

fn unavailable(error: &dyn fmt::Display) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the database cannot be reached: {error}"))
}

fn refused(error: &sqlx::Error) -> Error {
    let sqlx::Error::Database(error) = error else { return unavailable(error) };
    match error.code().as_deref() {
        Some("57014") => Error::new(ErrorKind::Deadline, "the statement took too long, and was interrupted"),
        Some("25006") => {
            let message = format!("the app has opened this database to be read only: {}", error.message());
            Error::new(ErrorKind::ReadOnly, message)
        }
        _ => Error::new(ErrorKind::Sql, error.message()),
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("is_open", &self.open.is_some()).finish_non_exhaustive()
    }
}
