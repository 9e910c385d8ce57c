//! Building the programs in C that the conformance suite runs as apps.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::programs;
use crate::shell::{self, Failure};

/// As the examples promise to be good.
const STRICT: &[&str] = &["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O1", "-g"];

/// Whatever the suite does with a program, it is looked at as well.
const SANITIZERS: &[&str] = &["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

/// What a Rust library needs of the system.
const SYSTEM: &[&str] = &["-lpthread", "-ldl", "-lm"];

/// Builds them into `target/programs`.
pub(crate) fn build() -> Result<(), Failure> {
    programs::ensure(&programs::C)?;
    let crate_folder = shell::workspace().join("crates/flipper-ffi");
    let netstrings = crate_folder.join("tests/programs/netstring.c");
    let mut sources = vec![crate_folder.join("tests/programs/c_sans_io.c"), netstrings.clone()];
    sources.extend(c_files(&crate_folder.join("examples/common"))?);
    sources.extend(c_files(&crate_folder.join("examples/poll_client"))?);
    // It is another program's.
    sources.retain(|source| !source.ends_with("main.c"));
    // Without the threaded layer, which shows that its user needs nothing of that.
    let sans_io = library("libflipper-sans-io.a", &["--no-default-features"])?;
    compile("c-sans-io", &sources, &sans_io, &["-lwslay", "-lssl", "-lcrypto"])?;
    let threaded = library("libflipper-threaded.a", &[])?;
    compile("c-threaded", &[crate_folder.join("tests/programs/c_threaded.c"), netstrings], &threaded, &[])
}

/// The library with these features, under a name of its own.
fn library(name: &str, features: &[&str]) -> Result<PathBuf, Failure> {
    let programs = shell::workspace().join("target/programs");
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| shell::workspace().join("target"), PathBuf::from);
    let mut command = shell::cargo("build");
    shell::lock_in_ci(&mut command);
    shell::run(command.args(["--package", "flipper-ffi", "--lib"]).args(features))?;
    // The next build with other features takes its place.
    let (built, kept) = (target.join("debug/libflipper_ffi.a"), programs.join(name));
    fs::create_dir_all(&programs).map_err(Failure::at(&programs))?;
    fs::copy(&built, &kept).map_err(Failure::at(&built))?;
    Ok(kept)
}

fn compile(name: &str, sources: &[PathBuf], library: &Path, libraries: &[&str]) -> Result<(), Failure> {
    let mut command = Command::new("gcc");
    command.args(STRICT).args(SANITIZERS);
    command.arg("-I").arg(shell::workspace().join("crates/flipper-ffi/include"));
    command.args(sources).arg(library).args(libraries).args(SYSTEM);
    command.arg("-o").arg(shell::workspace().join("target/programs").join(name));
    shell::run(&mut command)
}

fn c_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(Failure::at(folder))? {
        let path = entry.map_err(Failure::at(folder))?.path();
        if path.extension().is_some_and(|extension| extension == "c") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
