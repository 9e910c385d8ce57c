//! What is left of the project in an app that switches it off.

use std::collections::BTreeSet;
use std::env::consts::EXE_SUFFIX;
use std::fs;

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

/// Every way of an app to ask for the project.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    On,
    Off,
}

impl Mode {
    fn args(self) -> &'static [&'static str] {
        match self {
            Self::On => &[],
            Self::Off => &["--no-default-features", "--features", "everything"],
        }
    }
}

pub(crate) fn run(report: &mut Report) {
    report.step("switched off: clippy", clippy);
    report.step("switched off: the API", || {
        shell::share_lock(APP)?;
        shell::run(app("clippy", Mode::Off).args(["--all-targets", "--", "--deny", "warnings"]))?;
        shell::run(app("test", Mode::Off).arg("--tests"))
    });
    report.step("switched off: nothing", || {
        shell::share_lock(APP)?;
        is_there(Mode::On)?;
        is_there(Mode::Off)
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

/// Whether an app has everything or nothing, as it asked.
fn is_there(mode: Mode) -> Result<(), Failure> {
    let listed = trees::listed(app("tree", mode).args(["--edges", "normal,build"]))?;
    let compiled = trees::offenders(&listed, &NEEDED);
    shell::run(app("build", mode).arg("--release"))?;
    let program = shell::workspace().join(TARGET).join(format!("release/switched-off{EXE_SUFFIX}"));
    let content = fs::read(&program).map_err(Failure::at(&program))?;
    let left: Vec<_> = TRACES.into_iter().filter(|trace| !texts_with(&content, trace).is_empty()).collect();
    match mode {
        // Otherwise what is looked for would not be what there is.
        Mode::On if compiled.len() < NEEDED.len() || left.len() < TRACES.len() => {
            Err(Failure::Said(format!("of an app that has everything, only {compiled:?} and {left:?} are seen")))
        }
        Mode::Off if !compiled.is_empty() => {
            Err(Failure::Said(format!("an app that has it switched off compiles {}", compiled.join(", "))))
        }
        Mode::Off if !left.is_empty() => {
            let texts: BTreeSet<_> = left.iter().flat_map(|trace| texts_with(&content, trace)).collect();
            Err(Failure::Said(format!("an app that has it switched off still holds {texts:#?}")))
        }
        Mode::On | Mode::Off => shell::run(&mut std::process::Command::new(program)),
    }
}

/// The texts of a program that hold `trace`, in small letters: symbols are among them.
fn texts_with(content: &[u8], trace: &str) -> BTreeSet<String> {
    let texts = content.split(|byte| !byte.is_ascii_graphic()).map(<[u8]>::to_ascii_lowercase);
    let found = texts.filter(|text| text.windows(trace.len()).any(|part| part == trace.as_bytes()));
    found.map(|text| String::from_utf8_lossy(&text).into_owned()).collect()
}

/// Relative to the workspace: what is built has other features than what the workspace's own target directory is for.
const TARGET: &str = "target/switched-off";

fn app(subcommand: &str, mode: Mode) -> std::process::Command {
    let mut command = shell::cargo(subcommand);
    command.args(["--manifest-path", &format!("{APP}/Cargo.toml")]).args(mode.args());
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
