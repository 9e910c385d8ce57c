//! Programs in any language, checked from outside as a client that comes with a shim of its own: they deviate in nothing.

#![cfg(unix)]

mod check;

use std::path::Path;

use flipper_conformance::apps::{Binding as _, CSansIo, Python};

use check::{Result, assert_conforms};

/// The client on threads once more: the way through a program costs no verdict.
#[test]
fn the_reference_program_conforms() -> Result {
    conforms("program", Path::new(env!("CARGO_BIN_EXE_program_rust")))
}

#[test]
fn the_sans_io_c_client_conforms() -> Result {
    conforms("c_sans_io", &CSansIo::program()?)
}

#[test]
fn the_python_client_conforms() -> Result {
    conforms("python", &Python::program()?)
}

fn conforms(column: &str, program: &Path) -> Result {
    assert_conforms(column, env!("CARGO_BIN_EXE_shim_program"), &[program.as_os_str()])
}
