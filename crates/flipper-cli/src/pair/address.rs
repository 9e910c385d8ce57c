//! Where apps reach the desktop.

use std::net::{IpAddr, UdpSocket};
use std::path::Path;

use flipper_desktop::Ports;
use flipper_desktop::api::RunningDesktop;

use crate::failure::Failure;

/// What the link says about the desktop's place.
pub(super) struct Address {
    pub(super) host: String,
    pub(super) ports: (u16, u16),
    /// What keeps apps on other machines from it.
    pub(super) warning: Option<String>,
}

const NO_DESKTOP: &str = "no desktop runs on this state directory; start one with `flipper desktop --bind ADDRESS`";
const LOOPBACK_ONLY: &str = "the desktop listens on this machine only; for apps on other machines start it with \
                             `flipper desktop --bind ADDRESS`";

impl Address {
    pub(super) fn find(directory: &Path, host: Option<String>, ports: Option<(u16, u16)>) -> Result<Self, Failure> {
        // What one that was killed has left behind says nothing of the next.
        let running = RunningDesktop::read(directory).ok();
        let addresses = running.as_ref().map_or(&[][..], |running| &running.app_addresses);
        let reachable = addresses.first();
        let warning = match (&running, reachable) {
            (None, _) => Some(NO_DESKTOP.to_owned()),
            (Some(_), None) => Some(LOOPBACK_ONLY.to_owned()),
            (Some(_), Some(address)) if address.is_unspecified() && host.is_none() => Some(
                "the desktop listens on all addresses; apps are let in that name one it was told with --known-host"
                    .to_owned(),
            ),
            (Some(_), Some(_)) => None,
        };
        let host = match (host, reachable) {
            (Some(host), _) => host,
            (None, Some(address)) if !address.is_unspecified() => address.to_string(),
            (None, _) => own_address()
                .ok_or_else(|| Failure::new("this machine is in no network; name it with --host"))?
                .to_string(),
        };
        let ports = match (ports, running) {
            (Some(ports), _) => ports,
            (None, Some(running)) => (running.ports.insecure, running.ports.secure),
            (None, None) => {
                let usual = Ports::of_environment()?;
                (usual.insecure, usual.secure)
            }
        };
        if ports.0 == 0 || ports.1 == 0 {
            return Err(Failure::new("the desktop's ports are not known before it runs; start it, or give --ports"));
        }
        Ok(Self { host, ports, warning })
    }
}

/// The address of this machine in the network that leads to others. Nothing is sent for it.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // An address that is nobody's, by RFC 5737.
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip())
}
