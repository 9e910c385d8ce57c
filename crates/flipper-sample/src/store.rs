//! What the shop sells and has sold, in SQLite.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS products (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        stock INTEGER NOT NULL DEFAULT 0
    );
    CREATE UNIQUE INDEX IF NOT EXISTS products_name ON products (name);
    CREATE TABLE IF NOT EXISTS orders (
        id INTEGER PRIMARY KEY,
        product_id INTEGER NOT NULL REFERENCES products (id),
        quantity INTEGER NOT NULL,
        cents INTEGER,
        note TEXT
    );
    CREATE INDEX IF NOT EXISTS orders_product ON orders (product_id);
";

const MATERIALS: [&str; 6] = ["Oak", "Birch", "Steel", "Linen", "Glass", "Cork"];
const THINGS: [&str; 20] = [
    "chair", "table", "lamp", "shelf", "bench", "stool", "desk", "frame", "tray", "clock", "basket", "mirror", "vase",
    "bowl", "hook", "board", "box", "rack", "stand", "coaster",
];

pub(crate) struct Store {
    connection: Mutex<Connection>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Product {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) stock: i64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Order {
    pub(crate) id: i64,
    pub(crate) product: String,
    pub(crate) quantity: i64,
    pub(crate) cents: Option<i64>,
}

impl Store {
    /// Opens the shop's database, and fills the shelves where there are none.
    pub(crate) fn open(file: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(file)?;
        connection.execute_batch(SCHEMA)?;
        if connection.query_row("SELECT count(*) FROM products", [], |row| row.get::<_, i64>(0))? == 0 {
            fill(&connection)?;
        }
        Ok(Self { connection: Mutex::new(connection) })
    }

    pub(crate) fn products(&self, page: i64, page_size: i64) -> rusqlite::Result<Vec<Product>> {
        let connection = self.lock();
        let mut select =
            connection.prepare_cached("SELECT id, name, stock FROM products ORDER BY id LIMIT ?1 OFFSET ?2")?;
        select.query_map(params![page_size, page.saturating_mul(page_size)], product)?.collect()
    }

    pub(crate) fn product(&self, id: i64) -> rusqlite::Result<Option<Product>> {
        self.lock().query_row("SELECT id, name, stock FROM products WHERE id = ?1", [id], product).optional()
    }

    /// Takes so many from the shelf, and notes the order. `None` where there are not so many.
    pub(crate) fn order(&self, of: &Product, quantity: i64, cents: Option<i64>) -> rusqlite::Result<Option<Order>> {
        let mut connection = self.lock();
        let sale = connection.transaction()?;
        let taken = sale.execute(
            "UPDATE products SET stock = stock - ?2 WHERE id = ?1 AND stock >= ?2",
            params![of.id, quantity],
        )?;
        if taken == 0 {
            return Ok(None);
        }
        sale.execute(
            "INSERT INTO orders (product_id, quantity, cents) VALUES (?1, ?2, ?3)",
            params![of.id, quantity, cents],
        )?;
        let id = sale.last_insert_rowid();
        sale.commit()?;
        Ok(Some(Order { id, product: of.name.clone(), quantity, cents }))
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A transaction that a panic leaves is rolled back.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn product(row: &Row<'_>) -> rusqlite::Result<Product> {
    Ok(Product { id: row.get(0)?, name: row.get(1)?, stock: row.get(2)? })
}

/// 120 products and 240 orders, the same every time.
fn fill(connection: &Connection) -> rusqlite::Result<()> {
    let names = THINGS.iter().flat_map(|thing| MATERIALS.map(|material| format!("{material} {thing}")));
    for (index, name) in (1_i64..).zip(names) {
        connection.execute(
            "INSERT INTO products (id, name, stock) VALUES (?1, ?2, ?3)",
            params![index, name, index * 37 % 90 + 10],
        )?;
    }
    for index in 1_i64..=240 {
        let note = (index % 7 == 0).then_some("gift wrapped");
        connection.execute(
            "INSERT INTO orders (product_id, quantity, cents, note) VALUES (?1, ?2, ?3, ?4)",
            params![index * 53 % 120 + 1, index % 3 + 1, index * 131 % 9_000 + 990, note],
        )?;
    }
    Ok(())
}
