//! Tests with official peers may be left out, but never silently and never in CI.

use std::env;
use std::io::{self, Write};
use std::thread;

use super::error::{Error, ErrorKind};

/// Holds the reason where the tests with official peers are to be skipped; `cargo xtask test --skip-official` sets it.
const SKIP_VARIABLE: &str = "FLIPPER_SKIP_OFFICIAL";

/// Whether the test that asks is to be skipped, as no test is unless somebody gave a reason. The reason is then
/// printed.
///
/// Fails where the variable `FLIPPER_SKIP_OFFICIAL` is set in CI, and where it gives no reason.
pub fn skips_this_test() -> Result<bool, Error> {
    let Some(reason) = reason()? else {
        return Ok(false);
    };
    let thread = thread::current();
    let test = thread.name().unwrap_or("a test");
    // Not by `eprintln!`, which the test harness swallows where a test passes. In one piece, since tests run side by
    // side.
    let line = format!("{test}: skipped by {SKIP_VARIABLE}: {reason}\n");
    let _ = io::stderr().write_all(line.as_bytes());
    Ok(true)
}

fn reason() -> Result<Option<String>, Error> {
    let refused = |why: &str| Err(Error::new(ErrorKind::SkipRefused(format!("{SKIP_VARIABLE} is set, but {why}"))));
    match env::var_os(SKIP_VARIABLE) {
        None => Ok(None),
        Some(_) if in_ci() => refused("tests with official peers always run in CI"),
        Some(reason) if reason.to_string_lossy().trim().is_empty() => refused("gives no reason"),
        Some(reason) => Ok(Some(reason.to_string_lossy().into_owned())),
    }
}

fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|ci| !["", "0", "false"].contains(&ci.to_string_lossy().as_ref()))
}
