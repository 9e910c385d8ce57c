//! Files of SQLite, through each crate that there is a driver for.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail at any line, also in what it shares with others"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use flipper_conformance::Result;
use flipper_plugins::databases::{Bounds, Driver, ErrorKind, Outcome, Page, PageRequest, Rows, Value};
use proptest::prelude::*;
use rusqlite::Connection;
use tempfile::TempDir;

/// A file, the app's own connection to it, and the driver.
struct Rig {
    app: Connection,
    driver: Box<dyn Driver>,
    dir: TempDir,
}

type Open = fn(&Path, bool) -> Result<Box<dyn Driver>>;

impl Rig {
    fn new(open: Open, schema: &str) -> Result<Self> {
        Self::with(open, false, schema)
    }

    fn with(open: Open, read_only: bool, schema: &str) -> Result<Self> {
        let dir = TempDir::new()?;
        let path = dir.path().join("shop.db");
        let app = Connection::open(&path)?;
        app.execute_batch(schema)?;
        let driver = open(&path, read_only)?;
        Ok(Self { app, driver, dir })
    }

    fn page(&mut self, request: PageRequest) -> Result<Page> {
        Ok(self.driver.table_data(&request, &bounds())?)
    }

    fn run(&mut self, sql: &str) -> Result<Outcome, flipper_plugins::databases::Error> {
        self.driver.execute(sql, &bounds())
    }

    fn rows(&mut self, sql: &str) -> Result<Rows> {
        match self.run(sql)? {
            Outcome::Rows(rows) => Ok(rows),
            other => Err(format!("rows were expected, not {other:?}").into()),
        }
    }

    /// Lets the driver count to the end.
    fn settle(&mut self) {
        while self.driver.work_ahead(&bounds()) {}
    }
}

fn bounds() -> Bounds {
    Bounds::new(Instant::now() + Duration::from_secs(60), 1000, 4 << 20)
}

fn integers(page: &Page, column: usize) -> Vec<i64> {
    let value = |row: &Vec<Value>| match row[column] {
        Value::Integer(value) => value,
        _ => panic!("no integer: {row:?}"),
    };
    page.rows.iter().map(value).collect()
}

fn tables_and_views_are_listed_by_name(open: Open) -> Result {
    let schema = "CREATE TABLE zebra (a); CREATE TABLE \"a b\"\"c\" (a); CREATE VIEW middle AS SELECT 1 AS one; \
                  CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT);";
    let mut rig = Rig::new(open, schema)?;
    assert_eq!(rig.driver.tables(&bounds())?, ["a b\"c", "counted", "middle", "zebra"]);
    rig.app.execute_batch("CREATE TABLE later (a)")?;
    assert!(rig.driver.tables(&bounds())?.contains(&"later".to_owned()));
    assert_eq!(rig.page(PageRequest::new("a b\"c", 50))?.columns, ["a"]);
    Ok(())
}

fn the_structure_tells_keys_defaults_and_indexes(open: Open) -> Result {
    let schema = "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT 'x');
        CREATE TABLE orders (
            shop INT, number TEXT, person INTEGER REFERENCES people, friend INT REFERENCES people (id),
            price REAL, twice REAL GENERATED ALWAYS AS (price * 2) VIRTUAL, PRIMARY KEY (number, shop)
        ) WITHOUT ROWID;
        CREATE UNIQUE INDEX by_price ON orders (price, lower(number || ','), person);
        CREATE INDEX some ON orders (person) WHERE person > 3;
        CREATE TABLE odd (id INTEGER PRIMARY KEY DESC);";
    let mut rig = Rig::new(open, schema)?;
    let people = rig.driver.structure("people", &bounds())?;
    let told: Vec<_> =
        people.columns.iter().map(|c| (c.name.as_str(), c.data_type.as_str(), c.nullable, c.primary_key)).collect();
    assert_eq!(told, [("id", "INTEGER", false, true), ("name", "TEXT", false, false)]);
    assert_eq!(people.columns[1].default, Value::from("'x'"));

    let orders = rig.driver.structure("orders", &bounds())?;
    let told: Vec<_> =
        orders.columns.iter().map(|c| (c.name.as_str(), c.primary_key, c.nullable, c.foreign_key.as_deref())).collect();
    assert_eq!(
        told,
        [
            ("shop", true, false, None),
            ("number", true, false, None),
            ("person", false, true, Some("people(id)")),
            ("friend", false, true, Some("people(id)")),
            ("price", false, true, None),
            ("twice", false, true, None),
        ]
    );
    let told: Vec<_> = orders.indexes.iter().map(|i| (i.name.as_str(), i.unique, i.columns.join(","))).collect();
    assert_eq!(
        told,
        [
            ("sqlite_autoindex_orders_1", true, "number,shop".to_owned()),
            ("by_price", true, "price,lower(number || ','),person".to_owned()),
            ("some", false, "person".to_owned()),
        ]
    );
    let odd = rig.driver.structure("odd", &bounds())?;
    assert!(odd.columns[0].nullable && odd.columns[0].primary_key);

    let info = rig.driver.info("orders", &bounds())?;
    assert!(info.starts_with("CREATE TABLE orders (") && info.contains("CREATE INDEX some"), "{info}");
    Ok(())
}

fn what_is_not_there_is_named(open: Open) -> Result {
    let mut rig = Rig::new(open, "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT)")?;
    let kinds = |rig: &mut Rig, table: &str| {
        let data = rig.driver.table_data(&PageRequest::new(table, 50), &bounds()).err().map(|error| error.kind());
        let structure = rig.driver.structure(table, &bounds()).err().map(|error| error.kind());
        (data, structure, rig.driver.info(table, &bounds()).err().map(|error| error.kind()))
    };
    let unknown = Some(ErrorKind::UnknownTable);
    for table in ["nothing", "items; DROP TABLE items", "items\"", "", "\0", "ITEMS"] {
        assert_eq!(kinds(&mut rig, table), (unknown, unknown, unknown), "{table:?}");
    }
    for order in ["nothing", "1", "id; DROP TABLE items", "rowid", "id DESC"] {
        let error = rig.driver.table_data(&PageRequest::new("items", 50).ordered_by(order), &bounds()).err();
        let error = error.ok_or("it knows the column")?;
        assert_eq!(error.kind(), ErrorKind::UnknownColumn);
        assert!(error.message().contains("id, name"), "{error}");
    }
    Ok(())
}

fn a_statement_has_the_outcome_that_it_has(open: Open) -> Result {
    let mut rig = Rig::new(open, "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT UNIQUE)")?;
    assert_eq!(rig.run("INSERT INTO items (name) VALUES ('a')")?, Outcome::Inserted(1));
    assert_eq!(rig.run("-- a comment\n/* and one */ insert into items (name) values ('b')")?, Outcome::Inserted(2));
    assert_eq!(rig.run("INSERT OR IGNORE INTO items (name) VALUES ('b')")?, Outcome::Changed(0));
    assert_eq!(rig.run("UPDATE `items`\n    SET `name`='O''Neil'\n    WHERE `id`=2")?, Outcome::Changed(1));
    assert_eq!(rig.run("DELETE FROM items WHERE id > 100")?, Outcome::Changed(0));
    assert_eq!(rig.run("CREATE TABLE other (id INT PRIMARY KEY) WITHOUT ROWID")?, Outcome::Done);
    // It has no row id, and the one of an earlier row is not shown for it.
    assert_eq!(rig.run("INSERT INTO other VALUES (77), (78)")?, Outcome::Changed(2));
    assert_eq!(rig.run("WITH n AS (SELECT 79) INSERT INTO other SELECT * FROM n")?, Outcome::Changed(1));

    let rows = rig.rows("SELECT\nid, name AS who FROM items ORDER BY id")?;
    assert_eq!(rows.columns, ["id", "who"]);
    assert_eq!(rows.rows[1], [Value::from(2), Value::from("O'Neil")]);
    assert_eq!(rig.rows("WITH n AS (SELECT 1 AS one) SELECT * FROM n")?.columns, ["one"]);
    assert_eq!(rig.rows("SELECT * FROM items WHERE 0")?.columns, ["id", "name"], "no rows, but columns");
    assert_eq!(rig.rows("UPDATE items SET name = 'z' WHERE id = 1 RETURNING name")?.rows, [[Value::from("z")]]);
    assert_eq!(rig.rows("PRAGMA table_info(items)")?.rows.len(), 2);
    assert!(!rig.rows("EXPLAIN QUERY PLAN SELECT * FROM items")?.rows.is_empty());
    assert_eq!(rig.rows("(SELECT 1)").err().map(|_| ()), Some(()), "no statement of SQLite");
    assert_eq!(rig.rows("VALUES (1), (2)")?.rows.len(), 2);
    assert_eq!(rig.run("")?, Outcome::Done);
    assert_eq!(rig.run(" ; -- nothing")?, Outcome::Done);

    let error = rig.run("SELECT * FROM peple").err().ok_or("there is no such table")?;
    assert_eq!((error.kind(), error.message()), (ErrorKind::Sql, "no such table: peple"));
    assert_eq!(rig.run("SELECT ?").err().map(|error| error.kind()), Some(ErrorKind::Sql));
    assert!(rig.run("INSERT INTO items (name) VALUES ('z')").is_err(), "it is unique");
    Ok(())
}

fn several_statements_are_all_run(open: Open) -> Result {
    let mut rig = Rig::new(open, "CREATE TABLE items (id INTEGER PRIMARY KEY)")?;
    assert_eq!(rig.run("INSERT INTO items VALUES (1); INSERT INTO items VALUES (2), (3);")?, Outcome::Changed(3));
    let rows = rig.rows("INSERT INTO items VALUES (4); SELECT count(*) FROM items; DELETE FROM items WHERE id = 4")?;
    assert_eq!(rows.rows, [[Value::from(4)]]);
    let error = rig.run("INSERT INTO items VALUES (9); INSERT INTO nothing VALUES (1)").err().ok_or("it fails")?;
    assert!(error.message().contains("statement 2"), "{error}");
    assert_eq!(rig.rows("SELECT id FROM items")?.rows.len(), 4, "and the first was carried out");

    assert_eq!(rig.run("BEGIN; INSERT INTO items VALUES (20); COMMIT")?, Outcome::Changed(1));
    let error = rig.run("BEGIN; INSERT INTO items VALUES (21)").err().ok_or("it was left open")?;
    assert!(error.message().contains("left open"), "{error}");
    assert!(rig.run("BEGIN; INSERT INTO items VALUES (21); nonsense").is_err());
    // Nothing is locked, and nothing was written.
    rig.app.execute_batch("INSERT INTO items VALUES (30)")?;
    assert_eq!(rig.rows("SELECT id FROM items WHERE id IN (20, 21)")?.rows.len(), 1);
    Ok(())
}

fn what_is_read_only_is_not_changed(open: Open) -> Result {
    let mut rig = Rig::with(open, true, "CREATE TABLE items (id INTEGER PRIMARY KEY); INSERT INTO items VALUES (1)")?;
    let tries = [
        "INSERT INTO items VALUES (2)",
        "UPDATE items SET id = 3",
        "DELETE FROM items",
        "DROP TABLE items",
        "CREATE TABLE other (a)",
        "SELECT 1; DELETE FROM items",
        "BEGIN; DELETE FROM items; COMMIT",
        "INSERT INTO items VALUES (2) RETURNING id",
        "WITH n AS (SELECT 5) INSERT INTO items SELECT * FROM n",
        "PRAGMA query_only = 0; DELETE FROM items",
        "PRAGMA user_version = 7",
        "CREATE TEMP TABLE t (a)",
    ];
    for sql in tries {
        let error = rig.run(sql).err().ok_or_else(|| format!("{sql} was carried out"))?;
        assert_eq!(error.kind(), ErrorKind::ReadOnly, "{sql}: {error}");
        assert!(error.message().contains("read only"), "{error}");
    }
    assert_eq!(rig.rows("SELECT * FROM items")?.rows, [[Value::from(1)]]);
    assert_eq!(integers(&rig.page(PageRequest::new("items", 50))?, 0), [1]);
    Ok(())
}

fn a_statement_that_takes_too_long_is_interrupted(open: Open) -> Result {
    let mut rig = Rig::new(open, "CREATE TABLE items (id INTEGER PRIMARY KEY)")?;
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let soon = Bounds::new(Instant::now() + Duration::from_millis(50), 1000, 1 << 20);
    let error = rig.driver.execute(endless, &soon).err().ok_or("it has ended")?;
    assert_eq!(error.kind(), ErrorKind::Deadline, "{error}");
    rig.app.execute_batch(&format!("CREATE VIEW endless AS {endless}"))?;
    let soon = Bounds::new(Instant::now() + Duration::from_millis(50), 1000, 1 << 20);
    let error = rig.driver.table_data(&PageRequest::new("endless", 50), &soon).err().ok_or("it has ended")?;
    assert_eq!(error.kind(), ErrorKind::Deadline, "{error}");
    assert_eq!(rig.rows("SELECT 1")?.rows.len(), 1, "it goes on");
    Ok(())
}

fn a_result_is_cut_where_it_is_too_large(open: Open) -> Result {
    let mut rig = Rig::new(open, "CREATE TABLE items (id INTEGER PRIMARY KEY)")?;
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000) SELECT i FROM n";
    let rows = rig.rows(many)?;
    assert!(rows.rows.len() == 1000 && rows.more);
    let exactly = rig.rows(&format!("{many} LIMIT 1000"))?;
    assert!(exactly.rows.len() == 1000 && !exactly.more);
    let wide = rig.rows(&format!("SELECT hex(zeroblob(100000)) FROM ({many})"))?;
    assert!(wide.rows.len() < 60 && wide.more, "{} rows", wide.rows.len());
    let long = rig.rows("SELECT hex(zeroblob(100000)), zeroblob(10000000)")?;
    let Value::Cut { head, bytes: 200_000 } = &long.rows[0][0] else { panic!("not cut") };
    assert!(matches!(head.as_ref(), Value::Text(text) if text.len() == 102_400));
    assert!(matches!(&long.rows[0][1], Value::Cut { bytes: 10_000_000, .. }));

    // A page has all its rows, however long they are.
    rig.app
        .execute_batch(&format!("CREATE TABLE wide AS SELECT i, hex(zeroblob(100000)) AS x FROM ({many} LIMIT 60)"))?;
    let page = rig.page(PageRequest::new("wide", 50))?;
    assert_eq!(integers(&page, 0), (1..=50).collect::<Vec<_>>());
    assert!(serde_json::to_string(&page.rows)?.len() < 5 << 20);
    Ok(())
}

/// Every page that may be asked for, as SQLite itself gives it.
fn pages_are_what_sqlite_says_they_are(open: Open) -> Result {
    let schema = "CREATE TABLE plain (id INTEGER PRIMARY KEY, n INT, s TEXT COLLATE NOCASE, r REAL);
        CREATE INDEX plain_n ON plain (n); CREATE INDEX plain_s ON plain (s DESC); CREATE INDEX plain_r ON plain (r, n);
        CREATE TABLE hidden (rowid TEXT, n INT);
        CREATE TABLE keyed (a TEXT, b INT, n INT UNIQUE, PRIMARY KEY (b DESC, a)) WITHOUT ROWID;
        CREATE TABLE nullable (k TEXT PRIMARY KEY, n INT);
        CREATE VIEW seen AS SELECT n, s FROM plain;
        WITH RECURSIVE i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i LIMIT 211)
        INSERT INTO plain SELECT i * 3 - 50, nullif(i % 7, 0), nullif(char(65 + i % 60), 'A'), nullif(i % 11, 0) / 3.0 FROM i;
        INSERT INTO hidden SELECT s, n FROM plain;
        INSERT INTO keyed SELECT s || id, n, CASE WHEN n % 2 THEN id END FROM plain WHERE s IS NOT NULL AND n IS NOT NULL;
        INSERT INTO nullable SELECT CASE WHEN id % 2 THEN s || id END, n FROM plain;";
    let mut rig = Rig::new(open, schema)?;
    for settled in [false, true] {
        for table in ["plain", "hidden", "keyed", "nullable", "seen"] {
            let columns = rig.page(PageRequest::new(table, 0))?.columns;
            let orders = columns.iter().map(|column| Some(column.clone())).chain([None]);
            for (order, reverse) in orders.flat_map(|order| [(order.clone(), false), (order, true)]) {
                let count =
                    usize::try_from(
                        rig.app.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0))?,
                    )?;
                let mut seen = Vec::new();
                for start in (0..count + 20).step_by(10).chain((0..count).rev().step_by(17)) {
                    let mut request = PageRequest::new(table, 10).starting_at(start as u64);
                    request.order.clone_from(&order);
                    request.reverse = reverse;
                    let page = rig.page(request)?;
                    assert_eq!(page.total, count as u64, "{table}");
                    assert_eq!(page.rows.len(), count.saturating_sub(start).min(10), "{table} {order:?} {start}");
                    if start % 10 == 0 && start >= seen.len() {
                        seen.extend(page.rows.clone());
                    }
                    assert_eq!(
                        page.rows,
                        seen[start.min(count)..(start + 10).min(count)],
                        "{table} {order:?} {reverse} {start}"
                    );
                    if settled {
                        rig.settle();
                    }
                }
                // All rows once, sorted as SQLite sorts them.
                let rows = |sql: &str, rig: &mut Rig| Ok::<_, flipper_conformance::Failed>(rig.rows(sql)?.rows);
                let all = rows(&format!("SELECT * FROM {table}"), &mut rig)?;
                let text = |rows: &[Vec<Value>]| {
                    let mut rows: Vec<_> = rows.iter().map(|row| format!("{row:?}")).collect();
                    rows.sort();
                    rows
                };
                assert_eq!(text(&seen), text(&all), "{table} {order:?}");
                if let Some(order) = &order {
                    let at = columns.iter().position(|column| column == order).ok_or("no column")?;
                    let direction = if reverse { "DESC" } else { "ASC" };
                    let sorted =
                        rows(&format!("SELECT {order} FROM {table} ORDER BY \"{order}\" {direction}"), &mut rig)?;
                    let sorted_here: Vec<_> = seen.iter().map(|row| vec![row[at].clone()]).collect();
                    if order != "s" && order != "rowid" {
                        assert_eq!(sorted_here, sorted, "{table} {order} {direction}");
                    }
                }
            }
        }
    }
    Ok(())
}

/// Enough rows that keys of a survey are used, and a count that is not there at once.
fn a_large_table_is_counted_in_the_end_and_paged_by_keys(open: Open) -> Result {
    let schema = "CREATE TABLE big (id INTEGER PRIMARY KEY, n INT); CREATE INDEX big_n ON big (n);
        WITH RECURSIVE i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i LIMIT 150000)
        INSERT INTO big SELECT i * 2, nullif(i % 1000, 5) FROM i;";
    let mut rig = Rig::new(open, schema)?;
    let first = rig.page(PageRequest::new("big", 50))?;
    assert!(first.total >= 50);
    rig.settle();
    assert_eq!(rig.page(PageRequest::new("big", 50))?.total, 150_000);
    for start in [0_u64, 50, 9_975, 20_000, 74_999, 149_950, 149_990, 150_000, 1 << 53] {
        let page = rig.page(PageRequest::new("big", 50).starting_at(start))?;
        let expected: Vec<_> = (start..start.saturating_add(50).min(150_000)).map(|at| (at as i64 + 1) * 2).collect();
        assert_eq!(integers(&page, 0), expected, "{start}");
        assert_eq!(page.total, 150_000);
    }
    for start in [0_u64, 100, 75_000, 149_960] {
        let page = rig.page(PageRequest::new("big", 50).starting_at(start).ordered_by("n"))?;
        rig.settle();
        let sql = format!("SELECT id, n FROM big ORDER BY n, id LIMIT 50 OFFSET {start}");
        assert_eq!(page.rows, rig.rows(&sql)?.rows, "{start}");
        let page = rig.page(PageRequest::new("big", 50).starting_at(start).ordered_by("n").reversed())?;
        rig.settle();
        let sql = format!("SELECT id, n FROM big ORDER BY n DESC, id DESC LIMIT 50 OFFSET {start}");
        assert_eq!(page.rows, rig.rows(&sql)?.rows, "{start}, reversed");
    }

    // What is changed, by whomever, is seen.
    rig.app.execute_batch("DELETE FROM big WHERE id <= 100")?;
    assert_eq!(integers(&rig.page(PageRequest::new("big", 2))?, 0), [102, 104]);
    rig.settle();
    assert_eq!(rig.page(PageRequest::new("big", 2))?.total, 149_950);
    rig.run("DELETE FROM big WHERE id <= 200")?;
    assert_eq!(integers(&rig.page(PageRequest::new("big", 2).starting_at(100))?, 0), [402, 404]);
    rig.settle();
    assert_eq!(rig.page(PageRequest::new("big", 2))?.total, 149_900);
    // Far away in another order it is seen once that was counted anew.
    let far = || PageRequest::new("big", 50).starting_at(120_000).ordered_by("n");
    rig.page(far())?;
    rig.settle();
    let sql = "SELECT id, n FROM big ORDER BY n, id LIMIT 50 OFFSET 120000";
    assert_eq!(rig.page(far())?.rows, rig.rows(sql)?.rows);
    rig.run("DROP TABLE big; CREATE TABLE big (x TEXT); INSERT INTO big VALUES ('new')")?;
    let page = rig.page(PageRequest::new("big", 50))?;
    assert_eq!((page.columns, page.rows, page.total), (vec!["x".to_owned()], vec![vec![Value::from("new")]], 1));
    Ok(())
}

fn anything_that_is_no_database_is_refused(open: Open) -> Result {
    let dir = TempDir::new()?;
    let bounds = bounds();
    let said = |path: &Path| match open(path, false) {
        Ok(mut driver) => driver.tables(&bounds).map(|_| ()).map_err(Into::into),
        Err(error) => Err(error),
    };
    assert!(said(&dir.path().join("nothing.db")).is_err());
    assert!(!dir.path().join("nothing.db").exists(), "and none is made");
    std::fs::write(dir.path().join("text.db"), "x".repeat(5000))?;
    assert!(said(&dir.path().join("text.db")).is_err());
    assert!(said(dir.path()).is_err());
    Ok(())
}

/// What SQLite can hold in a cell.
fn cells() -> impl Strategy<Value = rusqlite::types::Value> {
    use rusqlite::types::Value as Cell;
    prop_oneof![
        Just(Cell::Null),
        any::<i64>().prop_map(Cell::Integer),
        (-9_007_199_254_740_995_i64..=9_007_199_254_740_995).prop_map(Cell::Integer),
        prop_oneof![Just(9_007_199_254_740_992_i64), Just(9_007_199_254_740_993), Just(i64::MIN)]
            .prop_map(Cell::Integer),
        any::<f64>().prop_filter("SQLite has no NaN", |value| !value.is_nan()).prop_map(Cell::Real),
        any::<String>().prop_map(Cell::Text),
        proptest::collection::vec(any::<u8>(), 0..200).prop_map(Cell::Blob),
        "[ -~]{0,40}".prop_map(|text| Cell::Blob(text.into_bytes())),
        "x'[0-9a-f]{0,8}'".prop_map(|text| Cell::Blob(text.into_bytes())),
    ]
}

/// The value that a person reads off a cell.
fn read_back(json: &str) -> Option<rusqlite::types::Value> {
    use rusqlite::types::Value as Cell;
    let cell: serde_json::Value = serde_json::from_str(json).ok()?;
    // serde_json itself reads floats less exactly than JavaScript does.
    let number = || json.split_once("\"value\":")?.1.trim_end_matches('}').parse::<f64>().ok();
    let text = cell["value"].as_str();
    Some(match (cell["type"].as_str()?, text) {
        ("null", _) => Cell::Null,
        ("integer", _) => Cell::Integer(number()? as i64),
        ("float", _) => Cell::Real(number()?),
        ("string", Some(text)) => Cell::Text(text.to_owned()),
        ("blob", Some(text)) => match text.strip_prefix("x'").and_then(|text| text.strip_suffix('\'')) {
            Some(digits) => {
                let pairs = digits
                    .as_bytes()
                    .chunks(2)
                    .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
                Cell::Blob(pairs.collect::<Option<_>>()?)
            }
            None => Cell::Blob(text.as_bytes().to_vec()),
        },
        _ => return None,
    })
}

fn every_value_is_shown_without_loss(open: Open) -> Result {
    use rusqlite::types::Value as Cell;
    let rig = std::cell::RefCell::new(Rig::new(open, "CREATE TABLE cells (id INTEGER PRIMARY KEY, cell)")?);
    proptest!(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) }, |(cell in cells())| {
        let mut rig = rig.borrow_mut();
        rig.app.execute("INSERT OR REPLACE INTO cells VALUES (1, ?1)", [&cell]).expect("it can be written");
        let page = rig.page(PageRequest::new("cells", 50)).expect("it can be read");
        let json = serde_json::to_string(&page.rows[0][1]).expect("it is JSON");
        let came = read_back(&json).expect("it is a cell");
        match (&cell, &came) {
            // Beyond what JavaScript can hold, it is shown as text; so is what JSON has no number for.
            (Cell::Integer(value), Cell::Text(text)) => {
                prop_assert!(value.unsigned_abs() > (1 << 53) - 1);
                prop_assert_eq!(&value.to_string(), text);
            }
            (Cell::Real(value), Cell::Text(text)) => {
                prop_assert!(value.is_infinite());
                prop_assert_eq!(if *value > 0.0 { "Infinity" } else { "-Infinity" }, text);
            }
            _ => prop_assert_eq!(&cell, &came),
        }
    });
    Ok(())
}

macro_rules! with_every_driver {
    ($($test:ident)*) => {
        #[cfg(feature = "databases-rusqlite")]
        mod through_rusqlite {
            use flipper_plugins::databases::{Driver, Sqlite};

            use super::*;

            fn open(path: &Path, read_only: bool) -> Result<Box<dyn Driver>> {
                Ok(Box::new(if read_only { Sqlite::open_read_only(path)? } else { Sqlite::open(path)? }))
            }

            $(#[test] fn $test() -> Result { super::$test(open) })*
        }

        #[cfg(feature = "databases-sqlx-sqlite")]
        mod through_sqlx {
            use flipper_plugins::databases::{Driver, SqlxSqlite};
            use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

            use super::*;

            fn open(path: &Path, read_only: bool) -> Result<Box<dyn Driver>> {
                let runtime = tokio::runtime::Builder::new_current_thread().build()?;
                let _runtime = runtime.enter();
                let pool = SqlitePoolOptions::new().connect_lazy_with(SqliteConnectOptions::new().filename(path));
                Ok(Box::new(if read_only { SqlxSqlite::read_only(&pool) } else { SqlxSqlite::new(&pool) }))
            }

            $(#[test] fn $test() -> Result { super::$test(open) })*
        }
    };
}

with_every_driver! {
    tables_and_views_are_listed_by_name
    the_structure_tells_keys_defaults_and_indexes
    what_is_not_there_is_named
    a_statement_has_the_outcome_that_it_has
    several_statements_are_all_run
    what_is_read_only_is_not_changed
    a_statement_that_takes_too_long_is_interrupted
    a_result_is_cut_where_it_is_too_large
    pages_are_what_sqlite_says_they_are
    a_large_table_is_counted_in_the_end_and_paged_by_keys
    anything_that_is_no_database_is_refused
    every_value_is_shown_without_loss
}
