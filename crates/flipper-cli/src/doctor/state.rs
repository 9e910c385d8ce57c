//! The state directory: who holds it, and the certificates in it.

use std::io;
use std::path::Path;

use flipper_desktop::pki::{Authority, CertificateFacts, StoredCertificate};
use flipper_desktop::{InstanceHolder, find_instance_holder};

use super::report::Report;
use crate::certs::Date;

/// Looks at the directory, and says who holds it.
pub(super) fn check(report: &mut Report, directory: &Path) -> Option<InstanceHolder> {
    let holder = check_holder(report, directory);
    match Authority::inspect(directory) {
        Ok(inspection) => {
            if let Some(problem) = &inspection.problem {
                report.fail("certificates", problem.to_string(), "the desktop does not start before that is done");
            }
            check_certificate(report, "CA certificate", &inspection.ca);
            check_certificate(report, "desktop certificate", &inspection.server);
        }
        Err(error) => report.fail("certificates", error.to_string(), "let the desktop's user read its directory"),
    }
    holder
}

fn check_holder(report: &mut Report, directory: &Path) -> Option<InstanceHolder> {
    let shown = directory.display();
    match (directory.metadata(), find_instance_holder(directory)) {
        (Err(error), _) if error.kind() == io::ErrorKind::NotFound => {
            report.skip("state", format!("{shown} is not there; a desktop makes it when it first starts"));
            None
        }
        (Err(error), _) | (_, Err(error)) => {
            let advice = "make it the desktop's own, or give another directory (--state-dir)";
            report.fail("state", format!("{shown} cannot be used: {error}"), advice);
            None
        }
        (_, Ok(Some(holder))) => {
            let process = holder.pid.map_or_else(|| "a process".to_owned(), |pid| format!("process {pid}"));
            report.ok("state", format!("{shown}, held by the desktop that runs, {process}"));
            Some(holder)
        }
        (_, Ok(None)) => {
            report.warn("state", format!("{shown}; no desktop runs with it"), "start one: flipper desktop");
            None
        }
    }
}

fn check_certificate(report: &mut Report, name: &str, certificate: &StoredCertificate) {
    match certificate {
        StoredCertificate::There(facts) => check_time(report, name, facts),
        StoredCertificate::Missing => report.skip(name, "none yet; the desktop makes it when it starts"),
        _ => report.warn(
            name,
            "damaged, or not of the key beside it",
            "a desktop that starts makes it anew, unless it says otherwise",
        ),
    }
}

fn check_time(report: &mut Report, name: &str, facts: &CertificateFacts) {
    let (from, to, now) = (Date::of(facts.not_before), Date::of(facts.not_after), Date::now());
    // They are issued as if that had been a day before.
    let age = now.days_since(from) - 1;
    if now.seconds_since(from) < 0 {
        report.fail(name, format!("valid from {from} on, which is still to come"), "set the clock of this machine");
    } else if to.seconds_since(now) < 0 {
        let advice = "restart the desktop: it issues another one with the same key";
        report.warn(name, format!("expired on {to}"), advice);
    } else if age > 21 {
        let found = format!("{age} days old; official Android apps refuse what is older than 30 days");
        report.warn(name, found, "start the desktop: it renews what is older than 20 days");
    } else {
        report.ok(name, format!("{} days old, valid until {to}", age.max(0)));
    }
}
