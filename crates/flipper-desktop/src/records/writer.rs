//! Writes batches into the file.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use flipper_proto::desktop::{Channel, ClientInfo, Event, PeerIdentity};
use flipper_proto::{ClientId, ConnId, PluginId, WallTime};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::envelope::Facts;
use super::error::RecordError;
use super::lock::Lock;
use super::queue::{Batch, Entry, Lost};
use super::recorder::{OnLoss, Shared, millis};
use super::{Direction, schema};

/// How many clients that are gone are remembered for the messages that still go to them.
const MAX_GONE: usize = 256;

/// How many requests of one client are remembered for their answers.
const MAX_PENDING: usize = 4_096;

pub(super) struct Writer {
    db: Connection,
    path: PathBuf,
    max_pages: Option<i64>,
    max_bytes: u64,
    book: Book,
    /// Given back last, when the file is closed.
    _lock: Lock,
}

/// What is known of those who talk, whether the file says so already or not.
struct Book {
    session: i64,
    next_client: i64,
    peers: BTreeMap<ConnId, Peer>,
    conns: BTreeMap<ClientId, ConnId>,
    gone: VecDeque<ConnId>,
    /// Those of whom the file does not say everything yet.
    unwritten: BTreeSet<ConnId>,
    /// What the file does not say yet that was lost.
    lost: Option<Lost>,
}

struct Peer {
    row: i64,
    client: ClientId,
    info: ClientInfo,
    connected_at: i64,
    gone: Option<(i64, String)>,
    /// Its plugins, and whether they want to run in the background.
    plugins: BTreeMap<PluginId, bool>,
    /// Plugin and method of the requests that are not answered yet.
    pending: BTreeMap<i64, (Option<String>, Option<String>)>,
}

/// What became of a batch.
#[derive(Default)]
struct Written {
    messages: u64,
    bytes: u64,
}

impl Writer {
    pub(super) fn open(path: &Path, started_at: WallTime, max_file_bytes: Option<u64>) -> Result<Self, RecordError> {
        let lock = Lock::take(path)?;
        let db = schema::open_to_write(path)?;
        let failed = |error: rusqlite::Error| RecordError::sqlite(path, &error);
        db.execute(
            "INSERT INTO sessions (started_at, version) VALUES (?1, ?2)",
            params![millis(started_at), env!("CARGO_PKG_VERSION")],
        )
        .map_err(failed)?;
        let session = db.last_insert_rowid();
        let last = db.query_row("SELECT max(id) FROM clients", [], |row| row.get::<_, Option<i64>>(0)).optional();
        let next_client = last.map_err(failed)?.flatten().unwrap_or(0) + 1;
        let page = db.pragma_query_value(None, "page_size", |row| row.get::<_, u32>(0)).map_err(failed)?.max(1);
        Ok(Self {
            db,
            path: path.to_owned(),
            max_pages: max_file_bytes.map(|max| i64::try_from(max / u64::from(page)).unwrap_or(i64::MAX)),
            max_bytes: max_file_bytes.unwrap_or(u64::MAX),
            book: Book {
                session,
                next_client,
                peers: BTreeMap::new(),
                conns: BTreeMap::new(),
                gone: VecDeque::new(),
                unwritten: BTreeSet::new(),
                lost: None,
            },
            _lock: lock,
        })
    }

    /// Writes every batch to the last.
    pub(super) fn run(mut self, shared: &Shared, mut on_loss: OnLoss) {
        let mut failing = false;
        loop {
            let batch = shared.queue.take();
            let last = batch.last;
            let waiting = self.settle(batch, shared, &mut failing, &mut on_loss);
            for waiting in waiting {
                let _gone = waiting.send(());
            }
            if last {
                return;
            }
        }
    }

    /// Writes a batch, or counts it as lost.
    fn settle(
        &mut self,
        batch: Batch,
        shared: &Shared,
        failing: &mut bool,
        on_loss: &mut OnLoss,
    ) -> Vec<tokio::sync::oneshot::Sender<()>> {
        let Batch { entries, lost, waiting, last } = batch;
        let missed = lost.map_or(0, |lost| lost.messages);
        Lost::add(&mut self.book.lost, lost);
        let ended_at = last.then(|| shared.now());
        match self.write(&entries, ended_at) {
            Ok(written) => {
                shared.messages.fetch_add(written.messages, Ordering::Relaxed);
                shared.bytes.fetch_add(written.bytes, Ordering::Relaxed);
                shared.set_error(None);
                *failing = false;
                if missed > 0 {
                    tracing::warn!("{missed} messages came too fast to be recorded");
                    on_loss(None, missed);
                }
            }
            Err(error) => {
                let messages = entries.iter().filter(|entry| matches!(entry, Entry::Message { .. }));
                let unwritten = messages.map(Lost::of).reduce(Lost::and);
                let count = unwritten.map_or(0, |lost| lost.messages);
                shared.dropped.fetch_add(count, Ordering::Relaxed);
                Lost::add(&mut self.book.lost, unwritten);
                shared.set_error(Some(error.clone()));
                // Once, and not for every batch until there is room again.
                if !*failing {
                    tracing::warn!("{error}");
                    on_loss(Some(error), missed + count);
                }
                *failing = true;
                // What little the file has to say of this may still find room.
                if let Err(error) = self.write(&[], ended_at) {
                    tracing::debug!("not even that messages were lost can be recorded: {error}");
                }
            }
        }
        waiting
    }

    /// All of it or nothing. The book learns of comings and goings in either case.
    fn write(&mut self, entries: &[Entry], ended_at: Option<i64>) -> Result<Written, RecordError> {
        let failed = |error: rusqlite::Error| RecordError::sqlite(&self.path, &error);
        let book = &mut self.book;
        let mut messages = Vec::with_capacity(entries.len());
        for entry in entries {
            match entry {
                Entry::Told { time, event } => book.hear(*time, event),
                Entry::Message { conn, time, direction, text } => messages.push((*conn, *time, *direction, &**text)),
            }
        }
        if let Some(max) = self.max_pages
            && !messages.is_empty()
        {
            let pages = self.db.pragma_query_value(None, "page_count", |row| row.get::<_, i64>(0));
            if pages.map_err(failed)? >= max {
                return Err(RecordError::LimitReached { path: self.path.clone(), max_bytes: self.max_bytes });
            }
        }
        let written = book.write(&mut self.db, &messages, ended_at).map_err(failed)?;
        book.unwritten.clear();
        book.lost = None;
        Ok(written)
    }
}

/// A row of `messages`.
struct Row<'a> {
    client: i64,
    time: i64,
    direction: Direction,
    facts: Facts<'a>,
    text: &'a str,
    /// Of an answer: the plugin and the method that were asked.
    asked: (Option<String>, Option<String>),
}

impl Row<'_> {
    fn write(&self, db: &Connection) -> rusqlite::Result<()> {
        let Facts { kind, plugin, method, request } = &self.facts;
        let mut insert = db.prepare_cached(
            "INSERT INTO messages (client, time, direction, kind, plugin, method, request, message)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        insert.execute(params![
            self.client,
            self.time,
            self.direction.as_str(),
            kind.as_str(),
            plugin.as_deref().or(self.asked.0.as_deref()),
            method.as_deref().or(self.asked.1.as_deref()),
            request,
            self.text,
        ])?;
        Ok(())
    }
}

impl Book {
    fn write(
        &mut self,
        db: &mut Connection,
        messages: &[(ConnId, i64, Direction, &str)],
        ended_at: Option<i64>,
    ) -> rusqlite::Result<Written> {
        let mut written = Written::default();
        let transaction = db.transaction()?;
        for conn in &self.unwritten {
            self.write_peer(&transaction, *conn)?;
        }
        for (conn, time, direction, text) in messages {
            if let Some(row) = self.follow(*conn, *time, *direction, text) {
                row.write(&transaction)?;
                written.messages += 1;
                written.bytes += text.len() as u64;
            }
        }
        self.write_lost(&transaction)?;
        if let Some(ended_at) = ended_at {
            transaction.execute("UPDATE sessions SET ended_at = ?1 WHERE id = ?2", params![ended_at, self.session])?;
        }
        transaction.commit()?;
        Ok(written)
    }

    /// Takes note of what was told.
    fn hear(&mut self, time: i64, event: &Event) {
        if let Some(conn) = self.note(time, event) {
            self.unwritten.insert(conn);
            self.forget();
        }
    }

    /// Returns whom it is about.
    fn note(&mut self, time: i64, event: &Event) -> Option<ConnId> {
        match event {
            Event::ClientConnected { client, info } => {
                let peer = Peer {
                    row: self.next_client,
                    client: client.clone(),
                    info: info.clone(),
                    connected_at: time,
                    gone: None,
                    plugins: BTreeMap::new(),
                    pending: BTreeMap::new(),
                };
                self.next_client += 1;
                self.conns.insert(client.clone(), info.conn);
                self.peers.insert(info.conn, peer);
                Some(info.conn)
            }
            Event::PluginsChanged { client, plugins, background } => {
                let conn = *self.conns.get(client)?;
                for plugin in plugins {
                    self.peers.get_mut(&conn)?.plugins.insert(plugin.clone(), background.contains(plugin));
                }
                Some(conn)
            }
            Event::ClientDisconnected { client, cause } => {
                let conn = self.conns.remove(client)?;
                self.peers.get_mut(&conn)?.gone = Some((time, cause.to_string()));
                self.gone.push_back(conn);
                Some(conn)
            }
            _ => None,
        }
    }

    /// Lets go of those who left long ago.
    fn forget(&mut self) {
        while self.gone.len() > MAX_GONE && self.gone.front().is_some_and(|conn| !self.unwritten.contains(conn)) {
            if let Some(conn) = self.gone.pop_front() {
                self.peers.remove(&conn);
            }
        }
    }

    /// The row of a message; none if it is no client's, such as a certificate exchange.
    fn follow<'a>(&mut self, conn: ConnId, time: i64, direction: Direction, text: &'a str) -> Option<Row<'a>> {
        let peer = self.peers.get_mut(&conn)?;
        let facts = Facts::of(direction, text);
        let mut asked = (None, None);
        if let Some(request) = facts.request {
            match direction {
                Direction::ToApp => {
                    let owned = |name: &Option<Cow<'_, str>>| name.as_deref().map(str::to_owned);
                    peer.pending.insert(request, (owned(&facts.plugin), owned(&facts.method)));
                    if peer.pending.len() > MAX_PENDING {
                        peer.pending.pop_first();
                    }
                }
                Direction::ToDesktop => asked = peer.pending.remove(&request).unwrap_or_default(),
            }
        }
        Some(Row { client: peer.row, time, direction, facts, text, asked })
    }

    fn write_peer(&self, db: &Connection, conn: ConnId) -> rusqlite::Result<()> {
        let Some(peer) = self.peers.get(&conn) else { return Ok(()) };
        let (channel, certificate) = words(&peer.info.channel);
        let (gone_at, cause) = match &peer.gone {
            Some((at, cause)) => (Some(*at), Some(cause.as_str())),
            None => (None, None),
        };
        let query = &peer.info.query;
        db.prepare_cached(
            "INSERT INTO clients (id, session, client, app, app_id, os, device, device_id, instance_id, sdk_version, medium,
                                  channel, certificate, peer, connected_at, disconnected_at, cause)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
             ON CONFLICT (id) DO UPDATE SET disconnected_at = excluded.disconnected_at, cause = excluded.cause",
        )?
        .execute(params![
            peer.row,
            self.session,
            peer.client.as_str(),
            query.app,
            query.app_id,
            query.os,
            query.device,
            query.device_id,
            query.instance_id,
            query.sdk_version,
            query.medium.map(|medium| medium.to_string()),
            channel,
            certificate,
            &*peer.info.peer,
            peer.connected_at,
            gone_at,
            cause,
        ])?;
        let mut insert = db.prepare_cached(
            "INSERT INTO plugins (client, plugin, background) VALUES (?1, ?2, ?3)
             ON CONFLICT (client, plugin) DO UPDATE SET background = excluded.background",
        )?;
        for (plugin, background) in &peer.plugins {
            insert.execute(params![peer.row, plugin.as_str(), background])?;
        }
        Ok(())
    }

    fn write_lost(&self, db: &Connection) -> rusqlite::Result<()> {
        if let Some(Lost { first_at, last_at, messages, bytes }) = self.lost {
            db.prepare_cached(
                "INSERT INTO drops (session, first_at, last_at, messages, bytes) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![self.session, first_at, last_at, count(messages), count(bytes)])?;
        }
        Ok(())
    }
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The port that a client came to, and what its certificate proves.
fn words(channel: &Channel) -> (&'static str, Option<&'static str>) {
    match channel {
        Channel::Insecure => ("insecure", None),
        Channel::Browser => ("browser", None),
        Channel::Secure(PeerIdentity::Bound { .. }) => ("secure", Some("bound")),
        Channel::Secure(PeerIdentity::Unbound { .. }) => ("secure", Some("unbound")),
        Channel::Secure(PeerIdentity::Unusable(_)) => ("secure", None),
    }
}
