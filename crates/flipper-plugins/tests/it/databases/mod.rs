//! Databases, asked as the desktop asks.

mod plugin;

#[cfg(all(unix, feature = "databases-sqlx-postgres"))]
mod postgres;
#[cfg(all(unix, feature = "databases-sqlx-postgres"))]
mod server;
#[cfg(any(feature = "databases-rusqlite", feature = "databases-sqlx-sqlite"))]
mod sqlite;
