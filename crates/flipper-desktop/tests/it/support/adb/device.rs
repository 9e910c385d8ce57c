//! A device: a directory with the apps' files, a shell that runs real scripts in it, and what adb's daemon does.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;

use tempfile::{TempDir, tempdir};

use super::transport::{Answer, Greeting, Stream, Transport};

/// How a device takes it that a shell is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Works,
    /// Nothing ever comes back.
    Hangs,
    /// What comes back never ends.
    Floods,
    /// It is unplugged when it is written to.
    VanishesOnWrite,
}

/// A device that adb's server can connect to.
pub(crate) struct Device {
    body: Arc<Body>,
    port: u16,
}

struct Body {
    root: TempDir,
    features: &'static str,
    manner: Manner,
    state: Mutex<State>,
    /// Is told of every port that is wanted from now on.
    wanted: Mutex<Option<Sender<u16>>>,
}

struct State {
    mode: Mode,
    connections: Vec<Transport>,
    /// The commands that a shell was asked for, each with its standard input.
    commands: Vec<(String, String)>,
    refused_ports: BTreeMap<u16, &'static str>,
    /// The device's ports that lead to the server's machine, and where a test finds them.
    forwards: BTreeMap<u16, u16>,
}

/// How a device greets adb's server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Trusts,
    Distrusts,
    /// Not at all.
    Silent,
}

/// What the scripts may use. All else is not there, above all the system's own `su`.
const PROGRAMS: [&str; 6] = ["cat", "chown", "mv", "rm", "sleep", "stat"];

const RUN_AS: &str = r#"#!/bin/sh
[ -f "$DEVICE/run-as.says" ] && { cat "$DEVICE/run-as.says" >&2; exit 1; }
user=0
[ "$2" = --user ] && user=$3
home=$DEVICE/data/user/$user/$1
[ -d "$home" ] || { echo "run-as: unknown package: $1" >&2; exit 1; }
cd "$home" && exec sh
"#;

/// Its shell, which is Android's own.
const SHELL: &str = "mksh";

impl Device {
    /// A device of these years, without any app.
    pub(crate) fn new() -> Self {
        Self::with("shell_v2,cmd", Manner::Trusts)
    }

    /// A device from before Android 7.
    pub(crate) fn old() -> Self {
        Self::with("cmd", Manner::Trusts)
    }

    /// A device whose owner has not answered yet whether it trusts this computer.
    pub(crate) fn distrustful() -> Self {
        Self::with("shell_v2", Manner::Distrusts)
    }

    /// A device that takes connections, and says nothing on them.
    pub(crate) fn silent() -> Self {
        Self::with("shell_v2", Manner::Silent)
    }

    fn with(features: &'static str, manner: Manner) -> Self {
        let root = tempdir().unwrap();
        let bin = root.path().join("bin");
        fs::create_dir_all(root.path().join("data/user/0")).unwrap();
        fs::create_dir(&bin).unwrap();
        for program in PROGRAMS {
            symlink(find(program), bin.join(program)).unwrap();
        }
        symlink(find(SHELL), bin.join("sh")).unwrap();
        write_program(&bin.join("run-as"), RUN_AS);
        let state = State {
            mode: Mode::Works,
            connections: Vec::new(),
            commands: Vec::new(),
            refused_ports: BTreeMap::new(),
            forwards: BTreeMap::new(),
        };
        let state = Mutex::new(state);
        let body = Arc::new(Body { root, features, manner, state, wanted: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = Arc::downgrade(&body);
        thread::spawn(move || {
            for socket in listener.incoming() {
                let (Ok(socket), Some(body)) = (socket, serving.upgrade()) else { return };
                thread::spawn(move || body.serve(socket));
            }
        });
        Self { body, port }
    }

    /// The name that adb gives it.
    pub(crate) fn serial(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where a path of the device is in the tests' file system.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.body.root.path().join(path.trim_start_matches('/'))
    }

    /// Has the device let nobody in as an app, with these words.
    pub(crate) fn refuse_run_as(&self, words: &str) {
        fs::write(self.path("run-as.says"), format!("{words}\n")).unwrap();
    }

    /// Gives the device a `su`, as people do who own it.
    pub(crate) fn root(&self) {
        write_program(&self.path("bin/su"), "#!/bin/sh\nexec sh\n");
    }

    pub(crate) fn set_mode(&self, mode: Mode) {
        self.body.state.lock().unwrap().mode = mode;
    }

    /// Has the device refuse to lead a port elsewhere.
    pub(crate) fn refuse_port(&self, port: u16, words: &'static str) {
        self.body.state.lock().unwrap().refused_ports.insert(port, words);
    }

    /// Is told of every port of the device that is to lead elsewhere from now on.
    pub(crate) fn wanted_ports(&self) -> Receiver<u16> {
        let (tell, told) = mpsc::channel();
        *self.body.wanted.lock().unwrap() = Some(tell);
        told
    }

    /// Where a test finds the device's own port of this number.
    pub(crate) fn forwarded(&self, port: u16) -> Option<u16> {
        self.body.state.lock().unwrap().forwards.get(&port).copied()
    }

    /// The commands that were run on it, each with its standard input.
    pub(crate) fn commands(&self) -> Vec<(String, String)> {
        self.body.state.lock().unwrap().commands.clone()
    }

    /// Pulls the cable. Adb's server is free to connect again.
    pub(crate) fn unplug(&self) {
        self.body.unplug();
    }
}

impl Body {
    fn serve(self: Arc<Self>, socket: TcpStream) {
        let banner = format!(
            "device::ro.product.name=testphone;ro.product.model=Test_Phone;ro.product.device=test;features={}",
            self.features
        );
        let transport = Transport::new(socket);
        self.state.lock().unwrap().connections.push(transport.clone());
        let greeting = match self.manner {
            Manner::Trusts => Greeting::Banner(&banner),
            Manner::Distrusts => Greeting::Challenge,
            Manner::Silent => Greeting::Nothing,
        };
        transport.serve(greeting, |service| self.answer(service));
    }

    fn answer(self: &Arc<Self>, service: &str) -> Answer {
        let body = Arc::clone(self);
        if let Some(command) = service.strip_prefix("shell,v2,raw:") {
            let command = command.to_owned();
            return Answer::Serve(Box::new(move |stream| body.shell(stream, &command)));
        }
        if let Some(command) = service.strip_prefix("shell:") {
            let command = command.to_owned();
            return Answer::Serve(Box::new(move |stream| body.old_shell(stream, &command)));
        }
        if let Some(request) = service.strip_prefix("reverse:") {
            let request = request.to_owned();
            return Answer::Serve(Box::new(move |stream| body.reverse(stream, &request)));
        }
        Answer::Refuse
    }

    /// A shell in protocol 2.
    fn shell(&self, mut stream: Stream, command: &str) {
        let (mut input, mut script) = (Vec::new(), Vec::new());
        while let Some(mut data) = stream.read() {
            input.append(&mut data);
            while let Some((head, rest)) = input.split_at_checked(5) {
                let length = u32::from_le_bytes(head[1..5].try_into().unwrap()) as usize;
                let (kind, Some(content)) = (head[0], rest.get(..length)) else { break };
                if kind == 0 {
                    script.extend_from_slice(content);
                }
                input.drain(..5 + length);
                if kind == 4 {
                    let script = String::from_utf8(script).unwrap();
                    self.run(&mut stream, command, &script);
                    return;
                }
            }
        }
    }

    fn run(&self, stream: &mut Stream, command: &str, script: &str) {
        let packet = |kind: u8, content: &[u8]| {
            let mut packet = vec![kind];
            packet.extend_from_slice(&u32::try_from(content.len()).unwrap().to_le_bytes());
            packet.extend_from_slice(content);
            packet
        };
        match self.take(command, script) {
            Mode::Hangs => while stream.read().is_some() {},
            Mode::Floods => while stream.write(&packet(1, &[b'x'; 10_000])) {},
            Mode::VanishesOnWrite if script.contains("device.crt") => stream.transport().cut(),
            Mode::Works | Mode::VanishesOnWrite => {
                let (stdout, stderr, code) = self.execute(command, script);
                for packet in [packet(1, &stdout), packet(2, &stderr), packet(3, &[code])] {
                    stream.write(&packet);
                }
            }
        }
    }

    /// A shell in the terminal's protocol: no codes, one output, and line ends as a terminal has them.
    fn old_shell(&self, mut stream: Stream, command: &str) {
        self.take(command, "");
        let (stdout, stderr, _) = self.execute(command, "");
        let printed = String::from_utf8([stdout, stderr].concat()).unwrap();
        stream.write(printed.replace('\n', "\r\n").as_bytes());
    }

    fn take(&self, command: &str, script: &str) -> Mode {
        let mut state = self.state.lock().unwrap();
        state.commands.push((command.to_owned(), script.to_owned()));
        state.mode
    }

    /// Runs a command for real. The device's paths are in the directory of this device.
    fn execute(&self, command: &str, script: &str) -> (Vec<u8>, Vec<u8>, u8) {
        let root = self.root.path();
        let here = |text: &str| text.replace("'/data/", &format!("'{}/data/", root.display()));
        let mut child = Command::new(root.join("bin/sh"))
            .args(["-c", &here_in_quotes(command, root)])
            .env_clear()
            .env("PATH", root.join("bin"))
            .env("DEVICE", root)
            .current_dir(root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // What does not read its input has ended already.
        let _ended = child.stdin.take().unwrap().write_all(here(script).as_bytes());
        let output = child.wait_with_output().unwrap();
        (output.stdout, output.stderr, u8::try_from(output.status.code().unwrap_or(1)).unwrap())
    }

    fn reverse(self: &Arc<Self>, mut stream: Stream, request: &str) {
        let answer = |status: &str, text: &str| format!("{status}{:04x}{text}", text.len());
        if request == "list-forward" {
            let state = self.state.lock().unwrap();
            let lines = state.forwards.keys().map(|port| format!("(reverse) tcp:{port} tcp:{port}\n"));
            let list: String = lines.collect();
            drop(state);
            stream.write(answer("", &list).as_bytes());
            return;
        }
        let ports = request.strip_prefix("forward:tcp:").and_then(|request| request.split_once(";tcp:")).unwrap();
        let (port, target): (u16, u16) = (ports.0.parse().unwrap(), ports.1.parse().unwrap());
        let refused = self.state.lock().unwrap().refused_ports.get(&port).copied();
        match refused {
            Some(words) => drop(stream.write(answer("FAIL", words).as_bytes())),
            None => {
                self.listen(port, target, stream.transport().clone());
                stream.write(b"OKAY");
            }
        }
        if let Some(wanted) = &*self.wanted.lock().unwrap() {
            let _unread = wanted.send(port);
        }
    }

    /// The device's port, which has another number here: the machine is also the desktop's.
    fn listen(&self, port: u16, target: u16, transport: Transport) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        self.state.lock().unwrap().forwards.insert(port, listener.local_addr().unwrap().port());
        thread::spawn(move || {
            for socket in listener.incoming() {
                let (Ok(socket), transport) = (socket, transport.clone()) else { return };
                thread::spawn(move || {
                    if let Some(stream) = transport.open(&format!("tcp:{target}")) {
                        stream.splice(&socket);
                    }
                });
            }
        });
    }

    fn unplug(&self) {
        let mut state = self.state.lock().unwrap();
        state.forwards.clear();
        state.connections.drain(..).for_each(|connection| connection.cut());
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.body.unplug();
    }
}

/// The old shell has the script in the command, as a word in quotes, in which every quote is written out.
fn here_in_quotes(command: &str, root: &Path) -> String {
    command.replace(r"'\''/data/", &format!(r"'\''{}/data/", root.display()))
}

/// Where this machine has a program.
fn find(program: &str) -> PathBuf {
    let mut found = ["/usr/bin", "/bin"].iter().map(|dir| Path::new(dir).join(program));
    let found = found.find(|path| path.exists());
    found.unwrap_or_else(|| panic!("{program} is not there, which `cargo xtask test` installs if need be"))
}

fn write_program(path: &Path, content: &str) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
