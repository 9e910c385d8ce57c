//! The API of the desktop that runs: the apps that it serves, and those that asked it for certificates.

use std::collections::BTreeMap;
use std::time::Duration;

use flipper_desktop::json::{Applicant, Event};

use super::report::Report;
use crate::remote::Remote;

/// By how much an app's clock may be off without harm: certificates are backdated by a day.
const TOLERANCE: Duration = Duration::from_secs(60 * 60);

pub(super) fn check(report: &mut Report, remote: &Remote) {
    let (name, address) = ("API", remote.running().api_address());
    let (apps, exchanges) = match remote.apps().and_then(|apps| Ok((apps, remote.exchanges()?))) {
        Ok(answers) => answers,
        Err(failure) => return report.fail(name, format!("{address}: {}", failure.text()), "restart the desktop"),
    };
    report.ok(name, format!("answers at {address}; {} apps are connected", apps.len()));
    for app in apps.iter().filter(|app| app.unresponsive) {
        let advice = "let it go on, if it is stopped at a breakpoint; else restart it";
        report.warn(format!("app {}", app.name), "connected, and leaves pings unanswered", advice);
    }
    // Only the last of each app says how it is now.
    let last: BTreeMap<_, _> =
        exchanges.iter().filter_map(|event| Some(((key(event.applicant.as_ref()?)), event))).collect();
    last.into_iter().for_each(|((app, _), event)| check_exchange(report, app, event));
}

fn key(applicant: &Applicant) -> (&str, &str) {
    (&applicant.name, &applicant.device)
}

fn check_exchange(report: &mut Report, app: &str, event: &Event) {
    let name = format!("app {app}");
    if let Some(error) = &event.error {
        let text: String = serde_json::from_str(error.get()).unwrap_or_default();
        report.warn(name.clone(), format!("was refused certificates: {text}"), "the app was told what to do about it");
    }
    let skew = event.clock_skew_ms.unwrap_or_default();
    if u128::from(skew.unsigned_abs()) > TOLERANCE.as_millis() {
        let way = if skew > 0 { "ahead of" } else { "behind" };
        let found = format!("its clock is {} minutes {way} the desktop's", skew.unsigned_abs() / 60_000);
        report.warn(
            name,
            found,
            "set the clock of its device: certificates are valid from some time on, and until some",
        );
    }
}
