//! The link that brings a pairing to an app.

use std::error::Error;
use std::fmt;

use flipper_proto::desktop::Host;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::proof::PairingSecret;

/// A link that tells an app where the desktop is, and the secret that it is paired with:
/// `flipper://pair?v=1&host=192.168.1.20&ports=9089,9088&id=…&secret=…`.
#[derive(Clone, PartialEq, Eq)]
pub struct PairingLink {
    /// The desktop's host name or address.
    pub host: String,
    /// The desktop's plain port, for exchanges.
    pub insecure_port: u16,
    /// The desktop's port for sessions.
    pub secure_port: u16,
    /// The secret.
    pub secret: PairingSecret,
}

const PREFIX: &str = "flipper://pair?";
const VERSION: &str = "1";
/// No link is longer; real ones have some 120 characters.
const MAX: usize = 1_024;
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl PairingLink {
    /// The link, which holds the secret: whoever reads it is paired.
    #[must_use]
    pub fn to_url(&self) -> String {
        let Self { host, insecure_port, secure_port, secret } = self;
        let (host, id) = (utf8_percent_encode(host, PLAIN), secret.id());
        let secret = secret.to_base64url();
        format!("{PREFIX}v={VERSION}&host={host}&ports={insecure_port},{secure_port}&id={id}&secret={secret}")
    }

    /// Reads a link. Spaces around it are ignored, and so are parts of it that this version does not know.
    ///
    /// # Errors
    /// [`LinkError`], which never shows the link.
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        let text = text.trim();
        let query = text.strip_prefix(PREFIX).filter(|_| text.len() <= MAX).ok_or(LinkError::NotALink)?;
        let [mut version, mut host, mut ports, mut id, mut secret] = [const { None }; 5];
        for field in query.split('&') {
            let (key, value) = field.split_once('=').unwrap_or((field, ""));
            let (name, slot) = match key {
                "v" => ("v", &mut version),
                "host" => ("host", &mut host),
                "ports" => ("ports", &mut ports),
                "id" => ("id", &mut id),
                "secret" => ("secret", &mut secret),
                _ => continue,
            };
            let value = percent_decode_str(value).decode_utf8().map_err(|_| LinkError::Invalid(name))?;
            if slot.replace(value).is_some() {
                return Err(LinkError::Duplicate(name));
            }
        }
        if version.ok_or(LinkError::Missing("v"))? != VERSION {
            return Err(LinkError::OtherVersion);
        }
        let host = host.ok_or(LinkError::Missing("host"))?.into_owned();
        if !is_host(&host) {
            return Err(LinkError::Invalid("host"));
        }
        let ports = ports.ok_or(LinkError::Missing("ports"))?;
        let port = |text: &str| text.parse().ok().filter(|port: &u16| *port != 0);
        let (insecure_port, secure_port) = ports
            .split_once(',')
            .and_then(|(insecure, secure)| Some((port(insecure)?, port(secure)?)))
            .ok_or(LinkError::Invalid("ports"))?;
        let secret = secret.ok_or(LinkError::Missing("secret"))?;
        let secret = PairingSecret::from_base64url(&secret).ok_or(LinkError::Invalid("secret"))?;
        if id.ok_or(LinkError::Missing("id"))? != secret.id() {
            return Err(LinkError::Damaged);
        }
        Ok(Self { host, insecure_port, secure_port, secret })
    }
}

/// Whether it is a host name or an address, of IPv6 without brackets.
fn is_host(host: &str) -> bool {
    host.parse::<std::net::IpAddr>().is_ok() || (!host.contains(['[', ':']) && host.parse::<Host>().is_ok())
}

impl fmt::Debug for PairingLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PairingLink")
            .field("host", &self.host)
            .field("ports", &(self.insecure_port, self.secure_port))
            .field("id", &self.secret.id())
            .finish_non_exhaustive()
    }
}

/// Why a text is no link that pairs. It never shows the text, which may hold a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkError {
    /// It does not begin with `flipper://pair?`, or is far too long.
    NotALink,
    /// It was made for another version.
    OtherVersion,
    /// It lacks this part.
    Missing(&'static str),
    /// This part makes no sense.
    Invalid(&'static str),
    /// This part stands in it more than once.
    Duplicate(&'static str),
    /// Its id and its secret do not belong together: a character was lost or changed.
    Damaged,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotALink => f.write_str("the pairing link does not begin with flipper://pair?")?,
            Self::OtherVersion => f.write_str("the pairing link was made for another version of Flipper")?,
            Self::Missing(part) => write!(f, "the pairing link has no {part}")?,
            Self::Invalid(part) => write!(f, "the {part} of the pairing link makes no sense")?,
            Self::Duplicate(part) => write!(f, "the pairing link has more than one {part}")?,
            Self::Damaged => f.write_str("the id and the secret of the pairing link do not belong together")?,
        }
        f.write_str("; copy the whole link that `flipper pair` printed, or have it print another one")
    }
}

impl Error for LinkError {}
