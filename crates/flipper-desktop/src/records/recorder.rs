//! Records what passes.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use flipper_async::desk::Tap;
use flipper_pki::WallClock;
use flipper_proto::desktop::Event;
use flipper_proto::{ConnId, Instant, WallTime};
use tokio::sync::{oneshot, watch};

use super::Direction;
use super::error::RecordError;
use super::queue::{Entry, Limits, Queue};
use super::writer::Writer;

/// How a recording is made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordOptions {
    /// A batch is written when so many messages wait. Default: 1,000.
    pub batch_messages: usize,
    /// Or so many bytes of them. Default: 1 MiB.
    pub batch_bytes: usize,
    /// Or when the first of them has waited for so long. Default: 200 ms.
    pub batch_after: Duration,
    /// How many messages may wait to be written; what comes when there are as many is lost, and counted. Default: 50,000.
    pub max_waiting: usize,
    /// How many bytes of them, likewise. One message that is larger than that waits alone. Default: 32 MiB.
    pub max_waiting_bytes: usize,
    /// How large the file may become, in bytes. Default: as large as it will.
    pub max_file_bytes: Option<u64>,
}

impl Default for RecordOptions {
    fn default() -> Self {
        Self {
            batch_messages: 1_000,
            batch_bytes: 1 << 20,
            batch_after: Duration::from_millis(200),
            max_waiting: 50_000,
            max_waiting_bytes: 32 << 20,
            max_file_bytes: None,
        }
    }
}

/// How a recording stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordStatus {
    /// The file.
    pub path: PathBuf,
    /// Since when it is recorded.
    pub started_at: WallTime,
    /// How many messages are in the file since then.
    pub messages: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// How many messages were lost: there was no room for them in memory or on the disk.
    pub dropped: u64,
    /// Why the last batch was not written; `None` if it was.
    pub error: Option<RecordError>,
}

/// Records into one file what a [`Tap`] sees, on a thread of its own. Dropped, it writes what it has and ends in its
/// own time; [`finish`](Self::finish) waits for that.
///
/// [`Desktop::start_recording`](crate::Desktop::start_recording) makes one and puts it in place.
pub struct Recorder {
    shared: Arc<Shared>,
    ended: watch::Receiver<()>,
}

/// What the recorder and its writer share.
pub(super) struct Shared {
    pub(super) queue: Queue,
    pub(super) path: PathBuf,
    clock: WallClock,
    started_at: WallTime,
    pub(super) messages: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) dropped: AtomicU64,
    error: Mutex<Option<RecordError>>,
}

/// Is called when messages begin to be lost, with the reason if it is the file's, and how many were lost since the last
/// time.
pub(super) type OnLoss = Box<dyn FnMut(Option<RecordError>, u64) + Send>;

impl Recorder {
    /// Begins to record into a file, which is made if it is not there. A recording goes on with a new session.
    ///
    /// # Errors
    /// [`RecordError`]: the file is something else, is recorded into already, or cannot be used.
    pub async fn open(path: impl Into<PathBuf>, options: RecordOptions) -> Result<Self, RecordError> {
        Self::open_with(path.into(), options, WallClock::default(), Box::new(|_, _| {})).await
    }

    pub(crate) async fn open_with(
        path: PathBuf,
        options: RecordOptions,
        clock: WallClock,
        on_loss: OnLoss,
    ) -> Result<Self, RecordError> {
        let started_at = clock.now();
        let shared = Arc::new(Shared {
            queue: Queue::new(Limits {
                batch_messages: options.batch_messages.max(1),
                batch_bytes: options.batch_bytes.max(1),
                batch_after: options.batch_after,
                max_messages: options.max_waiting.max(1),
                max_bytes: options.max_waiting_bytes.max(1),
            }),
            path: path.clone(),
            clock,
            started_at,
            messages: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            error: Mutex::new(None),
        });
        let (until_the_end, ended) = watch::channel(());
        let (tell, opened) = oneshot::channel();
        let writers = Arc::clone(&shared);
        // SQLite blocks on the disk.
        let spawned = thread::Builder::new().name("flipper-recorder".to_owned()).spawn(move || {
            match Writer::open(&writers.path, started_at, options.max_file_bytes) {
                Ok(writer) => {
                    let _gone = tell.send(Ok(()));
                    writer.run(&writers, on_loss);
                }
                Err(error) => {
                    let _gone = tell.send(Err(error));
                }
            }
            drop(until_the_end);
        });
        spawned.map_err(|error| RecordError::NoThread { text: error.to_string() })?;
        let recorder = Self { shared, ended };
        opened.await.unwrap_or(Err(RecordError::Ended { path }))?;
        Ok(recorder)
    }

    /// What is to see what passes: for [`Desk::set_tap`](flipper_async::desk::Desk::set_tap).
    #[must_use]
    pub fn tap(&self) -> Arc<dyn Tap> {
        Arc::clone(&self.shared) as Arc<dyn Tap>
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self) -> RecordStatus {
        self.shared.status()
    }

    /// Waits until everything that passed before is written or lost.
    pub async fn flush(&self) {
        // A writer that has ended has written everything.
        let _ended = self.shared.queue.flush().await;
    }

    /// Ends the recording, and waits until it is written. The status says if part of it could not be.
    pub async fn finish(mut self) -> RecordStatus {
        self.shared.queue.close();
        // Nothing is ever sent: this waits for the end.
        while self.ended.changed().await.is_ok() {}
        self.shared.status()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.shared.queue.close();
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Recorder").field(&self.status()).finish()
    }
}

impl Shared {
    fn status(&self) -> RecordStatus {
        RecordStatus {
            path: self.path.clone(),
            started_at: self.started_at,
            messages: self.messages.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            error: self.error().clone(),
        }
    }

    pub(super) fn set_error(&self, error: Option<RecordError>) {
        *self.error() = error;
    }

    pub(super) fn now(&self) -> i64 {
        millis(self.clock.now())
    }

    fn error(&self) -> MutexGuard<'_, Option<RecordError>> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, entry: Entry) {
        if !self.queue.push(entry) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn passed(&self, conn: ConnId, direction: Direction, text: &str) {
        self.push(Entry::Message { conn, time: self.now(), direction, text: text.into() });
    }
}

impl Tap for Shared {
    fn received(&self, conn: ConnId, text: &str) {
        self.passed(conn, Direction::ToDesktop, text);
    }

    fn sent(&self, conn: ConnId, text: &str) {
        self.passed(conn, Direction::ToApp, text);
    }

    fn told(&self, event: &Event, now: Instant) {
        let time = match event {
            // It may have come long before it was recorded.
            Event::ClientConnected { info, .. } => {
                let since = now.saturating_duration_since(info.connected_at).as_millis();
                self.now().saturating_sub_unsigned(u64::try_from(since).unwrap_or(u64::MAX))
            }
            Event::ClientDisconnected { .. } | Event::PluginsChanged { .. } => self.now(),
            _ => return,
        };
        self.push(Entry::Told { time, event: event.clone() });
    }
}

/// As a recording has times.
pub(super) fn millis(time: WallTime) -> i64 {
    i64::try_from(time.as_unix_millis()).unwrap_or(i64::MAX)
}
