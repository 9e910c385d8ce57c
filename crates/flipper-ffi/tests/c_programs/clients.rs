//! The clients of the examples, and desktops.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use flipper_conformance::Result;
use flipper_conformance::desktops::{Desktop, Official, OnTokio, Ours};
use flipper_conformance::official::skips_this_test;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::rig::{self, Watch};

/// The plugin that both have.
const PLUGIN: &str = "Example";

#[test]
fn built_with_gcc_the_poll_client_serves_our_desktop_under_sanitizers() -> Result {
    serves::<Ours<OnTokio>>(&poll_client(Watch::Gcc))
}

#[test]
fn built_with_clang_the_poll_client_serves_our_desktop_under_sanitizers() -> Result {
    serves::<Ours<OnTokio>>(&poll_client(Watch::Clang))
}

#[test]
fn the_poll_client_serves_our_desktop_under_valgrind() -> Result {
    serves::<Ours<OnTokio>>(&poll_client(Watch::Valgrind))
}

#[test]
fn the_poll_client_serves_the_official_desktop_under_sanitizers() -> Result {
    serves::<Official>(&poll_client(Watch::Gcc))
}

#[test]
fn a_client_in_node_serves_our_desktop() -> Result {
    let Some(client) = node_client()? else { return Ok(()) };
    serves::<Ours<OnTokio>>(&client)
}

#[test]
fn a_client_in_node_serves_the_official_desktop() -> Result {
    let Some(client) = node_client()? else { return Ok(()) };
    serves::<Official>(&client)
}

#[test]
fn the_poll_client_looks_for_its_desktop_until_that_is_there() -> Result {
    let directory = TempDir::new()?;
    let mut desktop = Ours::<OnTokio>::start()?.ok_or("it is never skipped")?;
    desktop.stop()?;
    let client = poll_client(Watch::Gcc);
    let mut app = App::start(&client, &desktop, directory.path())?;
    app.wait_for("nobody listens there")?;
    app.wait_for("nobody listens there")?;
    desktop.start_again()?;
    desktop.wait_for_client(client.app)?;
    app.stop()
}

/// A program that is a client: its app's name, and what runs it.
struct Client {
    app: &'static str,
    command: Box<dyn Fn() -> Command>,
}

fn poll_client(watch: Watch) -> Client {
    let mut sources = rig::sources("examples/common");
    sources.extend(rig::sources("examples/poll_client"));
    let program = rig::build(watch, &sources, &["-lwslay", "-lssl", "-lcrypto"]);
    Client { app: "Poll client", command: Box::new(move || program.command()) }
}

/// `None` where the tests with programs of npm are to be skipped.
fn node_client() -> Result<Option<Client>> {
    if skips_this_test()? {
        return Ok(None);
    }
    let folder = rig::source("examples/node");
    assert!(folder.join("node_modules").exists(), "its packages are installed by `cargo xtask test`");
    let command = move || {
        let mut command = Command::new("node");
        command.arg(folder.join("client.mjs")).arg("--library").arg(&rig::library().shared);
        command.arg("--header").arg(rig::source("include/flipper.h"));
        command
    };
    Ok(Some(Client { app: "Node client", command: Box::new(command) }))
}

/// Leads a client through all that it does with a desktop.
fn serves<D: Desktop>(client: &Client) -> Result {
    let Some(mut desktop) = D::start()? else { return Ok(()) };
    let directory = TempDir::new()?;

    let app = App::start(client, &desktop, directory.path())?;
    let id = desktop.wait_for_client(client.app)?;
    assert_eq!(desktop.plugins(&id)?, (vec![PLUGIN.to_owned()], Vec::new()));
    talks(&desktop, &id)?;
    assert_eq!(generation(directory.path())?, 1);
    assert_private(directory.path())?;
    app.stop()?;
    desktop.wait_for_client_gone(&id)?;

    // What it has stored is good for another life.
    let mut app = App::start(client, &desktop, directory.path())?;
    talks(&desktop, &desktop.wait_for_client(client.app)?)?;
    assert_eq!(generation(directory.path())?, 1);

    // What it has stored is no good for another desktop.
    desktop.stop()?;
    desktop.start_with_another_ca()?;
    app.wait_for("certificate exchange needed")?;
    app.wait_for("the desktop accepted the credentials")?;
    talks(&desktop, &desktop.wait_for_client(client.app)?)?;
    assert_eq!(generation(directory.path())?, 2);
    app.stop()?;
    assert_private(directory.path())
}

fn talks(desktop: &impl Desktop, client: &str) -> Result {
    desktop.init(client, PLUGIN)?;
    let large = json!({"text": "x".repeat(1 << 20), "number": 1.5, "word": "größe"});
    assert_eq!(desktop.call(client, PLUGIN, "echo", &large)?, Ok(large));
    assert!(desktop.is_method_supported(client, PLUGIN, "uptime")?);
    assert!(!desktop.is_method_supported(client, PLUGIN, "nothing")?);
    let refused = json!({"message": "this plugin has no such method"});
    assert_eq!(desktop.call(client, PLUGIN, "nothing", &json!({}))?, Err(refused));
    let tick = desktop.wait_for_event(client, PLUGIN, "tick")?;
    assert!(tick["seconds"].is_u64(), "{tick}");
    let uptime: Value = desktop.call(client, PLUGIN, "uptime", &json!({}))?.map_err(|error| error.to_string())?;
    assert!(uptime["seconds"].is_u64(), "{uptime}");
    Ok(())
}

/// The generation that is in use.
fn generation(directory: &Path) -> Result<u64> {
    Ok(fs::read_to_string(directory.join("current"))?.trim().parse()?)
}

/// Nobody but the owner may look into anything that lies there.
fn assert_private(directory: &Path) -> Result {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        assert_eq!(entry.metadata()?.permissions().mode() & 0o077, 0, "{:?}", entry.path());
        if entry.metadata()?.is_dir() {
            assert_private(&entry.path())?;
        }
    }
    Ok(())
}

/// The client while it runs. What it says ends with it.
struct App {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl App {
    fn start(client: &Client, desktop: &impl Desktop, directory: &Path) -> Result<Self> {
        let (insecure, secure) = desktop.ports();
        let mut command = (client.command)();
        command.args(["--ports", &format!("{insecure},{secure}"), "--directory"]).arg(directory);
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let said = BufReader::new(child.stdout.take().ok_or("it has no output")?);
        Ok(Self { child, said })
    }

    fn wait_for(&mut self, text: &str) -> Result {
        let mut line = String::new();
        while self.said.read_line(&mut line)? > 0 {
            if line.contains(text) {
                return Ok(());
            }
            line.clear();
        }
        Err(format!("it ended before it said {text:?}").into())
    }

    /// Stops it as its user would; nothing may have been found by whatever watched it.
    fn stop(mut self) -> Result {
        let status = Command::new("kill").args(["-s", "TERM", &self.child.id().to_string()]).status()?;
        assert!(status.success(), "{status}");
        self.wait_for("stopped")?;
        let status = self.child.wait()?;
        assert!(status.success(), "{status}: what was found stands above");
        Ok(())
    }
}

impl Drop for App {
    fn drop(&mut self) {
        // Where it has ended, there is nothing to end.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}
