//! What the plugin asks of a database, whatever it is.

use std::time::Instant;

use super::error::Error;
use super::value::Value;

/// A database, as the plugin sees it.
///
/// Every method is called from a thread that the plugin keeps for this database, one after the other: a driver blocks as
/// long as it has to, though not beyond [`Bounds::until`]. What it returns in time reaches the desktop in time. A driver
/// that does not return blocks nothing but its own database, and one that panics is called again.
///
/// Names of tables and columns come from the desktop as a person sees them there: a driver quotes them.
pub trait Driver: Send + 'static {
    /// The names of all tables and views, in the order in which they are listed.
    ///
    /// # Errors
    /// Whatever the database says.
    fn tables(&mut self, bounds: &Bounds) -> Result<Vec<String>, Error>;

    /// Some rows of a table or view.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownTable`](super::ErrorKind::UnknownTable),
    /// [`ErrorKind::UnknownColumn`](super::ErrorKind::UnknownColumn), and whatever the database says. It is shown as data.
    fn table_data(&mut self, request: &PageRequest, bounds: &Bounds) -> Result<Page, Error>;

    /// The columns and indexes of a table.
    ///
    /// # Errors
    /// As [`table_data`](Self::table_data).
    fn structure(&mut self, table: &str, bounds: &Bounds) -> Result<Structure, Error>;

    /// The SQL that makes the table, or something like it.
    ///
    /// # Errors
    /// As [`table_data`](Self::table_data).
    fn info(&mut self, table: &str, bounds: &Bounds) -> Result<String, Error>;

    /// Runs what a person typed, all of it.
    ///
    /// # Errors
    /// Whatever the database says.
    fn execute(&mut self, sql: &str, bounds: &Bounds) -> Result<Outcome, Error>;

    /// Does a few milliseconds of work that will make later calls faster, and says whether there is more of it. It is
    /// called while nothing else is to be done.
    fn work_ahead(&mut self, bounds: &Bounds) -> bool {
        let _ = bounds;
        false
    }
}

impl<D: Driver + ?Sized> Driver for Box<D> {
    fn tables(&mut self, bounds: &Bounds) -> Result<Vec<String>, Error> {
        (**self).tables(bounds)
    }

    fn table_data(&mut self, request: &PageRequest, bounds: &Bounds) -> Result<Page, Error> {
        (**self).table_data(request, bounds)
    }

    fn structure(&mut self, table: &str, bounds: &Bounds) -> Result<Structure, Error> {
        (**self).structure(table, bounds)
    }

    fn info(&mut self, table: &str, bounds: &Bounds) -> Result<String, Error> {
        (**self).info(table, bounds)
    }

    fn execute(&mut self, sql: &str, bounds: &Bounds) -> Result<Outcome, Error> {
        (**self).execute(sql, bounds)
    }

    fn work_ahead(&mut self, bounds: &Bounds) -> bool {
        (**self).work_ahead(bounds)
    }
}

/// How long an answer may take, and how large it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bounds {
    /// When the answer must be there at the latest. A statement that takes longer is to be interrupted.
    pub until: Instant,
    /// How many rows of a statement's result are shown.
    pub rows: usize,
    /// About how many bytes the values of one answer may have together.
    pub bytes: usize,
}

impl Bounds {
    /// So long and so much.
    #[must_use]
    pub const fn new(until: Instant, rows: usize, bytes: usize) -> Self {
        Self { until, rows, bytes }
    }
}

/// Which rows of a table are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageRequest {
    /// The table or view.
    pub table: String,
    /// The column to sort by; the database's own order if there is none.
    pub order: Option<String>,
    /// From the last row to the first.
    pub reverse: bool,
    /// How many rows come before.
    pub start: u64,
    /// How many rows are asked for, 1000 at the most.
    pub count: u64,
}

impl PageRequest {
    /// The first `count` rows of a table, in its own order.
    #[must_use]
    pub fn new(table: impl Into<String>, count: u64) -> Self {
        Self { table: table.into(), order: None, reverse: false, start: 0, count }
    }

    /// The same, so many rows later.
    #[must_use]
    pub fn starting_at(mut self, start: u64) -> Self {
        self.start = start;
        self
    }

    /// The same, sorted by a column.
    #[must_use]
    pub fn ordered_by(mut self, column: impl Into<String>) -> Self {
        self.order = Some(column.into());
        self
    }

    /// The same, from the last row to the first.
    #[must_use]
    pub fn reversed(mut self) -> Self {
        self.reverse = true;
        self
    }
}

/// Rows of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<Value>>,
    /// How many rows come before.
    pub start: u64,
    /// How many rows the table has. It may be an estimate as long as it takes too long to count them; a later page tells.
    pub total: u64,
}

/// The columns and indexes of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Structure {
    /// The columns, in their order.
    pub columns: Vec<Column>,
    /// The indexes.
    pub indexes: Vec<Index>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type, in the database's words. The official UI edits `INTEGER`, `LONG`, `INT` and `BIGINT` as integers, `REAL` and
    /// `DOUBLE` as numbers, `BLOB` not at all, and everything else as text.
    pub data_type: String,
    /// Whether it may be null.
    pub nullable: bool,
    /// What it is where nothing is given, as SQL.
    pub default: Value,
    /// Whether it is part of the primary key. The official UI edits rows of tables that have one.
    pub primary_key: bool,
    /// The column that it refers to, as `table(column)`.
    pub foreign_key: Option<String>,
}

impl Column {
    /// A column that may be null and is part of no key.
    #[must_use]
    pub fn new(name: impl Into<String>, data_type: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            data_type: data_type.into(),
            nullable: true,
            default: Value::Null,
            primary_key: false,
            foreign_key: None,
        }
    }
}

/// An index of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Whether no two rows have the same values in it.
    pub unique: bool,
    /// The names of the columns, and the text of expressions.
    pub columns: Vec<String>,
}

impl Index {
    /// An index over these columns.
    #[must_use]
    pub fn new(name: impl Into<String>, unique: bool, columns: Vec<String>) -> Self {
        Self { name: name.into(), unique, columns }
    }
}

/// Rows that a statement returned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, no more than [`Bounds::rows`].
    pub rows: Vec<Vec<Value>>,
    /// Whether there were more.
    pub more: bool,
}

/// What came of a statement.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// It returned rows, or might have.
    Rows(Rows),
    /// It inserted a row, which has this id.
    Inserted(i64),
    /// It inserted, changed or deleted so many rows.
    Changed(u64),
    /// It did something else.
    Done,
}
