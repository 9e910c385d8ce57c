//! `flipper certs`, as a person or a script runs it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use flipper_desktop::Desktop;
use flipper_desktop::pki::Authority;
use serde_json::Value;
use tempfile::TempDir;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

fn certs(state: &Path, arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flipper"));
    Ok(command.arg("certs").args(arguments).arg("--state-dir").arg(state).output()?)
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs it where it has to succeed.
fn succeeds(state: &Path, arguments: &[&str]) -> Result<String> {
    let output = certs(state, arguments)?;
    if output.status.success() { Ok(said(&output)) } else { Err(said(&output).into()) }
}

/// Runs it where it has to fail, and gives the one line that it says.
fn fails(state: &Path, arguments: &[&str]) -> Result<String> {
    let output = certs(state, arguments)?;
    let error = String::from_utf8(output.stderr)?;
    if output.status.success() || error.lines().count() != 1 { Err(error.into()) } else { Ok(error) }
}

fn shown(state: &Path) -> Result<Value> {
    Ok(serde_json::from_str(&succeeds(state, &["show", "--json"])?)?)
}

#[test]
fn what_there_is_is_shown_and_not_changed() -> Result {
    let state = TempDir::new()?;
    let nothing = shown(state.path())?;
    assert_eq!((&nothing["ca"]["state"], &nothing["running"]), (&"missing".into(), &Value::Null));
    assert_eq!(fs::read_dir(state.path())?.count(), 0);

    let authority = Authority::open(state.path().join("desktop"))?;
    let there = shown(state.path())?;
    assert_eq!(there["ca"]["state"], "good");
    assert_eq!(there["ca"]["common_name"], "SonarCA");
    assert_eq!(there["server"]["common_name"], "localhost");
    let text = succeeds(state.path(), &[])?;
    let fingerprint = there["ca"]["fingerprint"].as_str().ok_or("no fingerprint")?;
    assert!(text.contains(fingerprint) && text.contains("no desktop runs"), "{text}");
    let key = fs::read_to_string(state.path().join("desktop/ca.key"))?;
    let secret = key.lines().nth(1).ok_or("no key")?;
    assert!(!text.contains(secret) && !there.to_string().contains(secret));
    drop(authority);
    Ok(())
}

#[test]
fn it_rotates_and_revokes_while_a_desktop_runs() -> Result {
    let state = TempDir::new()?;
    let directory = state.path().join("desktop");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let builder = Desktop::builder().any_ports().state_directory(&directory);
    let desktop = runtime.block_on(builder.start())?;
    let before = shown(state.path())?;
    assert_eq!(before["running"]["pid"], std::process::id());

    let text = succeeds(state.path(), &["rotate"])?;
    assert!(text.contains("process") && text.contains(&std::process::id().to_string()), "{text}");
    let after = shown(state.path())?;
    assert_ne!(after["ca"]["fingerprint"], before["ca"]["fingerprint"]);
    assert_eq!(after["previous"][0]["fingerprint"], before["ca"]["fingerprint"]);

    succeeds(state.path(), &["revoke", "com.example.app"])?;
    succeeds(state.path(), &["revoke", "00:AB:cd:ef:01:23:45:67:89"])?;
    let revoked = shown(state.path())?["revoked"].clone();
    assert_eq!((&revoked[0]["what"], &revoked[0]["value"]), (&"app".into(), &"com.example.app".into()));
    assert_eq!((&revoked[1]["what"], &revoked[1]["value"]), (&"serial".into(), &"abcdef0123456789".into()));
    runtime.block_on(desktop.stop());
    Ok(())
}

#[test]
fn what_goes_wrong_is_said_in_one_line() -> Result {
    let state = TempDir::new()?;
    for arguments in [&["rotate"][..], &["revoke", "com.example.app"]] {
        let error = fails(state.path(), arguments)?;
        assert!(error.contains("there is no certificate authority in") && error.contains("flipper desktop"), "{error}");
    }
    assert_eq!(fs::read_dir(state.path())?.count(), 0);
    let directory = state.path().join("desktop");
    Authority::open(&directory)?;
    fs::write(directory.join("ca.key"), "garbage")?;
    let error = fails(state.path(), &["rotate"])?;
    assert!(error.contains("ca.key") && error.contains("restore"), "{error}");
    let output = certs(state.path(), &["show", "--json"])?;
    assert_eq!(output.status.code(), Some(1));
    let shown: Value = serde_json::from_slice(&output.stdout)?;
    assert!(shown["problem"].as_str().is_some_and(|problem| problem.contains("ca.key")), "{shown}");
    let output = certs(state.path(), &["revoke", "a b"])?;
    assert!(said(&output).contains("neither an app's id"), "{}", said(&output));
    Ok(())
}
