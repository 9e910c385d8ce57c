//! Builds programs in C over the sans-IO layer alone, and has them watched while they run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use tempfile::TempDir;

/// How a program is built, and what watches it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Watch {
    /// Built with GCC, under AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer.
    Gcc,
    /// The same, built with Clang.
    Clang,
    /// Built with GCC, under Valgrind.
    Valgrind,
}

/// What the examples promise to be good as.
const STRICT: &[&str] = &["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O1", "-g"];

const SANITIZERS: &[&str] = &["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

/// The status of a program that was caught, whoever caught it.
const CAUGHT: i32 = 99;

/// A program that was built; its folder goes with it.
pub(crate) struct Program {
    file: PathBuf,
    watch: Watch,
    _folder: TempDir,
}

/// Builds a program of sources of this crate.
pub(crate) fn build(watch: Watch, sources: &[PathBuf], libraries: &[&str]) -> Program {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("program");
    let compiler = if let Watch::Clang = watch { "clang" } else { "gcc" };
    let mut command = Command::new(compiler);
    command.args(STRICT);
    if !matches!(watch, Watch::Valgrind) {
        command.args(SANITIZERS);
    }
    command.arg("-I").arg(source("include")).args(sources).arg(&library().fixed).args(libraries);
    let output = run(command.args(["-lpthread", "-ldl", "-lm", "-o"]).arg(&file), compiler);
    assert!(output.status.success(), "{compiler}: {}", String::from_utf8_lossy(&output.stderr));
    Program { file, watch, _folder: folder }
}

impl Program {
    /// What runs it. Whatever is found ends it with a status of its own, and is told on its standard error.
    pub(crate) fn command(&self) -> Command {
        let Watch::Valgrind = self.watch else {
            let mut command = Command::new(&self.file);
            command.env("ASAN_OPTIONS", format!("detect_leaks=1:exitcode={CAUGHT}"));
            command.env("UBSAN_OPTIONS", format!("print_stacktrace=1:exitcode={CAUGHT}"));
            return command;
        };
        // Whether it is there is asked before: what is run below is waited for elsewhere.
        run(Command::new("valgrind").arg("--version"), "valgrind");
        let mut command = Command::new("valgrind");
        command.args(["--quiet", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect,possible"]);
        command.arg(format!("--error-exitcode={CAUGHT}")).arg(&self.file);
        command
    }
}

/// A file of this crate.
pub(crate) fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The files in C of a folder of this crate.
pub(crate) fn sources(folder: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(source(folder)).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|extension| extension == "c")).collect()
}

/// The library without the threaded layer: what uses it needs nothing of that.
pub(crate) struct Library {
    pub(crate) fixed: PathBuf,
    pub(crate) shared: PathBuf,
}

pub(crate) fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["rustc", "--package", "flipper-ffi", "--lib", "--no-default-features"]);
        cargo.args(["--crate-type", "staticlib,cdylib", "--message-format", "json"]);
        let output = run(cargo.current_dir(env!("CARGO_MANIFEST_DIR")), "cargo");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let messages = String::from_utf8(output.stdout).unwrap();
        // The next build with other features takes the place of what was built.
        let keep = |ending: &str| {
            let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("libflipper-sans-io.{ending}"));
            fs::copy(built(&messages, ending).expect("a library"), &kept).unwrap();
            kept
        };
        Library { fixed: keep("a"), shared: keep("so") }
    })
}

/// Where Cargo says that it has put the library with this ending.
fn built(messages: &str, ending: &str) -> Option<PathBuf> {
    let files = messages.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let ours = message["target"]["name"] == "flipper_ffi";
        ours.then(|| message["filenames"].as_array().cloned().unwrap_or_default())
    });
    let mut paths = files.flatten().filter_map(|file| file.as_str().map(PathBuf::from));
    paths.find(|path| path.extension().is_some_and(|extension| extension == ending))
}

fn run(command: &mut Command, name: &str) -> Output {
    command.output().unwrap_or_else(|error| {
        panic!(
            "{name} cannot be run: {error}. `cargo xtask programs` says what to install, and does so where it may; on \
             Debian: gcc clang libclang-rt-14-dev valgrind libc6-dbg libssl-dev libwslay-dev"
        )
    })
}
