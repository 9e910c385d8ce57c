//! What is in the recording.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::Result;
use crate::tally::Tally;

/// Looks whether everything is there that was said to be, in the session that began last, and whether the file is whole.
pub(crate) fn check(path: &Path, session: i64, acknowledged: u64, tally: &Tally) -> Result {
    let file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let verdict: String = file.query_row("PRAGMA quick_check", [], |row| row.get(0))?;
    if verdict != "ok" {
        tally.fail(format!("the recording is damaged: {verdict}"));
    }
    let of_session =
        "SELECT count(*) FROM messages JOIN clients ON clients.id = messages.client WHERE clients.session = ?";
    let there: i64 = file.query_row(of_session, [session], |row| row.get(0))?;
    let there = u64::try_from(there)?;
    tally.count_recorded(there);
    if there < acknowledged {
        tally.fail(format!("{acknowledged} messages were said to be recorded, {there} are there"));
    }
    Ok(())
}

/// The session that began last.
pub(crate) fn last_session(path: &Path) -> Result<i64> {
    let file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    Ok(file.query_row("SELECT max(id) FROM sessions", [], |row| row.get(0))?)
}
