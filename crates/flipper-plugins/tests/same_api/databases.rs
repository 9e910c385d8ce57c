//! Plugin `Databases`.

use std::time::Instant;

use flipper_plugins::databases::{
    Bounds, Column, Database, Databases, Driver, Error, ErrorKind, Index, Limits, Outcome, Page, PageRequest, Rows,
    Structure, Value,
};

struct Shop;

impl Driver for Shop {
    fn tables(&mut self, _: &Bounds) -> Result<Vec<String>, Error> {
        Ok(vec!["items".to_owned()])
    }

    fn table_data(&mut self, request: &PageRequest, _: &Bounds) -> Result<Page, Error> {
        let rows = vec![vec![Value::from(1), Value::from("a"), Value::from(0.5), Value::from(true)]];
        Ok(Page { columns: vec!["id".to_owned()], rows, start: request.start, total: 1 })
    }

    fn structure(&mut self, _: &str, _: &Bounds) -> Result<Structure, Error> {
        let index = Index::new("by_id", true, vec!["id".to_owned()]);
        Ok(Structure { columns: vec![Column::new("id", "INTEGER")], indexes: vec![index] })
    }

    fn info(&mut self, table: &str, _: &Bounds) -> Result<String, Error> {
        Err(Error::new(ErrorKind::UnknownTable, table))
    }

    fn execute(&mut self, _: &str, _: &Bounds) -> Result<Outcome, Error> {
        let rows = vec![vec![Value::blob(&[0]), Value::text("x"), Value::from(None::<i64>)]];
        Ok(Outcome::Rows(Rows { columns: vec!["a".to_owned()], rows, more: false }))
    }
}

#[test]
fn databases() {
    let mut limits = Limits::default();
    limits.rows = 10;
    let databases = Databases::with_limits(limits);
    let shop: Database = databases.add("shop.db", Shop);
    assert_eq!(shop.name(), if crate::ENABLED { "shop.db" } else { "" });
    shop.clone().close();
    crate::is_a_plugin(databases, Databases::ID);
    crate::is_a_plugin(Databases::new(), "Databases");
    crate::is_a_plugin(Databases::default(), "Databases");
}

#[test]
fn a_driver_can_be_called_by_anybody() {
    let bounds = Bounds::new(Instant::now(), 10, 1000);
    let mut driver: Box<dyn Driver> = Box::new(Shop);
    let request = PageRequest::new("items", 50).starting_at(5).ordered_by("id").reversed();
    assert_eq!(driver.table_data(&request, &bounds).map(|page| page.start), Ok(5));
    assert_eq!(driver.tables(&bounds), Ok(vec!["items".to_owned()]));
    assert!(driver.structure("items", &bounds).is_ok() && driver.execute("", &bounds).is_ok());
    let error = driver.info("items", &bounds).expect_err("it is unknown");
    assert_eq!(
        (error.kind(), error.message(), error.to_string().as_str()),
        (ErrorKind::UnknownTable, "items", "items")
    );
    assert!(!driver.work_ahead(&bounds));
    drop(Databases::new().add("shop.db", driver));
}

#[cfg(feature = "databases-rusqlite")]
#[test]
fn sqlite() {
    use flipper_plugins::databases::Sqlite;

    let nowhere = "/nowhere/at/all.db";
    assert_eq!(Sqlite::open(nowhere).is_ok(), !crate::ENABLED);
    assert_eq!(Sqlite::open_read_only(nowhere).is_ok(), !crate::ENABLED);
    if let Ok(sqlite) = Sqlite::open(nowhere) {
        drop(Databases::new().add("shop.db", sqlite));
    }
}

#[cfg(feature = "databases-sqlx-sqlite")]
#[test]
fn sqlx_sqlite() {
    use flipper_plugins::databases::SqlxSqlite;

    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let _runtime = runtime.enter();
    let pool = sqlx::sqlite::SqlitePoolOptions::new().connect_lazy("sqlite::memory:").expect("a pool");
    let databases = Databases::new();
    databases.add("shop.db", SqlxSqlite::new(&pool));
    databases.add("shop.db", SqlxSqlite::read_only(&pool));
}

#[cfg(feature = "databases-sqlx-postgres")]
#[test]
fn sqlx_postgres() {
    use flipper_plugins::databases::SqlxPostgres;

    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let _runtime = runtime.enter();
    let pool = sqlx::postgres::PgPoolOptions::new().connect_lazy("postgres://nobody@localhost/shop").expect("a pool");
    let databases = Databases::new();
    databases.add("shop", SqlxPostgres::new(&pool));
    databases.add("shop", SqlxPostgres::read_only(&pool));
}
