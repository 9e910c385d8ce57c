//! What a recording looks like.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::RecordError;

/// `PRAGMA application_id` of every recording: `FlRc`.
pub const APPLICATION_ID: i32 = 0x466C_5263;

/// `PRAGMA user_version` of the recordings that this version makes.
pub const SCHEMA_VERSION: i64 = 1;

/// How long somebody else may have the file locked.
const BUSY: Duration = Duration::from_secs(5);

/// docs/records.md explains it.
const SCHEMA: &str = "
CREATE TABLE sessions (
    id         INTEGER PRIMARY KEY,
    started_at INTEGER NOT NULL,
    ended_at   INTEGER,
    version    TEXT NOT NULL
) STRICT;
CREATE TABLE clients (
    id              INTEGER PRIMARY KEY,
    session         INTEGER NOT NULL REFERENCES sessions (id),
    client          TEXT NOT NULL,
    app             TEXT NOT NULL,
    app_id          TEXT,
    os              TEXT NOT NULL,
    device          TEXT NOT NULL,
    device_id       TEXT NOT NULL,
    instance_id     TEXT,
    sdk_version     INTEGER,
    medium          TEXT,
    channel         TEXT NOT NULL,
    certificate     TEXT,
    peer            TEXT NOT NULL,
    connected_at    INTEGER NOT NULL,
    disconnected_at INTEGER,
    cause           TEXT
) STRICT;
CREATE TABLE plugins (
    client     INTEGER NOT NULL REFERENCES clients (id),
    plugin     TEXT NOT NULL,
    background INTEGER NOT NULL,
    PRIMARY KEY (client, plugin)
) STRICT, WITHOUT ROWID;
CREATE TABLE messages (
    id        INTEGER PRIMARY KEY,
    client    INTEGER NOT NULL REFERENCES clients (id),
    time      INTEGER NOT NULL,
    direction TEXT NOT NULL,
    kind      TEXT NOT NULL,
    plugin    TEXT,
    method    TEXT,
    request   INTEGER,
    message   TEXT NOT NULL
) STRICT;
CREATE TABLE drops (
    id       INTEGER PRIMARY KEY,
    session  INTEGER NOT NULL REFERENCES sessions (id),
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    bytes    INTEGER NOT NULL
) STRICT;
CREATE INDEX messages_by_client ON messages (client, id);
CREATE VIEW log AS
    SELECT messages.id, strftime('%Y-%m-%d %H:%M:%f', messages.time / 1000.0, 'unixepoch') AS time,
           clients.app, messages.direction, messages.kind, messages.plugin, messages.method, messages.message
    FROM messages JOIN clients ON clients.id = messages.client
    ORDER BY messages.id;
";

/// Opens a recording to write into it; makes it if there is no such file, or an empty one.
pub(super) fn open_to_write(path: &Path) -> Result<Connection, RecordError> {
    let failed = |error: rusqlite::Error| RecordError::sqlite(path, &error);
    make(path).map_err(|error| RecordError::io(path, &error))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags).map_err(failed)?;
    db.busy_timeout(BUSY).map_err(failed)?;
    if is_blank(&db).map_err(failed)? {
        let made = db.transaction().and_then(|transaction| {
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
            transaction.commit()
        });
        made.map_err(failed)?;
    }
    check(&db, path)?;
    // Not before it is known to be ours: this changes the file.
    db.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
    // What was committed outlives the process at once, and a loss of power as of the next checkpoint; the file is whole
    // in either case.
    db.pragma_update(None, "synchronous", "NORMAL").map_err(failed)?;
    Ok(db)
}

/// What apps send is their owner's business: SQLite would make the file readable by everybody. Its other files get the
/// permissions of this one.
fn make(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Opens a recording to read it, whether somebody writes into it or not.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, RecordError> {
    // SQLite has only one word for everything that keeps a file from being opened.
    File::open(path).map_err(|error| RecordError::io(path, &error))?;
    let failed = |error: rusqlite::Error| RecordError::sqlite(path, &error);
    // After a kill SQLite has to mend the file before it can be read.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)
        .or_else(|_| {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            Connection::open_with_flags(path, flags)
        })
        .map_err(failed)?;
    db.busy_timeout(BUSY).map_err(failed)?;
    check(&db, path)?;
    db.pragma_update(None, "query_only", true).map_err(failed)?;
    Ok(db)
}

fn is_blank(db: &Connection) -> rusqlite::Result<bool> {
    db.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))
}

fn check(db: &Connection, path: &Path) -> Result<(), RecordError> {
    let failed = |error: rusqlite::Error| RecordError::sqlite(path, &error);
    let pragma = |name: &str| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(failed);
    if pragma("application_id")? != i64::from(APPLICATION_ID) {
        return Err(RecordError::NotARecording { path: path.to_owned() });
    }
    match pragma("user_version")? {
        SCHEMA_VERSION => Ok(()),
        version => Err(RecordError::Newer { path: path.to_owned(), version }),
    }
}
