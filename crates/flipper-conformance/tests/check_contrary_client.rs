//! No scenario for clients lets a client pass that does wrong what the scenario is about.

#![cfg(unix)]

mod check;

use std::time::Duration;

use flipper_conformance::check::client::{Check, Subject, Transport};
use flipper_conformance::check::{Format, Report, Verdict};

use check::Result;

/// Long enough for what goes wrong at once; what never comes takes as long.
const PATIENCE: Duration = Duration::from_secs(1);

fn run(transport: Transport) -> Result<Report> {
    let program = env!("CARGO_BIN_EXE_shim_contrary").into();
    let mut check = Check::of(Subject::Shim { program, arguments: Vec::new() });
    check.transport = transport;
    check.patience = PATIENCE;
    Ok(check.listen()?.run(&mut |_| {})?)
}

fn assert_nothing_passes(report: &Report) {
    let passed: Vec<_> =
        report.lines.iter().filter(|line| line.verdict() == Verdict::Passed).map(|line| line.scenario).collect();
    assert!(passed.is_empty(), "{passed:?}\n{}", report.write(Format::Text));
}

#[test]
fn every_scenario_over_tls_can_fail() -> Result {
    let report = run(Transport::SECURE.on_any_ports())?;

    assert_nothing_passes(&report);
    // The one that is about the browser port.
    assert_eq!(report.summary().skipped, 1, "{}", report.write(Format::Text));
    Ok(())
}

#[test]
fn every_scenario_on_the_browser_port_can_fail() -> Result {
    assert_nothing_passes(&run(Transport::BROWSER.on_any_ports())?);
    Ok(())
}
