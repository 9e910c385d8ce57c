//! The ready client from C: the program of the documentation as it stands there, and apps that come and go under
//! sanitizers.

#![cfg(all(feature = "threaded", target_os = "linux"))]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that fails panics")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use flipper_conformance::Result;
use flipper_conformance::desktops::{Desktop, OnTokio, Ours};
use serde_json::json;
use tempfile::TempDir;

#[test]
fn the_client_of_the_documentation_works_as_it_stands_there() -> Result {
    let book = fs::read_to_string(here().join("../../docs/ffi.md"))?;
    let (_, section) = book.split_once("\n## A client in thirty lines\n").ok_or("no such section")?;
    let code = block(section, "```c\n");
    assert_eq!(code, fs::read_to_string(here().join("examples/threaded_client.c"))?);
    let command = block(section, "```sh\n").lines().next().ok_or("no command")?;
    let folder = TempDir::new()?;
    fs::write(folder.path().join("client.c"), code)?;
    let compiled = Command::new("sh")
        .args(["-e", "-c", command])
        .current_dir(folder.path())
        .env("PKG_CONFIG_PATH", installed().join("lib/pkgconfig"))
        .output()?;
    assert!(compiled.status.success() && compiled.stderr.is_empty(), "{compiled:?}");

    let desktop = Ours::<OnTokio>::start()?.ok_or("it is never skipped")?;
    let (insecure, secure) = desktop.ports();
    let mut client = Command::new(folder.path().join("client"))
        .env("LD_LIBRARY_PATH", installed().join("lib"))
        .env("FLIPPER_STATE_DIR", folder.path().join("state"))
        .env("FLIPPER_ALT_PORTS", format!("{insecure},{secure}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let app = desktop.wait_for_client("My App")?;
    desktop.init(&app, "Example")?;
    assert_eq!(desktop.wait_for_event(&app, "Example", "started")?, json!({"from": "C"}));
    assert_eq!(desktop.call(&app, "Example", "anything", &json!({"a": 1}))?, Ok(json!({"a": 1})));
    client.stdin.take().ok_or("no input")?.write_all(b"\n")?;
    let mut said = String::new();
    BufReader::new(client.stdout.take().ok_or("no output")?).read_line(&mut said)?;
    assert!(client.wait()?.success());
    assert_eq!(said, "connected; Enter ends it\n");
    desktop.wait_for_client_gone(&app)
}

#[test]
fn a_hundred_thousand_apps_come_and_go_and_leave_nothing() -> Result {
    let (folder, watched) = (TempDir::new()?, ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]);
    let program = build("threaded_cycles.c", &watched, folder.path());
    come_and_go(&program, folder.path())?;

    // What is kept for ever is no leak for the sanitizer, but the memory grows.
    let program = build("threaded_cycles.c", &[], folder.path());
    let grown = come_and_go(&program, folder.path())?;
    assert!(grown.iter().all(|kib| *kib < 4096), "it has grown by so many KiB: {grown:?}");
    Ok(())
}

#[test]
fn a_process_may_exit_while_its_app_runs() -> Result {
    let folder = TempDir::new()?;
    let program = build("threaded_exit.c", &[], folder.path());
    for way in ["exit", "return", "fork"] {
        let output = Command::new(&program).arg(folder.path()).arg(way).output()?;
        assert!(output.status.success(), "{way}: {output:?}");
    }
    Ok(())
}

/// By how many KiB the memory grew: without threads, and with them.
fn come_and_go(program: &Path, folder: &Path) -> Result<Vec<i64>> {
    let output = Command::new(program).arg(folder).args(["100000", "2000"]).output()?;
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.split_whitespace().map(str::parse).collect::<std::result::Result<_, _>>()?)
}

/// Builds a program of this folder with the static library.
fn build(source: &str, flags: &[&str], folder: &Path) -> PathBuf {
    let program = folder.join("program");
    let mut compiler = Command::new("gcc");
    compiler.args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O1", "-g"]).args(flags);
    compiler.arg("-I").arg(installed().join("include")).arg(here().join("tests/programs").join(source));
    compiler.arg(installed().join("lib/libflipper.a")).args(["-lpthread", "-ldl", "-lm", "-o"]).arg(&program);
    must("gcc", compiler.output());
    program
}

/// Where the library is, laid out as for a system.
fn installed() -> &'static Path {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let prefix = Path::new(env!("CARGO_TARGET_TMPDIR")).join("threaded-c");
        let mut chore = Command::new(env!("CARGO"));
        chore.args(["run", "--quiet", "--package", "xtask", "--", "c-library", "--debug", "--prefix"]).arg(&prefix);
        must("cargo xtask c-library", chore.current_dir(here()).output());
        prefix
    })
}

fn must(name: &str, output: std::io::Result<Output>) {
    let output = output.unwrap_or_else(|error| panic!("{name}: {error}; `cargo xtask programs` says what to install"));
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What stands between the fences that begin like this.
fn block<'a>(text: &'a str, fence: &str) -> &'a str {
    text.split_once(fence).expect("a block").1.split_once("```").expect("its end").0
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
