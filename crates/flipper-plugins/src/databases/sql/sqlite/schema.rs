//! What SQLite says of one of its tables.

use super::super::driver::{Bounds, Column, Index, Structure};
use super::super::engine::quoted;
use super::super::error::{Error, ErrorKind};
use super::super::paging::{KeyColumn, Order, Ways};
use super::super::value::Value;
use super::{Connection, text, text_of, unlimited};

/// A table or view.
pub(super) struct Table {
    name: String,
    /// Whether it is a table that SQLite itself keeps: no view, and none of a module.
    is_plain: bool,
    has_row_ids: bool,
    /// Whether the primary key has an index beside the table.
    has_key_index: bool,
    columns: Vec<Field>,
}

struct Field {
    name: String,
    data_type: String,
    not_null: bool,
    default: Value,
    /// Its place in the primary key, from one on; zero if it is not part of it.
    key_part: i64,
}

impl Table {
    pub(super) fn read(connection: &mut impl Connection, name: &str, bounds: &Bounds) -> Result<Self, Error> {
        let bounds = unlimited(bounds);
        let sql = "SELECT type, wr, (SELECT count(*) FROM pragma_index_list(?1) WHERE origin = 'pk') \
                   FROM pragma_table_list WHERE schema = 'main' AND name = ?1";
        let kind = connection.query(sql, &[Value::from(name)], 3, &bounds)?.rows.into_iter().next();
        let Some([Value::Text(kind), without_row_ids, key_indexes]) =
            kind.and_then(|row| <[Value; 3]>::try_from(row).ok())
        else {
            return Err(Error::new(ErrorKind::UnknownTable, format!("no such table: {name}")));
        };
        // Hidden columns of modules are left out, as `*` leaves them out.
        let sql = "SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_xinfo(?1) WHERE hidden <> 1";
        let rows = connection.query(sql, &[Value::from(name)], 5, &bounds)?.rows;
        let columns = rows.into_iter().filter_map(|row| {
            let [Value::Text(name), data_type, not_null, default, Value::Integer(key_part)] =
                <[Value; 5]>::try_from(row).ok()?
            else {
                return None;
            };
            let data_type = text_of(Some(data_type)).unwrap_or_default();
            Some(Field { name, data_type, not_null: not_null == Value::Integer(1), default, key_part })
        });
        let columns: Vec<_> = columns.collect();
        let is_plain = kind == "table" || kind == "shadow";
        let has_row_ids = is_plain && without_row_ids == Value::Integer(0);
        let has_key_index = key_indexes != Value::Integer(0);
        Ok(Self { name: name.to_owned(), is_plain, has_row_ids, has_key_index, columns })
    }

    /// The column of this name, as it is written in the table.
    pub(super) fn column(&self, name: &str) -> Result<usize, Error> {
        let exact = self.columns.iter().position(|column| column.name == name);
        exact.ok_or_else(|| {
            let names: Vec<_> = self.columns.iter().map(|column| column.name.as_str()).collect();
            let message = format!("no such column in {}: {name}. There are: {}", self.name, names.join(", "));
            Error::new(ErrorKind::UnknownColumn, message)
        })
    }

    /// How its rows can be had in an order.
    pub(super) fn ways(
        &self,
        connection: &mut impl Connection,
        order: Option<usize>,
        reverse: bool,
        bounds: &Bounds,
    ) -> Result<Ways, Error> {
        let table = quoted(&self.name);
        let names: Vec<_> = self.columns.iter().map(|column| quoted(&column.name)).collect();
        let columns = names.join(", ");
        let key = self.key();
        let make =
            |keys: Vec<KeyColumn>, reverse| Order { table: table.clone(), columns: columns.clone(), keys, reverse };
        let natural = (!key.is_empty()).then(|| make(key.clone(), false));
        let mut sorted = order.map(|at| vec![self.key_column(at)]).unwrap_or_default();
        // The key decides between rows that are alike, unless it decides everything.
        if sorted.first() != key.first() {
            sorted.extend(key.iter().filter(|part| Some(*part) != sorted.first()).cloned().collect::<Vec<_>>());
        } else {
            sorted.clone_from(&key);
        }
        let mut wanted = (!key.is_empty()).then(|| make(sorted, reverse));
        if let Some(order) = &wanted
            && !Self::has_index(connection, order, bounds)?
        {
            wanted = None;
        }
        let natural = match natural {
            Some(order) if order.keys.len() == 1 || Self::has_index(connection, &order, bounds)? => Some(order),
            _ => None,
        };
        let direction = if reverse { "DESC" } else { "ASC" };
        let mut terms: Vec<_> = order.iter().map(|at| format!("{} {direction}", names[*at])).collect();
        terms.extend(key.iter().map(|part| format!("{} {direction}", part.sql)));
        let sorting = if terms.is_empty() { String::new() } else { format!(" ORDER BY {}", terms.join(", ")) };
        let slow = format!("SELECT {columns} FROM {table}{sorting}");
        let estimate = self.estimate(connection, bounds)?;
        let names = self.columns.iter().map(|column| column.name.clone()).collect();
        Ok(Ways { table, names, wanted, natural, slow, estimate, is_vast: false })
    }

    /// What tells its rows apart, if anything does.
    fn key(&self) -> Vec<KeyColumn> {
        if self.has_row_ids {
            // A column may have taken one of the names, though not all of them unless somebody is at pains to.
            let taken = |name: &&str| self.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
            let free = ["rowid", "_rowid_", "oid"].into_iter().find(|name| !taken(name));
            if let Some(at) = self.row_id_column() {
                return vec![self.key_column(at)];
            }
            return free.into_iter().map(|name| key_column(name.to_owned(), false)).collect();
        }
        if !self.is_plain {
            return Vec::new();
        }
        let mut parts: Vec<_> = (0..self.columns.len()).filter(|at| self.columns[*at].key_part > 0).collect();
        parts.sort_by_key(|at| self.columns[*at].key_part);
        parts.into_iter().map(|at| key_column(quoted(&self.columns[at].name), false)).collect()
    }

    /// The column that is another name of the row id.
    fn row_id_column(&self) -> Option<usize> {
        let mut parts = (0..self.columns.len()).filter(|at| self.columns[*at].key_part > 0);
        let at = parts.next()?;
        // `INTEGER PRIMARY KEY DESC` is none: it has an index.
        let is_integer = self.columns[at].data_type.eq_ignore_ascii_case("INTEGER");
        let is_row_id = self.has_row_ids && is_integer && !self.has_key_index;
        (is_row_id && parts.next().is_none()).then_some(at)
    }

    fn key_column(&self, at: usize) -> KeyColumn {
        let column = &self.columns[at];
        let is_key_without_nulls = column.key_part > 0 && !self.has_row_ids;
        key_column(quoted(&column.name), !column.not_null && !is_key_without_nulls)
    }

    /// Whether SQLite finds the order in an index, and need not sort all rows first.
    fn has_index(connection: &mut impl Connection, order: &Order, bounds: &Bounds) -> Result<bool, Error> {
        let plan = connection.query(&format!("EXPLAIN QUERY PLAN {}", order.probe()), &[], 4, &unlimited(bounds))?;
        let sorts = |row: &Vec<Value>| matches!(row.get(3), Some(Value::Text(step)) if step.contains("TEMP B-TREE"));
        Ok(!plan.rows.iter().any(sorts))
    }

    /// How many rows there may be at the most, from the first and the last row id.
    fn estimate(&self, connection: &mut impl Connection, bounds: &Bounds) -> Result<Option<u64>, Error> {
        let key = self.key();
        let (true, [row_id]) = (self.has_row_ids, key.as_slice()) else { return Ok(None) };
        let (table, row_id) = (quoted(&self.name), &row_id.sql);
        let sql = format!("SELECT (SELECT min({row_id}) FROM {table}), (SELECT max({row_id}) FROM {table})");
        let rows = connection.query(&sql, &[], 2, bounds)?.rows;
        Ok(match rows.first().map(Vec::as_slice) {
            // Whoever gives row ids at random makes no estimate possible, but a number that is shown nevertheless.
            Some([Value::Integer(first), Value::Integer(last)]) => Some(last.abs_diff(*first).saturating_add(1)),
            _ => None,
        })
    }

    pub(super) fn structure(self, connection: &mut impl Connection, bounds: &Bounds) -> Result<Structure, Error> {
        let foreign = self.foreign_keys(connection, bounds)?;
        let indexes = self.indexes(connection, bounds)?;
        let row_id = self.row_id_column();
        let has_row_ids = self.has_row_ids;
        let columns = self.columns.into_iter().enumerate().map(|(at, field)| {
            let never_null = field.not_null || row_id == Some(at) || (field.key_part > 0 && !has_row_ids);
            let keys: Vec<_> =
                foreign.iter().filter(|(from, _)| *from == field.name).map(|(_, to)| to.as_str()).collect();
            Column {
                nullable: !never_null,
                default: field.default,
                primary_key: field.key_part > 0,
                foreign_key: (!keys.is_empty()).then(|| keys.join(", ")),
                ..Column::new(field.name, field.data_type)
            }
        });
        Ok(Structure { columns: columns.collect(), indexes })
    }

    /// Columns, and what each of them refers to.
    fn foreign_keys(&self, connection: &mut impl Connection, bounds: &Bounds) -> Result<Vec<(String, String)>, Error> {
        // Where a key names no column, it refers to the primary key.
        let sql = "SELECT f.\"from\", f.\"table\", coalesce(f.\"to\", \
                   (SELECT p.name FROM pragma_table_xinfo(f.\"table\") AS p WHERE p.pk = f.seq + 1)) \
                   FROM pragma_foreign_key_list(?1) AS f ORDER BY f.id DESC, f.seq";
        let rows = connection.query(sql, &[Value::from(self.name.as_str())], 3, &unlimited(bounds))?.rows;
        let keys = rows.into_iter().filter_map(|row| match <[Value; 3]>::try_from(row).ok()? {
            [Value::Text(from), Value::Text(table), Value::Text(to)] => Some((from, format!("{table}({to})"))),
            [Value::Text(from), Value::Text(table), _] => Some((from, table)),
            _ => None,
        });
        Ok(keys.collect())
    }

    fn indexes(&self, connection: &mut impl Connection, bounds: &Bounds) -> Result<Vec<Index>, Error> {
        let bounds = unlimited(bounds);
        let sql = "SELECT l.name, l.\"unique\", s.sql, i.name FROM pragma_index_list(?1) AS l, \
                   pragma_index_info(l.name) AS i LEFT JOIN sqlite_schema AS s ON s.type = 'index' AND s.name = l.name \
                   ORDER BY l.seq DESC, i.seqno";
        let rows = connection.query(sql, &[Value::from(self.name.as_str())], 4, &bounds)?.rows;
        let mut indexes: Vec<Index> = Vec::new();
        for row in rows {
            let Ok([Value::Text(name), unique, create, column]) = <[Value; 4]>::try_from(row) else { continue };
            if indexes.last().is_none_or(|index| index.name != name) {
                indexes.push(Index::new(name, unique == Value::Integer(1), Vec::new()));
            }
            let Some(index) = indexes.last_mut() else { continue };
            let column = text_of(Some(column)).or_else(|| {
                // An expression has no name; it stands in the statement that made the index.
                text::indexed_terms(&text_of(Some(create))?).into_iter().nth(index.columns.len())
            });
            index.columns.push(column.unwrap_or_else(|| "(expression)".to_owned()));
        }
        Ok(indexes)
    }
}

fn key_column(sql: String, nullable: bool) -> KeyColumn {
    KeyColumn { read: sql.clone(), sql, data_type: String::new(), nullable }
}
