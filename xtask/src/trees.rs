//! What the adapters must not bring with them.

use std::process::{Command, Stdio};

use crate::shell::{self, Failure};

/// A crate with some of its features, and the crates that whoever chose it does not want.
const FORBIDDEN: [(&str, &str, &[&str]); 5] = [
    ("flipper-smol", "", &["tokio"]),
    ("flipper-smol", "www-http", &["tokio"]),
    ("flipper-blocking", "", RUNTIMES),
    ("flipper-blocking", "www-http", RUNTIMES),
    ("flipper-desktop", "www-http,www-object-store", OTHER_CRYPTOGRAPHY),
];

const RUNTIMES: &[&str] =
    &["tokio", "smol", "async-std", "async-executor", "async-io", "futures-executor", "pollster", "futures-lite"];

/// All cryptography is ring's.
const OTHER_CRYPTOGRAPHY: &[&str] = &["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls"];

/// Looks through the dependencies of every adapter, as an app gets them.
pub(crate) fn check() -> Result<(), Failure> {
    for (adapter, features, forbidden) in FORBIDDEN {
        let mut command = shell::cargo("tree");
        shell::lock_in_ci(&mut command);
        command.args(["--package", adapter, "--features", features, "--edges", "normal,build"]);
        let listed = listed(&mut command)?;
        let found = offenders(&listed, forbidden);
        if !found.is_empty() {
            let with = if features.is_empty() { String::new() } else { format!(" with {features}") };
            return Err(Failure::Said(format!("{adapter}{with} depends on {}", found.join(", "))));
        }
    }
    Ok(())
}

/// What `cargo tree` lists, as `name v1.2.3 …`, one a line.
pub(crate) fn listed(command: &mut Command) -> Result<String, Failure> {
    command.args(["--prefix", "none", "--format", "{p}"]);
    shell::announce(command);
    let output = command.stderr(Stdio::inherit()).output();
    let (status, listed) = match output {
        Ok(output) => (Ok(output.status), String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error) => (Err(error), String::new()),
    };
    shell::finish(command, status)?;
    Ok(listed)
}

/// The forbidden ones among crates that are listed as `name v1.2.3 …`, one a line.
pub(crate) fn offenders<'a>(listed: &'a str, forbidden: &[&str]) -> Vec<&'a str> {
    let mut found: Vec<_> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| forbidden.contains(name))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::offenders;

    #[test]
    fn a_forbidden_crate_is_found_wherever_it_is_listed() {
        let listed = "flipper-smol v0.1.0\nsmol v2.0.2\ntokio v1.54.0 (*)\ntokio-util v0.7.0\ntokio v1.54.0\n";
        assert_eq!(offenders(listed, &["tokio"]), ["tokio"]);
        assert!(offenders(listed, &["futures-executor"]).is_empty());
    }
}
