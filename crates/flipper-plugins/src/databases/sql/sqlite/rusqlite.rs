//! SQLite through rusqlite.

use std::path::Path;
use std::time::Instant;

use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::types::ValueRef;
use rusqlite::{Batch, ErrorCode, OpenFlags, Statement};

use super::super::driver::{Bounds, Driver, Outcome, Page, PageRequest, Rows, Structure};
use super::super::engine::{Dialect, Engine};
use super::super::error::{Error, ErrorKind};
use super::super::room::Room;
use super::super::value::Value;
use super::{Alarm, BUSY, Connection, Done, Questions, STEPS, Tally, left_open, read_only};

/// A database of SQLite, with a connection of its own.
#[derive(Debug)]
pub struct Sqlite {
    link: Link,
    questions: Questions,
}

impl Sqlite {
    /// Opens a database that is there already: the path of a file, or a URI such as `file:shop?mode=memory&cache=shared`. A
    /// database that is `:memory:` belongs to one connection alone, and cannot be shown.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] when there is none, or it is no database.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_with(path.as_ref(), false)
    }

    /// The same, so that the desktop can change nothing. SQLite itself sees to that.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_with(path.as_ref(), true)
    }

    fn open_with(path: &Path, is_read_only: bool) -> Result<Self, Error> {
        let access = if is_read_only { OpenFlags::SQLITE_OPEN_READ_ONLY } else { OpenFlags::SQLITE_OPEN_READ_WRITE };
        let flags = access | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let unavailable = |error: rusqlite::Error| Error::new(ErrorKind::Unavailable, error.to_string());
        let connection = rusqlite::Connection::open_with_flags(path, flags).map_err(unavailable)?;
        connection.busy_timeout(BUSY).map_err(unavailable)?;
        if is_read_only {
            connection.pragma_update(None, "query_only", true).map_err(unavailable)?;
        }
        // A file that is something else shows only now.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(unavailable)?;
        let alarm = Alarm::new();
        let rings = alarm.clone();
        connection.progress_handler(STEPS, Some(move || rings.rings())).map_err(unavailable)?;
        Ok(Self { link: Link { connection, alarm }, questions: Questions::new(is_read_only) })
    }
}

impl Driver for Sqlite {
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

#[derive(Debug)]
struct Link {
    connection: rusqlite::Connection,
    alarm: Alarm,
}

impl Link {
    fn set_alarm(&self, bounds: &Bounds) -> Result<(), Error> {
        self.alarm.set(bounds.until);
        let left = bounds.until.saturating_duration_since(Instant::now());
        self.connection.busy_timeout(BUSY.min(left)).map_err(refused)
    }

    fn run_all(&self, sql: &str, bounds: &Bounds, tally: &mut Tally) -> Result<(), Error> {
        let mut statements = Batch::new(&self.connection, sql);
        while let Some(mut statement) = statements.next().map_err(refused)? {
            if statement.parameter_count() > 0 {
                return Err(Error::new(ErrorKind::Sql, "the statement has parameters, and nothing gives their values"));
            }
            if statement.column_count() > 0 {
                tally.returned(read(&mut statement, 0, bounds)?);
                continue;
            }
            let before = (self.connection.last_insert_rowid(), self.connection.total_changes());
            read(&mut statement, 0, bounds)?;
            tally.did(&Done {
                sql: statement.expanded_sql().as_deref().unwrap_or(sql),
                changes: match self.connection.total_changes() == before.1 {
                    // What was changed last stays in `changes`, until something is changed again.
                    true => 0,
                    false => self.connection.changes(),
                },
                last_row: (before.0, self.connection.last_insert_rowid()),
            });
        }
        Ok(())
    }
}

impl Engine for Link {
    const DIALECT: Dialect = Dialect::Sqlite;

    fn query(&mut self, sql: &str, params: &[Value], whole: usize, bounds: &Bounds) -> Result<Rows, Error> {
        self.set_alarm(bounds)?;
        let mut statement = self.connection.prepare_cached(sql).map_err(refused)?;
        for (at, value) in params.iter().enumerate() {
            statement.raw_bind_parameter(at + 1, Bound(value)).map_err(refused)?;
        }
        read(&mut statement, whole, bounds)
    }
}

impl Connection for Link {
    fn run(&mut self, sql: &str, bounds: &Bounds) -> Result<Outcome, Error> {
        self.set_alarm(bounds)?;
        let mut tally = Tally::default();
        let result = self.run_all(sql, bounds, &mut tally);
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK").map_err(refused)?;
            return Err(result.err().unwrap_or_else(left_open));
        }
        match result {
            Ok(()) => Ok(tally.outcome()),
            Err(error) => Err(tally.failed(error)),
        }
    }
}

/// Runs a statement, and reads what it returns.
fn read(statement: &mut Statement<'_>, whole: usize, bounds: &Bounds) -> Result<Rows, Error> {
    let columns: Vec<_> = statement.column_names().into_iter().map(str::to_owned).collect();
    let mut room = Room::new(bounds.bytes);
    let mut result = Rows { columns, rows: Vec::new(), more: false };
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(refused)? {
        if result.rows.len() >= bounds.rows || (bounds.rows < usize::MAX && room.is_used_up()) {
            result.more = true;
            break;
        }
        let cells = (0..result.columns.len()).map(|at| {
            let cell = row.get_ref(at).map_err(refused)?;
            Ok(if at < whole { all_of(cell) } else { shown(cell, &mut room) })
        });
        result.rows.push(cells.collect::<Result<_, Error>>()?);
    }
    Ok(result)
}

/// A value as it is needed again.
fn all_of(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Integer(value),
        ValueRef::Real(value) => Value::Float(value),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Blob(text.to_vec()),
        },
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}

/// A value as it is shown.
fn shown(value: ValueRef<'_>, room: &mut Room) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => room.take(Value::Integer(value)),
        ValueRef::Real(value) => room.take(Value::Float(value)),
        // SQLite keeps any bytes as text, if it is told to.
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => room.text(text),
            Err(_) => room.blob(text),
        },
        ValueRef::Blob(bytes) => room.blob(bytes),
    }
}

struct Bound<'a>(&'a Value);

impl rusqlite::ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::ToSqlOutput::Borrowed;
        Ok(Borrowed(match self.0 {
            Value::Integer(value) => ValueRef::Integer(*value),
            Value::Float(value) => ValueRef::Real(*value),
            Value::Boolean(value) => ValueRef::Integer(i64::from(*value)),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(bytes) => ValueRef::Blob(bytes),
            // Keys are never cut.
            Value::Null | Value::Cut { .. } => ValueRef::Null,
        }))
    }
}

fn refused(error: rusqlite::Error) -> Error {
    let message = match &error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        error => error.to_string(),
    };
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => {
            Error::new(ErrorKind::Deadline, "the statement took too long, and was interrupted")
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Error::new(ErrorKind::Busy, format!("{message}: another connection is writing"))
        }
        Some(ErrorCode::ReadOnly) => read_only(&message),
        Some(ErrorCode::CannotOpen | ErrorCode::NotADatabase) => Error::new(ErrorKind::Unavailable, message),
        _ => Error::new(ErrorKind::Sql, message),
    }
}
