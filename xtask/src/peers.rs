//! Installing the official peers, and what else comes from npm.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use crate::shell::{self, Failure};

/// A copy of the lock file that `node_modules` was made from. Its content is compared, because a checkout changes
/// times.
const STAMP: &str = "node_modules/.installed-from-package-lock.json";

/// The folders with a `package-lock.json`: of the peers, and of the client in Node over the C library.
const FOLDERS: [&str; 2] = ["crates/flipper-conformance", "crates/flipper-ffi/examples/node"];

/// Installs what is pinned, unless that has been done.
pub(crate) fn install() -> Result<(), Failure> {
    FOLDERS.iter().try_for_each(|folder| install_in(&shell::workspace().join(folder)))
}

fn install_in(folder: &Path) -> Result<(), Failure> {
    let lock = folder.join("package-lock.json");
    let stamp = folder.join(STAMP);
    // Two runs in one tree take turns; `npm ci` begins by removing what the other one uses.
    let turn = File::open(&lock).map_err(Failure::at(&lock))?;
    turn.lock().map_err(Failure::at(&lock))?;

    let wanted = fs::read(&lock).map_err(Failure::at(&lock))?;
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        eprintln!("up to date");
        return Ok(());
    }
    // Nothing that is pinned has install scripts that it needs.
    shell::run(Command::new("npm").current_dir(folder).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]))?;
    fs::write(&stamp, wanted).map_err(Failure::at(&stamp))
}
