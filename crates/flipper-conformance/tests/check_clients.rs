//! Clients, checked from outside as a client in any language is. Those of this project deviate in nothing, whatever language
//! they are for; `js-flipper` deviates where it is known to.

#![cfg(unix)]

mod check;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use flipper_conformance::apps::{Binding, CSansIo, Python};
use flipper_conformance::check::client::{Check, Subject, Transport};
use flipper_conformance::check::{Expectations, Report};
use flipper_conformance::official;

use check::{Result, assert_good, show_column};

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

/// The client on threads once more: the way through a program costs no verdict.
#[test]
fn the_reference_program_conforms() -> Result {
    conforms("program")
}

#[test]
fn the_sans_io_c_client_conforms() -> Result {
    conforms("c_sans_io")
}

#[test]
fn the_python_client_conforms() -> Result {
    conforms("python")
}

#[test]
fn js_flipper_deviates_where_it_is_known_to() -> Result {
    if official::skips_this_test()? {
        return Ok(());
    }
    conforms("js_flipper")
}

/// A column of the conformance matrix.
type Column = (&'static str, fn() -> Result<Check>);

const COLUMNS: [Column; 7] = [
    ("tokio", || Ok(adapter("tokio"))),
    ("smol", || Ok(adapter("smol"))),
    ("blocking", || Ok(adapter("blocking"))),
    ("program", || Ok(program(Path::new(env!("CARGO_BIN_EXE_program_rust"))))),
    ("c_sans_io", || Ok(program(&CSansIo::program()?))),
    ("python", || Ok(program(&Python::program()?))),
    ("js_flipper", js_flipper),
];

/// The checks that nobody has waited for yet. All of them begin with the first that somebody waits for: they wait most of
/// the time themselves, and no more tests run at once than there are processors.
static RUNNING: LazyLock<Mutex<BTreeMap<&str, JoinHandle<Result<Report>>>>> = LazyLock::new(|| {
    let wanted = COLUMNS.into_iter().filter(|(column, _)| *column != "js_flipper" || !official_is_skipped());
    Mutex::new(wanted.map(|(column, check)| (column, thread::spawn(move || run(check)))).collect())
});

fn official_is_skipped() -> bool {
    // Where that is not allowed, the test itself says so.
    official::skips_this_test().unwrap_or(true)
}

fn run(check: fn() -> Result<Check>) -> Result<Report> {
    Ok(check()?.listen()?.run(&mut |_| {})?)
}

fn conforms(column: &str) -> Result {
    let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner).remove(column);
    let report = running.ok_or("there is no such column")?.join().map_err(|_| "the check panicked")??;
    show_column(column, &report)?;
    assert_good(&report);
    Ok(())
}

fn adapter(name: &str) -> Check {
    shim(env!("CARGO_BIN_EXE_shim_rust"), [name.into()])
}

fn program(path: &Path) -> Check {
    shim(env!("CARGO_BIN_EXE_shim_program"), [path.into()])
}

fn js_flipper() -> Result<Check> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut check = shim("node", [root.join("peers/js_flipper_client.cjs").into()]);
    check.transport = Transport::BROWSER.on_any_ports();
    check.expectations = Expectations::read(root.join("expectations/js-flipper-0.273.0.json"))?;
    // Two hundred times as long as it waits before it connects again.
    check.patience = Duration::from_secs(10);
    Ok(check)
}

fn shim(program: &str, arguments: [OsString; 1]) -> Check {
    Check::of(Subject::Shim { program: program.into(), arguments: arguments.into() })
}
