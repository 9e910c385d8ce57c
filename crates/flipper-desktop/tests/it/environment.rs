//! What the environment of a desktop does and does not change.

use std::env;
use std::process::{Command, Output};

use flipper_desktop::proto::Payload;
use flipper_tokio::Tokio;
use tempfile::tempdir;

use crate::support::{Rig, app, desktop};

#[test]
fn it_issues_certificates_without_any_program_to_call() {
    let mut command = Command::new(env::current_exe().unwrap());
    let output = with_nothing_to_call_in(command.env("PATH", "").env("OPENSSL_CONF", "/nonexistent"));
    assert!(String::from_utf8_lossy(&output.stdout).contains("olleh"));
}

#[cfg(unix)]
#[test]
fn its_files_are_its_own_whatever_the_umask() {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", r#"umask 000; exec "$0" "$@""#]).arg(env::current_exe().unwrap());
    let output = with_nothing_to_call_in(command.env("PATH", ""));
    let modes = String::from_utf8(output.stdout).unwrap();
    let modes: Vec<&str> = modes.lines().filter_map(|line| Some(line.split_once("mode ")?.1)).collect();
    assert!(modes.len() > 8, "{modes:?}");
    for mode in modes {
        assert!(mode.starts_with("100600 ") || mode.starts_with("40700 "), "{mode}");
    }
}

/// Runs [`with_nothing_to_call`] in another process.
fn with_nothing_to_call_in(command: &mut Command) -> Output {
    let arguments = ["--exact", "environment::with_nothing_to_call", "--ignored", "--nocapture"];
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

#[tokio::test]
#[ignore = "a process for other tests"]
async fn with_nothing_to_call() {
    assert!(env::var_os("PATH").unwrap().is_empty(), "another test starts this one");
    let dir = tempdir().unwrap();
    let (state, apps) = (dir.path().join("state/desktop"), dir.path().join("apps"));
    let mut rig = Rig::<Tokio>::start(desktop().state_directory(&state)).await;
    let _app = app(rig.desktop.ports(), &apps).start().unwrap();
    let client = rig.client().await;
    rig.desktop.init_plugin(&client, "Example").unwrap();
    let params = Payload::from_json(r#"{"word":"hello"}"#).unwrap();
    println!("{}", rig.desktop.call(&client, "Example", "reverse", Some(params)).await.unwrap().as_json());
    #[cfg(unix)]
    for directory in [state, apps.join("com.example.test")] {
        print_modes(&directory);
    }
}

#[cfg(unix)]
fn print_modes(path: &std::path::Path) {
    use std::os::unix::fs::MetadataExt as _;
    let found = std::fs::symlink_metadata(path).unwrap();
    println!("mode {:o} {}", found.mode(), path.display());
    if found.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            print_modes(&entry.unwrap().path());
        }
    }
}
