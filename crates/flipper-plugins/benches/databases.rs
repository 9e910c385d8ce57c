//! What it takes to page through large tables: `cargo bench -p flipper-plugins --features
//! databases-rusqlite,databases-sqlx-sqlite --bench databases`. With the feature `databases-sqlx-postgres` and a URL in
//! `DATABASE_URL`, of a database in which a table `flipper_bench` may be made, PostgreSQL is measured as well.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench may fail at any line, and prints what it finds")]

use std::path::Path;
use std::time::{Duration, Instant};

use flipper_conformance::usage::resident_megabytes;
use flipper_plugins::databases::{Bounds, Driver, Page, PageRequest, Sqlite, SqlxSqlite};
use rusqlite::Connection;
use tempfile::TempDir;

/// How many rows the table has.
const ROWS: u64 = 10_000_000;
/// How many rows the official UI asks for at once.
const PAGE: u64 = 50;
/// How often each thing is done; the figures are medians.
const ROUNDS: usize = 31;

fn main() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("bench.db");
    let begun = Instant::now();
    fill(&path);
    let megabytes = std::fs::metadata(&path).unwrap().len() >> 20;
    println!("a table of {ROWS} rows and two indexes, {megabytes} MiB, made in {:.1} s", begun.elapsed().as_secs_f64());

    println!("\nrusqlite");
    measure(ROWS, || Box::new(Sqlite::open(&path).unwrap()));
    println!("\nsqlx, SQLite");
    measure(ROWS, || Box::new(sqlx_sqlite(&path)));
    postgres();
}

fn fill(path: &Path) {
    let mut connection = Connection::open(path).unwrap();
    connection
        .execute_batch("PRAGMA journal_mode = off; PRAGMA synchronous = off; PRAGMA cache_size = -200000")
        .unwrap();
    let transaction = connection.transaction().unwrap();
    transaction
        .execute_batch("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, price REAL, stock INT, note TEXT)")
        .unwrap();
    let mut insert = transaction.prepare("INSERT INTO items VALUES (?1, ?2, ?3, ?4, ?5)").unwrap();
    for row in 0..i64::try_from(ROWS).unwrap() {
        // Ids with holes, so that no row is where its id says; every tenth price is null.
        let price = (row % 10 != 0).then_some((row * 7919 % 100_000) as f64 / 100.0);
        let stock = row.wrapping_mul(2_654_435_761) % 1_000_003;
        insert.execute((row * 3, format!("item {row}"), price, stock, "as it is")).unwrap();
    }
    drop(insert);
    transaction
        .execute_batch("CREATE INDEX by_stock ON items (stock); CREATE INDEX by_price ON items (price)")
        .unwrap();
    transaction.commit().unwrap();
}

fn sqlx_sqlite(path: &Path) -> SqlxSqlite {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _runtime = runtime.enter();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    SqlxSqlite::new(&sqlx::sqlite::SqlitePoolOptions::new().connect_lazy_with(options))
}

fn measure(rows: u64, open: impl Fn() -> Box<dyn Driver>) {
    // Nothing is known yet each time.
    let mut first = Vec::new();
    for _ in 0..ROUNDS {
        let mut driver = open();
        driver.tables(&bounds()).unwrap();
        first.push(time(driver.as_mut(), &PageRequest::new("items", PAGE)).0);
    }
    report("the first page", first);

    let mut driver = open();
    page(driver.as_mut(), 0, None, false);
    let next = (1..=ROUNDS as u64).map(|at| page(driver.as_mut(), at * PAGE, None, false).0);
    report("the next pages, right after it", next.collect());

    let mut driver = open();
    page(driver.as_mut(), 0, None, false);
    let begun = Instant::now();
    let mut longest = Duration::ZERO;
    loop {
        let turn = Instant::now();
        let more = driver.work_ahead(&bounds());
        longest = longest.max(turn.elapsed());
        if !more {
            break;
        }
    }
    println!(
        "{:>10.1} ms  all rows counted in the background, {:.1} ms at most in one go",
        ms(begun.elapsed()),
        ms(longest)
    );
    let (_, counted) = page(driver.as_mut(), 0, None, false);
    assert_eq!(counted.total, rows);

    let spread = |at: u64| at * 7919 * PAGE % rows;
    let middle = (1..=ROUNDS as u64).map(|at| page(driver.as_mut(), spread(at), None, false).0);
    report("a jump to anywhere", middle.collect());
    let end = (1..=ROUNDS as u64).map(|at| page(driver.as_mut(), rows - at * PAGE, None, false).0);
    report("pages at the end", end.collect());

    for (column, reverse) in [("stock", false), ("stock", true), ("price", false)] {
        let by = if reverse { format!("{column}, reversed") } else { column.to_owned() };
        let (first, _) = page(driver.as_mut(), 0, Some(column), reverse);
        report(&format!("sorted by an index, {by}: the first page"), vec![first]);
        let (end, _) = page(driver.as_mut(), rows - PAGE, Some(column), reverse);
        report(&format!("sorted by an index, {by}: the last page"), vec![end]);
        while driver.work_ahead(&bounds()) {}
        let jumps = (1..=ROUNDS as u64).map(|at| page(driver.as_mut(), spread(at), Some(column), reverse).0);
        report(&format!("sorted by an index, {by}: a jump to anywhere"), jumps.collect());
    }
    let (slow, _) = page(driver.as_mut(), 0, Some("name"), false);
    report("sorted by a column without an index: the first page", vec![slow]);

    let pid = std::process::id();
    let before = resident_megabytes(pid).unwrap();
    for at in 0..1000 {
        page(driver.as_mut(), spread(at), None, false);
    }
    println!("{before:>10.1} MB  resident before 1000 pages, {:.1} MB after", resident_megabytes(pid).unwrap());
}

#[cfg(not(feature = "databases-sqlx-postgres"))]
fn postgres() {}

#[cfg(feature = "databases-sqlx-postgres")]
fn postgres() {
    use flipper_plugins::databases::SqlxPostgres;
    use sqlx::AssertSqlSafe;

    const ROWS: u64 = 1_000_000;
    let Ok(url) = std::env::var("DATABASE_URL") else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let pool = runtime.block_on(sqlx::PgPool::connect(&url)).unwrap();
    let schema = format!(
        "DROP TABLE IF EXISTS flipper_bench; DROP SCHEMA IF EXISTS flipper_bench CASCADE; CREATE SCHEMA flipper_bench;
         CREATE TABLE flipper_bench.items (id BIGINT PRIMARY KEY, name TEXT, price DOUBLE PRECISION, stock INT, note TEXT);
         INSERT INTO flipper_bench.items SELECT i * 3, 'item ' || i, CASE WHEN i % 10 > 0 THEN i * 7919 % 100000 / 100.0 END,
             i * 2654435761 % 1000003, 'as it is' FROM generate_series(0::bigint, {ROWS} - 1) AS i;
         CREATE INDEX ON flipper_bench.items (stock); CREATE INDEX ON flipper_bench.items (price);
         ANALYZE flipper_bench.items"
    );
    runtime.block_on(sqlx::raw_sql(AssertSqlSafe(schema)).execute(&pool)).unwrap();
    println!("\nsqlx, PostgreSQL: a table of {ROWS} rows and three indexes");
    measure(ROWS, || Box::new(InSchema(SqlxPostgres::new(&pool))));
    runtime.block_on(sqlx::raw_sql("DROP SCHEMA flipper_bench CASCADE").execute(&pool)).unwrap();
}

/// The table of the same name in a schema of its own.
#[cfg(feature = "databases-sqlx-postgres")]
struct InSchema(flipper_plugins::databases::SqlxPostgres);

#[cfg(feature = "databases-sqlx-postgres")]
impl Driver for InSchema {
    fn tables(&mut self, bounds: &Bounds) -> Result<Vec<String>, flipper_plugins::databases::Error> {
        self.0.tables(bounds)
    }

    fn table_data(
        &mut self,
        request: &PageRequest,
        bounds: &Bounds,
    ) -> Result<Page, flipper_plugins::databases::Error> {
        let mut request = request.clone();
        request.table = format!("flipper_bench.{}", request.table);
        self.0.table_data(&request, bounds)
    }

    fn structure(
        &mut self,
        table: &str,
        bounds: &Bounds,
    ) -> Result<flipper_plugins::databases::Structure, flipper_plugins::databases::Error> {
        self.0.structure(table, bounds)
    }

    fn info(&mut self, table: &str, bounds: &Bounds) -> Result<String, flipper_plugins::databases::Error> {
        self.0.info(table, bounds)
    }

    fn execute(
        &mut self,
        sql: &str,
        bounds: &Bounds,
    ) -> Result<flipper_plugins::databases::Outcome, flipper_plugins::databases::Error> {
        self.0.execute(sql, bounds)
    }

    fn work_ahead(&mut self, bounds: &Bounds) -> bool {
        self.0.work_ahead(bounds)
    }
}

fn bounds() -> Bounds {
    Bounds::new(Instant::now() + Duration::from_secs(300), 1000, 4 << 20)
}

fn page(driver: &mut dyn Driver, start: u64, order: Option<&str>, reverse: bool) -> (Duration, Page) {
    let mut request = PageRequest::new("items", PAGE).starting_at(start);
    request.order = order.map(str::to_owned);
    request.reverse = reverse;
    time(driver, &request)
}

fn time(driver: &mut dyn Driver, request: &PageRequest) -> (Duration, Page) {
    let begun = Instant::now();
    let page = driver.table_data(request, &bounds()).unwrap();
    let took = begun.elapsed();
    assert_eq!(page.rows.len() as u64, PAGE);
    (took, page)
}

fn report(what: &str, mut took: Vec<Duration>) {
    took.sort();
    let (median, longest) = (took[took.len() / 2], took[took.len() - 1]);
    println!("{:>10.2} ms  {what} ({:.2} ms at most)", ms(median), ms(longest));
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
