//! js-flipper, checked from outside on the browser port: its deviations are known, and are these.

#![cfg(unix)]

mod check;

use std::path::Path;
use std::time::Duration;

use flipper_conformance::check::Expectations;
use flipper_conformance::check::client::{Check, Subject, Transport};
use flipper_conformance::official;

use check::{Result, assert_good, show_column};

#[test]
fn js_flipper_deviates_where_it_is_known_to() -> Result {
    if official::skips_this_test()? {
        return Ok(());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shim = root.join("peers/js_flipper_client.cjs");
    let mut check = Check::of(Subject::Shim { program: "node".into(), arguments: vec![shim.into()] });
    check.transport = Transport::BROWSER.on_any_ports();
    check.expectations = Expectations::read(root.join("expectations/js-flipper-0.273.0.json"))?;
    // Two hundred times as long as it waits before it connects again.
    check.patience = Duration::from_secs(10);

    let report = check.listen()?.run(&mut |_| {})?;

    show_column("js_flipper", &report)?;
    assert_good(&report);
    Ok(())
}
