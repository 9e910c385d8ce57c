//! Panics and errors of the app, told to the desktop: at once, or when the app has been started again.
//!
//! ```no_run
//! use flipper_plugins::crash::Crash;
//!
//! let crash = Crash::new();
//! crash.install_panic_hook();
//! // `crash.clone()` goes to the app's builder; the app keeps `crash`.
//! if let Err(error) = std::fs::read("settings.json") {
//!     crash.report(&error);
//! }
//! ```
//!
//! # What the desktop is told
//!
//! Each report is the error frame of the protocol, `{"error":{"name","message","stacktrace"}}`: the official desktop
//! shows it as a crash where its plugin `CrashReporter` knows the device (Android, iOS simulator), and in its console
//! elsewhere. It is also a row of plugin `rust-crashes`, for the desktop side that `flipper official-plugins install`
//! puts in place.
//!
//! # When it is told
//!
//! A report is written to the disk first (readable to nobody else), and deleted when the desktop has it: when a desktop that has initialised the
//! plugin has taken the row from the app. If the process dies before, the next one tells it. Nobody confirms a report, so
//! that one may be told twice where a process dies in just that moment; the rows of both have the same `id`.
//!
//! # What it does not see
//!
//! Whatever does not run the panic hook: signals such as a segmentation fault, `abort`, `exit`, running out of memory, a
//! panic while another one unwinds out of a `Drop` (the first one is told). With `panic = "abort"` the hook runs, and the
//! report is told at the next start.

mod courier;
mod hook;
mod report;
mod shelf;

use std::backtrace::Backtrace;
use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use flipper_client::{Call, Connection, Plugin};

use self::courier::Courier;
use self::report::Report;
use self::shelf::Shelf;
use crate::table::{Column, Metadata};

/// Tells the desktop of panics and errors. Clones are the same plugin.
#[derive(Clone)]
pub struct Crash {
    courier: Arc<Courier>,
}

impl Crash {
    /// The id that both ends know it by.
    pub const ID: &str = "rust-crashes";

    /// With everything as it is by default.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Begins with the defaults.
    pub fn builder() -> CrashBuilder {
        CrashBuilder { directory: None, keep: 20 }
    }

    /// Reports every panic from now on, of whatever thread, also one that is caught. The hook that was there before runs
    /// as well. A second time it does nothing.
    ///
    /// A panic of the main thread, which ends the process, waits a third of a second at most until a desktop that looks on
    /// has been told; so does every panic where panics abort.
    pub fn install_panic_hook(&self) {
        if !self.courier.begin_hook() {
            return;
        }
        hook::install(Arc::clone(&self.courier));
    }

    /// Reports an error, with those that caused it, and where this was called. It does not wait for anything.
    pub fn report<E: Error + ?Sized>(&self, error: &E) {
        self.courier.send(Report::of_error(error), Some(Backtrace::force_capture()));
    }

    /// How many reports were lost, because too many came at once, waited, or could not be written to the disk.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.courier.lost()
    }

    /// How many reports wait to be told.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.courier.pending()
    }
}

impl Default for Crash {
    fn default() -> Self {
        Self::new()
    }
}

impl Plugin for Crash {
    fn id(&self) -> &str {
        Self::ID
    }

    fn run_in_background(&self) -> bool {
        true
    }

    fn on_added(&self, connection: Connection) {
        self.courier.added(connection, |directory| directory.join("crashes"));
    }

    fn on_connect(&self, connection: Connection) {
        self.courier.connected(connection);
    }

    fn on_disconnect(&self) {
        self.courier.disconnected();
    }

    fn has_method(&self, method: &str) -> bool {
        method == "metadata"
    }

    /// Describes the reports as a table describes itself.
    fn on_call(&self, call: Call) {
        // A session that ended meanwhile wants no answer.
        let _ended = call.responder.success(&Metadata {
            columns: &[
                Column::time("time").titled("Time").wide(130),
                Column::text("name").titled("Name").wide(160),
                Column::text("message").titled("Message"),
            ],
            key: Some("id"),
            row_method: courier::ROW,
            reset_method: courier::RESET,
            background: true,
            keeps: courier::SHOWN,
        });
    }
}

impl fmt::Debug for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crash").field("lost", &self.lost()).finish_non_exhaustive()
    }
}

/// A [`Crash`] in the making.
#[derive(Clone, Debug)]
#[must_use]
pub struct CrashBuilder {
    directory: Option<PathBuf>,
    keep: usize,
}

impl CrashBuilder {
    /// The private directory that reports wait in. Default: `crashes` in the app's directory for keys and certificates,
    /// `~/.flipper/apps/<app id>`; a panic before the plugin is added to the app then waits in memory until it is.
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// How many reports wait on the disk, the newest ones. Default: 20.
    pub fn keep(mut self, reports: usize) -> Self {
        self.keep = reports;
        self
    }

    /// The plugin.
    #[must_use]
    pub fn build(self) -> Crash {
        Crash { courier: Arc::new(Courier::new(Shelf::new(self.directory, self.keep))) }
    }
}
