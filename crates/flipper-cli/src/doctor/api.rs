//! The API of the desktop that runs, and the apps that it serves.

use super::report::Report;
use crate::remote::Remote;

pub(super) fn check(report: &mut Report, remote: &Remote) {
    let (name, address) = ("API", remote.running().api_address());
    let apps = match remote.apps() {
        Ok(apps) => apps,
        Err(failure) => return report.fail(name, format!("{address}: {}", failure.text()), "restart the desktop"),
    };
    report.ok(name, format!("answers at {address}; {} apps are connected", apps.len()));
    for app in apps.iter().filter(|app| app.unresponsive) {
        let advice = "let it go on, if it is stopped at a breakpoint; else restart it";
        report.warn(format!("app {}", app.name), "connected, and leaves pings unanswered", advice);
    }
}
