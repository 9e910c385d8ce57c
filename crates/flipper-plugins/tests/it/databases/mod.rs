//! Databases, asked as the desktop asks.

mod plugin;

#[cfg(all(unix, feature = "databases-sqlx-postgres"))]
#[cfg(any(feature = "databases-rusqlite", feature = "databases-sqlx-sqlite"))]
mod sqlite;
