//! The clients of this project, checked from outside as a client in any language is: they deviate in nothing.

#![cfg(unix)]

mod check;

use check::{Result, assert_conforms};

#[test]
fn the_client_over_tokio_conforms() -> Result {
    conforms("tokio")
}

#[test]
fn the_client_over_smol_conforms() -> Result {
    conforms("smol")
}

#[test]
fn the_client_on_threads_conforms() -> Result {
    conforms("blocking")
}

fn conforms(adapter: &str) -> Result {
    assert_conforms(adapter, env!("CARGO_BIN_EXE_shim_rust"), &[adapter.as_ref()])
}
