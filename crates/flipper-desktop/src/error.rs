//! Why a desktop does not start, and why a call fails.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use flipper_pki::AuthorityError;
use flipper_proto::desktop::Outcome;
use flipper_proto::{ApiMisuse, ErrorReport, Payload, ProtocolError};

use crate::port_owner::PortOwner;

/// Why a desktop did not start. The text says what, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartError {
    /// An environment variable does not hold two ports.
    BadPorts {
        /// The variable.
        variable: &'static str,
        /// What it holds.
        value: String,
    },
    /// Two of the ports are to be this one.
    SamePort(u16),
    /// No address to listen on was given.
    NoAddress,
    /// Somebody listens there already.
    PortInUse {
        /// Where.
        address: SocketAddr,
        /// Who, if the system tells.
        owner: Option<PortOwner>,
    },
    /// The system does not let this process listen there.
    CannotListen {
        /// Where.
        address: SocketAddr,
        /// What kind of error it is.
        kind: io::ErrorKind,
        /// What the system said.
        text: String,
    },
    /// The certificate authority cannot be used; the error names the file.
    Authority(AuthorityError),
    /// Another desktop runs with this state directory.
    AlreadyRunning {
        /// Its process, if that is known.
        pid: Option<u32>,
        /// The directory.
        directory: PathBuf,
    },
    /// The state directory cannot be used.
    State {
        /// What was tried.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What kind of error it is.
        kind: io::ErrorKind,
        /// What the system said.
        text: String,
    },
    /// No directory was given, and there is no home directory to put one into.
    NoStateDirectory,
    /// A file that says where the desktop is cannot be written.
    StateFile {
        /// The file.
        path: PathBuf,
        /// What kind of error it is.
        kind: io::ErrorKind,
        /// What the system said.
        text: String,
    },
    /// The system has no random numbers to give; the text says why.
    NoChance(String),
    /// The system gives no thread for the observers, or to follow adb.
    NoThread {
        /// What kind of error it is.
        kind: io::ErrorKind,
        /// What the system said.
        text: String,
    },
    /// The runtime is not there; the text says which, and what to do.
    NoRuntime(&'static str),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadPorts { variable, value } => write!(
                f,
                "the variable {variable} must hold the two ports of the desktop as INSECURE,SECURE (such as 9089,9088), \
                 not {value:?}"
            ),
            Self::SamePort(port) => {
                write!(f, "the desktop cannot use port {port} for two things; give each of its ports another number")
            }
            Self::NoAddress => f.write_str("there is no address to listen on"),
            Self::PortInUse { address, owner: Some(owner) } => {
                write!(f, "{address} is in use by {owner}; stop that, or choose other ports")
            }
            Self::PortInUse { address, owner: None } => {
                write!(f, "{address} is in use, perhaps by another desktop; stop that, or choose other ports")
            }
            Self::CannotListen { address, text, .. } => write!(f, "cannot listen on {address}: {text}"),
            Self::Authority(error) => write!(f, "{error}"),
            Self::AlreadyRunning { pid, directory } => {
                write!(f, "a desktop already runs on {}", directory.display())?;
                if let Some(pid) = pid {
                    write!(f, ", process {pid}")?;
                }
                f.write_str("; stop it, or give this one another directory (--state-dir)")
            }
            Self::State { doing, path, text, .. } => write!(
                f,
                "cannot {doing} {}: {text}; make it the desktop's own, or give another directory (--state-dir)",
                path.display()
            ),
            Self::NoStateDirectory => f.write_str(
                "there is no home directory to keep the certificate authority in; give a directory, or set \
                 FLIPPER_STATE_DIR",
            ),
            Self::StateFile { path, text, .. } => write!(
                f,
                "{} cannot be written: {text}; make its directory writable, or choose another one",
                path.display()
            ),
            Self::NoChance(text) => write!(f, "the system gives no random numbers: {text}"),
            Self::NoThread { text, .. } => write!(f, "there is no thread for the observers, or to follow adb: {text}"),
            Self::NoRuntime(what) => f.write_str(what),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Authority(error) => Some(error),
            _ => None,
        }
    }
}

impl From<AuthorityError> for StartError {
    fn from(error: AuthorityError) -> Self {
        Self::Authority(error)
    }
}

/// Why something that was asked of a client did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError {
    /// No such client is connected.
    NotConnected,
    /// The client answered with an error.
    Failed {
        /// The error, as far as it has the usual shape.
        report: Box<ErrorReport>,
        /// The error as it came.
        raw: Payload,
    },
    /// The client's answer cannot be understood.
    BadAnswer(ProtocolError),
    /// No answer came in time.
    TimedOut {
        /// How long it was waited for.
        after: Duration,
    },
    /// The client is gone. Whether it got the request is not known.
    Disconnected,
    /// The client does not keep up: this many requests wait for their answers, or this many bytes to be read by it.
    Busy(ApiMisuse),
    /// The message would be larger than the limit.
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        max: usize,
    },
}

impl CallError {
    pub(crate) fn of_outcome(outcome: Outcome) -> Result<Payload, Self> {
        match outcome {
            Outcome::Success(payload) => Ok(payload),
            Outcome::Error { report, raw } => Err(Self::Failed { report: Box::new(report), raw }),
            Outcome::Neither => Err(Self::BadAnswer(ProtocolError::Missing("success"))),
            Outcome::Invalid(error) => Err(Self::BadAnswer(error)),
            Outcome::TimedOut { after } => Err(Self::TimedOut { after }),
            // No other outcome is known, and none that is not would have an answer in it.
            Outcome::Disconnected | _ => Err(Self::Disconnected),
        }
    }
}

impl From<ApiMisuse> for CallError {
    fn from(misuse: ApiMisuse) -> Self {
        match misuse {
            ApiMisuse::TooLarge { size, max } => Self::TooLarge { size, max },
            busy @ (ApiMisuse::TooManyPending { .. } | ApiMisuse::QueueFull { .. }) => Self::Busy(busy),
            _ => Self::NotConnected,
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConnected => f.write_str("no such client is connected"),
            Self::Failed { report, .. } => write!(f, "{report}"),
            Self::BadAnswer(error) => write!(f, "the client's answer is not understood: {error}"),
            Self::TimedOut { after } => write!(f, "the client did not answer within {:.1} s", after.as_secs_f64()),
            Self::Disconnected => f.write_str("the client disconnected before it answered"),
            Self::Busy(how) => write!(f, "the client does not keep up: {how}"),
            Self::TooLarge { size, max } => write!(f, "the message has {size} bytes, {max} are allowed"),
        }
    }
}

impl Error for CallError {}
