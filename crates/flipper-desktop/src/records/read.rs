//! Reads recordings.

use std::path::{Path, PathBuf};

use rusqlite::types::Type;
use rusqlite::{Connection, Row, params_from_iter};

use super::error::RecordError;
use super::{Direction, Kind, schema};

/// A recording that is read, whether somebody still records into it or not.
#[derive(Debug)]
pub struct Recording {
    pub(super) db: Connection,
    path: PathBuf,
}

/// A time in which a desktop recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordingSession {
    /// Its number in the recording.
    pub id: i64,
    /// When it began, in milliseconds since 1970.
    pub started_at: i64,
    /// When it ended; `None` while it goes on, and for ever if the desktop was killed.
    pub ended_at: Option<i64>,
    /// The version of the desktop.
    pub version: String,
    /// How many messages were lost in it.
    pub dropped: i64,
}

/// One connection of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordingApp {
    /// Its number in the recording.
    pub id: i64,
    /// The session that it was recorded in.
    pub session: i64,
    /// The client id.
    pub client: String,
    /// The app's name.
    pub app: String,
    /// The bundle id, if it told one.
    pub app_id: Option<String>,
    /// The operating system.
    pub os: String,
    /// The device's name.
    pub device: String,
    /// The device's id.
    pub device_id: String,
    /// What it told itself apart by from other processes of the same app, if anything.
    pub instance_id: Option<String>,
    /// The version of its SDK, if it told one.
    pub sdk_version: Option<u32>,
    /// How its certificates travelled, if it told.
    pub medium: Option<String>,
    /// The port that it came to: `secure` or `browser`.
    pub channel: String,
    /// Whether its certificate names app and device: `bound` or `unbound`.
    pub certificate: Option<String>,
    /// The address that it came from.
    pub peer: String,
    /// When it connected, in milliseconds since 1970.
    pub connected_at: i64,
    /// When it was gone; `None` if it never was as long as somebody recorded.
    pub disconnected_at: Option<i64>,
    /// Why.
    pub cause: Option<String>,
    /// Its plugins, and whether each wants to run in the background.
    pub plugins: Vec<(String, bool)>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// Its number in the recording: they stand in the order in which they passed.
    pub id: i64,
    /// The number of the app.
    pub app: i64,
    /// When it passed, in milliseconds since 1970.
    pub time: i64,
    /// Which way.
    pub direction: Direction,
    /// What it is.
    pub kind: Kind,
    /// Whose event, or whose method was called.
    pub plugin: Option<String>,
    /// The event, or the method that was called.
    pub method: Option<String>,
    /// The id that an answer shares with its request.
    pub request: Option<i64>,
    /// The message as it passed.
    pub text: String,
}

/// Which part of a recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Filter {
    /// Only apps of this name, or of this client id.
    pub app: Option<String>,
    /// Only this plugin.
    pub plugin: Option<String>,
    /// Only this session.
    pub session: Option<i64>,
    /// Only what this is.
    pub kind: Option<Kind>,
    /// Only messages that passed after the one of this number.
    pub after: Option<i64>,
}

impl Filter {
    /// Everything of the apps of this name, or of this client id.
    #[must_use]
    pub fn of_app(app: impl Into<String>) -> Self {
        Self { app: Some(app.into()), ..Self::default() }
    }

    /// The conditions, and what they are about.
    fn conditions(&self) -> (String, Vec<String>) {
        let mut conditions = String::from("1");
        let mut values = Vec::new();
        let mut add = |condition: &str, value: Option<String>| {
            if let Some(value) = value {
                values.push(value);
                conditions.push_str(&condition.replace('?', &format!("?{}", values.len())));
            }
        };
        add(" AND (clients.app = ? OR clients.client = ?)", self.app.clone());
        add(" AND clients.session = CAST(? AS INTEGER)", self.session.map(|session| session.to_string()));
        add(" AND messages.plugin = ?", self.plugin.clone());
        add(" AND messages.id > CAST(? AS INTEGER)", self.after.map(|after| after.to_string()));
        add(" AND messages.kind = ?", self.kind.map(|kind| kind.as_str().to_owned()));
        (conditions, values)
    }
}

impl Recording {
    /// Opens a recording.
    ///
    /// # Errors
    /// [`RecordError`]: there is no such file, or it is something else.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, RecordError> {
        let path = path.as_ref();
        Ok(Self { db: schema::open_to_read(path)?, path: path.to_owned() })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its sessions, in order.
    ///
    /// # Errors
    /// [`RecordError`] when the file cannot be read.
    pub fn sessions(&self) -> Result<Vec<RecordingSession>, RecordError> {
        let read = || {
            let mut query = self.db.prepare(
                "SELECT id, started_at, ended_at, version,
                        (SELECT coalesce(sum(messages), 0) FROM drops WHERE drops.session = sessions.id)
                 FROM sessions ORDER BY id",
            )?;
            let sessions = query.query_map([], |row| {
                Ok(RecordingSession {
                    id: row.get(0)?,
                    started_at: row.get(1)?,
                    ended_at: row.get(2)?,
                    version: row.get(3)?,
                    dropped: row.get(4)?,
                })
            })?;
            sessions.collect()
        };
        self.checked(read())
    }

    /// The connections of apps, in the order in which they came. Of the filter, only
    /// `app` and `session` matter here.
    ///
    /// # Errors
    /// As [`sessions`](Self::sessions).
    pub fn apps(&self, filter: &Filter) -> Result<Vec<RecordingApp>, RecordError> {
        let filter = Filter { plugin: None, kind: None, after: None, ..filter.clone() };
        let read = || {
            let (conditions, values) = filter.conditions();
            let mut query = self.db.prepare(&format!(
                "SELECT id, session, client, app, app_id, os, device, device_id, instance_id, sdk_version, medium,
                        channel, certificate, peer, connected_at, disconnected_at, cause
                 FROM clients WHERE {conditions} ORDER BY id"
            ))?;
            let mut plugins =
                self.db.prepare("SELECT plugin, background FROM plugins WHERE client = ?1 ORDER BY plugin")?;
            let apps = query.query_map(params_from_iter(values), |row| {
                let id: i64 = row.get(0)?;
                let plugins = plugins.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
                Ok(RecordingApp {
                    id,
                    session: row.get(1)?,
                    client: row.get(2)?,
                    app: row.get(3)?,
                    app_id: row.get(4)?,
                    os: row.get(5)?,
                    device: row.get(6)?,
                    device_id: row.get(7)?,
                    instance_id: row.get(8)?,
                    sdk_version: row.get(9)?,
                    medium: row.get(10)?,
                    channel: row.get(11)?,
                    certificate: row.get(12)?,
                    peer: row.get(13)?,
                    connected_at: row.get(14)?,
                    disconnected_at: row.get(15)?,
                    cause: row.get(16)?,
                    plugins: plugins.collect::<Result<_, _>>()?,
                })
            })?;
            apps.collect()
        };
        self.checked(read())
    }

    /// How many messages there are.
    ///
    /// # Errors
    /// As [`sessions`](Self::sessions).
    pub fn count(&self, filter: &Filter) -> Result<u64, RecordError> {
        let (conditions, values) = filter.conditions();
        let count = self.db.query_row(
            &format!("SELECT count(*) FROM messages JOIN clients ON clients.id = messages.client WHERE {conditions}"),
            params_from_iter(values),
            |row| row.get::<_, i64>(0),
        );
        Ok(u64::try_from(self.checked(count)?).unwrap_or(0))
    }

    /// Hands the messages over one by one, in the order in which they passed. They are never in memory all at once.
    ///
    /// # Errors
    /// As [`sessions`](Self::sessions), and whatever `take` returns, which ends this.
    pub fn each_message<E: From<RecordError>>(
        &self,
        filter: &Filter,
        mut take: impl FnMut(Message) -> Result<(), E>,
    ) -> Result<(), E> {
        let (conditions, values) = filter.conditions();
        let failed = |error: rusqlite::Error| E::from(RecordError::sqlite(&self.path, &error));
        let mut query = self
            .db
            .prepare(&format!(
                "SELECT {COLUMNS} FROM messages CROSS JOIN clients ON clients.id = messages.client
                 WHERE {conditions} ORDER BY messages.id"
            ))
            .map_err(failed)?;
        let mut rows = query.query(params_from_iter(values)).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            take(message(row).map_err(failed)?)?;
        }
        Ok(())
    }

    /// One message.
    pub(super) fn message(&self, id: i64) -> Result<Message, RecordError> {
        let read = || {
            let mut query = self.db.prepare_cached(&format!("SELECT {COLUMNS} FROM messages WHERE id = ?1"))?;
            query.query_row([id], message)
        };
        self.checked(read())
    }

    fn checked<T>(&self, read: rusqlite::Result<T>) -> Result<T, RecordError> {
        read.map_err(|error| RecordError::sqlite(&self.path, &error))
    }
}

const COLUMNS: &str = "messages.id, messages.client, messages.time, messages.direction, messages.kind,
                       messages.plugin, messages.method, messages.request, messages.message";

fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    let direction: String = row.get(3)?;
    Ok(Message {
        id: row.get(0)?,
        app: row.get(1)?,
        time: row.get(2)?,
        direction: match &*direction {
            "to-desktop" => Direction::ToDesktop,
            "to-app" => Direction::ToApp,
            _ => return Err(rusqlite::Error::InvalidColumnType(3, "direction".to_owned(), Type::Text)),
        },
        kind: Kind::of_str(&row.get::<_, String>(4)?),
        plugin: row.get(5)?,
        method: row.get(6)?,
        request: row.get(7)?,
        text: row.get(8)?,
    })
}
