//! What the program says of command lines that it does not carry out.

use std::io;
use std::process::{Command, Output};

fn xtask(args: &[&str], ci: &str) -> io::Result<Output> {
    Command::new(env!("CARGO_BIN_EXE_xtask")).args(args).env("CI", ci).output()
}

#[test]
fn a_skip_is_refused_in_ci() -> io::Result<()> {
    let output = xtask(&["test", "--skip-official", "no time"], "true")?;
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("refused in CI"), "{error}");
    Ok(())
}

#[test]
fn a_skip_without_a_reason_is_refused() -> io::Result<()> {
    let output = xtask(&["test", "--skip-official"], "")?;
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("needs a reason"), "{error}");
    Ok(())
}

#[test]
fn help_is_no_error() -> io::Result<()> {
    let output = xtask(&["help"], "")?;
    assert!(output.status.success());
    let text = String::from_utf8_lossy(&output.stdout);
    for chore in ["test", "programs", "check", "ci"] {
        assert!(text.contains(&format!("\n  {chore} ")), "{text}");
    }
    Ok(())
}
