//! A real server of PostgreSQL.

use std::time::{Duration, Instant};

use flipper_conformance::Result;
use flipper_conformance::official::skips_this_test;
use flipper_plugins::databases::{
    Bounds, Databases, Driver, Error, ErrorKind, Outcome, Page, PageRequest, Rows, SqlxPostgres, Value,
};
use proptest::prelude::*;
use serde_json::json;

use super::server::Database;
use crate::rig::{Rig as App, call};

struct Rig {
    app: Database,
    driver: SqlxPostgres,
}

impl Rig {
    fn new(schema: &str) -> Result<Self> {
        let app = Database::new(schema)?;
        let driver = SqlxPostgres::new(&app.pool);
        Ok(Self { app, driver })
    }

    fn page(&mut self, request: PageRequest) -> Result<Page> {
        Ok(self.driver.table_data(&request, &bounds())?)
    }

    fn run(&mut self, sql: &str) -> Result<Outcome, Error> {
        self.driver.execute(sql, &bounds())
    }

    fn rows(&mut self, sql: &str) -> Result<Rows> {
        match self.run(sql)? {
            Outcome::Rows(rows) => Ok(rows),
            other => Err(format!("rows were expected, not {other:?}").into()),
        }
    }

    fn settle(&mut self) {
        while self.driver.work_ahead(&bounds()) {}
    }
}

fn bounds() -> Bounds {
    Bounds::new(Instant::now() + Duration::from_secs(60), 1000, 4 << 20)
}

fn text(value: &str) -> Value {
    Value::from(value)
}

#[test]
fn tables_of_all_schemas_are_listed() -> Result {
    if skips_this_test()? {
        return Ok(());
    }
    let schema =
        "CREATE TABLE zebra (a INT); CREATE SCHEMA shop; CREATE TABLE shop.\"it\"\"ems\" (id INT PRIMARY KEY, a TEXT);
        CREATE VIEW seen AS SELECT 1 AS one; CREATE MATERIALIZED VIEW kept AS SELECT 2 AS two; CREATE TABLE nothing ();
        INSERT INTO shop.\"it\"\"ems\" VALUES (1, 'x')";
    let mut rig = Rig::new(schema)?;
    assert_eq!(rig.driver.tables(&bounds())?, ["kept", "nothing", "seen", "shop.it\"ems", "zebra"]);
    assert_eq!(rig.page(PageRequest::new("shop.it\"ems", 50))?.rows, [[Value::from(1), text("x")]]);
    assert_eq!(rig.page(PageRequest::new("seen", 50))?.rows, [[Value::from(1)]]);
    let kept = rig.page(PageRequest::new("kept", 50))?;
    assert_eq!((kept.columns, kept.total), (vec!["two".to_owned()], 1));
    let empty = rig.page(PageRequest::new("zebra", 50))?;
    assert_eq!((empty.columns, empty.rows, empty.total), (vec!["a".to_owned()], vec![], 0));
    assert_eq!(rig.page(PageRequest::new("nothing", 50))?.columns, Vec::<String>::new());
    assert!(rig.driver.info("seen", &bounds())?.starts_with("CREATE VIEW \"public\".\"seen\" AS"));

    // A row is edited by the official UI, in MySQL's quotes.
    let edit = "UPDATE `shop.it\"ems`\n    SET `a`='O''Neil `x`'\n    WHERE `id`='1'";
    assert_eq!(rig.run(edit)?, Outcome::Changed(1));
    assert_eq!(rig.page(PageRequest::new("shop.it\"ems", 50))?.rows[0][1], text("O'Neil `x`"));
    Ok(())
}

#[test]
fn the_structure_tells_keys_defaults_and_indexes() -> Result {
    if skips_this_test()? {
        return Ok(());
    }
    let schema = "CREATE TABLE people (id SERIAL PRIMARY KEY, name VARCHAR(20) NOT NULL DEFAULT 'x');
        CREATE TABLE orders (shop INT, number TEXT, person INT REFERENCES people, gone INT, price NUMERIC(10, 2) CHECK (price > 0),
            PRIMARY KEY (number, shop));
        ALTER TABLE orders DROP COLUMN gone;
        CREATE UNIQUE INDEX by_price ON orders (price, lower(number), person)";
    let mut rig = Rig::new(schema)?;
    let people = rig.driver.structure("people", &bounds())?;
    let told: Vec<_> =
        people.columns.iter().map(|c| (c.name.as_str(), c.data_type.as_str(), c.nullable, c.primary_key)).collect();
    assert_eq!(told, [("id", "integer", false, true), ("name", "character varying(20)", false, false)]);
    assert_eq!(people.columns[0].default, text("nextval('people_id_seq'::regclass)"));
    let orders = rig.driver.structure("orders", &bounds())?;
    let told: Vec<_> =
        orders.columns.iter().map(|c| (c.name.as_str(), c.primary_key, c.foreign_key.as_deref())).collect();
    assert_eq!(
        told,
        [("shop", true, None), ("number", true, None), ("person", false, Some("people(id)")), ("price", false, None)]
    );
    let told: Vec<_> = orders.indexes.iter().map(|i| (i.name.as_str(), i.unique, i.columns.join(","))).collect();
    let by_price = ("by_price", true, "price,lower(number),person".to_owned());
    assert_eq!(told, [by_price, ("orders_pkey", true, "number,shop".to_owned())]);

    // What it says of the table makes the table.
    let info = rig.driver.info("orders", &bounds())?;
    rig.app.run(&format!(
        "ALTER TABLE orders RENAME TO old; DROP INDEX by_price; ALTER TABLE old DROP CONSTRAINT orders_pkey; {info}"
    ))?;
    assert_eq!(rig.driver.info("orders", &bounds())?, info);
    Ok(())
}

#[test]
fn what_is_not_there_is_named() -> Result {
    if skips_this_test()? {
        return Ok(());
    }
    let mut rig = Rig::new("CREATE TABLE items (id INT PRIMARY KEY, name TEXT)")?;
    for table in ["nothing", "items; DROP TABLE items", "items'", "items\\", "", "\0", "ITEMS", "pg_catalog.pg_class"] {
        let error = rig.driver.table_data(&PageRequest::new(table, 50), &bounds()).err().ok_or("it knows the table")?;
        assert_eq!(error.kind(), ErrorKind::UnknownTable, "{table}: {error}");
        assert!(rig.driver.structure(table, &bounds()).is_err() && rig.driver.info(table, &bounds()).is_err());
    }
    let request = PageRequest::new("items", 50).ordered_by("id; DROP TABLE items");
    let error = rig.driver.table_data(&request, &bounds()).err().ok_or("it knows the column")?;
    assert_eq!(error.kind(), ErrorKind::UnknownColumn, "{error}");
    Ok(())
}

#[test]
fn values_are_shown_as_the_server_writes_them() -> Result {
    if skips_this_test()? {
        return Ok(());
    }
    let schema =
        "CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE TYPE pair AS (a INT, b TEXT); CREATE DOMAIN small AS INT;";
    let mut rig = Rig::new(schema)?;
    let values = [
        ("1::smallint", Value::from(1)),
        ("9223372036854775807::bigint", Value::from(i64::MAX)),
        ("0.1::real", Value::from(0.1)),
        ("'-Infinity'::double precision", Value::from(f64::NEG_INFINITY)),
        ("true", Value::from(true)),
        ("NULL::int", Value::Null),
        ("123456789012345678901234567890.000001::numeric", text("123456789012345678901234567890.000001")),
        ("'x'::char(3)", text("x  ")),
        ("'2024-02-29 12:00:00.000001'::timestamp", text("2024-02-29 12:00:00.000001")),
        ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid", text("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
        ("'{\"a\": [1, 2]}'::jsonb", text("{\"a\": [1, 2]}")),
        ("ARRAY[1, NULL, 3]", text("{1,NULL,3}")),
        ("'happy'::mood", text("happy")),
        ("ROW(1, 'x y')::pair", text("(1,\"x y\")")),
        ("7::small", Value::from(7)),
        ("'10.0.0.0/8'::cidr", text("10.0.0.0/8")),
        ("int4range(1, 5)", text("[1,5)")),
        ("'\\x00ff'::bytea", Value::Blob(vec![0, 255])),
        ("'hello'::bytea", Value::Blob(b"hello".to_vec())),
        ("interval '1 day'", text("1 day")),
        ("point(1, 2)", text("(1,2)")),
    ];
    for (sql, value) in values {
        assert_eq!(rig.rows(&format!("SELECT {sql}"))?.rows, [[value]], "{sql}");
    }
    Ok(())
}

#[test]
fn a_statement_has_the_outcome_that_it_has() -> Result {
    if skips_this_test()? {
        return Ok(());
    }
    let mut rig = Rig::new("CREATE TABLE items (id SERIAL PRIMARY KEY, name TEXT UNIQUE)")?;
    assert_eq!(rig.run("INSERT INTO items (name) VALUES ('a'), ('b')")?, Outcome::Changed(2));
    assert_eq!(
        rig.run("/* a /* nested */ comment */ -- and one\nupdate items set name = 'c' where id = 2")?,
        Outcome::Changed(1)
    );
    assert_eq!(rig.run("DELETE FROM items WHERE id = 100")?, Outcome::Changed(0));
    assert_eq!(rig.run("CREATE TABLE other (id INT)")?, Outcome::Done);
    assert_eq!(rig.rows("SELECT id, name AS who FROM items ORDER BY id")?.rows[1], [Value::from(2), text("c")]);
    assert_eq!(rig.rows("SELECT * FROM items WHERE false")?.columns, ["id", "name"], "no rows, but columns");
    assert_eq!(rig.rows("INSERT INTO items (name) VALUES ('z') RETURNING id")?.rows, [[Value::from(3)]]);
    assert_eq!(
        rig.rows("WITH n AS (DELETE FROM items WHERE id = 3 RETURNING id) SELECT * FROM n")?.rows,
        [[Value::from(3)]]
    );
    assert!(!rig.rows("EXPLAIN SELECT * FROM items")?.rows.is_empty());
    assert_eq!(rig.rows("SHOW server_encoding")?.rows, [[text("UTF8")]]);
    assert_eq!(rig.run("")?, Outcome::Done);
    assert_eq!(rig.run(" -- nothing")?, Outcome::Done);
    let error = rig.run("SELECT * FROM peple").err().ok_or("there is no such table")?;
    assert_eq!((error.kind(), error.message()), (ErrorKind::Sql, "relation \"peple\" does not exist"));
    for wrong in [
        "SELECT $1",
        "SELECT \0",
        "INSERT INTO items (name) VALUES ('a')",
        "COPY items TO STDOUT",
        "COPY items FROM STDIN",
    ] {
        let error = rig.run(wrong).err().ok_or_else(|| format!("{wrong} was carried out"))?;
        assert!(!error.message().is_empty());
        assert_eq!(rig.rows("SELECT 1")?.rows, [[Value::from(1)]], "it goes on after {wrong}");
    }

    // Columns are those of the moment.
    assert_eq!(rig.rows("SELECT * FROM other")?.columns, ["id"]);
    rig.app.run("ALTER TABLE other ADD COLUMN more INT")?;
    assert_eq!(rig.rows("SELECT * FROM other")?.columns, ["id", "more"]);
    Ok(())
}

#[test]
fn several_statements_are_all_run() -> Result {
    if skips_this_test()? {
        return Ok(());
    }
    let mut rig = Rig::new("CREATE TABLE items (id INT PRIMARY KEY)")?;
    assert_eq!(rig.run("INSERT INTO items VALUES (1); INSERT INTO items VALUES (2), (3);")?, Outcome::Changed(3));
    let rows = rig.rows("INSERT INTO items VALUES (4); SELECT count(*) FROM items; DELETE FROM items WHERE id = 4")?;
    assert_eq!(rows.rows, [[Value::from(4)]]);
    assert!(rig.run("INSERT INTO items VALUES (9); INSERT INTO nothing VALUES (1)").is_err());
    assert_eq!(rig.rows("SELECT id FROM items")?.rows.len(), 3, "they are one transaction");
    assert_eq!(rig.run("BEGIN; INSERT INTO items VALUES (20); COMMIT")?, Outcome::Changed(1));
    for open in ["BEGIN; INSERT INTO items VALUES (21)", "BEGIN", "START TRANSACTION; SELECT 1"] {
        let error = rig.run(open).err().ok_or("it was left open")?;
        assert!(error.message().contains("left open"), "{error}");
    }
    assert!(rig.run("BEGIN; INSERT INTO items VALUES (21); nonsense").is_err());
    assert_eq!(rig.rows("SELECT id FROM items WHERE id IN (20, 21)")?.rows.len(), 1);
    Ok(())
}

#[test]
fn what_is_read_only_is_not_changed() -> Result {
    if skips_this_test()? {
        return Ok(());
    }
    let app = Database::new(
        "CREATE TABLE items (id INT PRIMARY KEY); INSERT INTO items VALUES (1); CREATE SEQUENCE numbers",
    )?;
    let mut rig = Rig { driver: SqlxPostgres::read_only(&app.pool), app };
    let tries = [
        "INSERT INTO items VALUES (2)",
        "DELETE FROM items",
        "DROP TABLE items",
        "CREATE TABLE other (a INT)",
        "WITH n AS (DELETE FROM items RETURNING id) SELECT * FROM n",
        "SELECT nextval('numbers')",
        "COMMIT; DELETE FROM items",
        "SELECT 1; SELECT 2",
        "DO $$ BEGIN DELETE FROM items; END $$",
    ];
    for sql in tries {
        let error = rig.run(sql).err().ok_or_else(|| format!("{sql} was carried out"))?;
        assert_eq!(error.kind(), ErrorKind::ReadOnly, "{sql}: {error}");
        assert!(error.message().contains("read only"), "{error}");
    }
    for sql in ["COMMIT", "ROLLBACK", "SET TRANSACTION READ WRITE", "SET default_transaction_read_only = off", "BEGIN"]
    {
        let _whatever = rig.run(sql);
        assert_eq!(rig.run("DELETE FROM items").err().map(|error| error.kind()), Some(ErrorKind::ReadOnly), "{sql}");
    }
    assert_eq!(rig.rows("SELECT * FROM items")?.rows, [[Value::from(1)]]);
    assert_eq!(rig.page(PageRequest::new("items", 50))?.total, 1);
    Ok(())
}

#[test]
fn a_statement_that_takes_too_long_is_interrupted() -> Result {
    if skips_this_test()? {
        return Ok(());
    }
    let mut rig = Rig::new("CREATE VIEW slow AS SELECT pg_sleep(3600)::text AS x")?;
    let soon = || Bounds::new(Instant::now() + Duration::from_millis(100), 1000, 1 << 20);
    let error = rig.driver.execute("SELECT pg_sleep(3600)", &soon()).err().ok_or("it has ended")?;
    assert_eq!(error.kind(), ErrorKind::Deadline, "{error}");
    let error = rig.driver.table_data(&PageRequest::new("slow", 50), &soon()).err().ok_or("it has ended")?;
    assert_eq!(error.kind(), ErrorKind::Deadline, "{error}");
    // It may tell the server to wait; it still does not wait itself.
    let endless = "SET statement_timeout = 0; SELECT pg_sleep(3600)";
    let error = rig.driver.execute(endless, &soon()).err().ok_or("it has ended")?;
    assert_eq!(error.kind(), ErrorKind::Deadline, "{error}");
    assert_eq!(rig.rows("SELECT 1")?.rows.len(), 1, "it goes on");
    Ok(())
}

#[test]
fn a_lost_connection_is_made_anew() -> Result {
    if skips_this_test()? {
        return Ok(());
    }
    let mut rig = Rig::new("CREATE TABLE items (id INT PRIMARY KEY)")?;
    let own = rig.rows("SELECT pg_backend_pid()")?;
    let [Value::Integer(pid)] = own.rows[0][..] else { panic!("no number") };
    rig.app.run(&format!("SELECT pg_terminate_backend({pid}, 10000)"))?;
    assert_eq!(rig.page(PageRequest::new("items", 50))?.total, 0);
    Ok(())
}

#[test]
fn a_result_is_cut_where_it_is_too_large_and_still_carried_out() -> Result {
    if skips_this_test()? {
        return Ok(());
    }
    let mut rig = Rig::new("CREATE TABLE items (id INT PRIMARY KEY)")?;
    let rows = rig.rows("INSERT INTO items SELECT generate_series(1, 5000) RETURNING id")?;
    assert!(rows.rows.len() == 1000 && rows.more);
    assert_eq!(rig.rows("SELECT count(*) FROM items")?.rows, [[Value::from(5000)]]);
    let wide = rig.rows("SELECT repeat('x', 200000) FROM items LIMIT 100")?;
    assert!(wide.rows.len() < 60 && wide.more);
    assert!(matches!(&wide.rows[0][0], Value::Cut { bytes: 200_000, .. }));
    Ok(())
}

#[test]
fn pages_are_what_the_server_says_they_are() -> Result {
    if skips_this_test()? {
        return Ok(());
    }
    let schema = "CREATE TABLE plain (id BIGINT PRIMARY KEY, n INT, s VARCHAR(30), r DOUBLE PRECISION, at TIMESTAMPTZ);
        CREATE INDEX plain_n ON plain (n); CREATE INDEX plain_r ON plain (r DESC, n);
        CREATE TABLE keyed (a TEXT, b NUMERIC, c BYTEA, n INT UNIQUE, PRIMARY KEY (b, a));
        CREATE TABLE keyless (n INT);
        CREATE VIEW seen AS SELECT n, s FROM plain;
        INSERT INTO plain SELECT i * 3 - 50, nullif(i % 7, 0), nullif(chr(65 + i % 60), '\\'), nullif(i % 11, 0) / 3.0,
            CASE WHEN i % 3 > 0 THEN to_timestamp(i / 7.0) END FROM generate_series(1, 211) AS i;
        INSERT INTO keyed SELECT s || id, n / 3.0, 'x'::bytea, CASE WHEN n % 2 = 1 THEN id END FROM plain
            WHERE s IS NOT NULL AND n IS NOT NULL;
        INSERT INTO keyless SELECT n FROM plain; ANALYZE";
    let mut rig = Rig::new(schema)?;
    // An index is used even where sorting would be quicker, as in a large table.
    rig.run("SET enable_sort = off; SET enable_seqscan = off; SET jit = off")?;
    for (table, has_key) in [("plain", true), ("keyed", true), ("keyless", false), ("seen", false)] {
        let columns = rig.page(PageRequest::new(table, 0))?.columns;
        let [Value::Integer(count)] = rig.rows(&format!("SELECT count(*) FROM {table}"))?.rows[0][..] else { panic!() };
        let count = usize::try_from(count)?;
        let orders = columns.iter().map(|column| Some(column.clone())).chain([None]);
        for (order, reverse) in orders.flat_map(|order| [(order.clone(), false), (order, true)]) {
            let mut seen = Vec::new();
            for start in (0..count + 20).step_by(30).chain((0..count).rev().step_by(50)) {
                let mut request = PageRequest::new(table, 30).starting_at(start as u64);
                request.order.clone_from(&order);
                request.reverse = reverse;
                let page = rig.page(request)?;
                assert_eq!(page.total, count as u64, "{table}");
                assert_eq!(page.rows.len(), count.saturating_sub(start).min(30), "{table} {order:?} {start}");
                if start % 30 == 0 && start >= seen.len() {
                    seen.extend(page.rows.clone());
                }
                if has_key {
                    let known = &seen[start.min(count)..(start + 30).min(count)];
                    assert_eq!(page.rows, known, "{table} {order:?} {reverse} {start}");
                }
            }
            if has_key {
                let sorted = |mut rows: Vec<Vec<Value>>| {
                    rows.sort_by_key(|row| format!("{row:?}"));
                    rows
                };
                let all = rig.rows(&format!("SELECT * FROM {table}"))?.rows;
                assert_eq!(sorted(seen.clone()), sorted(all), "{table} {order:?}");
            }
            if let Some(order) = &order {
                let at = columns.iter().position(|column| column == order).ok_or("no column")?;
                let direction = if reverse { "DESC" } else { "ASC" };
                let by = rig.rows(&format!("SELECT \"{order}\" FROM {table} ORDER BY \"{order}\" {direction}"))?.rows;
                let here: Vec<_> = seen.iter().map(|row| vec![row[at].clone()]).collect();
                assert_eq!(here, by, "{table} {order} {direction}");
            }
        }
    }
    Ok(())
}

#[test]
fn a_large_table_is_counted_in_the_end_and_paged_by_keys() -> Result {
    if skips_this_test()? {
        return Ok(());
    }
    let schema = "CREATE TABLE big (id INT PRIMARY KEY, n INT); CREATE INDEX big_n ON big (n);
        INSERT INTO big SELECT i * 2, nullif(i % 1000, 5) FROM generate_series(1, 60000) AS i; ANALYZE big";
    let mut rig = Rig::new(schema)?;
    assert!(rig.page(PageRequest::new("big", 50))?.total >= 50);
    rig.settle();
    for start in [0_u64, 50, 9_975, 20_000, 59_950, 59_990, 60_000, 1 << 53] {
        let page = rig.page(PageRequest::new("big", 50).starting_at(start))?;
        let expected: Vec<_> =
            (start..start.saturating_add(50).min(60_000)).map(|at| Value::from((at as i64 + 1) * 2)).collect();
        assert_eq!(page.rows.iter().map(|row| row[0].clone()).collect::<Vec<_>>(), expected, "{start}");
        assert_eq!(page.total, 60_000);
    }
    for (start, reverse) in [(0_u64, false), (30_000, false), (59_960, false), (0, true), (30_000, true)] {
        let mut request = PageRequest::new("big", 50).starting_at(start).ordered_by("n");
        request.reverse = reverse;
        let page = rig.page(request)?;
        rig.settle();
        let direction = if reverse { "DESC" } else { "ASC" };
        let sql = format!("SELECT id, n FROM big ORDER BY n {direction}, id {direction} LIMIT 50 OFFSET {start}");
        assert_eq!(page.rows, rig.rows(&sql)?.rows, "{start} {direction}");
    }
    rig.run("DELETE FROM big WHERE id <= 100")?;
    assert_eq!(rig.page(PageRequest::new("big", 1).starting_at(100))?.rows[0][0], Value::from(302));
    rig.settle();
    assert_eq!(rig.page(PageRequest::new("big", 1))?.total, 59_950);
    Ok(())
}

#[test]
fn every_text_and_number_is_shown_without_loss() -> Result {
    if skips_this_test()? {
        return Ok(());
    }
    let rig = std::cell::RefCell::new(Rig::new(
        "CREATE TABLE cells (id INT PRIMARY KEY, s TEXT, n BIGINT, r DOUBLE PRECISION, b BYTEA)",
    )?);
    let no_nul = any::<String>().prop_map(|text| text.replace('\0', ""));
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) };
    proptest!(config, |(s in no_nul, n in any::<i64>(), r in any::<f64>(), b in proptest::collection::vec(any::<u8>(), 0..50))| {
        let mut rig = rig.borrow_mut();
        let app = &rig.app;
        app.runtime.block_on(async {
            sqlx::query("INSERT INTO cells VALUES (1, $1, $2, $3, $4) \
                         ON CONFLICT (id) DO UPDATE SET s = excluded.s, n = excluded.n, r = excluded.r, b = excluded.b")
                .bind(&s).bind(n).bind(r).bind(&b).execute(&app.pool).await
        }).expect("it can be written");
        let page = rig.page(PageRequest::new("cells", 50)).expect("it can be read");
        let [_, Value::Text(text), Value::Integer(integer), Value::Float(float), Value::Blob(bytes)] = &page.rows[0][..] else {
            panic!("{page:?}");
        };
        prop_assert_eq!((text, *integer, bytes), (&s, n, &b));
        prop_assert!(float.to_bits() == r.to_bits() || (float.is_nan() && r.is_nan()) || *float == r);
    });
    Ok(())
}

#[test]
fn the_desktop_is_shown_all_of_it() -> Result {
    if skips_this_test()? {
        return Ok(());
    }
    let database = Database::new("CREATE TABLE items (id INT PRIMARY KEY); INSERT INTO items VALUES (7)")?;
    let databases = Databases::new();
    databases.add("shop", SqlxPostgres::new(&database.pool));
    let options = sqlx::postgres::PgConnectOptions::new().socket("/nowhere").username("x");
    let nowhere = {
        let _runtime = database.runtime.enter();
        sqlx::postgres::PgPoolOptions::new().connect_lazy_with(options)
    };
    databases.add("nowhere", SqlxPostgres::new(&nowhere));
    let rig = App::new(databases)?;
    let mut session = rig.session("Databases")?;
    let list = call(&mut session, "Databases", "databaseList", "{}")?;
    assert_eq!(list["success"][0], json!({"id": 1, "name": "shop", "tables": ["items"]}));
    let told = list["success"][1]["tables"][0].as_str().ok_or("no word of it")?;
    assert!(told.contains("cannot be reached"), "{told}");
    let data =
        call(&mut session, "Databases", "getTableData", r#"{"databaseId":1,"table":"items","count":50,"start":0}"#)?;
    assert_eq!(data["success"]["values"], json!([[{"type": "integer", "value": 7}]]));
    Ok(())
}
