//! Installing the peers that are written in Python.

use std::fs::{self, File};
use std::process::Command;

use crate::shell::{self, Failure};

/// A copy of the list that the environment was made from.
const STAMP: &str = "installed-from-requirements.txt";

/// Installs what `requirements.txt` pins into an environment of its own, unless that has been done: systems do not let
/// pip change theirs.
pub(crate) fn install() -> Result<(), Failure> {
    let list = shell::workspace().join("crates/flipper-conformance/peers/requirements.txt");
    let folder = shell::workspace().join("target/python-peers");
    let stamp = folder.join(STAMP);
    // Two runs in one tree take turns.
    let turn = File::open(&list).map_err(Failure::at(&list))?;
    turn.lock().map_err(Failure::at(&list))?;

    let wanted = fs::read(&list).map_err(Failure::at(&list))?;
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        eprintln!("up to date");
        return Ok(());
    }
    shell::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--only-binary",
        ":all:",
        "--requirement",
    ]);
    shell::run(pip.arg(&list))?;
    fs::write(&stamp, wanted).map_err(Failure::at(&stamp))
}
