//! Adb's own server, on a port of its own.

use std::env;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use flipper_desktop::adb::{Address, Server};
use tempfile::{TempDir, tempdir};

use super::Device;

/// Adb's server. It knows no devices but those that it is [connected](Self::connect) to, and is killed in the end.
pub(crate) struct AdbServer {
    home: TempDir,
    port: u16,
    process: Child,
}

impl AdbServer {
    /// `None` where somebody wants the tests left out that need programs of others; see `cargo xtask help`.
    pub(crate) fn start() -> Option<Self> {
        if let Some(reason) = env::var_os("FLIPPER_SKIP_OFFICIAL") {
            let line = format!("a test with adb: skipped by FLIPPER_SKIP_OFFICIAL: {}\n", reason.display());
            // Not by `eprintln!`, which the test harness swallows where a test passes.
            io::stderr().write_all(line.as_bytes()).unwrap();
            return None;
        }
        let home = tempdir().unwrap();
        loop {
            // Somebody else may be given the port before adb takes it.
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            if let Some(process) = launch(&home, port) {
                return Some(Self { home, port, process });
            }
        }
    }

    pub(crate) fn address(&self) -> Address {
        Address::new("127.0.0.1", self.port)
    }

    pub(crate) fn server(&self) -> Server {
        Server::new(self.address())
    }

    /// Has it connect to a device, and waits until it has.
    pub(crate) fn connect(&self, device: &Device) {
        self.invite(device);
        while !self.server().devices().unwrap().iter().any(|known| known.serial == device.serial() && known.is_ready())
        {
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Has it connect to a device, and waits until it lists it in this state.
    pub(crate) fn list_as(&self, state: &str, device: &Device) {
        // Nobody waits for the answer, which comes when all hope is gone.
        let _asked = self.ask_to_connect(device);
        while !self
            .server()
            .devices()
            .unwrap()
            .iter()
            .any(|known| known.serial == device.serial() && known.state == state)
        {
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Has it connect to a device, whatever comes of it.
    pub(crate) fn invite(&self, device: &Device) {
        let mut answer = String::new();
        self.ask_to_connect(device).read_to_string(&mut answer).unwrap();
    }

    fn ask_to_connect(&self, device: &Device) -> TcpStream {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let service = format!("host:connect:{}", device.serial());
        socket.write_all(format!("{:04x}{service}", service.len()).as_bytes()).unwrap();
        socket
    }

    pub(crate) fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts again, where it was.
    pub(crate) fn restart(&mut self) {
        self.process = launch(&self.home, self.port).unwrap();
    }
}

/// Returns once it answers; `None` if it ends instead.
fn launch(home: &TempDir, port: u16) -> Option<Child> {
    let mut process = Command::new("adb")
        .args(["-L", &format!("tcp:{port}"), "nodaemon", "server"])
        .env("HOME", home.path())
        .env("TMPDIR", home.path())
        .env("ADB_MDNS", "0")
        // It would look for emulators of other people.
        .env("ADB_LOCAL_TRANSPORT_MAX_PORT", "5553")
        .env_remove("ADB_VENDOR_KEYS")
        .env_remove("ADB_TRACE")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("adb does not run, which `cargo xtask test` installs: {error}"));
    let server = Server::new(Address::new("127.0.0.1", port));
    loop {
        if server.version().is_ok() {
            return Some(process);
        }
        if process.try_wait().unwrap().is_some() {
            return None;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

impl Drop for AdbServer {
    fn drop(&mut self) {
        // A test may have stopped it.
        let _ended = self.process.kill();
        let _ended = self.process.wait();
    }
}
