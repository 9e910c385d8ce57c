//! The demo, as a newcomer runs it.

use std::process::Command;
use std::time::{Duration, Instant};

#[test]
fn the_demo_runs_to_its_end_and_leaves_nothing() {
    let home = tempfile::tempdir().expect("there is a temporary directory");
    let begin = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_flipper"))
        .arg("demo")
        .env("HOME", home.path())
        .env("TMPDIR", home.path())
        .output()
        .expect("the binary was built");

    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    for part in [
        "Certificate exchange",
        "Secure session",
        "Calls",
        r#"answers {"word":"olleh"}"#,
        "When something goes wrong",
        "The desktop restarts",
        "The app restarts",
        "Goodbye",
        "That was everything: 30 steps",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains('\x1b'), "colours are for terminals: {told}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(begin.elapsed() < Duration::from_secs(10));
    let left = home.path().read_dir().expect("it is readable").count();
    assert_eq!(left, 0, "something is left");
}

#[test]
fn ports_that_are_none_are_explained() {
    let output = Command::new(env!("CARGO_BIN_EXE_flipper"))
        .args(["app", "--ports", "9089"])
        .output()
        .expect("the binary was built");

    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("give two ports, such as 9089,9088"), "{said}");
}

#[test]
fn ports_of_the_environment_that_are_none_are_explained() {
    let output = Command::new(env!("CARGO_BIN_EXE_flipper"))
        .arg("app")
        .env("FLIPPER_ALT_PORTS", "nine,ten")
        .output()
        .expect("the binary was built");

    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("FLIPPER_ALT_PORTS must hold the two ports"), "{said}");
}
