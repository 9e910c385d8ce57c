//! Brings reports to the desktop, from a thread that lives as long as there are any.

use std::backtrace::Backtrace;
use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use flipper_client::proto::Payload;
use flipper_client::{Connection, SendError};

use super::report::Report;
use super::shelf::Shelf;

/// The event that carries a report as a row.
pub(super) const ROW: &str = "newRow";
/// The event that empties the table.
pub(super) const RESET: &str = "reset";

/// How many errors wait to be written to the disk.
const QUEUE: usize = 64;
/// How many rows a desktop that comes anew is shown again.
pub(super) const SHOWN: usize = 20;
/// How long a thread that panics waits until the desktop has been told. Events may go in bursts, every quarter of a second.
const PANIC_PATIENCE: Duration = Duration::from_millis(350);
/// How long a row may take to leave the app before it is tried again in the next session.
const SEND_PATIENCE: Duration = Duration::from_secs(10);
/// How often a desktop that has not initialised the plugin is looked for.
const LOOK: Duration = Duration::from_secs(1);

pub(super) struct Courier {
    shelf: Shelf,
    desk: Mutex<Desk>,
    /// The thread has something to do, or has done something.
    changed: Condvar,
    lost: AtomicU64,
    has_hook: AtomicBool,
}

/// No code of the app's runs under its lock, and nothing there waits for another: a thread that panics may take it.
#[derive(Default)]
struct Desk {
    /// Reports that are not on the disk yet.
    queue: VecDeque<(Report, Option<Backtrace>)>,
    /// Whether one of them is being written.
    writes: bool,
    connection: Option<Connection>,
    /// Whether a desktop has initialised the plugin, and the how-many-th did.
    session: Option<u64>,
    sessions: u64,
    /// The rows that this process has sent.
    shown: VecDeque<Payload>,
    /// Whether there is a thread, and whether it has to look again before it ends.
    at_work: bool,
    look_again: bool,
}

impl Courier {
    pub(super) fn new(shelf: Shelf) -> Self {
        Self {
            shelf,
            desk: Mutex::default(),
            changed: Condvar::new(),
            lost: AtomicU64::new(0),
            has_hook: AtomicBool::new(false),
        }
    }

    /// Whether the hook is yet to be installed; it is from now on.
    pub(super) fn begin_hook(&self) -> bool {
        !self.has_hook.swap(true, Ordering::AcqRel)
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    pub(super) fn pending(&self) -> usize {
        let desk = self.desk();
        desk.queue.len() + usize::from(desk.writes) + self.shelf.ids().len()
    }

    pub(super) fn added(self: &Arc<Self>, connection: Connection, place: impl FnOnce(PathBuf) -> PathBuf) {
        self.shelf.settle(|| connection.directory().map(place));
        self.desk().connection = Some(connection);
        self.begin();
    }

    pub(super) fn connected(self: &Arc<Self>, connection: Connection) {
        let mut desk = self.desk();
        let rows = std::iter::once((RESET, Payload::empty_object()))
            .chain(desk.shown.iter().map(|row| (ROW, row.clone())))
            .collect::<Vec<_>>();
        desk.sessions += 1;
        desk.session = Some(desk.sessions);
        desk.connection = Some(connection.clone());
        drop(desk);
        for (method, params) in rows {
            // What cannot be sent is not shown again; it was before.
            let _sent = connection.send_json(method, Some(&params));
        }
        self.begin();
    }

    pub(super) fn disconnected(&self) {
        self.desk().session = None;
        self.changed.notify_all();
    }

    /// Takes a report, without waiting for the disk.
    pub(super) fn send(self: &Arc<Self>, report: Report, backtrace: Option<Backtrace>) {
        let mut desk = self.desk();
        if desk.queue.len() >= QUEUE {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        desk.queue.push_back((report, backtrace));
        drop(desk);
        self.begin();
    }

    /// Writes the report of a panic to the disk, and has it told. Says whether it is there.
    pub(super) fn keep(self: &Arc<Self>, report: Report) -> bool {
        if !self.shelf.is_settled() {
            self.send(report, None);
            return false;
        }
        let kept = self.put(&report).is_ok();
        self.begin();
        kept
    }

    /// Waits a moment until the desktop has been told, if one looks on.
    pub(super) fn wait_until_told(&self, id: &str) {
        let deadline = Instant::now() + PANIC_PATIENCE;
        let mut desk = self.desk();
        while desk.session.is_some() && self.shelf.has(id) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            desk = self.changed.wait_timeout(desk, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Has the thread look what there is to do.
    fn begin(self: &Arc<Self>) {
        let mut desk = self.desk();
        desk.look_again = true;
        self.changed.notify_all();
        if desk.at_work {
            return;
        }
        let courier = Arc::clone(self);
        let started = thread::Builder::new().name("flipper-crash".to_owned()).spawn(move || courier.work());
        // Without a thread the reports wait for the next occasion.
        desk.at_work = started.is_ok();
    }

    fn work(&self) {
        let _end = End(self);
        loop {
            self.write_queue();
            let ids = self.shelf.ids();
            let mut desk = self.desk();
            desk.look_again = false;
            let (connection, session) = (desk.connection.clone(), desk.session);
            drop(desk);
            let untold = match (connection, session) {
                (Some(connection), Some(session)) => {
                    self.tell_all(&ids, &connection, session);
                    false
                }
                (Some(connection), None) => self.announce_all(&ids, &connection),
                // It is begun anew when the plugin is added to an app.
                (None, _) => false,
            };
            let mut desk = self.desk();
            if untold && !desk.look_again {
                desk = self.changed.wait_timeout(desk, LOOK).unwrap_or_else(PoisonError::into_inner).0;
            } else if !desk.look_again && (desk.queue.is_empty() || !self.shelf.is_settled()) {
                desk.at_work = false;
                return;
            }
            drop(desk);
        }
    }

    fn write_queue(&self) {
        while self.shelf.is_settled() {
            let mut desk = self.desk();
            let Some((report, backtrace)) = desk.queue.pop_front() else { return };
            desk.writes = true;
            drop(desk);
            let report = match &backtrace {
                Some(backtrace) => report.with_stacktrace(backtrace),
                None => report,
            };
            if let Err(error) = self.put(&report) {
                tracing::warn!("the error {} is not kept until a desktop comes: {error}", report.name);
            }
            self.desk().writes = false;
        }
    }

    /// Writes a report to the disk, and counts what is lost: it, or older ones that gave way.
    fn put(&self, report: &Report) -> io::Result<()> {
        let put = self.shelf.put(report);
        self.lost.fetch_add(*put.as_ref().unwrap_or(&1), Ordering::Relaxed);
        put.map(drop)
    }

    /// Tells a desktop that has initialised the plugin of every report, from the oldest to the newest.
    fn tell_all(&self, ids: &[String], connection: &Connection, session: u64) {
        for id in ids {
            let Some(report) = self.shelf.read(id) else { continue };
            if !self.tell(&report, connection, session) {
                return;
            }
            self.shelf.remove(id);
            self.changed.notify_all();
        }
    }

    /// Says whether the desktop has been told.
    fn tell(&self, report: &Report, connection: &Connection, session: u64) -> bool {
        if !report.told && connection.report_error(&report.frame()).is_err() {
            return false;
        }
        let Ok(row) = Payload::serialize(report) else { return true };
        if connection.send_json(ROW, Some(&row)).is_err() {
            return false;
        }
        if !self.wait_until_flushed(connection, |desk| desk.session != Some(session)) {
            return false;
        }
        let mut desk = self.desk();
        if desk.session != Some(session) {
            return false;
        }
        desk.shown.push_back(row);
        if desk.shown.len() > SHOWN {
            desk.shown.pop_front();
        }
        true
    }

    /// Waits until what was sent has left the app, unless `is_over` says that it never will. Says whether it has.
    fn wait_until_flushed(&self, connection: &Connection, is_over: impl Fn(&Desk) -> bool) -> bool {
        let deadline = Instant::now() + SEND_PATIENCE;
        while !connection.is_flushed() {
            if is_over(&self.desk()) || Instant::now() > deadline {
                return false;
            }
            thread::sleep(Duration::from_millis(1));
        }
        true
    }

    /// Tells a desktop that has not initialised the plugin of every report as an error; they stay on the disk for one
    /// that has. Says whether some could not be told, and may be later.
    fn announce_all(&self, ids: &[String], connection: &Connection) -> bool {
        for id in ids {
            let Some(report) = self.shelf.read(id) else { continue };
            if report.told {
                continue;
            }
            match connection.report_error(&report.frame()) {
                Ok(()) => {
                    // The desktop may initialise the plugin meanwhile: it has been told all the same.
                    if !self.wait_until_flushed(connection, |_| false) {
                        return true;
                    }
                    // Where it cannot be noted, it is told again.
                    let _noted = self.shelf.put(&Report { told: true, ..report });
                }
                Err(SendError::Stopped | SendError::PluginRemoved) => return false,
                Err(_) => return true,
            }
        }
        false
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread ends, and be it by a panic of what it logs to: another one may begin.
struct End<'a>(&'a Courier);

impl Drop for End<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let mut desk = self.0.desk();
            desk.at_work = false;
            desk.writes = false;
        }
    }
}
