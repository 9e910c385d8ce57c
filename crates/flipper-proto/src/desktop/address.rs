//! Host names and origins, taken apart so that they can be compared exactly.

use alloc::string::String;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

use crate::error::Excerpt;

/// A host: a name, or an address.
///
/// Names have no case; addresses are compared as numbers, so that `[::1]` and `[0:0::1]` are the same host. Nothing is
/// completed or resolved: `localhost.` and `127.1` are not `localhost`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host(Kind);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    Name(String),
    Address(IpAddr),
}

impl Host {
    /// The address under which an Android emulator reaches the machine that it runs on.
    const EMULATOR: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 2, 2));

    /// Whether everybody reaches the machine that they are on by it: `localhost`, 127.0.0.0/8, `::1`, and an emulator by
    /// 10.0.2.2.
    pub(super) fn is_local(&self) -> bool {
        match &self.0 {
            Kind::Name(name) => name == "localhost",
            Kind::Address(address) => address.is_loopback() || *address == Self::EMULATOR,
        }
    }

    /// Whether it is one of the three that pages of a developer's own machine come from: `localhost`, `127.0.0.1` and
    /// `[::1]`.
    pub(super) fn is_developers_own(&self) -> bool {
        match &self.0 {
            Kind::Name(name) => name == "localhost",
            Kind::Address(address) => *address == Ipv4Addr::LOCALHOST || *address == Ipv6Addr::LOCALHOST,
        }
    }

    fn name(text: &str) -> Option<Self> {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let dotted_well = !text.starts_with('.') && !text.ends_with('.');
        (!text.is_empty() && text.bytes().all(good) && dotted_well).then(|| Self(Kind::Name(text.to_ascii_lowercase())))
    }
}

impl FromStr for Host {
    type Err = AddressError;

    /// Reads a host without a port; an IPv6 address may stand in brackets.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        let address = match bare {
            Some(bare) => bare.parse().ok().map(IpAddr::V6),
            None => text.parse().ok(),
        };
        let host = address.map(|address| Self(Kind::Address(address)));
        host.or_else(|| Self::name(text)).ok_or_else(|| AddressError::Host(Excerpt::new(text)))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Name(name) => f.write_str(name),
            Kind::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Kind::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// What a `Host` header names: a host and, unless it is the scheme's own, a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    pub(super) host: Host,
    port: Option<u16>,
}

impl Authority {
    pub(super) fn parse(text: &str) -> Option<Self> {
        // The colons of an IPv6 address stand before its closing bracket.
        let after_address = text.rfind(']').map_or(0, |at| at + 1);
        let (host, port) = match text.get(after_address..)?.rfind(':') {
            Some(at) => (text.get(..after_address + at)?, text.get(after_address + at + 1..)?),
            None => (text, ""),
        };
        let host = if host.contains(':') && !host.starts_with('[') { None } else { host.parse().ok() };
        Some(Self { host: host?, port: parse_port(port)? })
    }
}

/// `Some(None)` for no port at all, which the standard allows even after a colon.
fn parse_port(text: &str) -> Option<Option<u16>> {
    if text.is_empty() {
        return Some(None);
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok().map(Some) } else { None }
}

/// Where a web page came from: scheme, host and port, as the `Origin` header carries them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    scheme: String,
    /// `None` for pages from files only.
    host: Option<Host>,
    /// `None` where the scheme has no port of its own and none is given.
    port: Option<u16>,
}

impl Origin {
    /// The origin of a page that `authority` itself would serve.
    pub(super) fn of_server(scheme: &str, authority: &Authority) -> Self {
        Self {
            scheme: String::from(scheme),
            host: Some(authority.host.clone()),
            port: authority.port.or_else(|| default_port(scheme)),
        }
    }

    /// Whether it is a page of the developer's own machine, on any port.
    pub(super) fn is_developers_own(&self) -> bool {
        let web = self.scheme == "http" || self.scheme == "https";
        web && self.host.as_ref().is_some_and(Host::is_developers_own)
    }
}

impl FromStr for Origin {
    type Err = AddressError;

    /// Reads `scheme://host`, `scheme://host:port`, or `file://`.
    ///
    /// `null` is no origin: every sandboxed frame of every page has it, so that there is nobody it stands for.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let error = || AddressError::Origin(Excerpt::new(text));
        let (scheme, rest) = text.split_once("://").ok_or_else(error)?;
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.bytes().all(good) {
            return Err(error());
        }
        let scheme = scheme.to_ascii_lowercase();
        if scheme == "file" && rest.is_empty() {
            return Ok(Self { scheme, host: None, port: None });
        }
        let authority = Authority::parse(rest).ok_or_else(error)?;
        Ok(Self::of_server(&scheme, &authority))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme)?;
        if let Some(host) = &self.host {
            write!(f, "{host}")?;
        }
        match self.port {
            Some(port) if default_port(&self.scheme) != Some(port) => write!(f, ":{port}"),
            _ => Ok(()),
        }
    }
}

/// What programs on Node pass for an origin, since the official desktop demands one: `localhost:`, perhaps with a port.
pub(super) fn is_nodes_origin(text: &str) -> bool {
    let good = |(host, port): (&str, &str)| host.eq_ignore_ascii_case("localhost") && parse_port(port).is_some();
    text.split_once(':').is_some_and(good)
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

/// Text that should be a host or an origin, and is none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressError {
    /// No host name, and no address.
    Host(Excerpt),
    /// No origin.
    Origin(Excerpt),
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(text) => write!(f, "`{text}` is no host: give a name or an address, without scheme and port"),
            Self::Origin(text) => write!(f, "`{text}` is no origin: give it as `scheme://host:port`, without a path"),
        }
    }
}

impl core::error::Error for AddressError {}
