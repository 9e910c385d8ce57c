//! The plugin where Flipper is switched off: nothing at all.

#[cfg(feature = "databases-rusqlite")]
use std::path::Path;

use super::driver::Driver;
use super::limits::Limits;

/// The plugin `Databases`, switched off.
#[derive(Clone, Debug, Default)]
pub struct Databases(());

impl Databases {
    /// The plugin's name on the wire.
    pub const ID: &str = "Databases";

    /// Nothing.
    #[inline]
    #[must_use]
    pub fn new() -> Self {
        Self(())
    }

    /// Nothing.
    #[inline]
    #[must_use]
    pub fn with_limits(_limits: Limits) -> Self {
        Self(())
    }

    /// Lets the driver go.
    #[inline]
    pub fn add(&self, name: impl Into<String>, driver: impl Driver) -> Database {
        drop((name, driver));
        Database(())
    }
}

does_nothing!(Databases, Self::ID);

/// A database that was added to nothing.
#[derive(Clone, Debug)]
pub struct Database(());

impl Database {
    /// Nobody lists it.
    #[inline]
    #[must_use]
    pub fn name(&self) -> &str {
        ""
    }

    /// Nothing.
    #[inline]
    pub fn close(&self) {}
}

/// The real one has something to drop, so that no lint says of an app that drops it that this does nothing.
impl Drop for Database {
    #[inline]
    fn drop(&mut self) {}
}

/// A driver that is never asked anything, and has nothing to say.
#[cfg(any(feature = "databases-rusqlite", feature = "databases-sqlx-sqlite", feature = "databases-sqlx-postgres"))]
macro_rules! has_nothing {
    ($driver:ident) => {
        impl Driver for $driver {
            #[inline]
            fn tables(&mut self, _: &super::Bounds) -> Result<Vec<String>, super::Error> {
                Ok(Vec::new())
            }

            #[inline]
            fn table_data(&mut self, _: &super::PageRequest, _: &super::Bounds) -> Result<super::Page, super::Error> {
                Ok(super::Page::default())
            }

            #[inline]
            fn structure(&mut self, _: &str, _: &super::Bounds) -> Result<super::Structure, super::Error> {
                Ok(super::Structure::default())
            }

            #[inline]
            fn info(&mut self, _: &str, _: &super::Bounds) -> Result<String, super::Error> {
                Ok(String::new())
            }

            #[inline]
            fn execute(&mut self, _: &str, _: &super::Bounds) -> Result<super::Outcome, super::Error> {
                Ok(super::Outcome::Done)
            }
        }
    };
}

/// A database of SQLite that is not opened.
#[cfg(feature = "databases-rusqlite")]
#[derive(Debug)]
pub struct Sqlite(());

#[cfg(feature = "databases-rusqlite")]
impl Sqlite {
    /// Opens nothing, whatever the path.
    ///
    /// # Errors
    /// None.
    #[inline]
    pub fn open(path: impl AsRef<Path>) -> Result<Self, super::Error> {
        drop(path);
        Ok(Self(()))
    }

    /// Opens nothing, whatever the path.
    ///
    /// # Errors
    /// None.
    #[inline]
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<Self, super::Error> {
        Self::open(path)
    }
}

#[cfg(feature = "databases-rusqlite")]
has_nothing!(Sqlite);

/// A database of SQLite that is not connected to.
#[cfg(feature = "databases-sqlx-sqlite")]
#[derive(Debug)]
pub struct SqlxSqlite(());

#[cfg(feature = "databases-sqlx-sqlite")]
impl SqlxSqlite {
    /// Nothing.
    #[inline]
    #[must_use]
    pub fn new(_pool: &sqlx::SqlitePool) -> Self {
        Self(())
    }

    /// Nothing.
    #[inline]
    #[must_use]
    pub fn read_only(_pool: &sqlx::SqlitePool) -> Self {
        Self(())
    }
}

#[cfg(feature = "databases-sqlx-sqlite")]
has_nothing!(SqlxSqlite);

/// A database of PostgreSQL that is not connected to.
#[cfg(feature = "databases-sqlx-postgres")]
#[derive(Debug)]
pub struct SqlxPostgres(());

#[cfg(feature = "databases-sqlx-postgres")]
impl SqlxPostgres {
    /// Nothing.
    #[inline]
    #[must_use]
    pub fn new(_pool: &sqlx::PgPool) -> Self {
        Self(())
    }

    /// Nothing.
    #[inline]
    #[must_use]
    pub fn read_only(_pool: &sqlx::PgPool) -> Self {
        Self(())
    }
}

#[cfg(feature = "databases-sqlx-postgres")]
has_nothing!(SqlxPostgres);
