//! Our client against the official desktop, as far as only that one shows it. What holds with any desktop is in the matrix.

#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use flipper_conformance::adapters::TokioAdapter;
use flipper_conformance::desktops::{Host as _, OnTokio};
use flipper_conformance::official::{OfficialDesktop, Ui};
use flipper_conformance::{Handle as _, Result};
use flipper_demo::{Ticker, example};
use flipper_desktop::Event;
use flipper_desktop::proto::desktop::{Channel, PeerIdentity};
use flipper_tokio::proto::Medium;
use flipper_tokio::proto::client::{CredentialProblem, ExchangeReason, Failure, State, Step};
use flipper_tokio::{CertificateProvider, Certificates, FetchError};
use serde_json::json;
use tempfile::TempDir;

#[test]
fn an_app_without_any_option_gets_certificates_and_is_shown() -> Result {
    let Some(desktop) = OfficialDesktop::start_unless_skipped()? else { return Ok(()) };
    let ui = desktop.ui()?;
    let dir = TempDir::new()?;

    let mut app = start(&desktop, "Rust App", &dir.path().join("not/there/yet"))?;
    app.wait_connected()?;

    let client = ui.wait_for_client("Rust App")?;
    // The official desktop serves no Linux apps, and shows one only with a device of its own.
    assert_eq!(client.query.os, "MacOS");
    assert_eq!(client.query.medium.as_deref(), Some("NONE"));
    let devices = ui.device_list()?;
    assert!(devices.iter().any(|device| device.serial == client.query.device_id), "{devices:?}");
    assert_eq!(
        Ui::new(&ui, client.id).execute("Example", "echo", json!({}))?.unwrap_err()["name"],
        "ConnectionNotFound"
    );
    app.stop_alone();
    Ok(())
}

#[test]
fn new_certificates_of_the_desktop_lead_to_a_new_exchange() -> Result {
    let Some(mut desktop) = OfficialDesktop::start_unless_skipped()? else { return Ok(()) };
    let dir = TempDir::new()?;
    let mut app = start(&desktop, "Rust App", dir.path())?;
    app.wait_connected()?;

    desktop.regenerate_certificates()?;
    app.wait_step("rejected", rejected)?;
    app.wait_connected()?;

    desktop.ui()?.wait_for_client("Rust App")?;
    app.stop_alone();
    Ok(())
}

#[test]
fn a_desktop_that_was_killed_gets_its_app_back() -> Result {
    let Some(mut desktop) = OfficialDesktop::start_unless_skipped()? else { return Ok(()) };
    let dir = TempDir::new()?;
    let mut app = start(&desktop, "Rust App", dir.path())?;
    app.wait_connected()?;
    let client = desktop.ui()?.wait_for_client("Rust App")?;

    desktop.kill()?;
    app.wait_failure()?;
    desktop.restart()?;
    app.wait_connected()?;

    assert_eq!(desktop.ui()?.wait_for_client("Rust App")?.id, client.id);
    app.stop_alone();
    Ok(())
}

#[test]
fn our_desktop_takes_over_an_app_without_an_exchange_once_it_adopted_the_official_ca() -> Result {
    let Some(mut official) = OfficialDesktop::start_unless_skipped()? else { return Ok(()) };
    let dir = TempDir::new()?;
    let mut app = start(&official, "Rust App", &dir.path().join("app"))?;
    app.wait_connected()?;
    official.stop()?;
    app.wait_failure()?;

    let ports = official.ports();
    let host = OnTokio::new()?;
    let mut builder = flipper_desktop::Desktop::builder()
        .ports(ports.insecure, ports.secure)
        .state_directory(dir.path().join("desktop"))
        .adopt_official(official.certificates_dir());
    let mut events = builder.events();
    let desktop = host.wait_for(builder.start_on(host.runtime()))?;
    app.wait_connected()?;

    let connected = async {
        while let Some(event) = events.next().await {
            match event {
                Event::CertificateIssued { .. } => return Err("it exchanged certificates".into()),
                Event::ClientConnected { info, .. } => return Ok(info.channel),
                _ => {}
            }
        }
        Err("the desktop ended".into())
    };
    let channel = host.wait_for(connected);
    let identity = PeerIdentity::Unbound { common_name: Some("com.example.app".to_owned()) };
    app.stop_alone();
    host.wait_for(desktop.stop());
    assert_eq!(
        channel.map_err(|error: Box<dyn std::error::Error + Send + Sync>| error.to_string()),
        Ok(Channel::Secure(identity))
    );
    Ok(())
}

#[test]
fn a_restarted_app_keeps_the_os_that_the_desktop_takes() -> Result {
    let Some(desktop) = OfficialDesktop::start_unless_skipped()? else { return Ok(()) };
    let dir = TempDir::new()?;
    let mut app = start(&desktop, "Rust App", dir.path())?;
    app.wait_connected()?;
    app.stop_alone();

    let mut app = start(&desktop, "Rust App", dir.path())?;
    app.wait_connected()?;

    assert_eq!(desktop.ui()?.wait_for_client("Rust App")?.query.os, "MacOS");
    assert!(!app.steps().iter().any(|step| matches!(step, Step::OsReplaced { .. })), "{:?}", app.steps());
    app.stop_alone();
    Ok(())
}

#[test]
fn an_expired_certificate_leads_to_a_new_exchange() -> Result {
    let Some(desktop) = OfficialDesktop::start_unless_skipped()? else { return Ok(()) };
    let dir = TempDir::new()?;
    let mut app = start(&desktop, "Rust App", dir.path())?;
    app.wait_connected()?;
    app.stop_alone();
    let current = fs::read_to_string(dir.path().join("current"))?;
    expire(&desktop, &dir.path().join(current.trim()))?;

    let mut app = start(&desktop, "Rust App", dir.path())?;
    app.wait_step("expiring", |step| matches!(step, Step::ExchangeNeeded(ExchangeReason::Expiring)))?;
    app.wait_connected()?;

    desktop.ui()?.wait_for_client("Rust App")?;
    app.stop_alone();
    Ok(())
}

#[test]
fn every_character_that_an_app_id_may_have_is_fine() -> Result {
    let Some(desktop) = OfficialDesktop::start_unless_skipped()? else { return Ok(()) };
    let ui = desktop.ui()?;
    let ids =
        ["abcdefghijklmnopqrstuvwxyz-0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ_.com", &"x".repeat(200), "a b/ü+#&"];
    for (at, app_id) in ids.into_iter().enumerate() {
        let dir = TempDir::new()?;
        let name = format!("App {at}");
        let mut app = start_with(&desktop, &name, app_id, dir.path(), |builder| builder)?;
        app.wait_connected()?;
        ui.wait_for_client(&name)?;
        app.stop_alone();
    }
    Ok(())
}

#[test]
fn an_os_that_was_set_by_hand_and_is_refused_is_told() -> Result {
    let Some(desktop) = OfficialDesktop::start_unless_skipped()? else { return Ok(()) };
    let dir = TempDir::new()?;

    let mut app = start_with(&desktop, "Rust App", "com.example.app", dir.path(), |builder| builder.os("BeOS"))?;
    let failure = app.wait_failure()?;

    assert_eq!(failure, Failure::OsRefused { os: "BeOS".to_owned() });
    assert!(failure.to_string().contains("leave the os unset"), "{failure}");
    // It goes on trying, and no key is left behind.
    app.wait_failure()?;
    app.stop_alone();
    assert_eq!(walk(dir.path())?.into_iter().filter(|path| path.is_file()).count(), 0);
    Ok(())
}

/// Provides no certificates: nobody gets as far as asking.
struct Nowhere;

impl CertificateProvider for Nowhere {
    fn fetch(&self, _: &str) -> std::result::Result<Certificates, FetchError> {
        Err("nowhere".into())
    }
}

#[test]
fn a_desktop_that_answers_nothing_is_told() -> Result {
    let Some(desktop) = OfficialDesktop::start_unless_skipped()? else { return Ok(()) };
    let dir = TempDir::new()?;

    // The official desktop serves no medium WWW, and where it refuses it does not answer.
    let mut app = start_with(&desktop, "Rust App", "com.example.app", dir.path(), |builder| {
        builder
            .medium(Medium::Www)
            .certificate_provider(Nowhere)
            .configure(|config| config.timing.grant = std::time::Duration::from_millis(50))
    })?;

    assert!(matches!(app.wait_failure()?, Failure::ExchangeTimeout { .. }));
    app.stop_alone();
    Ok(())
}

#[test]
fn a_directory_that_cannot_be_used_is_told_and_the_app_goes_on_trying() -> Result {
    let Some(desktop) = OfficialDesktop::start_unless_skipped()? else { return Ok(()) };
    let dir = TempDir::new()?;
    let file = dir.path().join("file");
    fs::write(&file, "not a directory")?;

    let mut app = start(&desktop, "Rust App", &file)?;
    for _ in 0..2 {
        let Failure::Credentials(failure) = app.wait_failure()? else { return Err("another failure".into()) };
        assert_eq!(failure.kind, CredentialProblem::Io);
        assert!(failure.text.contains(&*file.to_string_lossy()), "{failure}");
    }
    fs::remove_file(&file)?;
    app.wait_connected()?;

    app.stop_alone();
    Ok(())
}

#[test]
fn damaged_files_lead_to_a_new_exchange() -> Result {
    let Some(desktop) = OfficialDesktop::start_unless_skipped()? else { return Ok(()) };
    let dir = TempDir::new()?;
    let mut app = start(&desktop, "Rust App", dir.path())?;
    app.wait_connected()?;
    app.stop_alone();
    for name in ["app.csr", "privateKey.pem", "sonarCA.crt", "device.crt", "connection_config.json"] {
        for content in ["", "-----BEGIN CERTIFICATE-----\nMIIB"] {
            let current = fs::read_to_string(dir.path().join("current"))?;
            fs::write(dir.path().join(current.trim()).join(name), content)?;

            let mut app = start(&desktop, "Rust App", dir.path())?;
            let failure = app.wait_failure()?;
            assert!(failure.to_string().contains(name), "{name}: {failure}");
            app.wait_connected()?;
            app.stop_alone();
        }
    }
    Ok(())
}

#[test]
fn nothing_outlives_an_app_that_stops_while_it_connects() -> Result {
    let Some(desktop) = OfficialDesktop::start_unless_skipped()? else { return Ok(()) };
    let dir = TempDir::new()?;

    let mut app = start(&desktop, "Rust App", dir.path())?;
    app.wait_step("asked", |step| matches!(step, Step::CertificateAsked { .. }))?;
    let flipper = app.handle.clone();
    app.stop_alone();

    assert_eq!(flipper.status().state, State::Stopped);
    assert!(!walk(dir.path())?.iter().any(|path| path.ends_with("privateKey.pem")));
    Ok(())
}

fn rejected(step: &Step) -> bool {
    matches!(step, Step::ExchangeNeeded(ExchangeReason::Rejected))
}

/// Has the desktop's CA issue the app's certificate again, so that it expired long ago.
fn expire(desktop: &OfficialDesktop, generation: &Path) -> Result {
    let work = TempDir::new()?;
    fs::write(work.path().join("index.txt"), "")?;
    let config = "[ca]\ndefault_ca = it\n[it]\ndatabase = index.txt\nnew_certs_dir = .\nrand_serial = yes\n\
                  default_md = sha256\npolicy = any\n[any]\ncommonName = supplied\n";
    fs::write(work.path().join("ca.cnf"), config)?;
    let output = Command::new("openssl")
        .current_dir(work.path())
        .args(["ca", "-batch", "-notext", "-config", "ca.cnf"])
        .args(["-startdate", "20200101000000Z", "-enddate", "20200201000000Z"])
        .arg("-cert")
        .arg(desktop.certificates_dir().join("ca.crt"))
        .arg("-keyfile")
        .arg(desktop.certificates_dir().join("ca.key"))
        .arg("-in")
        .arg(generation.join("app.csr"))
        .arg("-out")
        .arg(generation.join("device.crt"))
        .output()?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into()) }
}

type App = flipper_conformance::suite::App<TokioAdapter>;

type Builder = flipper_client::Builder<flipper_tokio::Flipper>;

/// Starts the sample app with what a test needs: the desktop's ports and a directory. Everything else is as an app has
/// it that sets nothing.
fn start(desktop: &OfficialDesktop, name: &str, directory: &Path) -> Result<App> {
    start_with(desktop, name, "com.example.app", directory, |builder| builder)
}

fn start_with(
    desktop: &OfficialDesktop,
    name: &str,
    app_id: &str,
    directory: &Path,
    change: impl FnOnce(Builder) -> Builder,
) -> Result<App> {
    let ports = desktop.ports();
    let builder = Builder::new(name, app_id).ports(ports.insecure, ports.secure).directory(directory);
    App::launch(change(builder.plugin(example()).plugin(Ticker::default())))
}

/// Everything below a directory.
fn walk(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            all.extend(walk(&path)?);
        }
        all.push(path);
    }
    Ok(all)
}
