//! The desktop's ports, and who has them.

use std::env;
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use flipper_desktop::api::RunningDesktop;
use flipper_desktop::{InstanceHolder, Ports, find_port_owner, json};

use super::report::Report;
use crate::failure::Failure;

/// Where a desktop listens.
#[derive(Clone, Copy)]
pub(super) struct DesktopPorts {
    pub(super) insecure: u16,
    pub(super) secure: u16,
    browser: Option<u16>,
    ui: Option<u16>,
    official_ui: Option<u16>,
}

impl DesktopPorts {
    pub(super) fn pair(insecure: u16, secure: u16) -> Self {
        Self { insecure, secure, browser: None, ui: None, official_ui: None }
    }

    pub(super) fn of_running(running: &RunningDesktop) -> Self {
        let json::Ports { insecure, secure, browser, ui, official_ui } = running.ports;
        Self { insecure, secure, browser, ui: Some(ui), official_ui }
    }

    pub(super) fn of_environment() -> Result<Self, Failure> {
        let ports = Ports::of_environment()?;
        let browser = match env::var("FLIPPER_BROWSER_PORT") {
            Ok(port) if !port.is_empty() => {
                let bad =
                    |_| Failure::new(format_args!("the variable FLIPPER_BROWSER_PORT must hold a port, not {port:?}"));
                port.parse().map_err(bad)?
            }
            _ => Ports::USUAL_BROWSER,
        };
        Ok(Self { browser: Some(browser), ..Self::pair(ports.insecure, ports.secure) })
    }
}

pub(super) fn check(report: &mut Report, ports: &DesktopPorts, holder: Option<InstanceHolder>) {
    check_port(report, ports.insecure, "exchanges", true, holder.as_ref());
    check_port(report, ports.secure, "sessions", true, holder.as_ref());
    for (port, what) in [(ports.browser, "browsers"), (ports.ui, "tools"), (ports.official_ui, "the official UI")] {
        if let Some(port) = port {
            check_port(report, port, what, false, holder.as_ref());
        }
    }
}

fn check_port(report: &mut Report, port: u16, what: &str, needed: bool, holder: Option<&InstanceHolder>) {
    let name = format!("port {port} ({what})");
    let desktop = holder.and_then(|holder| holder.pid);
    match find_port_owner(port) {
        Some(owner) if desktop.is_some_and(|pid| pid != owner.pid) => {
            let advice = "stop that, or choose other ports for desktop and apps (FLIPPER_ALT_PORTS)";
            report.fail(name, format!("held by {owner}, which is not the desktop"), advice);
        }
        Some(owner) => report.ok(name, format!("held by {owner}")),
        None if is_open(port) => report.ok(name, "held by a process that this user may not see"),
        None if needed => report.fail(name, "nobody listens there", "start the desktop, or tell where it is (--ports)"),
        None => report.skip(name, "nobody listens there"),
    }
}

fn is_open(port: u16) -> bool {
    TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), Duration::from_secs(2)).is_ok()
}
