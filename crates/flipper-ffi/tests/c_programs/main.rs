//! Programs in other languages over the sans-IO layer. Those in C are built with GCC and Clang, and run under sanitizers
//! and Valgrind.

#![cfg(unix)]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that fails panics")]

mod clients;
mod desktop;
mod rig;

use rig::Watch;

#[test]
fn a_hundred_thousand_clients_come_and_go_and_leave_nothing() {
    come_and_go(Watch::Gcc, 100_000);
}

#[test]
fn clients_come_and_go_under_valgrind_and_leave_nothing() {
    come_and_go(Watch::Valgrind, 500);
}

fn come_and_go(watch: Watch, clients: u32) {
    let program = rig::build(watch, &[rig::source("tests/programs/cycles.c")], &[]);
    let output = program.command().arg(clients.to_string()).output().unwrap();
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
}
