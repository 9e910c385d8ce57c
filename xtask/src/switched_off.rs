//! What is left of the project in an app that switches it off.

use std::collections::BTreeSet;
use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::process::Command;

use crate::report::Report;
use crate::shell::{self, Failure};
use crate::trees;

/// The app that is built with everything, and with everything switched off.
const APP: &str = "xtask/switched-off";

/// The crates whose feature `enabled` switches them on.
const CRATES: [&str; 6] =
    ["flipper-client", "flipper-async", "flipper-tokio", "flipper-smol", "flipper-blocking", "flipper-plugins"];

/// What a program has in its symbols, paths and texts if anything is left: of the project itself, and of what it needs for
/// TLS and WebSockets.
const TRACES: [&str; 4] = ["flipper", "rustls", "tungstenite", "ring_core"];

/// The crates that bring these, none of which is compiled any more.
const NEEDED: [&str; 5] = ["flipper-pki", "ring", "rustls", "rustls-webpki", "tungstenite"];

/// The features of the app: everything switched off, for what the tests of the API use, and for the program alone; and the
/// program with everything switched on.
const API: &[&str] = &["--no-default-features", "--features", "everything"];
const OFF: &[&str] = &["--no-default-features"];
const ON: &[&str] = &[];

pub(crate) fn run(report: &mut Report) {
    report.step("switched off: clippy", clippy);
    report.step("switched off: the API", || {
        shell::share_lock(APP)?;
        shell::run(app("clippy", API).args(["--all-targets", "--", "--deny", "warnings"]))?;
        shell::run(app("test", API).arg("--tests"))
    });
    report.step("switched off: nothing", || {
        shell::share_lock(APP)?;
        let compiled = compiled(API)?;
        if !compiled.is_empty() {
            return Err(Failure::Said(format!("an app that has it switched off compiles {}", compiled.join(", "))));
        }
        let left: BTreeSet<_> = traces(OFF)?.into_iter().flatten().collect();
        if !left.is_empty() {
            return Err(Failure::Said(format!("an app that has it switched off still holds {left:#?}")));
        }
        Ok(())
    });
    // Otherwise what is looked for would not be what there is.
    report.step("switched on: everything", || {
        shell::share_lock(APP)?;
        let (compiled, traces) = (compiled(ON)?, traces(ON)?);
        if compiled.len() < NEEDED.len() || traces.iter().any(BTreeSet::is_empty) {
            return Err(Failure::Said(format!("of {NEEDED:?} only {compiled:?} are seen, or not all of {TRACES:?}")));
        }
        Ok(())
    });
}

/// The crates themselves, each with every other feature. As features add up, one crate may be off that uses another one
/// that is on.
fn clippy() -> Result<(), Failure> {
    let mut features = Vec::new();
    for name in CRATES {
        let manifest = shell::workspace().join("crates").join(name).join("Cargo.toml");
        let text = fs::read_to_string(&manifest).map_err(Failure::at(&manifest))?;
        features.extend(other_features(&text).map(|feature| format!("{name}/{feature}")));
    }
    for on in [&[][..], &["flipper-client/enabled"], &["flipper-plugins/enabled"]] {
        let features: Vec<_> = features.iter().map(String::as_str).chain(on.iter().copied()).collect();
        let mut command = shell::cargo("clippy");
        shell::lock_in_ci(&mut command);
        command.args(CRATES.iter().flat_map(|name| ["--package", name]));
        command.args(["--no-default-features", "--features", &features.join(","), "--", "--deny", "warnings"]);
        shell::run(&mut command)?;
    }
    Ok(())
}

/// The features of a manifest but for those that switch it on.
fn other_features(manifest: &str) -> impl Iterator<Item = &str> {
    let section = manifest.split("\n[").find_map(|section| section.strip_prefix("features]"));
    let names = section.unwrap_or_default().lines().filter_map(|line| line.split_once(" = [").map(|(name, _)| name));
    names.filter(|name| !["default", "enabled"].contains(name))
}

/// Those of [`NEEDED`] that an app compiles.
fn compiled(features: &[&str]) -> Result<Vec<String>, Failure> {
    let listed = trees::listed(app("tree", features).args(["--edges", "normal,build"]))?;
    Ok(trees::offenders(&listed, &NEEDED).into_iter().map(str::to_owned).collect())
}

/// What each of [`TRACES`] has left in the program of an app, which runs as well.
fn traces(features: &[&str]) -> Result<[BTreeSet<String>; 4], Failure> {
    shell::run(app("build", features).arg("--release"))?;
    let program = shell::workspace().join(TARGET).join(format!("release/switched-off{EXE_SUFFIX}"));
    let content = fs::read(&program).map_err(Failure::at(&program))?;
    // One that is switched on looks for no desktop, and in nobody's home.
    let state = shell::workspace().join(TARGET).join("state");
    shell::run(Command::new(program).env("FLIPPER_STATE_DIR", state).env("FLIPPER_ALT_PORTS", "1,1"))?;
    Ok(TRACES.map(|trace| texts_with(&content, trace)))
}

/// The texts of a program that hold `trace`, in small letters: symbols are among them.
fn texts_with(content: &[u8], trace: &str) -> BTreeSet<String> {
    let texts = content.split(|byte| !byte.is_ascii_graphic()).map(<[u8]>::to_ascii_lowercase);
    let found = texts.filter(|text| text.windows(trace.len()).any(|part| part == trace.as_bytes()));
    found.map(|text| String::from_utf8_lossy(&text).into_owned()).collect()
}

/// Relative to the workspace: what is built has other features than what the workspace's own target directory is for.
const TARGET: &str = "target/switched-off";

fn app(subcommand: &str, features: &[&str]) -> Command {
    let mut command = shell::cargo(subcommand);
    command.args(["--manifest-path", &format!("{APP}/Cargo.toml")]).args(features);
    if subcommand != "tree" {
        command.args(["--target-dir", TARGET]);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::{other_features, texts_with};

    #[test]
    fn features_are_read_from_a_manifest() {
        let manifest = "[package]\nname = \"a\"\n\n[features]\ndefault = [\"enabled\"]\nenabled = [\n    \"dep:b\",\n]\n\
                        # About it.\none = []\ntwo-of = [\"one\"]\n\n[dependencies]\nb = [\"c\"]\n";
        assert_eq!(other_features(manifest).collect::<Vec<_>>(), ["one", "two-of"]);
    }

    #[test]
    fn a_trace_is_found_in_a_symbol() {
        let content = b"\0_ZN14Flipper_client4open17h0E\0string\xff";
        assert_eq!(texts_with(content, "flipper").into_iter().collect::<Vec<_>>(), ["_zn14flipper_client4open17h0e"]);
        assert!(texts_with(content, "rustls").is_empty());
    }
}
