//! The library as a system has it: what `cargo xtask c-library` lays out is found by pkg-config, linked both ways, and exports
//! nothing but what its header declares.

#![cfg(target_os = "linux")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that fails panics")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

#[test]
fn the_library_is_laid_out_as_systems_have_libraries() {
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path().join("usr");
    run(Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--package", "xtask", "--", "c-library", "--debug", "--prefix"])
        .arg(&prefix)
        .current_dir(here()));
    let shared = prefix.join("lib").join(concat!("libflipper.so.", env!("CARGO_PKG_VERSION")));

    exports_what_the_header_declares(&shared);
    let dynamic = run(Command::new("readelf").arg("-d").arg(&shared));
    assert!(dynamic.contains("Library soname: [libflipper.so.0]"), "{dynamic}");
    assert_eq!(fs::canonicalize(prefix.join("lib/libflipper.so.0")).unwrap(), fs::canonicalize(&shared).unwrap());

    let installed = Installed { prefix: folder.path().join("opt"), folder: folder.path().to_owned() };
    // It may be moved as a whole.
    fs::rename(&prefix, &installed.prefix).unwrap();
    assert_eq!(installed.ask(&["--modversion"]), [env!("CARGO_PKG_VERSION")]);
    let (shared, fixed) = (installed.ask(&["--cflags", "--libs"]), installed.ask(&["--static", "--cflags", "--libs"]));
    assert_eq!(installed.program(&shared, &[]), SAYS);
    assert_eq!(installed.program(&fixed, &["-static"]), SAYS);
}

#[test]
fn the_header_is_good_c99_and_good_cpp11() {
    let header = here().join("include/flipper.h");
    for (compiler, language, standard) in
        [("gcc", "c", "c99"), ("clang", "c", "c99"), ("g++", "c++", "c++11"), ("clang++", "c++", "c++11")]
    {
        let mut command = Command::new(compiler);
        command.args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]);
        // As the main file it would be told that nobody includes it.
        command.args(["-x", language, &format!("-std={standard}"), "-include"]).arg(&header).arg("/dev/null");
        run(&mut command);
    }
}

/// What the program prints, if all is well.
const SAYS: &str = concat!(env!("CARGO_PKG_VERSION"), ": a pointer is NULL that must not be\n");

const PROGRAM: &str = r#"
#include <flipper.h>
#include <stdio.h>

int main(void) {
    char message[100];
    flipper_str version = flipper_version_text();
    flipper_result result = flipper_client_new(NULL, NULL);
    if (flipper_result_message(result, message, sizeof message, NULL) != FLIPPER_RESULT_OK) return 1;
    printf("%.*s: %s\n", (int)version.len, version.ptr, message);
    return 0;
}
"#;

struct Installed {
    prefix: PathBuf,
    folder: PathBuf,
}

impl Installed {
    fn ask(&self, questions: &[&str]) -> Vec<String> {
        let mut command = Command::new("pkg-config");
        command.args(questions).arg("flipper").env("PKG_CONFIG_PATH", self.prefix.join("lib/pkgconfig"));
        run(&mut command).split_whitespace().map(str::to_owned).collect()
    }

    /// Builds the program as the book says, runs it, and gives what it prints.
    fn program(&self, libraries: &[String], more: &[&str]) -> String {
        let (source, program) = (self.folder.join("app.c"), self.folder.join("app"));
        fs::write(&source, PROGRAM).unwrap();
        let mut compile = Command::new("gcc");
        compile.args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]).args(more);
        run(compile.arg(&source).args(libraries).arg("-o").arg(&program));
        run(Command::new(&program).env("LD_LIBRARY_PATH", self.prefix.join("lib")))
    }
}

fn exports_what_the_header_declares(library: &Path) {
    let symbols = run(Command::new("nm").args(["-D", "--defined-only", "--format=posix"]).arg(library));
    let exported: BTreeSet<_> = symbols.lines().filter_map(|line| line.split(' ').next()).collect();
    let header = fs::read_to_string(here().join("include/flipper.h")).unwrap();
    let code = header.lines().filter(|line| !line.trim_start().starts_with("//"));
    // A function is declared at the beginning of a line, by its type, its name and a parenthesis.
    let declared: BTreeSet<_> = code
        .filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()) && !line.starts_with("typedef"))
        .filter_map(|line| line.split_once('(')?.0.rsplit([' ', '*']).next())
        .map(str::to_owned)
        .collect();
    assert!(declared.len() > 50, "{declared:?}");
    assert!(declared.iter().all(|name| name.starts_with("flipper_")), "{declared:?}");
    assert_eq!(exported, declared.iter().map(String::as_str).collect());
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
