//! When it cannot start. One test, because it takes something from the whole process.
#![cfg(unix)]

use flipper_blocking::{Flipper, StartError};
use flipper_conformance::Result;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tempfile::TempDir;

#[test]
fn where_the_system_gives_nothing_the_start_says_so() -> Result {
    let dir = TempDir::new()?;
    let builder = || Flipper::builder("Rust App", "com.example.app").directory(dir.path()).ports(1, 1);
    let before = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(0), maximum: before.maximum })?;
    let started = builder().start();
    setrlimit(Resource::Nofile, before)?;

    let Err(StartError::NoRuntime(text)) = started else { return Err("it started".into()) };
    assert!(text.contains("too many files are open"), "{text}");
    let flipper = builder().start()?;
    flipper.stop().wait()?;
    Ok(())
}
