//! Why adb does not do what it is asked for.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use flipper_proto::Excerpt;

use super::address::Address;

/// Why adb does not do what it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Nobody takes connections at the address of adb's server.
    NoServer {
        /// Where it was looked for.
        address: Address,
        /// What kind of error it is.
        kind: io::ErrorKind,
        /// What the system said.
        text: String,
    },
    /// Adb refuses: there is no such device, it is offline or does not trust this machine, it has no such service.
    Refused(Excerpt),
    /// There was no answer in time.
    TimedOut {
        /// How long that was.
        after: Duration,
    },
    /// The connection ended in the middle of an answer, as it does when a device is unplugged or the server stopped.
    Closed,
    /// The connection failed.
    Connection {
        /// What kind of error it is.
        kind: io::ErrorKind,
        /// What the system said.
        text: String,
    },
    /// What came is not adb's protocol.
    Protocol {
        /// What was expected.
        expected: &'static str,
        /// What came instead.
        got: Excerpt,
    },
    /// A command prints more than is read.
    TooMuchOutput {
        /// The limit in bytes.
        max: usize,
    },
}

impl Error {
    /// The kind of error, for programs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::NoServer { .. } => "AdbNotRunning",
            Self::Refused(_) => "AdbRefused",
            Self::TimedOut { .. } => "AdbTimedOut",
            Self::Closed | Self::Connection { .. } => "AdbDisconnected",
            Self::Protocol { .. } => "AdbProtocol",
            Self::TooMuchOutput { .. } => "AdbTooMuchOutput",
        }
    }

    /// What to do about it, where there is something to do.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoServer { .. } => Some(
                "start adb's server with `adb start-server`; if it listens elsewhere, say where, for example in \
                 ANDROID_ADB_SERVER_PORT",
            ),
            Self::Protocol { .. } => Some("make sure that it is adb's server that listens there"),
            Self::Refused(_)
            | Self::TimedOut { .. }
            | Self::Closed
            | Self::Connection { .. }
            | Self::TooMuchOutput { .. } => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoServer { address, text, .. } => write!(f, "no adb server answers at {address}: {text}"),
            Self::Refused(text) => write!(f, "{}", text.as_str()),
            Self::TimedOut { after } => write!(f, "no answer within {:.1} s", after.as_secs_f64()),
            Self::Closed => f.write_str("the connection ended in the middle of an answer"),
            Self::Connection { text, .. } => write!(f, "the connection failed: {text}"),
            Self::Protocol { expected, got } => write!(f, "adb's server said {got:?} in the place of {expected}"),
            Self::TooMuchOutput { max } => write!(f, "the command printed more than {max} bytes"),
        }
    }
}

impl StdError for Error {}
