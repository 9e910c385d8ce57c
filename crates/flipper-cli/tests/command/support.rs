//! Real processes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Only a failure takes this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The command, with nothing of this machine's around it.
pub(crate) fn flipper(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flipper"));
    for name in ["FLIPPER_ALT_PORTS", "FLIPPER_PORTS", "FLIPPER_BROWSER_PORT", "FLIPPER_LOG"] {
        command.env_remove(name);
    }
    // Whatever adb knows on this machine is nothing to these tests.
    command.env("ADB_SERVER_SOCKET", "tcp:127.0.0.1:1");
    command.env("HOME", home).env("FLIPPER_STATE_DIR", home.join("state")).env("TMPDIR", home);
    command
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().expect("it ended by itself"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What it said, if all was well.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    /// The one line that says why it failed with this code.
    #[track_caller]
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!((self.code, self.err.lines().count()), (code, 1), "{self:?}");
        self.err
    }
}

/// A process that runs until it is told to stop, or the test ends.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let (tell, lines) = channel();
        let out = child.stdout.take().unwrap();
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let _nobody = tell.send(line);
            }
        });
        Self { child, lines }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line that it says.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("it says more")
    }

    /// The next line in JSON that is this event.
    #[track_caller]
    pub(crate) fn event(&self, kind: &str) -> Value {
        loop {
            let event: Value = serde_json::from_str(&self.line()).unwrap();
            if event["event"] == kind {
                return event;
            }
        }
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end, and gives what it said to the standard error.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begin.elapsed() < PATIENCE, "it does not end");
            thread::sleep(Duration::from_millis(5));
        };
        let mut error = String::new();
        std::io::Read::read_to_string(&mut self.child.stderr.take().unwrap(), &mut error).unwrap();
        (status, error)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// A desktop that runs on ports and a state directory of its own.
pub(crate) struct Desktop {
    pub(crate) process: Process,
    /// The exchange port and the session port, as `--ports` takes them.
    pub(crate) ports: String,
    pub(crate) listening: Value,
    pub(crate) home: TempDir,
}

/// No port that anybody else might have.
pub(crate) const ANY_PORTS: [&str; 6] = ["--ports", "0,0", "--browser-port", "0", "--ui-port", "0"];

impl Desktop {
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), options)
    }

    pub(crate) fn start_in(home: TempDir, options: &[&str]) -> Self {
        let mut command = flipper(home.path());
        let process = Process::start(command.args(["desktop", "--json"]).args(ANY_PORTS).args(options));
        let listening = process.event("listening");
        let ports = format!("{},{}", listening["ports"]["insecure"], listening["ports"]["secure"]);
        Self { process, ports, listening, home }
    }

    /// Runs a command against it.
    pub(crate) fn flipper(&self, arguments: &[&str]) -> Done {
        Done::of(flipper(self.home.path()).args(arguments).output().unwrap())
    }

    /// As [`flipper`](Self::flipper), with this on its standard input.
    pub(crate) fn flipper_with(&self, arguments: &[&str], input: &str) -> Done {
        let mut command = flipper(self.home.path());
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Done::of(child.wait_with_output().unwrap())
    }

    /// A command that goes on.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Process {
        Process::start(flipper(self.home.path()).args(arguments))
    }

    /// The sample app, connected.
    pub(crate) fn app(&self) -> Process {
        let app = self.app_as("Rust Sample", "box");
        self.flipper(&["wait-for", "plugin", "Rust Sample", "Ticker"]).ok();
        app
    }

    pub(crate) fn app_as(&self, name: &str, device_id: &str) -> Process {
        let directory = self.home.path().join(device_id);
        let mut command = flipper(self.home.path());
        command.args(["app", "--name", name, "--device", "box", "--device-id", device_id, "--ports", &self.ports]);
        Process::start(command.arg("--dir").arg(directory))
    }
}

/// What npm would install, as far as the desktop looks at it.
pub(crate) fn install_official_ui(at: &Path) {
    for (name, text) in [
        ("index.web.html", "<script>window.flipperConfig = {}</script>"),
        ("bundle.js", ""),
        ("style.css", ""),
        ("themes/light.css", ""),
        ("defaultPlugins/bundled.json", "[]"),
    ] {
        let path = at.join("static").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}
