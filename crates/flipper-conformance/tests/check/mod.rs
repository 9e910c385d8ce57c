//! What the tests of the conformance program share.

#![allow(dead_code, reason = "every test file uses another part of it")]

use std::error::Error;

use flipper_conformance::check::{Format, Report};

pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Fails with the whole report in words, unless everything is as it was expected to be.
pub(crate) fn assert_good(report: &Report) {
    assert!(report.is_good(), "\n{}", report.write(Format::Text));
    assert!(report.summary().passed > 0, "nothing was checked");
}
