//! The panic hook.

use std::panic;
use std::sync::Arc;
use std::thread;

use super::courier::Courier;
use super::report::Report;

/// Sets a hook that reports, and calls the one before it.
pub(super) fn install(courier: Arc<Courier>) {
    if thread::panicking() {
        return;
    }
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        // The report is on the disk before anybody else has a say: the hook before may end the process.
        let report = Report::of_panic(info);
        let id = report.id.clone();
        let kept = courier.keep(report);
        before(info);
        if kept && ends_the_process() {
            courier.wait_until_told(&id);
        }
    }));
}

/// Whether the process is likely to end with this panic. Other threads are joined, or nobody minds them.
fn ends_the_process() -> bool {
    cfg!(panic = "abort") || thread::current().name() == Some("main")
}
