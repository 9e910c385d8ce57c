//! The tiny desktop of the examples: checked as any desktop is, and with a client of this project.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use flipper_conformance::Result;
use flipper_conformance::check::desktop::{Check, Driver};
use flipper_conformance::check::{Format, Selection};
use serde_json::Value;
use tempfile::TempDir;

use crate::rig::{self, Watch};

#[test]
fn built_with_gcc_the_desktop_does_what_desktops_have_to_do_under_sanitizers() -> Result {
    conforms(Watch::Gcc, Selection::all())
}

#[test]
fn built_with_clang_the_desktop_exchanges_and_calls_under_sanitizers() -> Result {
    conforms(Watch::Clang, few())
}

#[test]
fn the_desktop_exchanges_and_calls_under_valgrind() -> Result {
    conforms(Watch::Valgrind, few())
}

#[cfg(feature = "threaded")]
#[test]
fn an_app_in_rust_gets_its_certificate_of_the_desktop_and_answers_its_calls() -> Result {
    use flipper_blocking::{Flipper, plugin};

    let (state, directory) = (TempDir::new()?, TempDir::new()?);
    let mut desktop = CDesktop::start(Watch::Gcc, state.path())?;
    let greeter = plugin("Greeter").background();
    let greeter = greeter.method("greet", |name: String| -> std::result::Result<_, String> { Ok([name]) });
    let app = Flipper::builder("Rust", "com.example.rust").ports(desktop.ports[0], desktop.ports[1]);
    let app = app.directory(directory.path().display().to_string()).plugin(greeter.build()).start()?;
    app.connection("Greeter").send("opened", &["at last"])?;
    let patience = Duration::from_secs(60);
    desktop.wait(patience, |line| (line[0] == "plugins").then_some(()))?;
    assert_eq!(desktop.event("Rust", "Greeter", "opened", patience)?, serde_json::json!(["at last"]));
    desktop.start_call("Rust", "Greeter", "greet", "you".into())?;
    assert_eq!(desktop.finish_call(patience)?, Ok(serde_json::json!(["you"])));
    app.stop().wait()?;
    desktop.stop()
}

#[test]
fn the_desktop_and_the_poll_client_understand_each_other() -> Result {
    let (state, directory) = (TempDir::new()?, TempDir::new()?);
    let mut desktop = CDesktop::start(Watch::Gcc, state.path())?;
    let mut sources = rig::sources("examples/common");
    sources.extend(rig::sources("examples/poll_client"));
    let client = rig::build(Watch::Gcc, &sources, &["-lwslay", "-lssl", "-lcrypto"]);
    let mut app = client.command();
    app.arg("--ports").arg(format!("{},{}", desktop.ports[0], desktop.ports[1]));
    app.arg("--directory").arg(directory.path()).stdin(Stdio::null()).stdout(Stdio::null());
    let mut app = app.spawn()?;
    let patience = Duration::from_secs(60);
    desktop.wait(patience, |line| (line[0] == "plugins").then_some(()))?;
    let echoed = serde_json::json!({"word": "hello"});
    desktop.start_call("Poll client", "Example", "echo", echoed.clone())?;
    assert_eq!(desktop.finish_call(patience)?, Ok(echoed));
    let asked = Command::new("kill").args(["-s", "TERM", &app.id().to_string()]).status()?;
    assert!(asked.success() && app.wait()?.success());
    desktop.wait(patience, |line| (line[0] == "gone").then_some(()))?;
    desktop.stop()
}

/// What takes little time.
fn few() -> Selection {
    let globs = ["exchange/granted", "refusal/no-common-name", "tls/1.*", "session/same-app-twice", "call/answer"];
    Selection::of(globs)
}

fn conforms(watch: Watch, selection: Selection) -> Result {
    let state = TempDir::new()?;
    let desktop = CDesktop::start(watch, state.path())?;
    let mut check = Check::of("127.0.0.1");
    (check.insecure, check.secure, check.browser) = (desktop.ports[0], desktop.ports[1], Some(desktop.ports[2]));
    check.dangerous = true;
    check.selection = selection;
    check.patience = Duration::from_secs(60);
    let ended = desktop.ended.clone();
    check.driver = Some(Box::new(desktop));
    let report = check.run(&mut |_| {})?;
    assert!(report.is_good(), "\n{}", report.write(Format::Text));
    assert!(report.summary().passed > 0, "nothing was checked");
    // The check has dropped the desktop, which ended well then.
    assert_eq!(*ended.lock().unwrap(), Some(true), "the desktop was caught at something");
    Ok(())
}

/// The program, and what it prints.
struct CDesktop {
    child: Child,
    stdin: Option<ChildStdin>,
    printed: Receiver<Vec<String>>,
    /// What was printed and nobody has asked for yet.
    lines: VecDeque<Vec<String>>,
    /// Of exchanges, of sessions, and for browsers.
    ports: Vec<u16>,
    /// Whether it ended well, once it has ended.
    ended: Arc<Mutex<Option<bool>>>,
    _program: rig::Program,
}

impl CDesktop {
    fn start(watch: Watch, state: &Path) -> Result<Self> {
        let mut sources = rig::sources("examples/desktop");
        sources.extend(["stream", "websocket"].map(|name| rig::source(&format!("examples/common/{name}.c"))));
        let program = rig::build(watch, &sources, &["-lwslay", "-lssl", "-lcrypto"]);
        let mut command = program.command();
        command.arg("--directory").arg(state).args(["--ports", "0,0,0"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().ok_or("it prints")?);
        let (print, printed) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let Ok(line) = line else { break };
                let _nobody_reads = print.send(line.split('\t').map(str::to_owned).collect());
            }
        });
        let ended = Arc::default();
        let mut desktop =
            Self { child, stdin, printed, lines: VecDeque::new(), ports: Vec::new(), ended, _program: program };
        desktop.ports = desktop.wait(Duration::from_secs(60), |line| {
            (line[0] == "listening").then(|| line[1..].iter().filter_map(|port| port.parse().ok()).collect())
        })?;
        Ok(desktop)
    }

    fn command(&mut self, fields: &[&str]) -> std::result::Result<(), String> {
        let stdin = self.stdin.as_mut().ok_or("it is stopped")?;
        writeln!(stdin, "{}", fields.join("\t")).map_err(|error| error.to_string())
    }

    /// The first line that is the right one; it is taken away.
    fn wait<T>(
        &mut self,
        patience: Duration,
        right: impl Fn(&[String]) -> Option<T>,
    ) -> std::result::Result<T, String> {
        let deadline = Instant::now() + patience;
        let mut seen = 0;
        loop {
            while let Some(line) = self.lines.get(seen) {
                if let Some(found) = right(line) {
                    self.lines.remove(seen);
                    return Ok(found);
                }
                seen += 1;
            }
            let line = self.printed.recv_timeout(deadline.saturating_duration_since(Instant::now()));
            self.lines.push_back(line.map_err(|error| format!("the desktop prints something else: {error}"))?);
        }
    }

    /// The id of an app that is connected.
    fn client(&mut self, app: &str) -> std::result::Result<Option<String>, String> {
        self.command(&["list"])?;
        let patience = Duration::from_secs(60);
        let count: usize =
            self.wait(patience, |line| (line[0] == "clients").then(|| line[1].parse().unwrap_or_default()))?;
        let mut found = None;
        for _ in 0..count {
            let client = self.wait(patience, |line| (line[0] == "client").then(|| line.to_vec()))?;
            if client[2] == app {
                found = Some(client[1].clone());
            }
        }
        Ok(found)
    }

    fn stop(mut self) -> Result {
        assert!(self.end(), "the desktop was caught at something");
        Ok(())
    }

    fn end(&mut self) -> bool {
        drop(self.stdin.take());
        let well = self.child.wait().is_ok_and(|status| status.success());
        *self.ended.lock().unwrap() = Some(well);
        well
    }
}

impl Drop for CDesktop {
    fn drop(&mut self) {
        if self.stdin.is_some() {
            self.end();
        }
    }
}

impl Driver for CDesktop {
    fn serves(&mut self, app: &str) -> std::result::Result<bool, String> {
        self.client(app).map(|client| client.is_some())
    }

    fn init(&mut self, app: &str, plugin: &str) -> std::result::Result<(), String> {
        self.command(&["init", app, plugin])
    }

    fn start_call(&mut self, app: &str, plugin: &str, method: &str, params: Value) -> std::result::Result<(), String> {
        self.command(&["call", app, plugin, method, &params.to_string()])
    }

    fn finish_call(&mut self, patience: Duration) -> std::result::Result<std::result::Result<Value, Value>, String> {
        let call = self.wait(patience, |line| (line[0] == "called").then(|| line[1].clone()))?;
        let reply = self.wait(patience, |line| (line[0] == "reply" && line[1] == call).then(|| line.to_vec()))?;
        let value = || serde_json::from_str(&reply[3]).map_err(|error| format!("{reply:?}: {error}"));
        match reply[2].as_str() {
            "success" => value().map(Ok),
            "error" => value().map(Err),
            _ => Err(format!("{reply:?}")),
        }
    }

    fn event(
        &mut self,
        app: &str,
        plugin: &str,
        method: &str,
        patience: Duration,
    ) -> std::result::Result<Value, String> {
        let client = self.client(app)?.ok_or("it is not connected")?;
        self.wait(patience, |line| {
            let is_it = line[0] == "event" && line[1..4] == [client.as_str(), plugin, method];
            is_it.then(|| serde_json::from_str(&line[4]).ok())?
        })
    }
}
