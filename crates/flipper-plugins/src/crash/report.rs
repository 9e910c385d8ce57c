//! What is told of one panic or error.

use std::any::type_name;
use std::backtrace::Backtrace;
use std::error::Error;
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use flipper_client::proto::ErrorReport;
use serde::{Deserialize, Serialize};

use crate::text::bounded;

/// The most bytes of a message.
const MESSAGE: usize = 8 << 10;
/// The most bytes of a stack trace.
const STACKTRACE: usize = 32 << 10;

/// A report, as it stands on the disk, and as a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Report {
    /// Different for every report of an app: its moment, its process, and its number there. Reports sort by it.
    pub(super) id: String,
    /// Unix milliseconds.
    pub(super) time: u64,
    pub(super) name: String,
    pub(super) message: String,
    pub(super) stacktrace: String,
    /// Whether the error frame was sent, and only the row was not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) told: bool,
}

impl Report {
    /// Runs in a panicking thread: nothing here may panic, or take a lock that the app may hold.
    pub(super) fn of_panic(info: &PanicHookInfo<'_>) -> Self {
        let text = info.payload_as_str().unwrap_or("the panic has a value that is no text");
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or("without a name");
        let message = match info.location() {
            Some(location) => bounded(MESSAGE, format_args!("{text}\nat {location}, in thread {thread}")),
            None => bounded(MESSAGE, format_args!("{text}\nin thread {thread}")),
        };
        Self::new("Panic".to_owned(), message).with_stacktrace(&Backtrace::force_capture())
    }

    /// Without its stack trace, which takes long to write.
    pub(super) fn of_error<E: Error + ?Sized>(error: &E) -> Self {
        let mut message = bounded(MESSAGE, format_args!("{error}"));
        // An error that is its own source must not be followed for ever.
        for source in std::iter::successors(error.source(), |error| (*error).source()).take(16) {
            message = bounded(MESSAGE, format_args!("{message}\ncaused by: {source}"));
        }
        Self::new(kind(type_name::<E>()), message)
    }

    fn new(name: String, message: String) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let time = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let id = format!("{time:013}-{}-{:06}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        Self { id, time, name, message, stacktrace: String::new(), told: false }
    }

    pub(super) fn with_stacktrace(mut self, backtrace: &Backtrace) -> Self {
        self.stacktrace = bounded(STACKTRACE, format_args!("{backtrace}"));
        self
    }

    /// The error frame.
    pub(super) fn frame(&self) -> ErrorReport {
        ErrorReport::new(self.message.as_str()).named(self.name.as_str()).with_stacktrace(self.stacktrace.as_str())
    }
}

/// The name of a type without its path: `Error` of `std::io::error::Error`, `Error` of `dyn core::error::Error`.
fn kind(type_name: &str) -> String {
    let path = type_name.split(['<', ' ']).rfind(|part| part.contains("::")).unwrap_or(type_name);
    path.rsplit("::").next().unwrap_or(path).trim_end_matches('>').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_a_short_name() {
        for (long, short) in [
            ("std::io::error::Error", "Error"),
            ("dyn core::error::Error", "Error"),
            ("Plain", "Plain"),
            ("my_app::orders::NotPaid", "NotPaid"),
        ] {
            assert_eq!(kind(long), short, "{long}");
        }
    }

    #[test]
    fn an_error_comes_with_its_causes() {
        let inner = std::io::Error::other("no such order");
        let outer = std::io::Error::other(inner);
        let report = Report::of_error(&outer);
        assert_eq!(report.message, "no such order");
        let report = Report::of_error(&Outer(outer)).with_stacktrace(&Backtrace::force_capture());
        assert_eq!(report.message, "not paid\ncaused by: no such order");
        assert_eq!(report.name, "Outer");
        assert!(report.stacktrace.contains("an_error_comes_with_its_causes"), "{}", report.stacktrace);
    }

    #[derive(Debug)]
    struct Outer(std::io::Error);

    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("not paid")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }
}
