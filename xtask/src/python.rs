//! Python: the peers that are written in it, and the package `flipper`.

use std::env;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::programs;
use crate::shell::{self, Failure};

/// A copy of the list that an environment was made from.
const STAMP: &str = "installed-from-requirements.txt";

const PACKAGE: &str = "crates/flipper-python";

/// Installs what the peers' `requirements.txt` pins.
pub(crate) fn install() -> Result<(), Failure> {
    environment("crates/flipper-conformance/peers/requirements.txt", "target/python-peers").map(drop)
}

/// Builds the package `flipper`, installs it into an environment of its own, and makes the program that the conformance
/// suite runs.
///
/// The wheel has the profile of the tests: a release build of all that is beneath it takes minutes, and nothing that is
/// tested depends on it.
pub(crate) fn build() -> Result<(), Failure> {
    programs::ensure(&[programs::PYTHON])?;
    let environment = environment(&format!("{PACKAGE}/tests/requirements.txt"), "target/python")?;
    let wheels = environment.join("wheels");
    // One of another version would be installed as well.
    let _none_yet = fs::remove_dir_all(&wheels);
    let mut maturin = Command::new(environment.join("bin/maturin"));
    maturin.current_dir(shell::workspace().join(PACKAGE)).args(["build", "--quiet", "--profile", "dev", "--out"]);
    maturin.arg(&wheels).arg("--interpreter").arg(environment.join("bin/python"));
    shell::lock_in_ci(&mut maturin);
    shell::run(&mut maturin)?;
    let wheel = fs::read_dir(&wheels).map_err(Failure::at(&wheels))?.flatten().map(|wheel| wheel.path()).next();
    let wheel = wheel.ok_or_else(|| Failure::Said("maturin has built no wheel".to_owned()))?;
    shell::run(pip(&environment).args(["--no-index", "--no-deps", "--force-reinstall"]).arg(wheel))?;
    write_program(&environment)
}

/// Runs the tests of the package, which count as those of Rust do.
pub(crate) fn tests() -> Command {
    let mut command = in_package("pytest");
    command.arg("--quiet");
    command
}

/// Checks the types of the package, and of its tests.
pub(crate) fn check_types() -> Result<(), Failure> {
    shell::run(in_package("mypy").args(["--strict", "."]))
}

/// A module of the package's environment, to be run in the package's folder.
fn in_package(module: &str) -> Command {
    let mut command = Command::new(folder("target/python").join("bin/python"));
    command.current_dir(folder(PACKAGE)).args(["-m", module]).env("CARGO_TARGET_DIR", target());
    command
}

/// A script that runs the package's program for the conformance suite.
fn write_program(environment: &Path) -> Result<(), Failure> {
    let programs = folder("target/programs");
    fs::create_dir_all(&programs).map_err(Failure::at(&programs))?;
    let program = programs.join("python");
    let (python, script) = (environment.join("bin/python"), folder(PACKAGE).join("tests/program.py"));
    let text = format!("#!/bin/sh\nexec '{}' '{}' \"$@\"\n", python.display(), script.display());
    fs::write(&program, text).map_err(Failure::at(&program))?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).map_err(Failure::at(&program))
}

/// Installs what a list pins into an environment of its own, unless that has been done: systems do not let pip change
/// theirs.
fn environment(list: &str, at: &str) -> Result<PathBuf, Failure> {
    let (list, at) = (folder(list), folder(at));
    let stamp = at.join(STAMP);
    // Two runs in one tree take turns.
    let turn = File::open(&list).map_err(Failure::at(&list))?;
    turn.lock().map_err(Failure::at(&list))?;

    let wanted = fs::read(&list).map_err(Failure::at(&list))?;
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        eprintln!("up to date");
        return Ok(at);
    }
    shell::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&at))?;
    shell::run(pip(&at).args(["--only-binary", ":all:", "--requirement"]).arg(&list))?;
    fs::write(&stamp, wanted).map_err(Failure::at(&stamp))?;
    Ok(at)
}

fn pip(environment: &Path) -> Command {
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    pip
}

fn folder(name: &str) -> PathBuf {
    shell::workspace().join(name)
}

/// Where cargo builds, as seen from anywhere.
fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| folder("target"), |target| folder("").join(target))
}
