//! What it means that a desktop listens to more than its own machine.

use std::fmt;
use std::net::IpAddr;

use crate::ports::Ports;

/// A desktop that can be reached from other machines: who can do what there. Shown as a text for whoever starts it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exposure {
    /// The addresses that it listens on, except for those of loopback.
    pub addresses: Vec<IpAddr>,
    /// Its ports.
    pub ports: Ports,
    /// Whether somebody has to prove where its certificate is to be written.
    pub proof_required: bool,
    /// Whether requests that name an address of this machine are refused, because the desktop listens on all of them
    /// and was told none.
    pub lacks_names: bool,
    /// Whether some origins may use the browser port.
    pub origins_allowed: bool,
}

impl fmt::Display for Exposure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ports { insecure, secure, browser } = self.ports;
        f.write_str("listening to other machines, on ")?;
        for (at, address) in self.addresses.iter().enumerate() {
            write!(f, "{}{address}", if at == 0 { "" } else { " and " })?;
        }
        write!(f, ". Whoever reaches port {insecure} can ask for certificates, in plain text; ")?;
        if self.proof_required {
            f.write_str(
                "one is handed out only to an app that proves where it keeps its files, or that it was paired. ",
            )?;
        } else {
            f.write_str(
                "no proof is required, so anybody there can have certificate files written, and replaced, in every \
                 directory that this user can write to. ",
            )?;
        }
        write!(f, "Port {secure} takes apps with a certificate only.")?;
        if let Some(browser) = browser {
            let who = if self.origins_allowed { "pages of the allowed origins" } else { "nobody from there" };
            write!(f, " The browser port, {browser}, takes {who} (--allow-origin).")?;
        }
        if self.lacks_names {
            f.write_str(
                " Apps elsewhere are refused until this machine's name or address, as they dial it, is given as a \
                 known host (--known-host).",
            )?;
        }
        Ok(())
    }
}
