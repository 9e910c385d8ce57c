//! What is told of programs that do not do what they are told.

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use flipper_conformance::Result;
use flipper_conformance::apps::{self, App as _, Binding, ProgramApp};
use flipper_conformance::programs::{Program, Settings};
use flipper_conformance::roles::Sample;
use tempfile::TempDir;

const REFERENCE: &str = env!("CARGO_BIN_EXE_program_rust");

/// Runs a program with a desktop where there is none.
fn spawn(program: &str, directory: &Path) -> Result<Program> {
    Program::spawn(
        Path::new(program),
        &Settings {
            host: "localhost".to_owned(),
            ports: (nobody()?, nobody()?),
            directory: directory.to_owned(),
            app: "Rust App".to_owned(),
            app_id: "com.example.program".to_owned(),
            scenario: "none".to_owned(),
            backoff: (Duration::from_millis(1), Duration::from_millis(2)),
            grant: Some(Duration::from_secs(1)),
            shows_output: false,
        },
    )
}

/// A port where nobody listens.
fn nobody() -> Result<u16> {
    Ok(TcpListener::bind("localhost:0")?.local_addr()?.port())
}

#[test]
fn a_program_that_is_not_built_is_told_with_what_builds_it() -> Result {
    enum Nothing {}

    impl Binding for Nothing {
        const NAME: &'static str = "no-such-program";
    }

    let settings = apps::Settings { name: "App", ports: (nobody()?, nobody()?), directory: Path::new("/") };
    let error = ProgramApp::<Nothing>::launch(&settings, &[]).err().ok_or("it was launched")?.to_string();
    assert!(error.contains("no-such-program") && error.contains("cargo xtask programs"), "{error}");
    Ok(())
}

#[test]
fn a_program_that_ends_is_told_with_its_last_words() -> Result {
    let dir = TempDir::new()?;
    // It wants something else than the flags of a program.
    let program = spawn(env!("CARGO_BIN_EXE_shim_rust"), dir.path())?;
    let error = program.command(&["start"]).err().ok_or("it was carried out")?.to_string();
    assert!(error.contains(r#"no answer to ["start"]"#), "{error}");
    assert!(error.contains("an adapter was expected"), "{error}");
    // Nobody waits for one that is gone.
    let error = program.add(Box::new(Sample::test())).err().ok_or("it was carried out")?.to_string();
    assert!(error.contains("its output has ended"), "{error}");
    Ok(())
}

#[test]
fn a_program_goes_on_after_what_it_refuses() -> Result {
    let dir = TempDir::new()?;
    let mut program = spawn(REFERENCE, dir.path())?;
    let error = program.command(&["fly"]).err().ok_or("it was carried out")?.to_string();
    assert!(error.contains(r#"["fly"] is refused: this command is not known"#), "{error}");
    let error = program.command(&["send", "test", "row", "{}"]).err().ok_or("it was sent")?.to_string();
    assert!(error.contains("the app has not started"), "{error}");

    program.add(Box::new(Sample::test()))?;
    program.command(&["start"])?;
    for bad in [["send", "test", "row", "{"], ["send", "nobody", "row", "{}"], ["respond", "7", "ok", "{}"]] {
        let error = program.command(&bad).err().ok_or("it was carried out")?.to_string();
        assert!(error.contains("is refused: "), "{error}");
    }
    let failure = program.wait_for("a failure", |told| (told[0] == "failed").then(|| told[1].clone()))?;
    assert!(failure.contains("nobody listens there"), "{failure}");
    assert_eq!(program.command(&["waiting", "test"])?, ["waiting", "0", "0"]);
    program.command(&["send", "test", "row", "{}"])?;
    assert_eq!(program.command(&["waiting", "test"])?, ["waiting", "1", "0"]);
    program.stop()
}

#[test]
fn a_program_ends_when_nobody_is_left_to_tell_it_anything() -> Result {
    let dir = TempDir::new()?;
    let mut program = spawn(REFERENCE, dir.path())?;
    program.command(&["start"])?;
    program.wait_for("a failure", |told| (told[0] == "failed").then_some(()))?;
    program.hang_up()
}
