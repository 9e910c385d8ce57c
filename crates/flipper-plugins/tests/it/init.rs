//! All plugins together, and the start that never fails.

use std::env;
use std::process::Command;

use flipper_blocking::proto::client::State;
use flipper_blocking::{Flipper, StartError};
use flipper_conformance::adapters::BlockingAdapter;
use flipper_conformance::scripted::{Desktop, Port};
use flipper_conformance::{Result, suite};
use flipper_plugins::{Plugins, WithPlugins, init};
use tempfile::TempDir;

#[test]
fn a_desktop_finds_every_plugin_of_the_collection() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    desktop.provision(dir.path())?;

    let flipper = Plugins::default().start(suite::builder::<BlockingAdapter>(&desktop, dir.path()));

    assert_eq!(flipper.start_error(), None);
    let mut session = desktop.session()?;
    session.send_text(r#"{"method":"getPlugins","id":1}"#)?;
    let answer = session.receive()?;
    let expected: [(&str, bool); 7] = [
        ("rust-crashes", cfg!(feature = "crash")),
        ("Databases", cfg!(feature = "databases")),
        ("Navigation", cfg!(feature = "navigation")),
        ("Network", cfg!(feature = "network")),
        ("Preferences", cfg!(feature = "preferences")),
        ("Sandbox", cfg!(feature = "sandbox")),
        ("rust-logs", cfg!(feature = "logs")),
    ];
    let names: Vec<_> = answer["success"]["plugins"].as_array().into_iter().flatten().collect();
    for (id, is_chosen) in expected {
        assert_eq!(names.iter().any(|name| *name == id), is_chosen, "{id}: {answer}");
    }
    assert!(flipper.connected());
    let stopping = flipper.stop();
    assert_eq!(session.wait_closed()?, 1000);
    stopping.wait()?;
    Ok(())
}

/// What the process that is started by the tests below is told; its environment is nobody else's.
const ROLE: &str = "FLIPPER_TEST_INIT";

/// Runs the test of this name alone, in a process of its own with this environment.
fn run_alone(test: &str, variables: &[(&str, &str)]) -> Result {
    let mut command = Command::new(env::current_exe()?);
    command.args(["--exact", test]).env(ROLE, "1").envs(variables.iter().copied());
    let output = command.output()?;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.contains("1 passed"), "{out}{err}");
    Ok(())
}

#[test]
fn what_keeps_flipper_from_starting_does_not_keep_the_app() -> Result {
    if env::var_os(ROLE).is_none() {
        let variables = [("FLIPPER_ALT_PORTS", "none")];
        return run_alone("init::what_keeps_flipper_from_starting_does_not_keep_the_app", &variables);
    }
    let flipper: WithPlugins<Flipper> = init::<Flipper>("My Shop");

    let error = StartError::BadPorts { variable: "FLIPPER_ALT_PORTS", value: "none".to_owned() };
    assert_eq!(flipper.start_error(), Some(&error));
    assert_eq!(flipper.status().state, State::Stopped);
    assert!(!flipper.connected());
    assert!(flipper.connection("Navigation").send("event", &1).is_err());
    assert_eq!((flipper.wake_ups(), flipper.missed_notices()), (0, 0));
    #[cfg(feature = "navigation")]
    flipper.navigation().visit("shop://cart");
    flipper.clone().stop().wait()?;
    Ok(())
}

#[test]
fn an_app_that_has_a_name_is_found_by_the_id_that_is_made_of_it() -> Result {
    if env::var_os(ROLE).is_some() {
        let flipper = init::<Flipper>("My Shop");
        assert_eq!(flipper.start_error(), None);
        assert!(flipper.connected());
        return Ok(());
    }
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    let [insecure, secure] = [Port::Insecure, Port::Secure].map(|port| desktop.address(port).port());
    let ports = format!("{insecure},{secure}");
    let state = dir.path().to_string_lossy();
    let variables = [("FLIPPER_ALT_PORTS", ports.as_str()), ("FLIPPER_STATE_DIR", &state)];
    run_alone("init::an_app_that_has_a_name_is_found_by_the_id_that_is_made_of_it", &variables)?;
    let session = desktop.session()?;
    assert_eq!(session.keys.get("app")?, Some("My Shop"));
    assert_eq!(session.keys.get("app_id")?, Some("rust.my-shop"));
    assert!(dir.path().join("apps/rust.my-shop").is_dir());
    Ok(())
}
