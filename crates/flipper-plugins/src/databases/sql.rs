//! Databases that speak SQL.

mod engine;
mod paging;
#[cfg(feature = "databases-sqlx-postgres")]
mod postgres;
mod room;
#[cfg(any(feature = "databases-rusqlite", feature = "databases-sqlx-sqlite"))]
mod sqlite;

use super::{driver, error, value};

#[cfg(feature = "databases-sqlx-postgres")]
pub use self::postgres::SqlxPostgres;
#[cfg(feature = "databases-rusqlite")]
pub use self::sqlite::Sqlite;
#[cfg(feature = "databases-sqlx-sqlite")]
pub use self::sqlite::SqlxSqlite;
