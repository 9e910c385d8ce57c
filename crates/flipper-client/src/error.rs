//! What can go wrong for an app.

use std::fmt;

use flipper_proto::ApiMisuse;

#[cfg(not(feature = "enabled"))]
use crate::off::LinkError;
#[cfg(feature = "enabled")]
use flipper_pki::LinkError;

/// Why an app's Flipper did not start.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartError {
    /// This is empty.
    NoName(&'static str),
    /// An environment variable does not hold two ports.
    BadPorts {
        /// The variable.
        variable: &'static str,
        /// What it holds.
        value: String,
    },
    /// No directory was given, and there is no home directory to put one into.
    NoDirectory,
    /// The pairing link cannot be read.
    BadPairing {
        /// Where it came from.
        source: &'static str,
        /// What is wrong with it.
        error: LinkError,
    },
    /// Medium WWW was chosen, and nothing was given to fetch certificates with.
    NoCertificateProvider,
    /// The runtime is not there; the text says which, and what to do.
    NoRuntime(&'static str),
    /// It was started or stopped before.
    AlreadyStarted,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoName(what) => write!(f, "{what} is empty; Flipper cannot show an app without one"),
            Self::BadPorts { variable, value } => write!(
                f,
                "the variable {variable} must hold the two ports of the desktop as INSECURE,SECURE (such as 9089,9088), \
                 not {value:?}"
            ),
            Self::NoDirectory => f.write_str(
                "there is no home directory to keep keys and certificates in; give a directory, or set FLIPPER_STATE_DIR",
            ),
            Self::BadPairing { source, error } => write!(f, "{error} (it was given by {source})"),
            Self::NoCertificateProvider => f.write_str(
                "medium WWW needs a pairing with the desktop, or a certificate provider that fetches certificates; give \
                 the link that `flipper pair` prints, or a provider, or leave the medium unset",
            ),
            Self::NoRuntime(what) => f.write_str(what),
            Self::AlreadyStarted => f.write_str("it was started or stopped before, and starts only once"),
        }
    }
}

impl std::error::Error for StartError {}

/// Why an event was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The params cannot be written as JSON; the text says why.
    NotJson(String),
    /// The message would be larger than the limit.
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// The plugin was removed.
    PluginRemoved,
    /// No desktop is connected.
    NotConnected,
    /// The app's Flipper was stopped.
    Stopped,
}

impl From<ApiMisuse> for SendError {
    fn from(misuse: ApiMisuse) -> Self {
        match misuse {
            ApiMisuse::TooLarge { size, max } => Self::TooLarge { size, max },
            ApiMisuse::NotConnected => Self::NotConnected,
            _ => Self::PluginRemoved,
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson(why) => write!(f, "the params cannot be written as JSON: {why}"),
            Self::TooLarge { size, max } => write!(f, "the message has {size} bytes, {max} are allowed"),
            Self::PluginRemoved => f.write_str("the plugin was removed"),
            Self::NotConnected => f.write_str("no desktop is connected"),
            Self::Stopped => f.write_str("Flipper was stopped"),
        }
    }
}

impl std::error::Error for SendError {}

/// The call that was answered is gone: its session has ended, or its plugin was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownCall;

impl fmt::Display for UnknownCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the session of this call has ended, or its plugin was removed")
    }
}

impl std::error::Error for UnknownCall {}
