use std::env;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use super::certificates::Certificates;
use super::error::{Error, ErrorKind};
use super::install::{Package, VERSION};
use super::ports::{Lease, Ports};
use super::process::{Fate, Process, Readiness, Watch};
use super::skip::skips_this_test;
use super::ui_socket::UiSocket;

/// What the desktop prints when the UI port and all others are bound.
const READY_LINE: &str = "Flipper server started and listening at port";
/// No start took longer than a few seconds; this only bounds a hang.
const START_PATIENCE: Duration = Duration::from_secs(120);
/// The desktop ends within some 40 ms of being asked.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
/// The answer to a question after its health, once it is ready, is immediate.
const HEALTH_PATIENCE: Duration = Duration::from_secs(30);
/// How often another set of ports is tried when another program takes one of ours between check and use.
const PORT_ATTEMPTS: usize = 5;

const END_WITH_PARENT: &str = include_str!("end_with_parent.cjs");

/// The official headless desktop, as a child process with a home directory and ports of its own.
///
/// Any number can run side by side. Dropping it kills the process and everything that it has started, and removes its
/// files; it ends as well if the test process is killed. Android and iOS support is off, so that it looks for no
/// devices.
///
/// ```no_run
/// # fn main() -> Result<(), flipper_conformance::official::Error> {
/// use flipper_conformance::official::OfficialDesktop;
///
/// let desktop = OfficialDesktop::start()?;
/// let ui = desktop.ui()?;
/// assert!(ui.client_list()?.is_empty());
/// # Ok(())
/// # }
/// ```
pub struct OfficialDesktop {
    // Fields are dropped in this order: the process must be gone before its files and its ports are.
    run: Run,
    lease: Lease,
    files: TempDir,
    home: PathBuf,
    certificates: Certificates,
}

/// The process, or what is left of it.
enum Run {
    Running(Process),
    Stopped(Watch),
    NotYet,
}

impl OfficialDesktop {
    /// The version of npm package `flipper-server` that is run.
    pub const VERSION: &str = VERSION;

    /// Starts a desktop that has no certificates yet, and waits until it serves.
    pub fn start() -> Result<Self, Error> {
        let package = Package::find()?;
        let files = TempDir::with_prefix("official-desktop-")
            .map_err(|error| Error::io("making a directory for the official desktop", error))?;
        let home = files.path().join("home");
        lay_out(&package, files.path())
            .map_err(|error| Error::io(format!("laying out {}", files.path().display()), error))?;
        let lease = take_ports()?;
        let mut desktop = Self { run: Run::NotYet, lease, files, certificates: Certificates::of_home(&home), home };
        for _ in 1..PORT_ATTEMPTS {
            match desktop.launch() {
                Err(error) if matches!(error.kind(), ErrorKind::PortTaken(_)) => {
                    desktop.lease = take_ports()?;
                }
                launched => return launched.map(|()| desktop),
            }
        }
        desktop.launch().map(|()| desktop)
    }

    /// As [`start`](Self::start), or `None` where [this test is to be skipped](skips_this_test): it then returns at
    /// once.
    pub fn start_unless_skipped() -> Result<Option<Self>, Error> {
        if skips_this_test()? { Ok(None) } else { Self::start().map(Some) }
    }

    /// The ports that it listens on. They stay the same over restarts.
    pub fn ports(&self) -> Ports {
        self.lease.ports()
    }

    /// Its home directory.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The directory of its keys and certificates.
    pub fn certificates_dir(&self) -> &Path {
        self.certificates.dir()
    }

    /// The certificate of its CA, PEM.
    pub fn ca_certificate(&self) -> Result<String, Error> {
        self.certificates.ca()
    }

    /// Opens a connection to its UI socket.
    pub fn ui(&self) -> Result<UiSocket, Error> {
        UiSocket::open(self.ports().ui, self.running()?.watch())
    }

    /// The id of its process.
    pub fn pid(&self) -> Result<u32, Error> {
        Ok(self.running()?.id())
    }

    /// Fails if it is not running, in particular if it has ended by itself.
    pub fn check(&self) -> Result<(), Error> {
        self.running().map(|_| ())
    }

    /// The last lines that it printed, on both of its outputs, in the order in which they came.
    pub fn output(&self) -> String {
        self.run.watch().map_or_else(String::new, |watch| watch.condition().tail(usize::MAX).to_string())
    }

    /// Waits until it ends by itself, which is then no error any more: it can be restarted.
    pub fn wait_for_end(&mut self, patience: Duration) -> Result<ExitStatus, Error> {
        let watch = self.running_or_ended()?.watch().clone();
        let status = watch.wait_ended(patience).ok_or_else(|| {
            Error::new(ErrorKind::TimedOut {
                waiting_for: "the end of the official desktop".to_owned(),
                after: patience,
            })
            .with(watch.condition())
        })?;
        self.run = Run::Stopped(watch);
        Ok(status)
    }

    /// Stops it as a user would, and waits until it is gone.
    pub fn stop(&mut self) -> Result<(), Error> {
        self.end(|process| process.stop(STOP_PATIENCE))
    }

    /// Kills it: its connections end, and nothing is said on them.
    pub fn kill(&mut self) -> Result<(), Error> {
        self.end(|mut process| process.kill())
    }

    /// Stops it if it runs, then starts it again with the same home directory, certificates and ports.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.stop_if_started()?;
        self.launch()
    }

    /// Starts it anew without its certificates, so that it makes a new CA and a new server certificate.
    pub fn regenerate_certificates(&mut self) -> Result<(), Error> {
        self.stop_if_started()?;
        self.certificates.remove_all()?;
        self.launch()
    }

    /// Starts it anew with another CA of the same name: new key, new certificate, same subject. The desktop notices
    /// that its server certificate does not fit, and makes that and its key anew; no certificate from before is
    /// accepted.
    pub fn replace_ca(&mut self) -> Result<(), Error> {
        self.stop_if_started()?;
        self.certificates.replace_ca()?;
        self.launch()
    }

    fn launch(&mut self) -> Result<(), Error> {
        let process = Process::spawn(&mut self.command(), Some(READY_LINE)).map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                Error::new(ErrorKind::NotInstalled("there is no `node` here".to_owned()))
            } else {
                Error::io("starting the official desktop", error)
            }
        })?;
        let watch = process.watch().clone();
        let ready = match watch.wait_ready(START_PATIENCE) {
            Readiness::Ready => ask_health(self.ports().ui),
            // It does not say why when it cannot have a port, so it is the ports that are asked.
            Readiness::Ended => Err(Error::new(match self.lease.first_taken() {
                Some(port) => ErrorKind::PortTaken(port),
                None => ErrorKind::NotRunning,
            })),
            Readiness::Overdue => Err(Error::new(ErrorKind::TimedOut {
                waiting_for: "the official desktop to be ready".to_owned(),
                after: START_PATIENCE,
            })),
        };
        match ready {
            Ok(()) => {
                self.run = Run::Running(process);
                Ok(())
            }
            Err(error) => {
                let error = error.with(watch.condition());
                self.run = Run::Stopped(watch);
                Err(error)
            }
        }
    }

    fn command(&self) -> Command {
        let ports = self.ports();
        let mut command = Command::new("node");
        command
            .current_dir(self.files.path())
            // See `Package::link_into`.
            .args(["--preserve-symlinks", "--preserve-symlinks-main"])
            .args(["--require", "./end_with_parent.cjs"])
            .arg("package/server.js")
            .args(["--open=false", "--launcherSettings=false"])
            // Without it, a desktop that cannot have one of its ports stays, and serves its page.
            .arg("--failFast")
            .args(["--port", &ports.ui.to_string()])
            .arg("--settingsString")
            .arg(r#"{"enableAndroid":false,"enableIOS":false,"showWelcomeAtStartup":false}"#)
            // Nothing of the caller's: NODE_OPTIONS, DEBUG, JEST_WORKER_ID and many more change what it does.
            .env_clear()
            .envs(env::var_os("PATH").map(|path| ("PATH", path)))
            .env("HOME", &self.home)
            // It forgets temporary files at every exchange: let them go with the rest.
            .env("TMPDIR", self.files.path().join("tmp"))
            // Its inner socket. Relative, because from 104 characters on it would silently take one in /tmp, which all
            // desktops of a user share, and take away from each other.
            .env("XDG_RUNTIME_DIR", "run")
            .env("FLIPPER_ALT_PORTS", pair(ports.insecure, ports.secure))
            .env("FLIPPER_PORTS", pair(ports.legacy_insecure, ports.legacy_secure))
            .env("FLIPPER_BROWSER_PORT", ports.browser.to_string())
            // It looks for a React Native packager every five seconds, and would list a developer's as a device.
            .env("METRO_SERVER_PORT", self.lease.unused().to_string());
        command
    }

    /// Fails if it has ended by itself: what a test restarts must not have hidden that.
    fn stop_if_started(&mut self) -> Result<(), Error> {
        match self.run {
            Run::Running(_) => self.stop(),
            Run::Stopped(_) | Run::NotYet => Ok(()),
        }
    }

    fn end(&mut self, how: impl FnOnce(Process)) -> Result<(), Error> {
        let watch = self.running()?.watch().clone();
        if let Run::Running(process) = std::mem::replace(&mut self.run, Run::Stopped(watch)) {
            how(process);
        }
        Ok(())
    }

    fn running(&self) -> Result<&Process, Error> {
        let process = self.running_or_ended()?;
        match process.watch().condition().fate {
            Fate::Running => Ok(process),
            Fate::Stopped | Fate::EndedByItself(_) => Err(self.not_running()),
        }
    }

    fn running_or_ended(&self) -> Result<&Process, Error> {
        match &self.run {
            Run::Running(process) => Ok(process),
            Run::Stopped(_) | Run::NotYet => Err(self.not_running()),
        }
    }

    fn not_running(&self) -> Error {
        let error = Error::new(ErrorKind::NotRunning);
        match self.run.watch() {
            Some(watch) => error.with(watch.condition()),
            None => error,
        }
    }
}

impl Run {
    fn watch(&self) -> Option<&Watch> {
        match self {
            Self::Running(process) => Some(process.watch()),
            Self::Stopped(watch) => Some(watch),
            Self::NotYet => None,
        }
    }
}

impl Drop for OfficialDesktop {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("last output of the official desktop:{}", self.output());
        }
    }
}

/// Makes the directories of a desktop: its home, a package folder of its own, and places for what it leaves behind.
fn lay_out(package: &Package, root: &Path) -> io::Result<()> {
    for directory in ["home", "tmp", "run"] {
        fs::create_dir(root.join(directory))?;
    }
    fs::write(root.join("end_with_parent.cjs"), END_WITH_PARENT)?;
    package.link_into(&root.join("package"))
}

fn take_ports() -> Result<Lease, Error> {
    Lease::take().map_err(|error| Error::io("choosing ports for the official desktop", error))
}

/// Both variables name the insecure port first, whatever the documentation says.
fn pair(insecure: u16, secure: u16) -> String {
    format!("{insecure},{secure}")
}

/// Makes sure that it is our desktop which answers on `port`, and that it says it is well.
fn ask_health(port: u16) -> Result<(), Error> {
    let ask = || {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect_timeout(&address, HEALTH_PATIENCE)?;
        stream.set_read_timeout(Some(HEALTH_PATIENCE))?;
        write!(stream, "GET /health HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let answer = ask().map_err(|error| Error::io("asking the official desktop for its health", error))?;
    if answer.starts_with("HTTP/1.1 200") && answer.contains("flipper-ok") {
        Ok(())
    } else {
        Err(Error::new(ErrorKind::Unexpected { asked: "GET /health".to_owned(), answer }))
    }
}
