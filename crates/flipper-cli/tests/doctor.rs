//! `flipper doctor`, with a desktop that is well, and with faults that keep apps out.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use flipper_desktop::api::Api;
use flipper_desktop::pki::Authority;
use flipper_desktop::proto::desktop::Rate;
use flipper_desktop::{Builder, Desktop, Event};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Nobody listens on this port, for want of the right to.
const NOBODY: u16 = 1;

const TOKEN: &str = "dGhlIHRva2VuIG9mIHRoZSBkZXNrdG9wIHRoYXQgcnVucw";
const PAIRING: &str = "cGFpcmluZyBzZWNyZXQgb2YgMTI4IGJpdHM";

/// A machine with a state directory, and perhaps a desktop.
struct Machine {
    state: TempDir,
    runtime: Runtime,
    /// Where the adb server is.
    adb: u16,
}

/// What the command says.
struct Finding {
    report: Value,
    well: bool,
}

impl Machine {
    fn new() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        Ok(Self { state: TempDir::new()?, runtime, adb: NOBODY })
    }

    fn directory(&self) -> PathBuf {
        self.state.path().join("desktop")
    }

    fn start(&self, builder: Builder) -> Result<Desktop> {
        Ok(self.runtime.block_on(builder.any_ports().start())?)
    }

    fn desktop(&self) -> Builder {
        Desktop::builder().state_directory(self.directory())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flipper"));
        command.arg("doctor").args(arguments).arg("--state-dir").arg(self.state.path());
        command
            .env("ANDROID_ADB_SERVER_PORT", self.adb.to_string())
            .env("FLIPPER_PAIRING", format!("flipper://pair/{PAIRING}"));
        for variable in ["ADB_SERVER_SOCKET", "ANDROID_ADB_SERVER_ADDRESS", "FLIPPER_ALT_PORTS", "FLIPPER_PORTS"] {
            command.env_remove(variable);
        }
        command
    }

    fn examine(&self, insecure: u16, secure: u16) -> Result<Finding> {
        let output = self.command(&["--json", "--ports", &format!("{insecure},{secure}")]).output()?;
        let report = serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&output.stderr)))?;
        Ok(Finding { report, well: output.status.success() })
    }

    /// Where an app is stuck, which the bundle says as well, without any secret.
    fn assert_stuck(&self, insecure: u16, secure: u16, step: &str, words: &[&str]) -> Result {
        let finding = self.examine(insecure, secure)?;
        assert!(!finding.well);
        let verdict = &finding.report["verdict"];
        assert_eq!(verdict["stuck_in"], step, "{}", finding.report);
        let text = verdict.to_string();
        for word in words {
            assert!(text.contains(word), "{word}: {text}");
        }
        assert!(verdict["advice"].as_str().is_some_and(|advice| !advice.is_empty()), "{verdict}");

        fs::create_dir_all(self.directory())?;
        fs::write(self.directory().join("token"), TOKEN)?;
        fs::write(self.directory().join("pairings.json"), format!(r#"{{"apps":[{{"secret":"{PAIRING}"}}]}}"#))?;
        let file = self.state.path().join("bundle.json");
        let ports = format!("{insecure},{secure}");
        let mut command = self.command(&["--ports", &ports]);
        assert!(!command.arg("--bundle").arg(&file).output()?.status.success());
        let bundle = fs::read_to_string(&file)?;
        assert!(bundle.contains(&format!("\"stuck_in\": \"{step}\"")), "{bundle}");
        self.assert_no_secret(&bundle)
    }

    fn assert_no_secret(&self, text: &str) -> Result {
        for secret in [TOKEN, PAIRING, "-----BEGIN", "PRIVATE KEY"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
        for name in ["ca.key", "server.key", "ca.crt"] {
            let Ok(pem) = fs::read_to_string(self.directory().join(name)) else { continue };
            for line in pem.lines().filter(|line| line.len() > 40) {
                assert!(!text.contains(line), "{name}: {text}");
            }
        }
        Ok(())
    }
}

impl Finding {
    fn check(&self, name: &str) -> Result<(&str, &str)> {
        let checks = self.report["checks"].as_array().ok_or("no checks")?;
        let check = checks.iter().find(|check| check["name"].as_str().is_some_and(|found| found.starts_with(name)));
        let check = check.ok_or_else(|| format!("{name}: {}", self.report))?;
        Ok((check["status"].as_str().unwrap_or_default(), check["found"].as_str().unwrap_or_default()))
    }
}

#[test]
fn a_desktop_that_is_well_lets_it_in() -> Result {
    let machine = Machine::new()?;
    let mut builder = machine.desktop();
    let mut events = builder.events();
    let desktop = machine.start(builder)?;
    let ports = desktop.ports();

    let finding = machine.examine(ports.insecure, ports.secure)?;

    assert!(finding.well, "{}", finding.report);
    assert_eq!(finding.report["verdict"]["stuck_in"], Value::Null);
    for name in ["state", "CA certificate", "desktop certificate", "clocks", "5 TLS", "7 getPlugins"] {
        assert_eq!(finding.check(name)?.0, "ok", "{name}: {}", finding.report);
    }
    let pid = std::process::id().to_string();
    assert!(finding.check("state")?.1.contains(&pid));
    assert!(finding.check("port")?.1.contains(&pid));
    assert_eq!(finding.check("adb")?.0, "skipped");
    // It was an app like any other, and has left.
    let cause = machine.runtime.block_on(async {
        loop {
            match events.next().await {
                Some(Event::ClientDisconnected { client, cause }) => break Some((client, cause)),
                Some(_) => {}
                None => break None,
            }
        }
    });
    assert!(cause.is_some_and(|(client, _)| client.as_str().contains("doctor")));

    let text = String::from_utf8(machine.command(&["--ports", &ports.to_string()]).output()?.stdout)?;
    assert!(text.ends_with("an app gets in\n"), "{text}");
    Ok(())
}

#[test]
fn a_desktop_that_says_where_it_is_needs_no_ports() -> Result {
    let machine = Machine::new()?;
    let desktop = machine.start(machine.desktop().browser_port(Some(0)))?;
    let api = Api::builder(&desktop).port(0).state_directory(machine.directory());
    let api = machine.runtime.block_on(api.start())?;
    let file = machine.state.path().join("bundle.json");
    let output = machine.command(&["--json"]).arg("--bundle").arg(&file).output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let finding = Finding { report: serde_json::from_slice(&output.stdout)?, well: true };
    assert_eq!(finding.check("API")?.0, "ok");
    // It was an app like any other, which exchanged certificates and is right about the time.
    assert!(finding.check("app ").is_err(), "{}", finding.report);
    let browser = desktop.ports().browser.ok_or("no browser port")?;
    assert_eq!(finding.check(&format!("port {browser} (browsers)"))?.0, "ok");
    let bundle = fs::read_to_string(&file)?;
    assert!(!bundle.contains(api.token().as_str()), "{bundle}");
    machine.assert_no_secret(&bundle)?;

    // An app of another machine, whose clock is off, and which cannot prove where its files are.
    let port = desktop.ports().insecure;
    let (mut app, _) = tungstenite::connect(format!("ws://localhost:{port}/?os=Linux&device=d&device_id=&app=Late"))?;
    let csr = flipper_desktop::pki::PrivateKey::generate()?.certificate_request("com.example.late")?;
    let hours_ago = std::time::UNIX_EPOCH.elapsed()?.as_millis() - 3 * 60 * 60 * 1000;
    let request = serde_json::json!({
        "method": "signCertificate", "csr": csr, "destination": machine.state.path(), "medium": 1,
        "timestamp": u64::try_from(hours_ago)?,
    });
    app.send(tungstenite::Message::text(request.to_string()))?;
    app.read()?;
    let output = machine.command(&["--json"]).output()?;
    let finding = Finding { report: serde_json::from_slice(&output.stdout)?, well: true };
    assert!(finding.check("app Late")?.1.starts_with("was refused certificates"), "{}", finding.report);
    assert!(finding.report.to_string().contains("its clock is 180 minutes behind"), "{}", finding.report);
    Ok(())
}

#[test]
fn no_desktop() -> Result {
    let machine = Machine::new()?;
    let words = ["dialling the desktop", "flipper desktop", "FLIPPER_ALT_PORTS"];
    machine.assert_stuck(NOBODY, NOBODY, "reach-exchange-port", &words)
}

#[test]
fn another_program_on_the_port() -> Result {
    let machine = Machine::new()?;
    let _desktop = machine.start(machine.desktop())?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(|stream| stream.ok()) {
            let mut request = [0; 4096];
            let _read = stream.read(&mut request);
            let _written = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
        }
    });
    machine.assert_stuck(port, NOBODY, "open-exchange", &["status 200", "no Flipper desktop"])?;
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn a_port_of_somebody_else_is_told_from_the_desktops() -> Result {
    let machine = Machine::new()?;
    // The desktop is this process, and the port another one's.
    let desktop = machine.start(machine.desktop())?;
    let mut other = Command::new(std::env::current_exe()?)
        .args(["--exact", "another_process", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let lines = BufReader::new(other.stdout.take().ok_or("no output")?).lines();
    let port = lines.map_while(std::result::Result::ok).find_map(|line| line.split_once("port ")?.1.parse().ok());
    let finding =
        port.ok_or("it does not listen".into()).and_then(|port| machine.examine(desktop.ports().insecure, port));
    other.kill()?;
    other.wait()?;
    let finding = finding?;
    let (status, found) = finding.check(&format!("port {} (sessions)", port.unwrap_or_default()))?;
    assert_eq!(status, "failed");
    assert!(found.contains(&other.id().to_string()) && found.contains("not the desktop"), "{found}");
    Ok(())
}

#[test]
#[ignore = "a process for another test"]
fn another_process() -> Result {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("port {}", listener.local_addr()?.port());
    // Takes every connection and drops it, until it is killed or the test has ended.
    thread::spawn(move || listener.incoming().for_each(drop));
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

#[test]
fn certificates_that_are_refused() -> Result {
    let machine = Machine::new()?;
    let desktop = machine.start(machine.desktop().exchange_rate(Rate { per_second: 0, burst: 0 }))?;
    let ports = desktop.ports();
    machine.assert_stuck(ports.insecure, ports.secure, "certificates", &["faster", "try again"])
}

#[test]
fn a_session_port_that_nobody_has() -> Result {
    let machine = Machine::new()?;
    let desktop = machine.start(machine.desktop())?;
    let words = ["dialling the session port", "cannot be reached"];
    machine.assert_stuck(desktop.ports().insecure, NOBODY, "reach-session-port", &words)
}

#[test]
fn a_session_port_of_another_desktop() -> Result {
    let machine = Machine::new()?;
    let one = machine.start(machine.desktop())?;
    let other = machine.start(Desktop::builder().in_memory_authority())?;
    let words = ["TLS handshake", "another desktop"];
    machine.assert_stuck(one.ports().insecure, other.ports().secure, "tls", &words)
}

#[test]
fn a_session_that_is_refused() -> Result {
    let machine = Machine::new()?;
    let mut limits = flipper_desktop::proto::Limits::default();
    limits.clients = 1;
    let desktop = machine.start(machine.desktop().limits(limits).browser_port(Some(0)))?;
    let port = desktop.ports().browser.ok_or("no browser port")?;
    let (_first, _) = tungstenite::connect(format!("ws://localhost:{port}/?device=d"))?;
    let ports = desktop.ports();
    machine.assert_stuck(ports.insecure, ports.secure, "plugins", &["4413", "no more are served"])
}

#[test]
fn a_damaged_authority() -> Result {
    let machine = Machine::new()?;
    Authority::open(machine.directory())?;
    fs::write(machine.directory().join("ca.key"), "garbage")?;
    let finding = machine.examine(NOBODY, NOBODY)?;
    let (status, found) = finding.check("certificates")?;
    assert_eq!(status, "failed");
    assert!(found.contains("ca.key") && found.contains("restore"), "{found}");
    machine.assert_stuck(NOBODY, NOBODY, "reach-exchange-port", &[])
}

#[test]
fn devices_that_adb_knows() -> Result {
    let mut machine = Machine::new()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    machine.adb = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(|stream| stream.ok()) {
            let _left = serve_adb(stream);
        }
    });
    let finding = machine.examine(NOBODY, NOBODY)?;
    assert_eq!(finding.check("adb")?, ("ok", "the server has version 1.0.41"));
    assert_eq!(finding.check("device emulator-5554")?.0, "ok");
    assert_eq!(finding.check("device R58")?, ("warning", "unauthorized"));
    let (status, found) = finding.check("device R59")?;
    assert!(status == "warning" && found.contains("not led here"), "{status} {found}");
    let finding = machine.examine(9089, 9088)?;
    assert_eq!(finding.check("device R59")?, ("ok", "ready, and its ports are led here"));
    Ok(())
}

/// Answers what is asked on one connection, until it ends.
fn serve_adb(mut stream: TcpStream) -> std::io::Result<()> {
    loop {
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let length = usize::from_str_radix(&String::from_utf8_lossy(&length), 16).unwrap_or_default();
        let mut service = vec![0; length];
        stream.read_exact(&mut service)?;
        let answer = match &*service {
            b"host:version" => "0029",
            b"host:devices-l" => "emulator-5554  device\nR58  unauthorized\nR59  device\n",
            b"reverse:list-forward" => "UsbFfs tcp:9089 tcp:9089\nUsbFfs tcp:9088 tcp:9088\n",
            _ => {
                stream.write_all(b"OKAY")?;
                continue;
            }
        };
        stream.write_all(format!("OKAY{:04x}{answer}", answer.len()).as_bytes())?;
    }
}

#[test]
fn a_bundle_that_cannot_be_written_is_an_error_in_one_line() -> Result {
    let machine = Machine::new()?;
    let nowhere = Path::new("/nowhere/bundle.json");
    let output = machine.command(&["--json", "--ports", "1,1"]).arg("--bundle").arg(nowhere).output()?;
    let error = String::from_utf8(output.stderr)?;
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.contains("/nowhere/bundle.json"), "{error}");
    Ok(())
}
