//! The harness for the official desktop, tested by itself: its life, its certificates, its end.

#![cfg(unix)]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use flipper_conformance::official::{self, OfficialDesktop};
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};

use support::{Peer, Result};

/// Bounds a hang.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn certificate_exchange_by_hand() -> Result {
    let Some(desktop) = OfficialDesktop::start_unless_skipped()? else {
        return Ok(());
    };
    let ui = desktop.ui()?;

    let granted = exchange(&desktop)?;

    assert_eq!(granted.answer, json!({"deviceId": ""}));
    assert_eq!(granted.ca, desktop.ca_certificate()?);
    assert!(granted.is_signed_by(&granted.ca)?);
    let setup = ui.wait_for("the setup of the client", |event| event.name == "client-setup")?;
    assert_eq!(setup.data, json!({"os": "MacOS", "deviceName": "bench", "appName": "Exchange"}));
    assert_eq!(ui.client_list()?, []);
    Ok(())
}

#[test]
fn what_a_paired_app_sends_beside_the_rest_is_ignored() -> Result {
    let Some(desktop) = OfficialDesktop::start_unless_skipped()? else {
        return Ok(());
    };
    let pairing = json!({"id": "e0f7b247d96e4bfe", "nonce": "8PHy8_T19vf4-fr7_P3-_w", "proof": "L9tH"});
    let granted = exchange_with(&desktop, &json!({ "pairing": pairing }))?;
    assert_eq!(granted.answer, json!({"deviceId": ""}));
    assert!(granted.is_signed_by(&desktop.ca_certificate()?)?);
    Ok(())
}

#[test]
fn two_desktops_have_nothing_in_common() -> Result {
    let Some(one) = OfficialDesktop::start_unless_skipped()? else {
        return Ok(());
    };
    let other = OfficialDesktop::start()?;
    let (ui_of_one, ui_of_other) = (one.ui()?, other.ui()?);
    assert_ne!(one.ca_certificate()?, other.ca_certificate()?);

    let _app = Peer::app(&one, "Lonely")?;

    ui_of_one.wait_for_client("Lonely")?;
    assert_eq!(ui_of_other.client_list()?, []);
    Ok(())
}

#[test]
fn restart_keeps_ports_and_certificates() -> Result {
    let Some(mut desktop) = OfficialDesktop::start_unless_skipped()? else {
        return Ok(());
    };
    let ports = desktop.ports();
    let server_certificate = desktop.certificates_dir().join("server.crt");
    let before = (desktop.ca_certificate()?, fs::read(&server_certificate)?);
    let old_ui = desktop.ui()?;

    desktop.restart()?;

    assert_eq!(desktop.ports(), ports);
    let after = (desktop.ca_certificate()?, fs::read(&server_certificate)?);
    assert_eq!(after, before);
    assert_eq!(desktop.ui()?.client_list()?, []);
    let error = old_ui.client_list().unwrap_err();
    assert!(matches!(error.kind(), official::ErrorKind::Socket(_)), "{error}");
    assert!(!error.desktop_ended(), "it was told to: {error}");
    Ok(())
}

#[test]
fn a_stopped_desktop_is_gone_until_it_is_restarted() -> Result {
    let Some(mut desktop) = OfficialDesktop::start_unless_skipped()? else {
        return Ok(());
    };
    for end in [OfficialDesktop::stop, OfficialDesktop::kill] {
        end(&mut desktop)?;

        assert!(TcpStream::connect(("localhost", desktop.ports().secure)).is_err());
        let error = desktop.check().unwrap_err();
        assert!(matches!(error.kind(), official::ErrorKind::NotRunning), "{error}");
        assert!(!error.desktop_ended(), "{error}");
        desktop.restart()?;
        desktop.check()?;
    }
    Ok(())
}

#[test]
fn a_port_that_another_program_has_is_named() -> Result {
    let Some(mut desktop) = OfficialDesktop::start_unless_skipped()? else {
        return Ok(());
    };
    let port = desktop.ports().secure;
    desktop.stop()?;
    let other = TcpListener::bind(("127.0.0.1", port))?;

    let error = desktop.restart().unwrap_err();

    assert!(matches!(error.kind(), official::ErrorKind::PortTaken(taken) if *taken == port), "{error}");
    drop(other);
    desktop.restart()?;
    desktop.check()?;
    Ok(())
}

#[test]
fn regenerated_certificates_are_all_new() -> Result {
    let Some(mut desktop) = OfficialDesktop::start_unless_skipped()? else {
        return Ok(());
    };
    let files = ["ca.key", "ca.crt", "server.key", "server.crt"];
    let read = |desktop: &OfficialDesktop| -> Result<Vec<_>> {
        let paths = files.map(|name| desktop.certificates_dir().join(name));
        Ok(paths.iter().map(fs::read).collect::<std::io::Result<_>>()?)
    };
    let before = read(&desktop)?;

    desktop.regenerate_certificates()?;

    for (name, (before, after)) in files.iter().zip(before.iter().zip(read(&desktop)?)) {
        assert_ne!(*before, after, "{name}");
    }
    assert_eq!(exchange(&desktop)?.ca, desktop.ca_certificate()?);
    Ok(())
}

#[test]
fn a_replaced_ca_has_the_same_name_and_another_key() -> Result {
    let Some(mut desktop) = OfficialDesktop::start_unless_skipped()? else {
        return Ok(());
    };
    let certificates = desktop.certificates_dir().to_owned();
    let server_before = fs::read(certificates.join("server.crt"))?;
    let old_ca = desktop.home().join("old.crt");
    let new_ca = certificates.join("ca.crt");
    fs::copy(&new_ca, &old_ca)?;
    let before = exchange(&desktop)?;

    desktop.replace_ca()?;

    let after = exchange(&desktop)?;
    assert_eq!(after.ca, desktop.ca_certificate()?);
    assert!(after.is_signed_by(&after.ca)?);
    assert!(!before.is_signed_by(&after.ca)?);
    assert_eq!(x509(&old_ca, "-subject")?, x509(&new_ca, "-subject")?);
    assert_ne!(x509(&old_ca, "-pubkey")?, x509(&new_ca, "-pubkey")?);
    assert_ne!(server_before, fs::read(certificates.join("server.crt"))?);
    Ok(())
}

#[test]
fn an_end_by_itself_is_noticed_and_told_in_every_error() -> Result {
    let Some(mut desktop) = OfficialDesktop::start_unless_skipped()? else {
        return Ok(());
    };
    let ui = desktop.ui()?;

    // This version does not survive an upgrade without an Origin on its browser port.
    let url = format!("ws://localhost:{}/?device=d&app=a", desktop.ports().browser);
    assert!(Peer::connect(&url, None).is_err());

    let error = ui.client_list().unwrap_err();
    assert!(error.desktop_ended(), "{error}");
    let text = error.to_string();
    assert!(text.contains("ended by itself: exit status: 1"), "{text}");
    assert!(text.contains("uncaught exception"), "the last output: {text}");
    for error in [
        desktop.check().unwrap_err(),
        desktop.ui().err().ok_or("a UI socket of a dead desktop")?,
        desktop.stop().unwrap_err(),
    ] {
        assert!(error.desktop_ended(), "{error}");
    }
    assert_eq!(desktop.wait_for_end(PATIENCE)?.code(), Some(1));
    desktop.restart()?;
    assert_eq!(desktop.ui()?.client_list()?, []);
    Ok(())
}

#[test]
fn it_survives_what_its_log_file_would_not() -> Result {
    let Some(desktop) = OfficialDesktop::start_unless_skipped()? else {
        return Ok(());
    };
    let url = format!("ws://localhost:{}/?os=MacOS&device=d&device_id=unknown&app=a", desktop.ports().insecure);
    let mut peer = Peer::connect(&url, None)?;

    // No JSON, and logged four times over: a log file would be rotated in the middle, which ends the desktop.
    peer.send_text("x".repeat(1024 * 1024))?;

    assert!(exchange(&desktop).is_ok(), "{}", desktop.output());
    desktop.check()?;
    Ok(())
}

/// Run in a process of its own by the next test; in the usual run it has nothing to do.
#[test]
fn helper_that_is_killed() -> Result {
    if std::env::var_os(HELPER_VARIABLE).is_none() {
        return Ok(());
    }
    let desktop = OfficialDesktop::start()?;
    println!("{HELPER_READY}{}", desktop.ports().ui);
    // Until it is killed, or the test that started it is gone.
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

const HELPER_VARIABLE: &str = "FLIPPER_TEST_HELPER_THAT_IS_KILLED";
const HELPER_READY: &str = "UI port: ";

#[test]
fn it_ends_with_a_test_process_that_is_killed() -> Result {
    if official::skips_this_test()? {
        return Ok(());
    }
    let temporary = tempfile::tempdir()?;
    let mut helper = Command::new(std::env::current_exe()?)
        .args(["--exact", "helper_that_is_killed", "--nocapture"])
        .env(HELPER_VARIABLE, "1")
        .env("TMPDIR", temporary.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(helper.stdout.take().ok_or("no pipe")?).lines();
    let port = lines
        .find_map(|line| Some(line.ok()?.split_once(HELPER_READY)?.1.parse::<u16>()))
        .ok_or("the helper did not start a desktop")??;
    let mut connection = TcpStream::connect(("localhost", port))?;
    connection.set_read_timeout(Some(PATIENCE))?;

    helper.kill()?;
    helper.wait()?;

    // Nothing is ever said on this connection: it closes when the desktop ends.
    match connection.read(&mut [0]) {
        Ok(0) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        other => panic!("{other:?}"),
    }
    // Its last act is to remove its files, of which nothing tells.
    let deadline = Instant::now() + PATIENCE;
    while fs::read_dir(temporary.path())?.next().is_some() {
        assert!(Instant::now() < deadline, "the desktop left its files behind");
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

#[test]
fn a_skip_prints_its_reason_and_is_refused_in_ci() -> Result {
    let run = |reason: &str, ci: &str| {
        Command::new(std::env::current_exe()?)
            .args(["--exact", "certificate_exchange_by_hand"])
            .env("FLIPPER_SKIP_OFFICIAL", reason)
            .env("CI", ci)
            .output()
    };

    let skipped = run("no time today", "")?;
    assert!(skipped.status.success(), "{skipped:?}");
    let told = String::from_utf8(skipped.stderr)?;
    assert_eq!(told, "certificate_exchange_by_hand: skipped by FLIPPER_SKIP_OFFICIAL: no time today\n");

    assert!(!run("no time today", "true")?.status.success());
    assert!(!run(" ", "")?.status.success());
    Ok(())
}

struct Granted {
    answer: serde_json::Value,
    ca: String,
    certificate: String,
}

impl Granted {
    /// Whether the granted certificate is one of this CA, by `openssl`.
    fn is_signed_by(&self, ca: &str) -> Result<bool> {
        let directory = tempfile::tempdir()?;
        let [ca_file, file] = ["ca.crt", "device.crt"].map(|name| directory.path().join(name));
        fs::write(&ca_file, ca)?;
        fs::write(&file, &self.certificate)?;
        let output = Command::new("openssl").args(["verify", "-CAfile"]).args([ca_file, file]).output()?;
        Ok(output.status.success())
    }
}

/// Exchanges certificates as an app does, and gives what the desktop wrote.
fn exchange(desktop: &OfficialDesktop) -> Result<Granted> {
    exchange_with(desktop, &json!({}))
}

/// The same, with more members in the request.
fn exchange_with(desktop: &OfficialDesktop, more: &Value) -> Result<Granted> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "com.example.exchange");
    let csr = parameters.serialize_request(&KeyPair::generate()?)?.pem()?;
    let directory = tempfile::tempdir()?;
    let mut peer = Peer::connect(
        &format!(
            "ws://localhost:{}/?os=MacOS&device=bench&device_id=unknown&app=Exchange\
             &sdk_version=4&medium=1",
            desktop.ports().insecure
        ),
        None,
    )?;
    let mut request = json!({
        "method": "signCertificate",
        "csr": csr,
        // File names are appended as they are, so the separator belongs to it.
        "destination": format!("{}/", directory.path().display()),
        "medium": 1,
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        request[name] = value.clone();
    }
    peer.send(&request)?;
    Ok(Granted {
        answer: peer.receive()?,
        ca: fs::read_to_string(directory.path().join("sonarCA.crt"))?,
        certificate: fs::read_to_string(directory.path().join("device.crt"))?,
    })
}

/// What `openssl` says of one part of a certificate.
fn x509(certificate: &std::path::Path, part: &str) -> Result<String> {
    let output = Command::new("openssl").args(["x509", "-noout", part, "-in"]).arg(certificate).output()?;
    assert!(output.status.success(), "{output:?}");
    Ok(String::from_utf8(output.stdout)?)
}
