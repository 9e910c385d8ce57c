//! A desktop needs no other program.

use std::env;
use std::process::Command;

use flipper_desktop::proto::Payload;
use flipper_tokio::Tokio;
use tempfile::tempdir;

use crate::support::{Rig, app, desktop};

#[test]
fn it_issues_certificates_without_any_program_to_call() {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "environment::with_nothing_to_call", "--ignored", "--nocapture"])
        .env("PATH", "")
        .env("OPENSSL_CONF", "/nonexistent")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("olleh"));
}

#[tokio::test]
#[ignore = "a process for another test"]
async fn with_nothing_to_call() {
    assert!(env::var_os("PATH").unwrap().is_empty(), "another test starts this one");
    let dir = tempdir().unwrap();
    let mut rig = Rig::<Tokio>::start(desktop().state_directory(dir.path().join("desktop"))).await;
    let _app = app(rig.desktop.ports(), dir.path()).start().unwrap();
    let client = rig.client().await;
    rig.desktop.init_plugin(&client, "Example").unwrap();
    let params = Payload::from_json(r#"{"word":"hello"}"#).unwrap();
    println!("{}", rig.desktop.call(&client, "Example", "reverse", Some(params)).await.unwrap().as_json());
}
