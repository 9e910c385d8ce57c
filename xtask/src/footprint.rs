//! What an app pays for the project before it runs.

use std::collections::BTreeSet;
use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::io::ErrorKind;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use crate::report::Report;
use crate::shell::{self, Failure};
use crate::trees;

/// The app that is measured, on the runtime that is its feature.
const APP: &str = "xtask/footprint";
/// Relative to the workspace. It is removed before every build.
const TARGET: &str = "target/footprint";

/// An adapter, and the feature of the app that chooses its runtime.
const ADAPTERS: [(&str, &str); 3] =
    [("flipper-tokio", "tokio"), ("flipper-smol", "smol"), ("flipper-blocking", "threads")];

/// What was measured of one app.
struct Footprint {
    crates: usize,
    build: Duration,
    bytes: u64,
}

pub(crate) fn run(report: &mut Report) {
    let mut table = String::new();
    let went_well = report.step("footprint", || {
        shell::share_lock(APP)?;
        table = measure()?;
        Ok(())
    });
    if went_well {
        print!("\n{table}");
    }
}

fn measure() -> Result<String, Failure> {
    // What has to be downloaded is downloaded before the clock runs.
    shell::run(shell::cargo("fetch").args(["--manifest-path", &format!("{APP}/Cargo.toml")]))?;
    let cores = available_parallelism().map_or(1, usize::from);
    let mut table = format!(
        "| adapter | crates | clean release build, {cores} cores | stripped program | added to the program |\n\
         | --- | --: | --: | --: | --: |\n"
    );
    for (adapter, runtime) in ADAPTERS {
        let without = footprint(runtime)?;
        let off = footprint(&format!("{runtime}-flipper"))?;
        let on = footprint(&format!("{runtime}-flipper,enabled"))?;
        table.push_str(&row(&format!("the app on {runtime} alone"), &without, None));
        table.push_str(&row(&format!("with `{adapter}`"), &on, Some(&without)));
        table.push_str(&row(&format!("with `{adapter}`, switched off"), &off, Some(&without)));
    }
    Ok(table)
}

fn row(what: &str, app: &Footprint, without: Option<&Footprint>) -> String {
    let added = without.map_or(String::new(), |without| kib(app.bytes.saturating_sub(without.bytes)));
    let Footprint { crates, build, bytes } = app;
    format!("| {what} | {crates} | {:.1} s | {} | {added} |\n", build.as_secs_f32(), kib(*bytes))
}

fn kib(bytes: u64) -> String {
    format!("{} KiB", bytes.div_ceil(1024))
}

/// Builds the app with these features, from nothing.
fn footprint(features: &str) -> Result<Footprint, Failure> {
    let app = |subcommand: &str| {
        let mut command = shell::cargo(subcommand);
        command.args(["--manifest-path", &format!("{APP}/Cargo.toml"), "--features", features]);
        command
    };
    let crates = count(&trees::listed(app("tree").args(["--edges", "normal"]))?);
    let target = shell::workspace().join(TARGET);
    match fs::remove_dir_all(&target) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(Failure::at(&target)(error)),
        _ => {}
    }
    let start = Instant::now();
    shell::run(app("build").args(["--release", "--offline", "--target-dir", TARGET]))?;
    let build = start.elapsed();
    let program = target.join(format!("release/footprint{EXE_SUFFIX}"));
    let bytes = fs::metadata(&program).map_err(Failure::at(&program))?.len();
    Ok(Footprint { crates, build, bytes })
}

/// How many crates are listed as `name v1.2.3 …`, one a line, besides the app itself.
fn count(listed: &str) -> usize {
    let crates = listed.lines().map(|line| line.split_whitespace().take(2).collect::<Vec<_>>());
    let crates: BTreeSet<_> = crates.filter(|words| words.len() == 2 && words[0] != "footprint").collect();
    crates.len()
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn a_crate_counts_once_for_each_of_its_versions() {
        let listed = "footprint v0.0.0 (/a)\nserde v1.0.1\nserde v1.0.1 (*)\nserde_derive v1.0.1 (proc-macro)\n\n\
                      syn v2.0.0\nsyn v3.0.0\n";
        assert_eq!(count(listed), 4);
    }
}
