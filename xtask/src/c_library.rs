//! The library for C.

use crate::report::Report;
use crate::shell;

/// Has the test that compares the header with the source write it, where it differs.
pub(crate) fn write_header(report: &mut Report) {
    report.step("header", || {
        let mut command = shell::cargo("test");
        command.args(["--package", "flipper-ffi", "--test", "header"]).env("FLIPPER_WRITE_HEADER", "1");
        shell::run(&mut command)
    });
}
