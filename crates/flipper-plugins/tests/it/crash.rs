use std::env;
use std::fs;
use std::io;
use std::panic;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use flipper_blocking::Flipper;
use flipper_conformance::Result;
use flipper_conformance::desktops::{Desktop as _, OnTokio, Ours};
use flipper_conformance::scripted::Session;
use flipper_plugins::crash::Crash;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::rig::{Rig, call, event};

fn crash(directory: &TempDir) -> Crash {
    Crash::builder().directory(directory.path().join("crashes")).build()
}

/// The next two messages, which are an error frame and the same report as a row; gives the row.
fn told(session: &mut Session) -> Result<Value> {
    let frame = session.receive()?["error"].take();
    let row = event(session, "newRow")?;
    for field in ["name", "message", "stacktrace"] {
        assert_eq!(frame[field], row[field]);
    }
    Ok(row)
}

/// Waits until nothing is on the disk any more. Only a hang takes long.
fn wait_until_delivered(crash: &Crash) {
    while crash.pending() > 0 {
        thread::yield_now();
    }
}

#[test]
fn an_error_is_told_with_its_cause_and_nothing_stays() -> Result {
    let directory = TempDir::new()?;
    let crash = crash(&directory);
    let rig = Rig::new(crash.clone())?;
    let mut session = rig.session("rust-crashes")?;
    event(&mut session, "reset")?;
    crash.report(&io::Error::other("no such order"));
    let row = told(&mut session)?;
    assert_eq!((&row["name"], &row["message"]), (&json!("Error"), &json!("no such order")));
    let stacktrace = row["stacktrace"].as_str().ok_or("no stack trace")?;
    assert!(stacktrace.contains("an_error_is_told_with_its_cause"), "{stacktrace}");
    wait_until_delivered(&crash);
    assert_eq!(fs::read_dir(directory.path().join("crashes"))?.count(), 0);

    // A user interface that is reloaded is shown it again, but not told of another error.
    session.init("rust-crashes")?;
    event(&mut session, "reset")?;
    assert_eq!(event(&mut session, "newRow")?["id"], row["id"]);
    session.assert_answers()?;
    let metadata = call(&mut session, "rust-crashes", "metadata", "{}")?;
    assert_eq!((&metadata["success"]["rowMethod"], &metadata["success"]["key"]), (&json!("newRow"), &json!("id")));
    Ok(())
}

#[test]
fn what_another_process_left_is_told_once_and_in_order() -> Result {
    let directory = TempDir::new()?;
    let before = crash(&directory);
    for text in ["first", "second"] {
        before.report(&io::Error::other(text));
    }
    while fs::read_dir(directory.path().join("crashes")).map_or(0, Iterator::count) < 2 {
        thread::yield_now();
    }
    let crash = crash(&directory);
    let rig = Rig::new(crash.clone())?;
    let mut session = rig.desktop.session()?;
    // A desktop that does not initialise the plugin is told of the errors all the same, once.
    for text in ["first", "second"] {
        assert_eq!(session.receive()?["error"]["message"], text);
    }
    session.init("rust-crashes")?;
    event(&mut session, "reset")?;
    for text in ["first", "second"] {
        let row = event(&mut session, "newRow")?;
        assert_eq!((&row["message"], &row["told"]), (&json!(text), &json!(true)));
    }
    wait_until_delivered(&crash);
    session.assert_answers()?;
    session.close(1000, "")?;
    let mut session = rig.session("rust-crashes")?;
    event(&mut session, "reset")?;
    crash.report(&io::Error::other("third"));
    for text in ["first", "second"] {
        assert_eq!(event(&mut session, "newRow")?["message"], text, "a new desktop sees what was");
    }
    assert_eq!(told(&mut session)?["message"], "third");
    Ok(())
}

#[test]
fn no_more_is_kept_than_wanted_and_what_is_lost_is_counted() -> Result {
    let directory = TempDir::new()?;
    let crash = Crash::builder().directory(directory.path().join("crashes")).keep(2).build();
    for number in 0..5 {
        crash.report(&io::Error::other(number.to_string()));
    }
    while crash.pending() > 2 {
        thread::yield_now();
    }
    let rig = Rig::new(crash.clone())?;
    let mut session = rig.session("rust-crashes")?;
    let mut rows = Vec::new();
    while rows.len() < 2 {
        // In between are the error frames, before or after the plugin was initialised.
        let mut message = session.receive()?;
        if message["params"]["method"] == "newRow" {
            rows.push(message["params"]["params"]["message"].take());
        }
    }
    assert_eq!(rows, ["3", "4"]);
    assert_eq!(crash.lost(), 3);

    let file = TempDir::new()?;
    fs::write(file.path().join("crashes"), "a file")?;
    let crash = self::crash(&file);
    crash.report(&io::Error::other("nowhere to go"));
    while crash.lost() == 0 {
        thread::yield_now();
    }
    Ok(())
}

/// Runs [`an_app_that_panics`] in a process of its own.
fn run(desktop: &Ours<OnTokio>, directory: &Path, how: &str) -> Result<ExitStatus> {
    let (insecure, secure) = desktop.ports();
    Ok(Command::new(env::current_exe()?)
        .args(["--exact", "crash::an_app_that_panics", "--ignored", "--nocapture"])
        .env("CRASH_HOW", how)
        .env("CRASH_DIRECTORY", directory)
        .env("CRASH_PORTS", format!("{insecure},{secure}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?
        .wait()?)
}

#[test]
#[ignore = "a part of other tests, which run it in a process of its own"]
fn an_app_that_panics() -> Result {
    let (how, directory) = (env::var("CRASH_HOW")?, env::var("CRASH_DIRECTORY")?);
    let ports = env::var("CRASH_PORTS")?;
    let (insecure, secure) = ports.split_once(',').ok_or("no ports")?;
    if how == "abort" {
        panic::set_hook(Box::new(|_| std::process::abort()));
    }
    let crash = match how.as_str() {
        "early" => Crash::new(),
        _ => Crash::builder().directory(format!("{directory}/crashes")).build(),
    };
    crash.install_panic_hook();
    crash.install_panic_hook();
    if how == "early" {
        assert!(thread::spawn(|| panic!("before the app")).join().is_err());
    }
    let builder = Flipper::builder("Crashing", "com.example.app").plugin(crash.clone());
    let flipper = builder.ports(insecure.parse()?, secure.parse()?).directory(format!("{directory}/keys")).start()?;
    match how.as_str() {
        "abort" => panic!("before any desktop"),
        "thread" => {
            assert!(flipper.connected());
            while !flipper.connection("rust-crashes").is_connected() {
                thread::yield_now();
            }
            let thread = thread::Builder::new().name("worker".to_owned()).spawn(|| panic!("in a {}", "thread"))?;
            assert!(thread.join().is_err());
            wait_until_delivered(&crash);
        }
        "main" => {
            assert!(flipper.connected());
            while !flipper.connection("rust-crashes").is_connected() {
                thread::yield_now();
            }
            let main = thread::Builder::new().name("main".to_owned()).spawn(|| panic!("at the very end"))?;
            assert!(main.join().is_err());
            std::process::exit(101);
        }
        _ => {
            assert!(flipper.connected());
            wait_until_delivered(&crash);
            crash.report(&io::Error::other("the last one"));
            wait_until_delivered(&crash);
        }
    }
    flipper.stop().wait()?;
    Ok(())
}

#[test]
fn a_process_that_dies_is_told_of_by_the_next_one() -> Result {
    let directory = TempDir::new()?;
    let Some(mut desktop) = Ours::<OnTokio>::start()? else { return Ok(()) };
    desktop.stop()?;
    assert!(!run(&desktop, directory.path(), "abort")?.success());
    let left: Vec<_> = fs::read_dir(directory.path().join("crashes"))?.collect();
    assert_eq!(left.len(), 1, "installed twice, the hook reports once");

    desktop.start_again()?;
    thread::scope(|scope| -> Result {
        let next = scope.spawn(|| run(&desktop, directory.path(), "next"));
        let client = desktop.wait_for_client("Crashing")?;
        desktop.init(&client, "rust-crashes")?;
        let error = desktop.wait_for_error(&client)?;
        assert_eq!(error["name"], "Panic");
        let message = error["message"].as_str().ok_or("no message")?;
        assert!(message.starts_with("before any desktop\nat "), "{message}");
        assert!(message.contains("tests/it/crash.rs:") && message.contains(", in thread "), "{message}");
        assert_eq!(desktop.wait_for_event(&client, "rust-crashes", "newRow")?["message"], error["message"]);
        assert_eq!(desktop.wait_for_error(&client)?["message"], "the last one", "the first is told once");
        assert_eq!(desktop.wait_for_event(&client, "rust-crashes", "newRow")?["message"], "the last one");
        let ended = next.join().map_err(|_| "the thread panicked")??;
        assert!(ended.success());
        Ok(())
    })?;
    assert_eq!(fs::read_dir(directory.path().join("crashes"))?.count(), 0);
    Ok(())
}

#[test]
fn a_thread_that_panics_is_told_of_at_once() -> Result {
    let directory = TempDir::new()?;
    let Some(desktop) = Ours::<OnTokio>::start()? else { return Ok(()) };
    thread::scope(|scope| -> Result {
        let app = scope.spawn(|| run(&desktop, directory.path(), "thread"));
        let client = desktop.wait_for_client("Crashing")?;
        desktop.init(&client, "rust-crashes")?;
        let error = desktop.wait_for_error(&client)?;
        let message = error["message"].as_str().ok_or("no message")?;
        assert!(message.starts_with("in a thread\nat ") && message.ends_with(", in thread worker"), "{message}");
        let stacktrace = error["stacktrace"].as_str().ok_or("no stack trace")?;
        assert!(stacktrace.contains("an_app_that_panics"), "{stacktrace}");
        assert!(app.join().map_err(|_| "the thread panicked")??.success());
        Ok(())
    })?;
    assert_eq!(fs::read_dir(directory.path().join("crashes"))?.count(), 0);
    Ok(())
}

#[test]
fn a_main_thread_that_panics_is_told_of_before_the_process_ends() -> Result {
    let directory = TempDir::new()?;
    let Some(desktop) = Ours::<OnTokio>::start()? else { return Ok(()) };
    thread::scope(|scope| -> Result {
        let app = scope.spawn(|| run(&desktop, directory.path(), "main"));
        let client = desktop.wait_for_client("Crashing")?;
        desktop.init(&client, "rust-crashes")?;
        let error = desktop.wait_for_error(&client)?;
        assert!(error["message"].as_str().is_some_and(|text| text.starts_with("at the very end\n")), "{error}");
        assert_eq!(app.join().map_err(|_| "the thread panicked")??.code(), Some(101));
        Ok(())
    })?;
    assert_eq!(fs::read_dir(directory.path().join("crashes"))?.count(), 0, "nothing is left to be told again");
    Ok(())
}

#[test]
fn a_panic_before_the_app_waits_until_there_is_one() -> Result {
    let directory = TempDir::new()?;
    let Some(desktop) = Ours::<OnTokio>::start()? else { return Ok(()) };
    thread::scope(|scope| -> Result {
        let app = scope.spawn(|| run(&desktop, directory.path(), "early"));
        let client = desktop.wait_for_client("Crashing")?;
        desktop.init(&client, "rust-crashes")?;
        let error = desktop.wait_for_error(&client)?;
        assert!(error["message"].as_str().is_some_and(|text| text.starts_with("before the app\n")), "{error}");
        assert!(app.join().map_err(|_| "the thread panicked")??.success());
        Ok(())
    })?;
    assert_eq!(fs::read_dir(directory.path().join("keys/crashes"))?.count(), 0, "it has its place beside the keys");
    Ok(())
}
