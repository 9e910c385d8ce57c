//! A desktop and an app in two network namespaces, which share a wire and nothing else.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail at any line")]

use std::env;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::IpAddr;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use flipper_desktop::proto::Payload;
use flipper_desktop::{Builder, Desktop, Event};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::{Value, json};
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

/// A desktop on a thread of its own, in its own network.
struct Remote {
    ports: (u16, u16),
    events: Receiver<Event>,
    /// Dropped, the desktop stops.
    calls: Option<Sender<Call>>,
    thread: Option<JoinHandle<()>>,
}

/// Asks the desktop to call the first app that is there.
struct Call(Sender<String>);

impl Remote {
    fn start(network: &str, make: impl FnOnce() -> Builder + Send + 'static) -> Self {
        let namespace = File::open(Path::new("/run/netns").join(network)).unwrap();
        let (tell, events) = channel();
        let (started, ports) = channel();
        let (calls, called) = channel::<Call>();
        let thread = thread::spawn(move || {
            // Threads that are made by this one, such as those of its runtime, are in the same network.
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            let observed = make().observer(move |event| {
                let _over = tell.send(event.clone());
            });
            let desktop = runtime.block_on(observed.start()).unwrap();
            let ports = desktop.ports();
            started.send((ports.insecure, ports.secure)).unwrap();
            for Call(answer) in called {
                let client = desktop.clients().remove(0).id;
                desktop.init_plugin(&client, "Example").unwrap();
                let params = Payload::serialize(&json!({"word": "olleh"})).unwrap();
                let answered = runtime.block_on(desktop.call(&client, "Example", "reverse", Some(params))).unwrap();
                answer.send(answered.as_json().to_owned()).unwrap();
            }
            runtime.block_on(desktop.stop());
        });
        let ports = ports.recv_timeout(PATIENCE).unwrap();
        Self { ports, events, calls: Some(calls), thread: Some(thread) }
    }

    /// The first event that `pick` takes.
    fn event<T>(&self, what: &str, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        loop {
            let event = self.events.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("waited too long for {what}"));
            if let Some(picked) = pick(event) {
                return picked;
            }
        }
    }

    fn refusal(&self) -> String {
        self.event("a refusal", |event| match event {
            Event::CertificateRefused { error, .. } => Some(error.name().to_owned()),
            _ => None,
        })
    }

    fn call(&self) -> String {
        self.event("a client", |event| matches!(event, Event::PluginsChanged { .. }).then_some(()));
        let (answer, answered) = channel();
        self.calls.as_ref().unwrap().send(Call(answer)).unwrap();
        answered.recv_timeout(PATIENCE).unwrap()
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        drop(self.calls.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !thread::panicking()
        {
            panic!("the desktop failed");
        }
    }
}

/// `flipper app` in the other network, on a disk of its own. It ends with this.
struct App {
    process: Child,
    lines: Receiver<String>,
    _mounted_over: TempDir,
}

impl App {
    fn start(network: &str, arguments: &[&str], pairing: Option<&str>) -> Self {
        // What `ip netns exec` runs has mounts of its own: what is mounted here is nobody else's.
        const ON_OWN_DISK: &str = r#"mount -t tmpfs tmpfs "$0" && exec "$@""#;
        let dir = tempdir().unwrap();
        let mut command = Command::new("ip");
        command.args(["netns", "exec", network, "sh", "-c", ON_OWN_DISK]).arg(dir.path());
        command.args([env!("CARGO_BIN_EXE_flipper"), "app", "--dir"]).arg(dir.path()).args(arguments);
        command.env_remove("FLIPPER_PAIRING").env_remove("FLIPPER_ALT_PORTS").env_remove("FLIPPER_PORTS");
        if let Some(link) = pairing {
            command.env("FLIPPER_PAIRING", link);
        }
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let told = BufReader::new(process.stdout.take().unwrap());
        let (tell, lines) = channel();
        thread::spawn(move || told.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Self { process, lines, _mounted_over: dir }
    }

    fn says(&self, part: &str) -> String {
        let mut told = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(part) => return line,
                Ok(line) => told.push(line),
                Err(_) => panic!("the app never said {part:?}, but {told:#?}"),
            }
        }
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _gone = self.process.wait();
    }
}

/// What `flipper pair` prints.
fn pair(state: &Path, host: &str, ports: (u16, u16)) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_flipper"))
        .args(["pair", "--json", "--host", host, "--ports", &format!("{},{}", ports.0, ports.1), "--state-dir"])
        .arg(state)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    told["url"].as_str().unwrap().to_owned()
}

#[test]
fn two_machines_that_share_nothing_connect_by_the_link_alone() {
    let Some(networks) = Networks::new() else { return };
    let state = tempdir().unwrap();
    let directory = state.path().join("desktop");
    let addresses = [Networks::DESKTOP, Networks::DESKTOP_V6].map(|address| address.parse::<IpAddr>().unwrap());
    let desktop = Remote::start(&networks.desktop, move || {
        let builder = Desktop::builder().any_ports().state_directory(directory);
        addresses.into_iter().fold(builder, Builder::bind)
    });

    // The desktop runs by then: it is told of the pairing by the file alone.
    for host in [Networks::DESKTOP, Networks::DESKTOP_V6] {
        let link = pair(state.path(), host, desktop.ports);
        let app = App::start(&networks.app, &["--name", host], Some(&link));
        app.says("connected");
        assert_eq!(desktop.call(), r#"{"word":"hello"}"#);
        drop(app);
        desktop.event("the end", |event| matches!(event, Event::ClientDisconnected { .. }).then_some(()));
    }

    // Who is not paired shows nothing, and gets nothing.
    let ports = format!("{},{}", desktop.ports.0, desktop.ports.1);
    let app = App::start(&networks.app, &["--host", Networks::DESKTOP, "--ports", &ports], None);
    app.says("the desktop refused to issue a certificate");
    assert_eq!(desktop.refusal(), "InvalidDestination");
    drop(app);

    // Who is paired with another desktop gets nothing from this one.
    let other = tempdir().unwrap();
    let link = pair(other.path(), Networks::DESKTOP, desktop.ports);
    let app = App::start(&networks.app, &[], Some(&link));
    app.says("PairingUnknown");
    assert_eq!(desktop.refusal(), "PairingUnknown");
}

#[test]
fn a_desktop_that_was_not_told_to_is_not_there_for_others() {
    let Some(networks) = Networks::new() else { return };
    let state = tempdir().unwrap();
    let directory = state.path().join("desktop");
    let desktop = Remote::start(&networks.desktop, move || Desktop::builder().any_ports().state_directory(directory));
    let link = pair(state.path(), Networks::DESKTOP, desktop.ports);
    let app = App::start(&networks.app, &[], Some(&link));
    app.says("refused");
}
