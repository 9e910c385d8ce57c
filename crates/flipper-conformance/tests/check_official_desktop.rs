//! The official desktop, checked from outside: its deviations are known, and are these.

#![cfg(unix)]

mod check;

use std::path::Path;
use std::time::Duration;

use flipper_conformance::check::Expectations;
use flipper_conformance::check::desktop::{Check, UiDriver};
use flipper_conformance::official::OfficialDesktop;

use check::{Result, assert_good};

#[test]
fn the_official_desktop_deviates_where_it_is_known_to() -> Result {
    let Some(desktop) = OfficialDesktop::start_unless_skipped()? else { return Ok(()) };
    let ports = desktop.ports();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("expectations/flipper-server-0.162.0.json");
    let mut check = Check::of("localhost");
    (check.insecure, check.secure, check.browser) = (ports.insecure, ports.secure, Some(ports.browser));
    check.driver = Some(Box::new(UiDriver::connect("localhost", ports.ui, Duration::from_secs(60))?));
    check.expectations = Expectations::read(file)?;

    let report = check.run(&mut |_| {})?;

    desktop.check()?;
    // What it printed is of no use here.
    drop(desktop);
    assert_good(&report);
    Ok(())
}
