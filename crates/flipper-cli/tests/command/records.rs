//! Recordings, from the command line.

use std::fs;

use serde_json::Value;

use super::support::{Desktop, Done, flipper};

#[test]
fn a_recording_is_made_listed_exported_and_replayed() {
    let desktop = Desktop::start(&[]);
    let mut app = desktop.app();
    assert_eq!(desktop.flipper(&["record", "list"]).err, "nothing was recorded yet\n");
    let path = desktop.home.path().join("state/desktop/records/cart.sqlite");
    assert_eq!(desktop.flipper(&["record", "start", "cart"]).ok(), format!("recording into {}\n", path.display()));
    assert!(desktop.flipper(&["record", "start", "other"]).failed(1).contains("flipper record stop"));
    let reverse = ["call", "Rust Sample", "Example", "reverse", r#"{"word":"abc"}"#];
    desktop.flipper(&reverse).ok();
    desktop.flipper(&["wait-for", "event", "Rust Sample", "Ticker"]).ok();
    let stopped: Value = serde_json::from_str(&desktop.flipper(&["record", "stop", "--json"]).ok()).unwrap();
    assert!(stopped["active"]["messages"].as_u64().unwrap() >= 3, "{stopped}");
    assert!(desktop.flipper(&["record", "stop"]).failed(1).contains("flipper record start"));
    assert!(desktop.flipper(&["record", "list"]).ok().starts_with("cart  "));

    let exported = desktop.flipper(&["export", "cart", "--plugin", "Example"]).ok();
    assert!(exported.lines().last().unwrap().contains(r#""message":{"id":2,"success":{"word":"cba"}}"#), "{exported}");
    let file = desktop.home.path().join("out.ndjson");
    desktop.flipper(&["export", path.to_str().unwrap(), "--plugin", "Example", "-o", file.to_str().unwrap()]).ok();
    assert_eq!(fs::read_to_string(&file).unwrap(), exported);
    assert!(desktop.flipper(&["export", "cart", "--app", "Nobody"]).failed(4).contains("it has Rust Sample"));
    assert!(desktop.flipper(&["export", "nothing"]).failed(4).contains("`flipper record list`"));
    assert!(desktop.flipper(&["replay", "cart", "--app", "Nobody"]).failed(1).contains("has no app \"Nobody\""));
    let har = desktop.flipper(&["export", "cart", "--format", "har"]);
    assert_eq!(har.err, "no event of the plugin Network was recorded\n");
    assert_eq!(serde_json::from_str::<Value>(&har.ok()).unwrap()["log"]["entries"], serde_json::json!([]));

    app.kill();
    desktop.process.event("app-disconnected");
    let replay = desktop.spawn(&["replay", "cart", "--speed", "max", "--stay"]);
    desktop.flipper(&["wait-for", "plugin", "Rust Sample", "Example"]).ok();
    assert_eq!(desktop.flipper(&reverse).ok(), "{\"word\":\"cba\"}\n");
    let unknown = desktop.flipper(&["call", "Rust Sample", "Example", "reverse", r#"{"word":"x"}"#]).failed(5);
    assert!(unknown.contains("the recording has no answer"), "{unknown}");
    while !replay.line().contains("everything was sent") {}
    #[cfg(unix)]
    {
        replay.signal(rustix::process::Signal::INT);
        assert!(replay.wait().0.success());
    }
}

#[test]
fn a_desktop_that_records_from_the_start_records_everything() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("all.sqlite");
    let desktop = Desktop::start_in(home, &["--record", file.to_str().unwrap()]);
    assert_eq!(desktop.listening["recording"], file.to_str().unwrap());
    let app = desktop.app();
    #[cfg(unix)]
    {
        desktop.process.signal(rustix::process::Signal::INT);
        let stopped = desktop.process.event("stopped");
        assert_eq!(stopped["recording"]["active"]["dropped"], 0, "{stopped}");
        assert!(stopped["recording"]["active"]["messages"].as_u64().unwrap() >= 6, "{stopped}");
    }
    drop(app);
}

#[test]
fn a_file_that_cannot_be_recorded_into_keeps_the_desktop_from_starting() {
    let home = tempfile::tempdir().unwrap();
    let notes = home.path().join("notes.txt");
    fs::write(&notes, "x".repeat(5_000)).unwrap();
    let options = [&["desktop", "--record", notes.to_str().unwrap()][..], &super::support::ANY_PORTS].concat();
    let said = Done::of(flipper(home.path()).args(options).output().unwrap()).failed(1);
    assert!(said.contains("is no recording of Flipper; choose another file"), "{said}");
    assert!(!home.path().join("state/desktop/desktop.json").exists());
}

/// The system lets the process write no more than so much into any file, as if the disk were full.
#[cfg(unix)]
#[test]
fn a_disk_that_is_full_is_told_and_the_desktop_goes_on() {
    use std::process::Command;

    use super::support::{ANY_PORTS, Process};

    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("full.sqlite");
    let template = flipper(home.path());
    let mut shell = Command::new("sh");
    for (name, value) in template.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    // In blocks of 512 bytes.
    shell.args(["-c", "trap '' XFSZ; ulimit -f 400; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_flipper")]);
    let process = Process::start(shell.args(["desktop", "--json", "--record", file.to_str().unwrap()]).args(ANY_PORTS));
    let listening = process.event("listening");
    let ports = format!("{},{}", listening["ports"]["insecure"], listening["ports"]["secure"]);
    let desktop = Desktop { process, ports, listening, home };
    let _app = desktop.app();
    let emit = ["call", "Rust Sample", "Example", "emit", r#"{"count":300,"size":2000}"#];
    desktop.flipper(&emit).ok();
    let told = desktop.process.event("recording-incomplete");
    assert!(told["error"].as_str().unwrap().contains("full.sqlite"), "{told}");
    assert!(told["count"].as_u64().unwrap() > 0, "{told}");
    desktop.flipper(&emit).ok();
    let listed: Value = serde_json::from_str(&desktop.flipper(&["record", "list", "--json"]).ok()).unwrap();
    assert!(listed[0]["active"]["dropped"].as_u64().unwrap() > 0, "{listed}");
    assert!(listed[0]["active"]["error"].is_string(), "{listed}");
}
