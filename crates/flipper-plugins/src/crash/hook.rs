//! The panic hook.

use std::panic;
use std::sync::Arc;

use super::courier::Courier;
use super::report::Report;

/// Sets a hook that reports, and calls the one before it.
pub(super) fn install(courier: Arc<Courier>) {
    if std::thread::panicking() {
        return;
    }
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        // The report is on the disk before anybody else has a say: the hook before may end the process.
        let report = Report::of_panic(info);
        let kept = courier.keep(&report);
        before(info);
        if kept {
            courier.wait_until_told(&report.id);
        }
    }));
}
