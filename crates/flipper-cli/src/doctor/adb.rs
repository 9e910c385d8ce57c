//! The adb server, as far as Android apps need it.

use flipper_desktop::adb::{Address, Attached, Error, Server};

use super::ports::DesktopPorts;
use super::report::Report;

pub(super) fn check(report: &mut Report, ports: &DesktopPorts) {
    let server = match Address::of_environment() {
        Ok(address) => Server::new(address),
        Err(error) => return report.fail("adb", error.to_string(), "correct the variable, or unset it"),
    };
    match server.version() {
        Ok(version) => report.ok("adb", format!("the server has version 1.0.{version}")),
        Err(error @ Error::NoServer { .. }) => {
            return report.skip("adb", format!("{error}; Android apps need it: adb start-server"));
        }
        Err(error) => return fail(report, "adb", &error),
    }
    match server.devices() {
        Ok(devices) if devices.is_empty() => report.skip("adb devices", "none"),
        Ok(devices) => devices.iter().for_each(|device| check_device(report, &server, device, ports)),
        Err(error) => fail(report, "adb devices", &error),
    }
}

fn fail(report: &mut Report, name: &str, error: &Error) {
    report.fail(
        name,
        error.to_string(),
        error.hint().unwrap_or("restart the server: adb kill-server, adb start-server"),
    );
}

fn check_device(report: &mut Report, server: &Server, device: &Attached, ports: &DesktopPorts) {
    let Attached { serial, state, .. } = device;
    let name = format!("device {serial}");
    match state.as_str() {
        "device" => check_forwarding(report, server, serial, ports),
        "unauthorized" => report.warn(name, state, "allow debugging by this computer on the device's screen"),
        "no permissions" => report.warn(name, state, "give this user the right to use the device (udev rules)"),
        _ => report.warn(name, state, "plug it in again, or restart it"),
    }
}

/// Whether apps of the device reach the desktop.
fn check_forwarding(report: &mut Report, server: &Server, serial: &str, ports: &DesktopPorts) {
    let name = format!("device {serial}");
    let led = match server.reversed(serial) {
        Ok(led) => led,
        Err(error) => return report.warn(name, error.to_string(), error.hint().unwrap_or("plug it in again")),
    };
    let is_led = |port: u16| led.iter().any(|(from, to)| *from == format!("tcp:{port}") && from == to);
    if is_led(ports.insecure) && is_led(ports.secure) {
        report.ok(name, "ready, and its ports are led here");
    } else if serial.starts_with("emulator-") {
        report.ok(name, "ready; official apps on it find this machine at 10.0.2.2");
    } else {
        let (insecure, secure) = (ports.insecure, ports.secure);
        let advice = format!(
            "flipper desktop does that by itself while it runs; by hand: adb -s {serial} reverse tcp:{insecure} \
             tcp:{insecure}, and likewise {secure}"
        );
        report.warn(name, format!("ready, but its ports {insecure} and {secure} are not led here"), advice);
    }
}
