//! Which ports, and how they are bound.

use std::env;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use flipper_async::Runtime;

use crate::error::StartError;
use crate::port_owner::find_port_owner;

/// The ports of a desktop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ports {
    /// The port for certificate exchanges. Usually 9089.
    pub insecure: u16,
    /// The port for sessions. Usually 9088.
    pub secure: u16,
    /// The port for browsers and Node, if it is open. Usually 8333.
    pub browser: Option<u16>,
}

impl Ports {
    /// The port for browsers and Node that `js-flipper` looks for.
    pub const USUAL_BROWSER: u16 = 8333;

    /// Any two that are free.
    pub(crate) const ANY: Self = Self::new(0, 0);

    const USUAL: Self = Self::new(9089, 9088);

    pub(crate) const fn new(insecure: u16, secure: u16) -> Self {
        Self { insecure, secure, browser: None }
    }

    /// The number that two of the ports have, if it is not "any that is free".
    pub(crate) fn twice(self) -> Option<u16> {
        let Self { insecure, secure, browser } = self;
        let pairs = [(insecure, Some(secure)), (insecure, browser), (secure, browser)];
        pairs.into_iter().find(|(one, other)| *one != 0 && *other == Some(*one)).map(|(port, _)| port)
    }

    /// The ports that the environment names, else the usual ones.
    ///
    /// `FLIPPER_PORTS` moves other ports of the official desktop, but its documentation says that it moves these: it
    /// counts where `FLIPPER_ALT_PORTS` is unset.
    ///
    /// # Errors
    /// [`StartError::BadPorts`].
    pub fn of_environment() -> Result<Self, StartError> {
        Self::of_variables(|name| env::var(name).ok())
    }

    fn of_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, StartError> {
        for name in ["FLIPPER_ALT_PORTS", "FLIPPER_PORTS"] {
            let Some(value) = variable(name).filter(|value| !value.is_empty()) else { continue };
            return Self::parse(&value).ok_or(StartError::BadPorts { variable: name, value });
        }
        Ok(Self::USUAL)
    }

    fn parse(text: &str) -> Option<Self> {
        let (insecure, secure) = text.split_once(',')?;
        Some(Self::new(insecure.trim().parse().ok()?, secure.trim().parse().ok()?))
    }
}

impl fmt::Display for Ports {
    /// The first two, as `FLIPPER_ALT_PORTS` has them: `9089,9088`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.insecure, self.secure)
    }
}

/// What listens on the ports.
pub(crate) struct Listeners<L> {
    pub(crate) insecure: Vec<L>,
    pub(crate) secure: Vec<L>,
    pub(crate) browser: Vec<L>,
}

/// Listens on all ports, and writes down which they are.
pub(crate) async fn bind_all<R: Runtime>(
    runtime: &R,
    addresses: &[IpAddr],
    ports: &mut Ports,
) -> Result<Listeners<R::Listener>, StartError> {
    let mut listeners = Listeners { insecure: Vec::new(), secure: Vec::new(), browser: Vec::new() };
    (listeners.insecure, ports.insecure) = bind(runtime, addresses, ports.insecure).await?;
    (listeners.secure, ports.secure) = bind(runtime, addresses, ports.secure).await?;
    if let Some(port) = &mut ports.browser {
        (listeners.browser, *port) = bind(runtime, addresses, *port).await?;
    }
    Ok(listeners)
}

/// How often a port is chosen anew that is free on one address only.
const TRIES: usize = 16;

/// Listens on one port of several addresses; on 127.0.0.1 and, where possible, `::1` if none is given. Port 0 is any
/// that is free on all of them.
pub(crate) async fn bind<R: Runtime>(
    runtime: &R,
    addresses: &[IpAddr],
    port: u16,
) -> Result<(Vec<R::Listener>, u16), StartError> {
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let (first, others) = if addresses.is_empty() { loopback.split_first() } else { addresses.split_first() }
        .ok_or(StartError::NoAddress)?;
    let mut tries = if port == 0 { TRIES } else { 1 };
    loop {
        tries -= 1;
        let listener = bind_one(runtime, *first, port).await?;
        let local = runtime.local_address(&listener);
        let chosen = local.map_err(|error| refused(SocketAddr::new(*first, port), &error))?.port();
        let mut listeners = vec![listener];
        let mut taken = None;
        for address in others {
            match bind_one(runtime, *address, chosen).await {
                Ok(listener) => listeners.push(listener),
                // Loopback was nobody's explicit wish, and some machines have no IPv6 at all. That somebody else has
                // the port is another matter: half of the apps would connect to that.
                Err(StartError::CannotListen { .. }) if addresses.is_empty() => {}
                Err(error) => {
                    taken = Some(error);
                    break;
                }
            }
        }
        match taken {
            None => return Ok((listeners, chosen)),
            Some(StartError::PortInUse { .. }) if tries > 0 => {}
            Some(error) => return Err(error),
        }
    }
}

async fn bind_one<R: Runtime>(runtime: &R, address: IpAddr, port: u16) -> Result<R::Listener, StartError> {
    let address = SocketAddr::new(address, port);
    match runtime.bind(address).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let owner = runtime.unblock(move || find_port_owner(port)).await;
            Err(StartError::PortInUse { address, owner })
        }
        Err(error) => Err(refused(address, &error)),
    }
}

fn refused(address: SocketAddr, error: &io::Error) -> StartError {
    StartError::CannotListen { address, kind: error.kind(), text: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(alt: Option<&str>, legacy: Option<&str>) -> Result<Ports, StartError> {
        Ports::of_variables(|name| if name == "FLIPPER_ALT_PORTS" { alt } else { legacy }.map(str::to_owned))
    }

    #[test]
    fn the_environment_moves_the_ports() {
        assert_eq!(ports(None, None), Ok(Ports::USUAL));
        assert_eq!(ports(Some("1,2"), Some("3,4")), Ok(Ports::new(1, 2)));
        assert_eq!(ports(None, Some("3, 4")), Ok(Ports::new(3, 4)));
        assert_eq!(ports(Some(""), Some("3,4")), Ok(Ports::new(3, 4)));
        assert_eq!(ports(Some("0,0"), None), Ok(Ports::ANY));
    }

    #[test]
    fn what_is_no_pair_of_ports_is_refused() {
        for bad in ["1", "1,", "a,b", "1,70000", "1,2,3", "-1,2"] {
            let error = StartError::BadPorts { variable: "FLIPPER_ALT_PORTS", value: bad.to_owned() };
            assert_eq!(ports(Some(bad), None), Err(error));
        }
    }
}
