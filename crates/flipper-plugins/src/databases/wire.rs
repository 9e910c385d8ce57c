//! The words of the official Databases plugin.

use std::collections::BTreeSet;

use flipper_client::proto::Payload;
use flipper_client::{Call, Responder};
use serde::{Deserialize, Serialize};

use super::desk::{Answer, Task};
use super::driver::{Outcome, Page, PageRequest, Rows, Structure};
use super::error::{Error, ErrorKind};
use super::value::Value;

/// How many rows the official desktop asks for.
const PAGE: f64 = 50.0;
/// More rows than these are never given at once.
const LARGEST_PAGE: f64 = 1000.0;
/// The largest number of a row that JSON brings exactly.
const LAST_ROW: f64 = 9_007_199_254_740_992.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    List,
    Data,
    Structure,
    Info,
    Execute,
}

impl Method {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "databaseList" => Self::List,
            "getTableData" => Self::Data,
            "getTableStructure" => Self::Structure,
            "getTableInfo" => Self::Info,
            "execute" => Self::Execute,
            _ => return None,
        })
    }
}

/// What the desktop asks of one database.
pub(super) struct Request {
    pub(super) database: u64,
    pub(super) task: Task,
}

/// The params of every method but `databaseList`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    database_id: Option<Id>,
    table: Option<String>,
    order: Option<String>,
    reverse: Option<bool>,
    start: Option<f64>,
    count: Option<f64>,
    value: Option<String>,
}

/// The UI sends ids back as it got them; other desktops may hold them as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Number(u64),
    Text(String),
}

impl Request {
    pub(super) fn read(method: Method, call: &Call) -> Result<Self, Error> {
        let invalid = |message: String| Error::new(ErrorKind::InvalidRequest, message);
        let params: Params = call.parse().map_err(|report| invalid(report.message))?;
        let database = match params.database_id {
            Some(Id::Number(id)) => id,
            Some(Id::Text(id)) => {
                id.trim().parse().map_err(|_| invalid("databaseId is no number of a database".to_owned()))?
            }
            None => return Err(invalid("no databaseId is given".to_owned())),
        };
        let given = |name: &str, text: Option<String>| {
            text.filter(|text| !text.trim().is_empty()).ok_or_else(|| invalid(format!("no {name} is given")))
        };
        let task = match method {
            Method::List => Task::Tables,
            Method::Execute => Task::Execute(given("value", params.value)?),
            Method::Structure => Task::Structure(given("table", params.table)?),
            Method::Info => Task::Info(given("table", params.table)?),
            Method::Data => Task::Data(PageRequest {
                table: given("table", params.table)?,
                order: params.order,
                reverse: params.reverse.unwrap_or(false),
                start: whole(params.start.unwrap_or(0.0), LAST_ROW),
                count: whole(params.count.unwrap_or(PAGE), LARGEST_PAGE),
            }),
        };
        Ok(Self { database, task })
    }
}

/// The number without its fraction, between zero and a largest one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is clamped to what fits")]
fn whole(number: f64, largest: f64) -> u64 {
    number.clamp(0.0, largest) as u64
}

/// Answers a call that no database is asked for.
pub(super) fn refuse(method: Method, error: Error, responder: Responder) {
    answer(method, Err(error), vec![responder]);
}

/// Answers calls of a method. Errors are data wherever the official UI would ask again at once if they were not.
pub(super) fn answer(method: Method, answer: Result<Answer, Error>, responders: Vec<Responder>) {
    if responders.is_empty() {
        return;
    }
    let is_error = answer.is_err() && matches!(method, Method::List | Method::Execute);
    let payload = match answer {
        Ok(Answer::Tables(tables)) => Payload::serialize(&tables),
        Ok(Answer::Data(page)) => Payload::serialize(&Data::new(page)),
        Ok(Answer::Structure(structure)) => Payload::serialize(&Described::new(structure)),
        Ok(Answer::Info(definition)) => Payload::serialize(&Info { definition }),
        Ok(Answer::Execute(outcome)) => Payload::serialize(&Executed::new(outcome)),
        Err(error) => match method {
            Method::Data => Payload::serialize(&Data::error(&error)),
            Method::Structure => Payload::serialize(&Described::error(&error)),
            Method::Info => Payload::serialize(&Info { definition: comment(&error) }),
            Method::List | Method::Execute => Payload::serialize(&Failed::new(&error)),
        },
    };
    let payload = match payload {
        Ok(payload) => payload,
        Err(error) => {
            tracing::error!("an answer cannot be written as JSON: {error}");
            return;
        }
    };
    for responder in responders {
        // Nobody waits when the session has ended.
        let _ended =
            if is_error { responder.error_json(payload.clone()) } else { responder.success_json(payload.clone()) };
    }
}

/// The tables for the list, which has no other way to show an error.
pub(super) fn tables(answer: &Result<Answer, Error>) -> Vec<String> {
    match answer {
        Ok(Answer::Tables(tables)) => tables.clone(),
        Ok(_) => Vec::new(),
        Err(error) => vec![format!("({error})")],
    }
}

#[derive(Serialize)]
struct Data {
    columns: Vec<String>,
    values: Vec<Vec<Value>>,
    start: u64,
    count: usize,
    total: u64,
}

impl Data {
    fn new(page: Page) -> Self {
        let (columns, values) = table(page.columns, page.rows);
        Self { columns, count: values.len(), values, start: page.start, total: page.total }
    }

    fn error(error: &Error) -> Self {
        let values = vec![vec![Value::from(error.message())]];
        Self { columns: vec!["error".to_owned()], values, start: 0, count: 1, total: 1 }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    structure_columns: Vec<&'static str>,
    structure_values: Vec<Vec<Value>>,
    indexes_columns: Vec<&'static str>,
    indexes_values: Vec<Vec<Value>>,
}

impl Described {
    /// The official UI edits rows only where the columns of the structure have these names, in Android's layout.
    fn new(structure: Structure) -> Self {
        let columns = structure.columns.into_iter().map(|column| {
            vec![
                Value::from(column.name),
                Value::from(column.data_type),
                Value::Boolean(column.nullable),
                column.default,
                Value::Boolean(column.primary_key),
                Value::from(column.foreign_key),
            ]
        });
        let indexes = structure.indexes.into_iter().map(|index| {
            vec![Value::from(index.name), Value::Boolean(index.unique), Value::from(index.columns.join(","))]
        });
        Self {
            structure_columns: vec!["column_name", "data_type", "nullable", "default", "primary_key", "foreign_key"],
            structure_values: columns.collect(),
            indexes_columns: vec!["index_name", "unique", "indexed_column_name"],
            indexes_values: indexes.collect(),
        }
    }

    fn error(error: &Error) -> Self {
        Self {
            structure_columns: vec!["error"],
            structure_values: vec![vec![Value::from(error.message())]],
            indexes_columns: vec!["index_name", "unique", "indexed_column_name"],
            indexes_values: Vec::new(),
        }
    }
}

#[derive(Serialize)]
struct Info {
    definition: String,
}

/// An error in the place of SQL, which the official UI formats.
fn comment(error: &Error) -> String {
    let lines: Vec<_> = error.message().lines().map(|line| format!("-- {line}")).collect();
    lines.join("\n")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Executed {
    #[serde(rename = "type")]
    kind: &'static str,
    columns: Vec<String>,
    values: Vec<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inserted_id: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    affected_count: Option<u64>,
}

/// A number, as text where JavaScript would round it.
#[derive(Serialize)]
#[serde(untagged)]
enum Number {
    Exact(i64),
    Text(String),
}

impl Executed {
    fn new(outcome: Outcome) -> Self {
        let empty = |kind| Self { kind, columns: vec![], values: vec![], inserted_id: None, affected_count: None };
        match outcome {
            Outcome::Rows(rows) => {
                let (columns, values) = result(rows);
                Self { columns, values, ..empty("select") }
            }
            Outcome::Inserted(id) => {
                let exact = Value::is_exact(id);
                let id = if exact { Number::Exact(id) } else { Number::Text(id.to_string()) };
                Self { inserted_id: Some(id), ..empty("insert") }
            }
            Outcome::Changed(count) => Self { affected_count: Some(count), ..empty("update_delete") },
            Outcome::Done => empty("raw"),
        }
    }
}

/// The rows of a statement, with one more that says that they are not all.
fn result(rows: Rows) -> (Vec<String>, Vec<Vec<Value>>) {
    let shown = rows.rows.len();
    let (columns, mut values) = table(rows.columns, rows.rows);
    if rows.more && !columns.is_empty() {
        let mut last = vec![Value::Text(format!("… there are more rows, only the first {shown} are shown"))];
        last.resize(columns.len(), Value::Null);
        values.push(last);
    }
    (columns, values)
}

/// The columns with names that are all different, and rows as wide as that. The official UI fails over anything else.
fn table(columns: Vec<String>, mut rows: Vec<Vec<Value>>) -> (Vec<String>, Vec<Vec<Value>>) {
    let mut unique = Vec::with_capacity(columns.len());
    let mut taken: BTreeSet<String> = columns.iter().cloned().collect();
    let mut seen = BTreeSet::new();
    for column in columns {
        if seen.insert(column.clone()) {
            unique.push(column);
            continue;
        }
        let numbered = (2..).map(|number| format!("{column} ({number})"));
        // The name is new where `insert` says so; there are always more numbers than names.
        unique.extend(numbered.into_iter().find(|name| taken.insert(name.clone())));
    }
    for row in &mut rows {
        row.resize(unique.len(), Value::Null);
    }
    (unique, rows)
}

/// An error of the official shape, with a name for programs.
#[derive(Serialize)]
struct Failed<'a> {
    code: u8,
    message: &'a str,
    name: &'static str,
}

impl<'a> Failed<'a> {
    fn new(error: &'a Error) -> Self {
        Self { code: code(error.kind()), message: error.message(), name: name(error.kind()) }
    }
}

/// The official clients know three codes: for a request that makes no sense, for an unknown database, and for what the
/// database says.
fn code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::InvalidRequest => 1,
        ErrorKind::UnknownDatabase => 2,
        _ => 3,
    }
}

/// The kind of an error, for programs.
fn name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest => "InvalidRequest",
        ErrorKind::UnknownDatabase => "UnknownDatabase",
        ErrorKind::UnknownTable => "UnknownTable",
        ErrorKind::UnknownColumn => "UnknownColumn",
        ErrorKind::Sql => "SqlError",
        ErrorKind::ReadOnly => "ReadOnly",
        ErrorKind::Deadline => "DeadlineExceeded",
        ErrorKind::Busy => "Busy",
        ErrorKind::Unavailable => "Unavailable",
        ErrorKind::Panicked => "DriverPanicked",
    }
}
