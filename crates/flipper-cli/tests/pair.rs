//! `flipper pair`, as a person and a script use it.
#![expect(clippy::unwrap_used, reason = "a test may fail at any line")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use flipper_desktop::pki::PairingLink;
use serde_json::Value;
use tempfile::tempdir;

fn flipper(state: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flipper"))
        .arg("pair")
        .args(arguments)
        .env("FLIPPER_STATE_DIR", state)
        .env_remove("FLIPPER_ALT_PORTS")
        .env_remove("FLIPPER_PORTS")
        .output()
        .unwrap()
}

fn json(state: &Path, arguments: &[&str]) -> Value {
    let output = flipper(state, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_person_gets_a_link_and_a_drawing_of_it() {
    let state = tempdir().unwrap();
    let output =
        flipper(state.path(), &["--name", "Ann's board", "--host", "10.0.0.7", "--expires", "30d", "--qr", "always"]);
    assert!(output.status.success());
    let told = String::from_utf8(output.stdout).unwrap();
    let link = told.lines().find(|line| line.contains("flipper://")).unwrap();
    let link = PairingLink::parse(link).unwrap();
    assert_eq!((&*link.host, link.insecure_port, link.secure_port), ("10.0.0.7", 9089, 9088));
    assert!(told.contains("Ann's board") && told.contains("▀") && told.contains("for 30 d"), "{told}");
    assert!(!told.contains('\x1b'), "colours are for terminals: {told}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("no desktop runs") && said.contains("--bind"), "{said}");

    let listed = flipper(state.path(), &["list"]);
    let table = String::from_utf8(listed.stdout).unwrap();
    assert!(table.contains(&link.secret.id()) && table.contains("active") && table.contains("never"), "{table}");
}

#[test]
fn a_script_gets_json_and_the_secret_only_once() {
    let state = tempdir().unwrap();
    let made = json(state.path(), &["--json", "--host", "box.local", "--ports", "1,2"]);
    let link = PairingLink::parse(made["url"].as_str().unwrap()).unwrap();
    assert_eq!((&*link.host, link.insecure_port, link.secure_port), ("box.local", 1, 2));
    assert_eq!(made["id"], link.secret.id());

    let listed = json(state.path(), &["list", "--json"]);
    assert_eq!((&listed[0]["id"], &listed[0]["state"], &listed[0]["uses"]), (&made["id"], &"active".into(), &0.into()));
    let secret = made["url"].as_str().unwrap().split("secret=").nth(1).unwrap();
    assert!(!listed.to_string().contains(secret));

    let revoked = json(state.path(), &["revoke", made["id"].as_str().unwrap(), "--json"]);
    assert_eq!(revoked["state"], "revoked");
    let file = fs::read_to_string(state.path().join("desktop/pairings.json")).unwrap();
    assert!(!file.contains(secret), "a secret that is of no use is not kept");
}

#[test]
fn the_desktop_that_runs_says_where_it_is() {
    let state = tempdir().unwrap();
    fs::create_dir(state.path().join("desktop")).unwrap();
    fs::write(state.path().join("desktop/token"), "0".repeat(43)).unwrap();
    let tell = |pid: u32, addresses: &str| {
        let ports = r#"{"insecure":11,"secure":12,"browser":null,"ui":13}"#;
        let told = format!(
            r#"{{"pid":{pid},"version":"1","started_at":1,"addresses":[],"app_addresses":[{addresses}],"ports":{ports}}}"#
        );
        fs::write(state.path().join("desktop/desktop.json"), told).unwrap();
    };
    tell(std::process::id(), r#""192.168.7.7","10.0.0.7""#);
    let output = flipper(state.path(), &["--json"]);
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&made["host"], &made["ports"]["insecure"], &made["ports"]["secure"]),
        (&"192.168.7.7".into(), &11.into(), &12.into())
    );
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");

    tell(std::process::id(), "");
    let output = flipper(state.path(), &["--json", "--host", "10.0.0.7"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("this machine only"));

    let mut gone = std::process::Command::new("true").spawn().unwrap();
    gone.wait().unwrap();
    tell(gone.id(), r#""192.168.7.7""#);
    let output = flipper(state.path(), &["--json", "--host", "10.0.0.7"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("no desktop runs"));
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(made["ports"]["insecure"], 9089, "not those of a desktop that was killed");
}

#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let state = tempdir().unwrap();
    for (arguments, part) in [
        (&["revoke", "0123456789abcdef"][..], "there is no pairing 0123456789abcdef; `flipper pair list`"),
        (&["--name", "a", "list"], "are for a new pairing"),
        (&["--expires", "soon"], "give a number and a unit"),
        (&["--ports", "9089"], "give two ports"),
        (&["--ports", "0,0", "--host", "a"], "the desktop's ports are not known"),
    ] {
        let output = flipper(state.path(), arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(part), "{arguments:?}: {said}");
    }
}

#[test]
fn a_damaged_file_is_put_aside_and_told() {
    let state = tempdir().unwrap();
    json(state.path(), &["--json", "--host", "a"]);
    let file = state.path().join("desktop/pairings.json");
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();

    let output = flipper(state.path(), &["list", "--json"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "[]\n");
    assert!(String::from_utf8_lossy(&output.stderr).contains("pairings.json.damaged"));
    assert!(json(state.path(), &["--json", "--host", "a"])["url"].is_string());
}

/// Ends a process with the test.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

/// Starts `flipper` and waits until it says this.
fn until(command: &mut Command, part: &str) -> Ends {
    let mut process = Ends(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains(part)), "it ended without {part:?}");
    // Read on: a process whose pipe is closed or full stands still.
    thread::spawn(move || lines.for_each(drop));
    process
}

#[test]
fn certificates_may_travel_by_a_shared_directory() {
    let (state, shared, own) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    let command = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flipper"));
        command.env("FLIPPER_STATE_DIR", state.path());
        command
    };
    let _desktop = until(
        command()
            .args(["desktop", "--json", "--ports", "0,0", "--ui-port", "0", "--no-browser", "--upload-only"])
            .arg("--upload-to")
            .arg(shared.path()),
        "listening",
    );
    let link = json(state.path(), &["--json", "--host", "127.0.0.1"]);
    let mut app = command();
    app.args(["app", "--pairing", link["url"].as_str().unwrap(), "--dir"]).arg(own.path());
    let _app = until(app.arg("--certificates-from").arg(shared.path()), "connected");
    let names: Vec<_> = fs::read_dir(shared.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.len() == 1 && names[0].to_str().unwrap().ends_with(".json"), "{names:?}");
    assert_eq!(json(state.path(), &["list", "--json"])[0]["uses"], 1);
}

#[test]
fn a_link_that_is_none_is_explained_without_being_shown() {
    let output = Command::new(env!("CARGO_BIN_EXE_flipper"))
        .arg("app")
        .env("FLIPPER_PAIRING", "flipper://pair?v=1&host=a&ports=1,2&id=0&secret=AAECAwQFBgcICQoLDA0ODw")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("do not belong together") && told.contains("FLIPPER_PAIRING"), "{told}");
    assert!(!told.contains("AAECAw"), "{told}");
}
