//! One desktop for each state directory.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use flipper_desktop::{Builder, Desktop, StartError, find_instance_holder};
use flipper_tokio::Tokio;
use tempfile::tempdir;

use crate::support::{Rig, desktop, within};

fn on(directory: &Path) -> Builder {
    Desktop::builder().any_ports().state_directory(directory)
}

fn assert_already_running(error: &StartError, of: u32, on: &Path) {
    assert_eq!(*error, StartError::AlreadyRunning { pid: Some(of), directory: on.to_owned() });
    let text = error.to_string();
    assert!(text.contains(&format!("process {of}")) && text.contains(on.to_str().unwrap()), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[tokio::test]
async fn a_second_desktop_names_the_process_and_the_directory() {
    let dir = tempdir().unwrap();
    let state = dir.path().join("desktop");
    assert_eq!(find_instance_holder(&state).unwrap(), None);
    let first = Rig::<Tokio>::start(on(&state)).await;
    let pid = std::process::id();
    assert_already_running(&on(&state).start().await.unwrap_err(), pid, &state);
    // It says so rather than that the port is in use.
    let ports = first.desktop.ports();
    let same_ports = on(&state).ports(ports.insecure, ports.secure);
    assert_already_running(&same_ports.start().await.unwrap_err(), pid, &state);
    assert_eq!(find_instance_holder(&state).unwrap().unwrap().pid, Some(pid));

    let elsewhere = Rig::<Tokio>::start(on(&dir.path().join("other"))).await;
    within("the end", first.desktop.stop()).await;
    assert_eq!(find_instance_holder(&state).unwrap(), None);
    drop(Rig::<Tokio>::start(on(&state)).await);
    drop(elsewhere);
}

#[tokio::test]
async fn a_desktop_without_a_state_keeps_nobody_out() {
    let _first = Rig::<Tokio>::start(desktop()).await;
    let _second = Rig::<Tokio>::start(desktop()).await;
}

#[tokio::test]
async fn a_desktop_that_was_killed_keeps_nobody_out() {
    let dir = tempdir().unwrap();
    let state = dir.path().join("desktop");
    let mut other = OtherProcess::start(&state);
    assert_already_running(&on(&state).start().await.unwrap_err(), other.0.id(), &state);
    other.kill();
    // What the killed one wrote stays, and means nothing.
    assert_eq!(fs::read_to_string(state.join("instance")).unwrap().trim(), other.0.id().to_string());
    drop(Rig::<Tokio>::start(on(&state)).await);
}

#[tokio::test]
async fn a_state_directory_that_cannot_be_made_is_named_and_nothing_is_left() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let below = file.join("a/b");
    let error = on(&below).start().await.unwrap_err();
    assert!(matches!(&error, StartError::State { path, .. } if *path == below), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(below.to_str().unwrap()) && text.contains("os error"), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);

    let state = dir.path().join("state");
    fs::create_dir_all(state.join("instance")).unwrap();
    let error = on(&state).start().await.unwrap_err();
    assert!(matches!(&error, StartError::State { path, .. } if *path == state.join("instance")), "{error:?}");
    assert_eq!(fs::read_dir(&state).unwrap().count(), 1);
}

#[tokio::test]
async fn a_desktop_that_finds_its_ports_taken_writes_nothing() {
    let dir = tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let state = dir.path().join("desktop");
    let error = on(&state).ports(0, port).start().await.unwrap_err();
    assert!(matches!(error, StartError::PortInUse { .. }), "{error:?}");
    assert!(!state.exists());
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_state() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempdir().unwrap();
    let state = dir.path().join("a/desktop");
    let _rig = Rig::<Tokio>::start(on(&state)).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(state.parent().unwrap()), mode(&state)), (0o700, 0o700));
    for file in fs::read_dir(&state).unwrap() {
        let file = file.unwrap().path();
        assert_eq!(mode(&file), 0o600, "{file:?}");
    }
}

const STATE: &str = "FLIPPER_TEST_STATE";
const READY: &str = "the desktop runs";

/// This test program once more, running the desktop of [`another_process`].
struct OtherProcess(Child);

impl OtherProcess {
    fn start(state: &Path) -> Self {
        let arguments = ["--exact", "instance::another_process", "--ignored", "--nocapture"];
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(arguments).env(STATE, state).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.map_while(Result::ok).any(|line| line.contains(READY)), "it did not start");
        Self(child)
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for OtherProcess {
    fn drop(&mut self) {
        // Where this fails it was killed already.
        let _killed = self.0.kill();
        let _reaped = self.0.wait();
    }
}

#[tokio::test]
#[ignore = "a process for another test"]
async fn another_process() {
    let state = PathBuf::from(env::var_os(STATE).unwrap());
    let _desktop = on(&state).start().await.unwrap();
    println!("{READY}");
    // Until the test that started it kills it, or has ended.
    tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0]).unwrap()).await.unwrap();
}
