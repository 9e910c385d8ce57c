//! What a CI job does, as the shell script that it is.

use std::process::Command;

use super::support::{Done, flipper};

#[test]
fn the_script_of_the_documentation_works() {
    let documentation = include_str!("../../../../docs/command.md");
    let (_, script) = documentation.split_once("```sh\n#!/bin/sh\n").expect("the documentation has the script");
    let (script, _) = script.split_once("```").expect("it ends");
    let home = tempfile::tempdir().unwrap();
    let bin = home.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_flipper"), bin.join("flipper")).unwrap();
    let mut shell = Command::new("sh");
    for (name, value) in flipper(home.path()).get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let done = shell.env("PATH", path).current_dir(home.path()).args(["-c", script]).output().unwrap();
    let done = Done::of(done);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.out.contains(r#"{"word":"olleh"}"#), "{done:?}");
    assert!(done.out.ends_with("all is well\n"), "{done:?}");
}
