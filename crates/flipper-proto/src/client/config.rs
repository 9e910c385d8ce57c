//! What an app tells the client before it starts.

use alloc::string::String;
use core::time::Duration;

use crate::limits::{Limits, Overflow};
use crate::query::Medium;

/// Everything that a [`Client`](super::Client) is told once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The app's name, as people see it.
    pub app: String,
    /// The app's bundle id in reverse-DNS form; the certificate is issued to it.
    pub app_id: String,
    /// The operating system that the client presents.
    pub os: Os,
    /// The device's name, as people see it.
    pub device: String,
    /// A stable id of this device, presented where a desktop answers an empty one.
    pub device_id: String,
    /// How certificates reach the app.
    pub medium: MediumChoice,
    /// The desktop's host name or address, without a port. Default: `localhost`.
    pub host: String,
    /// The desktop's ports. Default: 9089 and 9088.
    pub ports: Ports,
    /// Tells two processes of one app apart, so that a desktop of this project keeps both. Random per process.
    pub instance_id: Option<String>,
    /// A hint that the desktop should show this app.
    pub foreground: Option<bool>,
    /// When to try again.
    pub backoff: Backoff,
    /// How long to wait for what.
    pub timing: Timing,
    /// What is bounded.
    pub limits: Limits,
    /// Which event goes when a plugin's buffer is full.
    pub overflow: Overflow,
    /// How long the pauses between bursts of events are at least. Default: none, every event goes at once.
    ///
    /// The official UI shows what an app sends when nothing has come for 200 ms, and never before: an app whose plugins
    /// are never silent for so long needs pauses of 250 ms to be seen. An event that comes in a pause waits for its end,
    /// in the buffer of its plugin; when that is half full, the pause ends. Answers never wait.
    pub event_pause: Duration,
    /// Where the jitter of the backoff comes from. Two clients with the same seed wait alike.
    pub seed: u64,
}

impl Config {
    /// The settings of an app, with the defaults for everything else.
    #[must_use]
    pub fn new(app: impl Into<String>, app_id: impl Into<String>) -> Self {
        Self {
            app: app.into(),
            app_id: app_id.into(),
            os: Os::Automatic(String::from("Linux")),
            device: String::from("localhost"),
            device_id: String::from("localhost"),
            medium: MediumChoice::Automatic,
            host: String::from("localhost"),
            ports: Ports::default(),
            instance_id: None,
            foreground: None,
            backoff: Backoff::default(),
            timing: Timing::default(),
            limits: Limits::default(),
            overflow: Overflow::default(),
            event_pause: Duration::ZERO,
            seed: 0,
        }
    }

    /// Whether certificates can be asked for at all.
    pub(crate) fn exchanges(&self) -> bool {
        self.medium != MediumChoice::Fixed(Medium::None)
    }

    /// The medium of the exchange. What the session's query says never matters here.
    pub(crate) fn exchange_medium(&self) -> Medium {
        match self.medium {
            MediumChoice::Automatic => Medium::FsAccess,
            MediumChoice::Fixed(medium) => medium,
        }
    }
}

/// The operating system that a client presents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Os {
    /// The real one, until a desktop refuses it: then [`Os::FALLBACK`].
    Automatic(String),
    /// This one, whatever the desktop says.
    Fixed(String),
}

impl Os {
    /// What a client presents to a desktop that refuses its real operating system.
    ///
    /// The official desktop knows no Linux; to an app that says `MacOS` it delivers certificates as plain files, which
    /// works on every system.
    pub const FALLBACK: &'static str = "MacOS";

    /// The operating systems that the official desktop accepts on ports 9089 and 9088.
    pub const OFFICIAL: [&'static str; 5] = ["Android", "iOS", "MacOS", "Metro", "Windows"];
}

/// How the client chooses its medium.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MediumChoice {
    /// FS_ACCESS in the exchange. Where the desktop answers an empty device id, the session says NONE and a device id of
    /// its own, so that the official UI shows the app without a device of that kind.
    #[default]
    Automatic,
    /// This medium in the exchange and in the session. With NONE there is no exchange: the app uses the credentials that
    /// lie in its directory, however they came there, and never asks for others.
    Fixed(Medium),
}

/// The two ports of a desktop that clients connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// The plain port of the certificate exchange. Default: 9089.
    pub insecure: u16,
    /// The port of the sessions, with mutual TLS. Default: 9088.
    pub secure: u16,
}

impl Default for Ports {
    fn default() -> Self {
        Self { insecure: 9089, secure: 9088 }
    }
}

/// When to try again after a failure: quickly at first, then ever later, up to a ceiling.
///
/// Each wait is drawn from the upper half of its span, so that many apps do not come back at once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backoff {
    /// The span of the first wait; every further one doubles it. Default: 250 ms.
    pub first: Duration,
    /// The longest span. Default: 10 s.
    pub ceiling: Duration,
    /// How long a session must last for the next wait to be the first again. Default: 10 s.
    pub stable: Duration,
    /// After how many sessions in a row that ended before they were stable the client waits for the ceiling and says
    /// that it goes in circles. Default: 4.
    pub loop_sessions: u32,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(250),
            ceiling: Duration::from_secs(10),
            stable: Duration::from_secs(10),
            loop_sessions: 4,
        }
    }
}

/// How long the client waits for what.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timing {
    /// From `Connect` to an open WebSocket: TCP, TLS and the upgrade. Default: 10 s.
    pub connect: Duration,
    /// For the desktop's answer to the certificate request, which takes a desktop with many Android devices seconds.
    /// The official desktop before 2023 never answers a request that it refuses. Default: 20 s.
    pub grant: Duration,
    /// For the end of a socket that this side closes. Default: 2 s.
    pub close: Duration,
    /// How long the peer may be silent before it is pinged, and how long it has to answer. Default: 10 s.
    pub ping: Duration,
    /// How many pings go unanswered until the peer counts as unresponsive. Default: 2.
    pub missed_pings: u32,
    /// How long an unresponsive peer is waited for: people stop programs at breakpoints. Default: 10 min.
    pub unresponsive: Duration,
    /// How long before its certificates expire a client asks for new ones, at its next connection. Default: 1 day.
    pub renew_before: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            grant: Duration::from_secs(20),
            close: Duration::from_secs(2),
            ping: Duration::from_secs(10),
            missed_pings: 2,
            unresponsive: Duration::from_secs(600),
            renew_before: Duration::from_secs(24 * 60 * 60),
        }
    }
}
