//! Databases: the desktop lists them, pages through their tables, and runs SQL in them.
//!
//! ```
//! use flipper_plugins::databases::Databases;
//! # use flipper_plugins::databases::{Bounds, Driver, Error, Outcome, Page, PageRequest, Structure};
//! # struct Shop;
//! # impl Driver for Shop {
//! #     fn tables(&mut self, _: &Bounds) -> Result<Vec<String>, Error> { Ok(Vec::new()) }
//! #     fn table_data(&mut self, _: &PageRequest, _: &Bounds) -> Result<Page, Error> { Ok(Page::default()) }
//! #     fn structure(&mut self, _: &str, _: &Bounds) -> Result<Structure, Error> { Ok(Structure::default()) }
//! #     fn info(&mut self, _: &str, _: &Bounds) -> Result<String, Error> { Ok(String::new()) }
//! #     fn execute(&mut self, _: &str, _: &Bounds) -> Result<Outcome, Error> { Ok(Outcome::Done) }
//! # }
//!
//! let databases = Databases::new();
//! // … .plugin(databases.clone()) where the app's Flipper is built, and at any time:
//! let shop = databases.add("shop.db", Shop);
//! // … and when the app has done with it:
//! shop.close();
//! ```
//!
//! What is added is a [`Driver`]. With the feature `databases-rusqlite` there is `Sqlite`, which opens a file of its
//! own; with `databases-sqlx-sqlite` and `databases-sqlx-postgres` there are `SqlxSqlite` and `SqlxPostgres`, which are
//! given the app's pool. Any other database takes an implementation of the trait.
//!
//! The work is done by a thread for each database, which begins with the first question about it: the app's runtime
//! is never blocked, and a slow statement holds up nothing but its own database. Whatever goes wrong is something that the
//! desktop can show.

mod driver;
mod error;
mod limits;
mod value;

#[cfg(feature = "enabled")]
mod desk;
#[cfg(feature = "enabled")]
mod listing;
#[cfg(not(feature = "enabled"))]
mod off;
#[cfg(feature = "enabled")]
mod plugin;
#[cfg(all(
    feature = "enabled",
    any(feature = "databases-rusqlite", feature = "databases-sqlx-sqlite", feature = "databases-sqlx-postgres")
))]
mod sql;
#[cfg(feature = "enabled")]
mod wire;

pub use self::driver::{Bounds, Column, Driver, Index, Outcome, Page, PageRequest, Rows, Structure};
pub use self::error::{Error, ErrorKind};
pub use self::limits::Limits;
#[cfg(all(not(feature = "enabled"), feature = "databases-rusqlite"))]
pub use self::off::Sqlite;
#[cfg(all(not(feature = "enabled"), feature = "databases-sqlx-postgres"))]
pub use self::off::SqlxPostgres;
#[cfg(all(not(feature = "enabled"), feature = "databases-sqlx-sqlite"))]
pub use self::off::SqlxSqlite;
#[cfg(not(feature = "enabled"))]
pub use self::off::{Database, Databases};
#[cfg(feature = "enabled")]
pub use self::plugin::{Database, Databases};
#[cfg(all(feature = "enabled", feature = "databases-rusqlite"))]
pub use self::sql::Sqlite;
#[cfg(all(feature = "enabled", feature = "databases-sqlx-postgres"))]
pub use self::sql::SqlxPostgres;
#[cfg(all(feature = "enabled", feature = "databases-sqlx-sqlite"))]
pub use self::sql::SqlxSqlite;
pub use self::value::Value;
