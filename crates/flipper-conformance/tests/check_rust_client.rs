//! The clients of this project, checked from outside as a client in any language is: they deviate in nothing.

#![cfg(unix)]

mod check;

use flipper_conformance::check::client::{Check, Subject};

use check::{Result, assert_good};

#[test]
fn the_client_over_tokio_conforms() -> Result {
    assert_conforms("tokio")
}

#[test]
fn the_client_over_smol_conforms() -> Result {
    assert_conforms("smol")
}

#[test]
fn the_client_on_threads_conforms() -> Result {
    assert_conforms("blocking")
}

fn assert_conforms(adapter: &str) -> Result {
    let program = env!("CARGO_BIN_EXE_shim_rust").into();
    let check = Check::of(Subject::Shim { program, arguments: vec![adapter.into()] });

    let report = check.listen()?.run(&mut |_| {})?;

    assert_good(&report);
    Ok(())
}
