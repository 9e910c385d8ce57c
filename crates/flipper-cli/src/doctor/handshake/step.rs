//! The steps of an app that gets in.

use serde::Serialize;

/// What an app has to get past, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::doctor) enum Step {
    ReachExchangePort,
    OpenExchange,
    Certificates,
    ReachSessionPort,
    Tls,
    OpenSession,
    Plugins,
}

impl Step {
    pub(super) const ALL: [Self; 7] = [
        Self::ReachExchangePort,
        Self::OpenExchange,
        Self::Certificates,
        Self::ReachSessionPort,
        Self::Tls,
        Self::OpenSession,
        Self::Plugins,
    ];

    /// Its name among other things that are looked at.
    pub(in crate::doctor) fn name(self) -> &'static str {
        match self {
            Self::ReachExchangePort => "1 exchange port",
            Self::OpenExchange => "2 exchange upgrade",
            Self::Certificates => "3 certificates",
            Self::ReachSessionPort => "4 session port",
            Self::Tls => "5 TLS",
            Self::OpenSession => "6 session upgrade",
            Self::Plugins => "7 getPlugins",
        }
    }

    /// What an app does over and over that does not get past it.
    pub(in crate::doctor) fn where_it_is_stuck(self) -> &'static str {
        match self {
            Self::ReachExchangePort => "dialling the desktop",
            Self::OpenExchange => "opening the exchange",
            Self::Certificates => "waiting for certificates",
            Self::ReachSessionPort => "with certificates, dialling the session port",
            Self::Tls => "with certificates, in the TLS handshake",
            Self::OpenSession => "with certificates, opening the session",
            Self::Plugins => "connected, and not registered",
        }
    }
}

/// A step that is not got past: what was found, and what to do.
#[derive(Debug)]
pub(super) struct Stuck {
    pub(super) step: Step,
    pub(super) found: String,
    pub(super) advice: String,
}

impl Stuck {
    pub(super) fn new(step: Step, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { step, found: found.into(), advice: advice.into() }
    }
}
