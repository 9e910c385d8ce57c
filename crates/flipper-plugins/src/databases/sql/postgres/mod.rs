//! PostgreSQL through sqlx.

mod link;
mod schema;
mod text;

use sqlx::PgPool;

use self::link::Link;
use self::schema::Table;
use super::driver::{Bounds, Driver, Outcome, Page, PageRequest, Structure};
use super::error::Error;
use super::paging::Pages;

/// A database of PostgreSQL that the app has a pool for.
///
/// It has a connection of its own, with the pool's options, and takes none of the app's. It needs no runtime of the app.
///
/// Tables outside the schema `public` are listed as `schema.table`. Values are shown as the server itself writes them.
#[derive(Debug)]
pub struct SqlxPostgres {
    link: Link,
    /// How many texts a person had run. What they did is seen at once; what others do, when the server tells of it.
    executed: u64,
    pages: Pages<(u64, String)>,
}

impl SqlxPostgres {
    /// The database of a pool. It is connected to when the desktop asks for it.
    #[must_use]
    pub fn new(pool: &PgPool) -> Self {
        Self { link: Link::new(pool, false), executed: 0, pages: Pages::new() }
    }

    /// The same, so that the desktop can change nothing: its statements run in read-only transactions.
    #[must_use]
    pub fn read_only(pool: &PgPool) -> Self {
        Self { link: Link::new(pool, true), executed: 0, pages: Pages::new() }
    }
}

impl Driver for SqlxPostgres {
    fn tables(&mut self, bounds: &Bounds) -> Result<Vec<String>, Error> {
        self.link.begin(bounds)?;
        schema::tables(&mut self.link, bounds)
    }

    fn table_data(&mut self, request: &PageRequest, bounds: &Bounds) -> Result<Page, Error> {
        self.link.begin(bounds)?;
        let table = Table::read(&mut self.link, &request.table, bounds)?;
        self.pages.at(&request.table, (self.executed, table.version().to_owned()));
        let ways = table.ways(&mut self.link, request.order.as_deref(), request.reverse, bounds)?;
        self.pages.page(&mut self.link, request, ways, bounds)
    }

    fn structure(&mut self, table: &str, bounds: &Bounds) -> Result<Structure, Error> {
        self.link.begin(bounds)?;
        Table::read(&mut self.link, table, bounds)?.structure(&mut self.link, bounds)
    }

    fn info(&mut self, table: &str, bounds: &Bounds) -> Result<String, Error> {
        self.link.begin(bounds)?;
        Table::read(&mut self.link, table, bounds)?.definition(&mut self.link, bounds)
    }

    fn execute(&mut self, sql: &str, bounds: &Bounds) -> Result<Outcome, Error> {
        self.link.begin(bounds)?;
        self.executed += 1;
        let names = text::quoted_with_backticks(sql);
        if names.is_empty() {
            return self.link.run(sql, bounds);
        }
        // The official UI edits rows with statements in MySQL's quotes.
        let mut qualified = Vec::new();
        for name in names {
            let table = if name.contains('.') { Table::read(&mut self.link, &name, bounds).ok() } else { None };
            qualified.push(table.map_or_else(|| super::engine::quoted(&name), |table| table.sql()));
        }
        let sql = text::with_names(sql, qualified);
        self.link.run(&sql, bounds)
    }

    fn work_ahead(&mut self, bounds: &Bounds) -> bool {
        self.link.begin(bounds).is_ok() && self.pages.work_ahead(&mut self.link, bounds)
    }
}
