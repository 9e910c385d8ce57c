//! The client over tokio, checked from outside as a client in any language is: it deviates in nothing.

#![cfg(unix)]

mod check;

use flipper_conformance::check::client::{Check, Subject};

use check::{Result, assert_good};

#[test]
fn the_client_over_tokio_conforms() -> Result {
    let program = env!("CARGO_BIN_EXE_shim_tokio").into();
    let check = Check::of(Subject::Shim { program, arguments: Vec::new() });

    let report = check.listen()?.run(&mut |_| {})?;

    assert_good(&report);
    Ok(())
}
