//! `flipper conformance`, as somebody with a client in another language runs it.

#![cfg(unix)]

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Output};

#[expect(clippy::expect_used, reason = "part of the tests")]
fn flipper(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flipper"))
        .arg("conformance")
        .args(arguments)
        .output()
        .expect("the binary was built")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Fails unless nothing was checked, for a reason that has all these words.
fn assert_misuse(output: &Output, words: &[&str]) {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for word in words {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert_eq!(stdout(output), "");
}

#[test]
fn it_lists_the_scenarios_of_both_sides() {
    let both = stdout(&flipper(&["list"]));
    let desktop = stdout(&flipper(&["list", "desktop"]));

    assert!(both.contains("documentation/Execute") && both.contains("tls/1.3"), "{both}");
    assert!(desktop.contains("tls/1.3") && !desktop.contains("documentation/Execute"), "{desktop}");
}

#[test]
fn nothing_is_checked_where_the_arguments_make_no_sense() {
    let shim = ["--shim", "sh", "-c", "exit 3"];
    let client = |arguments: &[&str]| flipper(&[&["client"], arguments, &shim].concat());
    assert_misuse(&client(&["--only", "nothing/*"]), &["no scenario is called \"nothing/*\"", "conformance list"]);
    assert_misuse(&client(&["--ports", "9089"]), &["give two ports, such as 9089,9088"]);
    assert_misuse(&client(&["--timeout", "0"]), &["--timeout"]);
    assert_misuse(&client(&["--format", "yaml"]), &["text, json, junit"]);
    assert_misuse(&client(&["--browser-port", "8333"]), &["--browser"]);
    assert_misuse(&client(&["--expect", "/nowhere/known.json"]), &["/nowhere/known.json", "No such file"]);
    assert_misuse(&client(&["--output", "/nowhere/report.xml"]), &["/nowhere/report.xml", "No such file"]);
    assert_misuse(&flipper(&["desktop"]), &["--connect"]);
}

#[test]
fn expectations_without_a_reason_are_refused() {
    let dir = tempfile::tempdir().expect("there is a temporary directory");
    let file = dir.path().join("known.json");
    fs::write(&file, r#"[{"scenario": "ids/*", "outcome": "fail"}]"#).expect("it can be written");

    let output = flipper(&["client", "--expect", &file.to_string_lossy(), "--shim", "sh", "-c", "exit 3"]);

    assert_misuse(&output, &["known.json", "\"ids/*\" has no reason"]);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).expect("there is a free port");
    let port = taken.local_addr().expect("it is bound").port().to_string();

    let output = flipper(&["client", "--ports", &format!("0,{port}")]);

    assert_misuse(&output, &[&port, "is in use", "choose other ports"]);
}

#[test]
fn a_desktop_that_is_not_there_is_told() {
    let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    let port = free.expect("there is a free port").port();

    let output = flipper(&["desktop", "--connect", "127.0.0.1", "--ports", &format!("{port},{port}")]);

    assert_misuse(&output, &[&port.to_string(), "does the desktop run, on these ports?"]);
}

#[test]
fn a_report_in_json_is_all_that_standard_output_gets() {
    let output =
        flipper(&["client", "--only", "documentation/*", "--format", "json", "--shim", "sh", "-c", "echo oh; exit 3"]);

    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let report = stdout(&output);
    assert!(report.starts_with("{\n  \"format\": 1,") && report.ends_with("}\n"), "{report}");
    assert!(report.contains("\"failed\": 4"), "{report}");
    assert!(report.contains("exit status: 3, last output:\\n  | oh"), "{report}");
}

#[test]
fn a_report_in_a_file_leaves_standard_output_to_people() {
    let dir = tempfile::tempdir().expect("there is a temporary directory");
    let file = dir.path().join("report.xml");

    let output = flipper(&[
        "client",
        "--only",
        "documentation/*",
        "--format",
        "junit",
        "--output",
        &file.to_string_lossy(),
        "--shim",
        "sh",
        "-c",
        "exit 3",
    ]);

    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let told = stdout(&output);
    assert!(told.contains("FAIL documentation/Execute") && told.contains("4 failed"), "{told}");
    assert!(!told.contains('\x1b'), "colours are for terminals: {told}");
    let report = fs::read_to_string(file).expect("it was written");
    assert!(report.contains("<testsuite name=\"documentation\" tests=\"4\""), "{report}");
}

#[test]
fn what_is_as_expected_is_a_success() {
    let output = flipper(&["client", "--only", "documentation/*", "--shim", "sh", "-c", "exit 89"]);

    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = stdout(&output);
    assert!(told.contains("the shim does not implement it (exit status 89)"), "{told}");
    assert!(told.contains("ok: 4 skipped"), "{told}");
}
