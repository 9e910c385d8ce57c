//! The other side of `flipper conformance client --shim`: what a program written in Rust needs to be a shim.
//!
//! [`Flags`] reads the command line that every shim gets, and [`contract`] is the plugin that every client under test
//! must have. `docs/conformance.md` describes both for other languages.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use flipper_client::Plugin;

use crate::roles::{Played, Sample};

/// The exit status of a shim that cannot run a scenario.
pub const NOT_IMPLEMENTED: u8 = 89;

/// The command line of a shim.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flags {
    /// `--host`: where the desktop is.
    pub host: String,
    /// `--ports INSECURE,SECURE` or `--browser-port PORT`.
    pub ports: Ports,
    /// `--directory`: where the client is to keep its keys and certificates.
    pub directory: PathBuf,
    /// `--scenario`: what is going to be checked.
    pub scenario: String,
    /// `--app`: the app's name.
    pub app: String,
    /// `--app-id`: the app's bundle id.
    pub app_id: String,
    /// `--backoff FIRST,CEILING` in milliseconds, which [programs](crate::programs) are given: the first wait between two
    /// attempts, and the longest.
    pub backoff: Option<(Duration, Duration)>,
    /// `--grant` in milliseconds, which they are given, too: how long a desktop may take to answer a certificate request.
    pub grant: Option<Duration>,
}

/// Where a client under test is to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// To a port for the certificate exchange, and one for sessions over mutual TLS.
    Secure {
        /// The first.
        insecure: u16,
        /// The second.
        secure: u16,
    },
    /// To the port for browsers.
    Browser(u16),
}

/// What is wrong with a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagsError(String);

impl Flags {
    /// Reads a command line, less the program's name. Flags that are not known are ignored, with their values: a shim
    /// works with later versions of the checks.
    ///
    /// # Errors
    /// When a flag is missing or its value makes no sense.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, FlagsError> {
        let mut values = BTreeMap::new();
        let mut arguments = arguments.into_iter();
        while let Some(flag) = arguments.next() {
            let value = arguments.next().ok_or_else(|| FlagsError(format!("{flag} has no value")))?;
            values.insert(flag, value);
        }
        let bad = |flag: &str, value: &str| FlagsError(format!("{flag} {value:?} makes no sense"));
        let ports = if let Some(pair) = values.get("--ports") {
            let (insecure, secure) = pair.split_once(',').ok_or_else(|| bad("--ports", pair))?;
            let port = |text: &str| text.parse().map_err(|_| bad("--ports", pair));
            Ports::Secure { insecure: port(insecure)?, secure: port(secure)? }
        } else if let Some(port) = values.get("--browser-port") {
            Ports::Browser(port.parse().map_err(|_| bad("--browser-port", port))?)
        } else {
            return Err(FlagsError("there is neither --ports nor --browser-port".to_owned()));
        };
        let milliseconds = |flag, text: &str| text.parse().map(Duration::from_millis).map_err(|_| bad(flag, text));
        let backoff = match values.get("--backoff") {
            Some(pair) => {
                let (first, ceiling) = pair.split_once(',').ok_or_else(|| bad("--backoff", pair))?;
                Some((milliseconds("--backoff", first)?, milliseconds("--backoff", ceiling)?))
            }
            None => None,
        };
        let grant = values.get("--grant").map(|text| milliseconds("--grant", text)).transpose()?;
        let mut take = |flag: &str| values.remove(flag).ok_or_else(|| FlagsError(format!("{flag} is missing")));
        Ok(Self {
            host: take("--host")?,
            directory: take("--directory")?.into(),
            scenario: take("--scenario")?,
            app: take("--app")?,
            app_id: take("--app-id")?,
            ports,
            backoff,
            grant,
        })
    }
}

impl fmt::Display for FlagsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for FlagsError {}

/// The plugin `test` with every method that the scenarios call.
#[must_use]
pub fn contract() -> impl Plugin {
    Played::new(Sample::test())
}
