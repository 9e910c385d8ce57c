//! The rows of a table in one order, and where to go on from one of them.

use super::super::driver::Bounds;
use super::super::engine::{Dialect, Engine};
use super::super::error::Error;
use super::super::value::Value;

/// The values by which a row has its place.
pub(super) type Key = Vec<Value>;

/// The rows of one table in one order, which no two of them share a place in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    /// The table, as SQL.
    pub(crate) table: String,
    /// What is shown of it, as SQL.
    pub(crate) columns: String,
    /// What the rows are sorted by.
    pub(crate) keys: Vec<KeyColumn>,
    /// From the largest key to the smallest.
    pub(crate) reverse: bool,
}

/// A column that rows are sorted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyColumn {
    /// The column, as SQL.
    pub(crate) sql: String,
    /// What is read where its value is needed again.
    pub(crate) read: String,
    /// Its type, where values are cast to it.
    pub(crate) data_type: String,
    pub(crate) nullable: bool,
}

/// Rows with their keys.
pub(super) type Found = Vec<(Key, Vec<Value>)>;

/// Rows that follow a key: those that have the first parts of it in common, and are beyond it in the next one.
struct Segment {
    condition: String,
    params: Vec<Value>,
}

impl Order {
    /// The rows beyond a key, or from the beginning, without some that are skipped. Backward it begins at the end.
    pub(super) fn rows<E: Engine>(
        &self,
        engine: &mut E,
        from: Option<&Key>,
        backward: bool,
        mut skip: u64,
        limit: u64,
        bounds: &Bounds,
    ) -> Result<Found, Error> {
        let mut found = Found::new();
        let keys: Vec<_> = self.keys.iter().map(|key| key.read.as_str()).collect();
        let what = format!("{}, {}", keys.join(", "), self.columns);
        let bounds = Bounds { rows: usize::MAX, ..*bounds };
        for segment in self.segments(E::DIALECT, from, backward) {
            let left = limit - found.len() as u64;
            let sql = self.select(&what, &segment, backward, left, skip);
            let rows = engine.query(&sql, &segment.params, keys.len(), &bounds)?;
            let is_empty = rows.rows.is_empty();
            for mut row in rows.rows {
                let values = row.split_off(keys.len().min(row.len()));
                found.push((row, values));
            }
            if found.len() as u64 >= limit {
                break;
            }
            skip = match is_empty {
                true if skip > 0 => skip - self.count_segment(engine, &segment, skip, &bounds)?,
                _ => 0,
            };
        }
        Ok(found)
    }

    /// The key of one row.
    pub(super) fn key<E: Engine>(
        &self,
        engine: &mut E,
        from: Option<&Key>,
        skip: u64,
        bounds: &Bounds,
    ) -> Result<Option<Key>, Error> {
        let bare = Self { columns: "0".to_owned(), ..self.clone() };
        Ok(bare.rows(engine, from, false, skip, 1, bounds)?.pop().map(|(key, _)| key))
    }

    /// How many rows there are beyond a key, though not more than `limit`.
    pub(super) fn count<E: Engine>(
        &self,
        engine: &mut E,
        from: Option<&Key>,
        limit: u64,
        bounds: &Bounds,
    ) -> Result<u64, Error> {
        let mut count = 0;
        for segment in self.segments(E::DIALECT, from, false) {
            count += self.count_segment(engine, &segment, limit - count, bounds)?;
        }
        Ok(count)
    }

    /// The statement whose plan tells whether the order comes from an index.
    pub(crate) fn probe(&self) -> String {
        let everything = Segment { condition: String::new(), params: Vec::new() };
        self.select(&self.columns, &everything, false, 1, 0)
    }

    fn count_segment<E: Engine>(
        &self,
        engine: &mut E,
        segment: &Segment,
        limit: u64,
        bounds: &Bounds,
    ) -> Result<u64, Error> {
        let (table, condition) = (&self.table, &segment.condition);
        let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {table}{condition} LIMIT {limit}) AS beyond");
        let rows = engine.query(&sql, &segment.params, 0, bounds)?;
        let count = match rows.rows.first().and_then(|row| row.first()) {
            Some(Value::Integer(count)) => u64::try_from(*count).unwrap_or(0),
            _ => 0,
        };
        Ok(count.min(limit))
    }

    fn select(&self, what: &str, segment: &Segment, backward: bool, limit: u64, skip: u64) -> String {
        let direction = if self.reverse == backward { "ASC" } else { "DESC" };
        let keys: Vec<_> = self.keys.iter().map(|key| format!("{} {direction}", key.sql)).collect();
        let (table, condition, keys) = (&self.table, &segment.condition, keys.join(", "));
        let offset = if skip > 0 { format!(" OFFSET {skip}") } else { String::new() };
        format!("SELECT {what} FROM {table}{condition} ORDER BY {keys} LIMIT {limit}{offset}")
    }

    /// What is beyond a key, in this order: first what differs from it only in the last column, at last what differs in
    /// the first. One condition for all of it would not be answered from an index where there are nulls.
    fn segments(&self, dialect: Dialect, from: Option<&Key>, backward: bool) -> Vec<Segment> {
        let Some(from) = from else {
            return vec![Segment { condition: String::new(), params: Vec::new() }];
        };
        let ascends = self.reverse == backward;
        let nulls_come_last = dialect.nulls_first() != ascends;
        let mut segments = Vec::new();
        for last in (0..self.keys.len().min(from.len())).rev() {
            let column = &self.keys[last];
            let mut beyond = |condition: &dyn Fn(&mut Vec<Value>) -> String| {
                let mut params = Vec::new();
                let mut conditions: Vec<_> = self.keys[..last]
                    .iter()
                    .zip(from)
                    .map(|(key, value)| match value {
                        Value::Null => format!("{} IS NULL", key.sql),
                        value => format!("{} = {}", key.sql, dialect.operand(value, &key.data_type, &mut params)),
                    })
                    .collect();
                conditions.push(condition(&mut params));
                segments.push(Segment { condition: format!(" WHERE {}", conditions.join(" AND ")), params });
            };
            match &from[last] {
                Value::Null if nulls_come_last => {}
                Value::Null => beyond(&|_| format!("{} IS NOT NULL", column.sql)),
                value => {
                    let operator = if ascends { ">" } else { "<" };
                    beyond(&|params| {
                        format!("{} {operator} {}", column.sql, dialect.operand(value, &column.data_type, params))
                    });
                    if column.nullable && nulls_come_last {
                        beyond(&|_| format!("{} IS NULL", column.sql));
                    }
                }
            }
        }
        segments
    }
}
