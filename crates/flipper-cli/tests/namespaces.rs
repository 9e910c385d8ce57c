//! A desktop and an app in two network namespaces, which share a wire and nothing else.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail at any line")]

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use flipper_desktop::pki::PairingLink;
use serde_json::Value;
use tempfile::{TempDir, tempdir};

/// Only a failure takes this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Two namespaces, joined by a wire. They are gone with this.
struct Networks {
    desktop: String,
    app: String,
}

impl Networks {
    const DESKTOP: &str = "10.213.7.1";
    const DESKTOP_V6: &str = "fd00:213:7::1";

    /// `None` where this is not allowed, as it is to root. In CI it must be.
    fn new() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let id = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let networks = Self { desktop: format!("flipper-d{id}"), app: format!("flipper-a{id}") };
        if let Err(why) = ip(&format!("netns add {}", networks.desktop)) {
            assert!(env::var_os("CI").is_none(), "no network namespaces: {why}");
            let line = format!("skipped: this machine lets nobody make network namespaces: {why}\n");
            // Not by `eprintln!`, which the test harness swallows where a test passes.
            let _unseen = std::io::stderr().write_all(line.as_bytes());
            return None;
        }
        let Self { desktop, app } = &networks;
        for command in [
            format!("netns add {app}"),
            format!("-n {desktop} link add wire type veth peer name wire netns {app}"),
            format!("-n {desktop} addr add {}/24 dev wire", Self::DESKTOP),
            format!("-n {app} addr add 10.213.7.2/24 dev wire"),
            format!("-n {desktop} addr add {}/64 dev wire nodad", Self::DESKTOP_V6),
            format!("-n {app} addr add fd00:213:7::2/64 dev wire nodad"),
            format!("-n {desktop} link set lo up"),
            format!("-n {desktop} link set wire up"),
            format!("-n {app} link set wire up"),
        ] {
            ip(&command).unwrap();
        }
        Some(networks)
    }
}

impl Drop for Networks {
    fn drop(&mut self) {
        for name in [&self.desktop, &self.app] {
            let _gone = ip(&format!("netns delete {name}"));
        }
    }
}

fn ip(arguments: &str) -> Result<(), String> {
    let output = Command::new("ip").args(arguments.split(' ')).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("ip {arguments}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

/// `flipper` in one of the networks, and what it prints. It ends with this.
struct Program {
    process: Child,
    lines: Receiver<String>,
    _mounted_over: Option<TempDir>,
}

impl Program {
    fn spawn(command: &mut Command, mounted_over: Option<TempDir>) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let told = BufReader::new(process.stdout.take().unwrap());
        let (tell, lines) = channel();
        thread::spawn(move || told.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Self { process, lines, _mounted_over: mounted_over }
    }

    /// `flipper desktop`, on any ports.
    fn desktop(network: &str, state: &Path, arguments: &[&str]) -> Self {
        let mut command = flipper_in(network, "desktop", state);
        command.args(["--ports", "0,0", "--ui-port", "0", "--no-browser", "--json"]).args(arguments);
        let desktop = Self::spawn(&mut command, None);
        wait_for("the desktop", || state.join("desktop/desktop.json").exists());
        desktop
    }

    /// `flipper app`, on a disk of its own.
    fn app(network: &str, arguments: &[&str], pairing: Option<&str>) -> Self {
        // What `ip netns exec` runs has mounts of its own: what is mounted here is nobody else's.
        const ON_OWN_DISK: &str = r#"mount -t tmpfs tmpfs "$0" && exec "$@""#;
        let dir = tempdir().unwrap();
        let mut command = Command::new("ip");
        command.args(["netns", "exec", network, "sh", "-c", ON_OWN_DISK]).arg(dir.path());
        command.args([env!("CARGO_BIN_EXE_flipper"), "app", "--dir"]).arg(dir.path()).args(arguments);
        clean(&mut command);
        if let Some(link) = pairing {
            command.env("FLIPPER_PAIRING", link);
        }
        Self::spawn(&mut command, Some(dir))
    }

    fn says(&self, part: &str) -> String {
        let mut told = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(part) => return line,
                Ok(line) => told.push(line),
                Err(_) => panic!("it never said {part:?}, but {told:#?}"),
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _gone = self.process.wait();
    }
}

fn clean(command: &mut Command) {
    for name in ["FLIPPER_PAIRING", "FLIPPER_ALT_PORTS", "FLIPPER_PORTS", "FLIPPER_BROWSER_PORT", "FLIPPER_STATE_DIR"] {
        command.env_remove(name);
    }
}

fn flipper_in(network: &str, what: &str, state: &Path) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", network, env!("CARGO_BIN_EXE_flipper"), what, "--state-dir"]).arg(state);
    clean(&mut command);
    command
}

/// What a command prints that succeeds.
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The link that `flipper pair` prints where the desktop runs.
fn pair(network: &str, state: &Path, arguments: &[&str]) -> String {
    let told = output(flipper_in(network, "pair", state).arg("--json").args(arguments));
    let told: Value = serde_json::from_str(&told).unwrap();
    told["url"].as_str().unwrap().to_owned()
}

/// Waits for what another process does to the disk.
fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "waited too long for {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn two_machines_that_share_nothing_connect_by_the_link_alone() {
    let Some(networks) = Networks::new() else { return };
    let state = tempdir().unwrap();
    let bound = ["--bind", Networks::DESKTOP, "--bind", Networks::DESKTOP_V6];
    let desktop = Program::desktop(&networks.desktop, state.path(), &bound);

    // The desktop runs by then: the command finds out where, and the desktop finds the pairing, by files alone.
    let links = [
        ("Four", pair(&networks.desktop, state.path(), &[])),
        ("Six", pair(&networks.desktop, state.path(), &["--host", Networks::DESKTOP_V6])),
    ];
    for (name, link) in &links {
        let app = Program::app(&networks.app, &["--name", name], Some(link));
        app.says("connected");
        let mut wait = flipper_in(&networks.desktop, "wait-for", state.path());
        output(wait.args(["plugin", name, "Example", "--timeout", "60"]));
        let mut call = flipper_in(&networks.desktop, "call", state.path());
        let answer = output(call.args([name, "Example", "reverse", r#"{"word":"olleh"}"#]));
        assert_eq!(answer, "{\"word\":\"hello\"}\n");
    }

    // Who is not paired shows nothing, and gets nothing.
    let told: Value = serde_json::from_slice(&fs::read(state.path().join("desktop/desktop.json")).unwrap()).unwrap();
    let ports = format!("{},{}", told["ports"]["insecure"], told["ports"]["secure"]);
    let app = Program::app(&networks.app, &["--host", Networks::DESKTOP, "--ports", &ports], None);
    app.says("InvalidDestination");
    drop(app);

    // Who is paired with another desktop gets nothing from this one.
    let other = tempdir().unwrap();
    let elsewhere = ["--host", Networks::DESKTOP, "--ports", &ports];
    let app = Program::app(&networks.app, &[], Some(&pair(&networks.desktop, other.path(), &elsewhere)));
    app.says("PairingUnknown");
    desktop.says("knows no pairing");
    drop(app);

    // Whose pairing is over gets nothing any more.
    let id = PairingLink::parse(&links[0].1).unwrap().secret.id();
    output(flipper_in(&networks.desktop, "pair", state.path()).args(["revoke", &id]));
    let app = Program::app(&networks.app, &[], Some(&links[0].1));
    app.says("PairingRevoked");
}

#[test]
fn a_desktop_that_was_not_told_to_is_not_there_for_others() {
    let Some(networks) = Networks::new() else { return };
    let state = tempdir().unwrap();
    let _desktop = Program::desktop(&networks.desktop, state.path(), &[]);
    let link = pair(&networks.desktop, state.path(), &["--host", Networks::DESKTOP]);
    let app = Program::app(&networks.app, &[], Some(&link));
    app.says("refused");
}
