//! What PostgreSQL says of one of its tables.

use std::collections::BTreeMap;

use super::super::driver::{Bounds, Column, Index, Structure};
use super::super::engine::{Engine, quoted, text_literal};
use super::super::error::{Error, ErrorKind};
use super::super::paging::{KeyColumn, Order, Ways};
use super::super::value::Value;
use super::link::Link;

/// Tables with more rows than this are not counted, only estimated.
const VAST: i64 = 10_000_000;

/// So many rows that are alike are sorted in no time.
const FEW: u32 = 10_000;

/// How a table is listed.
const NAME: &str = "CASE WHEN n.nspname = 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END";

/// All tables, views and their like, but for PostgreSQL's own.
const TABLES: &str = "pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
                      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') \
                      AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'";

pub(super) fn tables(link: &mut Link, bounds: &Bounds) -> Result<Vec<String>, Error> {
    let sql = format!("SELECT {NAME} COLLATE \"C\" AS name FROM {TABLES} ORDER BY name");
    let names = texts(link, &sql, bounds)?;
    Ok(names.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect())
}

/// A table or view.
pub(super) struct Table {
    name: String,
    id: String,
    schema: String,
    relation: String,
    kind: String,
    /// About how many rows it has; less than none if nobody knows.
    estimate: i64,
    /// Another one after the table was changed.
    version: String,
    columns: Vec<Field>,
}

struct Field {
    name: String,
    data_type: String,
    not_null: bool,
    default: Option<String>,
    /// Its place in the primary key, if it is part of it.
    key_part: Option<i64>,
}

impl Table {
    pub(super) fn read(link: &mut Link, name: &str, bounds: &Bounds) -> Result<Self, Error> {
        let unknown = || Error::new(ErrorKind::UnknownTable, format!("no such table: {name}"));
        if name.contains('\0') {
            return Err(unknown());
        }
        let sql = format!(
            "SELECT c.oid, n.nspname, c.relname, c.relkind, c.reltuples::bigint, concat_ws(' ', c.relfilenode, \
             pg_stat_get_tuples_inserted(c.oid), pg_stat_get_tuples_updated(c.oid), pg_stat_get_tuples_deleted(c.oid)) \
             FROM {TABLES} AND {NAME} = {} ORDER BY n.nspname <> 'public' LIMIT 1",
            text_literal(name)
        );
        let row = texts(link, &sql, bounds)?.into_iter().next().ok_or_else(unknown)?;
        let Ok([Some(id), Some(schema), Some(relation), Some(kind), Some(estimate), Some(version)]) =
            <[Option<String>; 6]>::try_from(row)
        else {
            return Err(unknown());
        };
        let estimate = estimate.parse().unwrap_or(-1);
        let columns = Field::read(link, &id, bounds)?;
        Ok(Self { name: name.to_owned(), id, schema, relation, kind, estimate, version, columns })
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// The table, as SQL.
    pub(super) fn sql(&self) -> String {
        format!("{}.{}", quoted(&self.schema), quoted(&self.relation))
    }

    /// How its rows can be had in an order.
    pub(super) fn ways(
        &self,
        link: &mut Link,
        order: Option<&str>,
        reverse: bool,
        bounds: &Bounds,
    ) -> Result<Ways, Error> {
        let table = self.sql();
        let names: Vec<_> = self.columns.iter().map(|column| quoted(&column.name)).collect();
        let columns = names.join(", ");
        let mut key: Vec<_> = self.columns.iter().filter(|column| column.key_part.is_some()).collect();
        key.sort_by_key(|column| column.key_part);
        let sorted = order.map(|order| self.column(order)).transpose()?;
        let make = |keys: Vec<&Field>, reverse| Order {
            table: table.clone(),
            columns: if columns.is_empty() { "NULL".to_owned() } else { columns.clone() },
            keys: keys.into_iter().map(|field| field.key_column(&table)).collect(),
            reverse,
        };
        // The key decides between rows that are alike.
        let rest = key.iter().copied().filter(|part| sorted.is_none_or(|sorted| sorted.name != part.name));
        let all: Vec<_> = sorted.into_iter().chain(rest).collect();
        let direction = if reverse { "DESC" } else { "ASC" };
        let terms: Vec<_> = all.iter().map(|part| format!("{} {direction}", quoted(&part.name))).collect();
        let sorting = if terms.is_empty() { String::new() } else { format!(" ORDER BY {}", terms.join(", ")) };
        let slow = format!("SELECT {columns} FROM {table}{sorting}");
        let natural = (!key.is_empty()).then(|| make(key.clone(), false));
        let mut wanted = (!key.is_empty()).then(|| make(all.clone(), reverse));
        let is_by_key = all.iter().map(|part| &part.name).eq(key.iter().map(|part| &part.name));
        if let (false, Some(order)) = (is_by_key, &wanted)
            && !self.has_index(link, order, sorted, bounds)?
        {
            wanted = None;
        }
        let estimate = u64::try_from(self.estimate).ok().filter(|rows| *rows > 0);
        let names = self.columns.iter().map(|column| column.name.clone()).collect();
        Ok(Ways { table, names, wanted, natural, slow, estimate, is_vast: self.estimate > VAST })
    }

    /// Whether the server finds the order in an index, and sorts no more than a few rows that are alike in it.
    fn has_index(
        &self,
        link: &mut Link,
        order: &Order,
        sorted: Option<&Field>,
        bounds: &Bounds,
    ) -> Result<bool, Error> {
        let plan = texts(link, &format!("EXPLAIN {}", order.probe()), bounds)?;
        let has = |node: &str| {
            plan.iter().flatten().flatten().any(|line| line.trim_start_matches([' ', '-', '>']).starts_with(node))
        };
        match sorted {
            _ if has("Sort  (") => Ok(false),
            Some(sorted) if has("Incremental Sort  (") => self.has_few_alike(link, sorted, bounds),
            _ => Ok(true),
        }
    }

    /// Whether few rows have the same value in this column, as far as the statistics know.
    fn has_few_alike(&self, link: &mut Link, column: &Field, bounds: &Bounds) -> Result<bool, Error> {
        let rows = self.estimate.max(1);
        let sql = format!(
            "SELECT {rows} * greatest(null_frac, most_common_freqs[1], CASE WHEN n_distinct > 0 THEN 1 / n_distinct \
             WHEN n_distinct < 0 THEN 1 / (-n_distinct * {rows}) ELSE 1 END) <= {FEW} \
             FROM pg_catalog.pg_stats WHERE schemaname = {} AND tablename = {} AND attname = {}",
            text_literal(&self.schema),
            text_literal(&self.relation),
            text_literal(&column.name)
        );
        let told = texts(link, &sql, bounds)?.into_iter().next().and_then(|row| row.into_iter().next().flatten());
        Ok(told.as_deref() == Some("t"))
    }

    fn column(&self, name: &str) -> Result<&Field, Error> {
        self.columns.iter().find(|column| column.name == name).ok_or_else(|| {
            let names: Vec<_> = self.columns.iter().map(|column| column.name.as_str()).collect();
            let message = format!("no such column in {}: {name}. There are: {}", self.name, names.join(", "));
            Error::new(ErrorKind::UnknownColumn, message)
        })
    }

    pub(super) fn structure(self, link: &mut Link, bounds: &Bounds) -> Result<Structure, Error> {
        let sql = format!(
            "SELECT ic.relname, i.indisunique, pg_get_indexdef(i.indexrelid, part, true) \
             FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS ic ON ic.oid = i.indexrelid, \
             generate_series(1, i.indnkeyatts) AS part WHERE i.indrelid = {} ORDER BY ic.relname COLLATE \"C\", part",
            self.id
        );
        let mut indexes: Vec<Index> = Vec::new();
        for row in texts(link, &sql, bounds)? {
            let Ok([Some(name), unique, Some(column)]) = <[Option<String>; 3]>::try_from(row) else { continue };
            if indexes.last().is_none_or(|index| index.name != name) {
                indexes.push(Index::new(name, unique.as_deref() == Some("t"), Vec::new()));
            }
            if let Some(index) = indexes.last_mut() {
                index.columns.push(column);
            }
        }
        let foreign = self.foreign_keys(link, bounds)?;
        let columns = self.columns.into_iter().map(|field| Column {
            nullable: !field.not_null,
            default: Value::from(field.default),
            primary_key: field.key_part.is_some(),
            foreign_key: foreign.get(&field.name).cloned(),
            ..Column::new(field.name, field.data_type)
        });
        Ok(Structure { columns: columns.collect(), indexes })
    }

    /// Columns, and what each of them refers to.
    fn foreign_keys(&self, link: &mut Link, bounds: &Bounds) -> Result<BTreeMap<String, String>, Error> {
        let sql = format!(
            "SELECT a.attname, string_agg(k.confrelid::regclass || '(' || f.attname || ')', ', ' ORDER BY k.conname) \
             FROM pg_catalog.pg_constraint AS k CROSS JOIN LATERAL unnest(k.conkey, k.confkey) AS pair(here, there) \
             JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = pair.here \
             JOIN pg_catalog.pg_attribute AS f ON f.attrelid = k.confrelid AND f.attnum = pair.there \
             WHERE k.contype = 'f' AND k.conrelid = {} GROUP BY a.attname",
            self.id
        );
        let keys =
            texts(link, &sql, bounds)?.into_iter().filter_map(|row| match <[Option<String>; 2]>::try_from(row) {
                Ok([Some(column), Some(key)]) => Some((column, key)),
                _ => None,
            });
        Ok(keys.collect())
    }

    /// The SQL that makes it, put together from what the server knows.
    pub(super) fn definition(&self, link: &mut Link, bounds: &Bounds) -> Result<String, Error> {
        let (id, table) = (&self.id, self.sql());
        if matches!(self.kind.as_str(), "v" | "m") {
            let rows = texts(link, &format!("SELECT pg_get_viewdef({id}::oid, true)"), bounds)?;
            let query = rows.into_iter().flatten().flatten().next().unwrap_or_default();
            let kind = if self.kind == "v" { "VIEW" } else { "MATERIALIZED VIEW" };
            return Ok(format!("CREATE {kind} {table} AS\n{query}"));
        }
        let mut lines: Vec<_> = self.columns.iter().map(Field::definition).collect();
        let sql = format!(
            "SELECT conname, pg_get_constraintdef(oid, true) FROM pg_catalog.pg_constraint \
             WHERE conrelid = {id} AND contype IN ('p', 'u', 'f', 'c', 'x') ORDER BY contype <> 'p', conname COLLATE \"C\""
        );
        for row in texts(link, &sql, bounds)? {
            if let Ok([Some(name), Some(constraint)]) = <[Option<String>; 2]>::try_from(row) {
                lines.push(format!("CONSTRAINT {} {constraint}", quoted(&name)));
            }
        }
        let mut statements = vec![format!("CREATE TABLE {table} (\n  {}\n)", lines.join(",\n  "))];
        // Those of constraints come with them.
        let sql = format!(
            "SELECT pg_get_indexdef(i.indexrelid) FROM pg_catalog.pg_index AS i WHERE i.indrelid = {id} \
             AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint AS k WHERE k.conindid = i.indexrelid) ORDER BY 1"
        );
        statements.extend(texts(link, &sql, bounds)?.into_iter().flatten().flatten());
        Ok(statements.join(";\n\n"))
    }
}

impl Field {
    fn read(link: &mut Link, table: &str, bounds: &Bounds) -> Result<Vec<Self>, Error> {
        let sql = format!(
            "SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid), \
             (SELECT array_position(i.indkey::smallint[], a.attnum) FROM pg_catalog.pg_index AS i \
              WHERE i.indrelid = a.attrelid AND i.indisprimary) \
             FROM pg_catalog.pg_attribute AS a \
             LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
             WHERE a.attrelid = {table} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
        );
        let fields = texts(link, &sql, bounds)?.into_iter().filter_map(|row| {
            let [name, data_type, not_null, default, key_part] = <[Option<String>; 5]>::try_from(row).ok()?;
            Some(Self {
                name: name?,
                data_type: data_type?,
                not_null: not_null.as_deref() == Some("t"),
                default,
                key_part: key_part.and_then(|part| part.parse().ok()),
            })
        });
        Ok(fields.collect())
    }

    fn key_column(&self, table: &str) -> KeyColumn {
        // With the table, so that it is not taken for a column of the result.
        let sql = format!("{table}.{}", quoted(&self.name));
        KeyColumn { read: format!("{sql}::text"), sql, data_type: self.data_type.clone(), nullable: !self.not_null }
    }

    fn definition(&self) -> String {
        let not_null = if self.not_null { " NOT NULL" } else { "" };
        let default = self.default.as_ref().map(|default| format!(" DEFAULT {default}")).unwrap_or_default();
        format!("{} {}{default}{not_null}", quoted(&self.name), self.data_type)
    }
}

/// Rows of text, of which nothing is cut.
fn texts(link: &mut Link, sql: &str, bounds: &Bounds) -> Result<Vec<Vec<Option<String>>>, Error> {
    let rows = link.query(sql, &[], usize::MAX, &Bounds { rows: usize::MAX, ..*bounds })?.rows;
    let text = |value: Value| match value {
        Value::Text(text) => Some(text),
        _ => None,
    };
    Ok(rows.into_iter().map(|row| row.into_iter().map(text).collect()).collect())
}
