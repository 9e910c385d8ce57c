//! Installing the official peers.

use std::fs::{self, File};
use std::process::Command;

use crate::shell::{self, Failure};

/// A copy of the lock file that `node_modules` was made from. Its content is compared, because a checkout changes
/// times.
const STAMP: &str = "node_modules/.installed-from-package-lock.json";

/// Installs what `package-lock.json` pins, unless that has been done.
pub(crate) fn install() -> Result<(), Failure> {
    let folder = shell::workspace().join("crates/flipper-conformance");
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
    shell::run(Command::new("npm").current_dir(&folder).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]))?;
    fs::write(&stamp, wanted).map_err(Failure::at(&stamp))
}
