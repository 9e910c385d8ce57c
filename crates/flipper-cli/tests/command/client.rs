//! The commands that use a desktop that runs.

use serde_json::{Value, json};

use super::support::{Desktop, Done, Process, flipper};

#[test]
fn without_a_desktop_it_is_said_how_to_start_one() {
    let home = tempfile::tempdir().unwrap();
    for arguments in [&["apps"][..], &["plugins", "A"], &["call", "A", "B", "c"], &["tail"], &["record", "list"]] {
        let said = Done::of(flipper(home.path()).args(arguments).output().unwrap()).failed(3);
        assert!(said.contains("start one with `flipper desktop`"), "{arguments:?}: {said}");
    }
}

#[test]
fn a_desktop_that_was_killed_is_not_waited_for() {
    let mut desktop = Desktop::start(&[]);
    desktop.process.kill();
    let said = desktop.flipper(&["apps"]).failed(3);
    assert!(said.contains("no desktop runs"), "{said}");
}

#[test]
fn apps_and_plugins_are_listed() {
    let desktop = Desktop::start(&[]);
    let empty = desktop.flipper(&["apps"]);
    assert_eq!((empty.out.as_str(), empty.err.as_str()), ("", "no app is connected\n"));
    let _app = desktop.app();
    let apps = desktop.flipper(&["apps"]).ok();
    let lines: Vec<_> = apps.lines().collect();
    assert!(lines[0].starts_with("APP          OS     DEVICE  CONNECTED"), "{apps}");
    assert!(lines[1].starts_with("Rust Sample  Linux  box     "), "{apps}");
    assert!(lines[1].ends_with("Rust%20Sample#Linux#box#box  Example Ticker"), "{apps}");
    let apps: Value = serde_json::from_str(&desktop.flipper(&["apps", "--json"]).ok()).unwrap();
    assert_eq!(apps[0]["plugins"], json!(["Example", "Ticker"]));

    let plugins = desktop.flipper(&["plugins", "Rust Sample"]).ok();
    assert_eq!(plugins, "PLUGIN   BACKGROUND  INITIALISED\nExample  yes         yes\nTicker   yes         yes\n");
    let plugins: Value =
        serde_json::from_str(&desktop.flipper(&["plugins", "Rust%20Sample#Linux#box#box", "--json"]).ok()).unwrap();
    assert_eq!(plugins[1], json!({"plugin": "Ticker", "background": true, "initialised": true}));
}

#[test]
fn methods_are_called_and_numbers_stay_as_they_are() {
    let desktop = Desktop::start(&[]);
    let _app = desktop.app();
    let odd = r#"{"price":1.10,"big":12345678901234567890}"#;
    let call =
        |method: &str, more: &[&str]| desktop.flipper(&[&["call", "Rust Sample", "Example", method], more].concat());
    assert_eq!(call("echo", &[odd]).ok(), format!("{odd}\n"));
    assert_eq!(call("echo", &[]).ok(), "{}\n");
    let from_input = desktop.flipper_with(&["call", "Rust Sample", "Example", "reverse", "-"], r#"{"word":"hello"}"#);
    assert_eq!(from_input.ok(), "{\"word\":\"olleh\"}\n");

    assert!(call("fail", &[]).failed(5).contains("This method always fails"));
    assert!(call("fly", &[]).failed(5).contains("Receiver fly not found."));
    assert!(call("echo", &["{word}"]).failed(1).contains("the params are no JSON"));
    let said = desktop.flipper(&["call", "Rust Sample", "Nope", "x"]).failed(4);
    assert!(said.contains("Rust Sample has no plugin Nope; it has Example, Ticker"), "{said}");
    assert!(desktop.flipper(&["call", "Nobody", "Nope", "x"]).failed(4).contains("`flipper apps` lists"));
}

#[test]
fn a_plugin_is_initialised_by_its_first_call() {
    let desktop = Desktop::start(&["--init", "none"]);
    let _app = desktop.app();
    assert!(desktop.flipper(&["plugins", "Rust Sample"]).ok().contains("Example  yes         no"));
    let refused = desktop.flipper(&["call", "--no-init", "Rust Sample", "Example", "echo"]).failed(5);
    assert!(refused.contains("Connection Example not found"), "{refused}");
    assert_eq!(desktop.flipper(&["call", "Rust Sample", "Example", "echo", "[1]"]).ok(), "[1]\n");
    assert!(desktop.flipper(&["plugins", "Rust Sample"]).ok().contains("Example  yes         yes"));
}

#[test]
fn of_two_apps_of_one_name_the_id_is_wanted() {
    let desktop = Desktop::start(&[]);
    let _apps = [desktop.app_as("Twin", "one"), desktop.app_as("Twin", "two")];
    for id in ["Twin#Linux#box#one", "Twin#Linux#box#two"] {
        desktop.flipper(&["wait-for", "plugin", id, "Example"]).ok();
    }
    let said = desktop.flipper(&["plugins", "Twin"]).failed(4);
    assert!(said.contains("Twin#Linux#box#one, Twin#Linux#box#two"), "{said}");
    desktop.flipper(&["call", "Twin#Linux#box#two", "Example", "echo"]).ok();
}

#[test]
fn events_are_tailed() {
    let desktop = Desktop::start(&["--init", "none"]);
    let tail = desktop.spawn(&["tail", "Rust Sample", "Ticker", "--json", "-n", "3"]);
    let _app = desktop.app();
    for count in 0..3 {
        let event = tail.event("message");
        assert_eq!((&event["plugin"], &event["params"]), (&json!("Ticker"), &json!({ "count": count })));
    }
    assert!(tail.wait().0.success());
    let shown = desktop.flipper(&["tail", "-n", "1"]).ok();
    assert!(shown.contains("Rust Sample  connected"), "{shown}");
    assert!(shown.contains("Rust Sample  Ticker tick {\"count\":"), "{shown}");
    let said = desktop.flipper(&["tail", "Rust Sample", "Nope"]).failed(4);
    assert!(said.contains("has no plugin Nope"), "{said}");

    let tail = desktop.spawn(&["tail"]);
    assert!(tail.line().contains("Rust Sample  connected"));
    #[cfg(unix)]
    {
        desktop.process.signal(rustix::process::Signal::TERM);
        let (status, error) = tail.wait();
        assert_eq!((status.code(), error.as_str()), (Some(3), "flipper: the desktop has stopped\n"));
    }
}

#[test]
fn a_plugin_that_is_initialised_does_not_start_over_for_a_tail() {
    for policy in ["background", "all"] {
        let desktop = Desktop::start(&["--init", policy]);
        let tail = desktop.spawn(&["tail", "Rust Sample", "Ticker", "--json"]);
        let _app = desktop.app();
        // It counts from 0 whenever it is initialised.
        for count in 0..3 {
            assert_eq!(tail.event("message")["params"], json!({ "count": count }), "{policy}");
        }
    }
}

#[test]
fn what_does_not_come_in_time_ends_the_wait() {
    let desktop = Desktop::start(&[]);
    let late = |arguments: &[&str]| desktop.flipper(&[&["wait-for", "--timeout", "0.3"], arguments].concat()).failed(6);
    assert!(late(&["app", "Nobody"]).contains("Nobody did not connect in time"));
    let _app = desktop.app();
    assert!(late(&["plugin", "Rust Sample", "Nope"]).contains("Rust Sample did not have the plugin Nope in time"));
    let said = late(&["event", "Rust Sample", "Ticker", "tick", "--where", "count=-1"]);
    assert!(said.contains("Ticker of Rust Sample did not tell `tick` with these values in time"), "{said}");
    let home = tempfile::tempdir().unwrap();
    let waited = flipper(home.path()).args(["wait-for", "app", "A", "--timeout", "0.3"]).output().unwrap();
    assert!(Done::of(waited).failed(6).contains("no desktop was there in time"));
}

#[test]
fn what_comes_later_is_waited_for() {
    let home = tempfile::tempdir().unwrap();
    let wait = |arguments: &[&str]| Process::start(flipper(home.path()).arg("wait-for").args(arguments));
    let waiting = [
        wait(&["app", "Rust Sample", "--timeout", "60"]),
        wait(&["plugin", "Rust Sample", "Example", "--timeout", "60"]),
        wait(&["event", "Rust Sample", "Ticker", "--where", "count=1", "--timeout", "60"]),
    ];
    let desktop = Desktop::start_in(home, &["--init", "none"]);
    let _app = desktop.app();
    let [app, plugin, event] = waiting.map(|waiting| {
        let line: Value = serde_json::from_str(&waiting.line()).unwrap();
        assert!(waiting.wait().0.success());
        line
    });
    assert_eq!(app["name"], "Rust Sample");
    assert_eq!(plugin["plugins"], json!(["Example", "Ticker"]));
    assert_eq!(event["params"], json!({"count": 1}));
}
