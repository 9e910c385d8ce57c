//! Which certificates are good, which are not, and what an app does about those.

use std::fs;
use std::path::Path;
use std::sync::mpsc::channel;

use flipper_client::proto::client::{CredentialProblem, ExchangeReason, Failure, Purpose, Step};
use flipper_client::proto::{CloseCause, TlsFailure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::scripted::{Clock, DEVICE_ID, Desktop, Issuer, Reply};
use crate::suite::App;
use crate::{Adapter, Result};

/// In seconds.
const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;

/// The desktop's certificate is of X.509 version 1 and names no host; `openssl` made it.
///
/// Covers: I1, §5 certificates.
pub fn an_app_trusts_the_certificates_of_official_desktops<A: Adapter>() -> Result {
    let desktop = Desktop::official()?;
    let dir = TempDir::new()?;
    desktop.reply([Reply::GrantWith(json!({"deviceId": ""}).to_string())]);

    let mut app = App::<A>::start(&desktop, dir.path())?;

    let mut session = desktop.session()?;
    session.init("Example")?;
    session.assert_echoes()?;
    app.wait_step("proof", |step| matches!(step, Step::CredentialsProven(_)))?;
    assert_eq!(app.exchanges(), 1);
    app.stop(session)
}

/// Covers: P5, I1, §5 certificates.
pub fn an_official_desktop_with_another_ca_is_not_trusted<A: Adapter>() -> Result {
    let desktop = Desktop::official()?;
    let dir = TempDir::new()?;
    let app = App::<A>::start(&desktop, dir.path())?;
    let session = desktop.session()?;
    app.stop(session)?;
    // The same names, another key.
    desktop.replace_issuer(Issuer::official()?);

    let mut app = App::<A>::start(&desktop, dir.path())?;

    assert_eq!(app.wait_cause(Purpose::Session)?, CloseCause::Tls(TlsFailure::UnknownCa));
    app.wait_step("an exchange", |step| *step == Step::ExchangeNeeded(ExchangeReason::Rejected))?;
    let session = desktop.session()?;
    app.stop(session)
}

/// With an RSA key in PKCS#1, a certificate of version 1, and all files side by side.
///
/// Covers: I1, §3 files, §3 decision.
pub fn the_directory_of_an_official_client_is_used_as_it_is<A: Adapter>() -> Result {
    let desktop = Desktop::official()?;
    let dir = TempDir::new()?;
    desktop.provision_officially(dir.path(), r#"{"deviceId":"emulator-5554","medium":1}"#)?;
    let before = files(dir.path())?;

    let app = App::<A>::start(&desktop, dir.path())?;

    let mut session = desktop.session()?;
    assert_eq!(session.keys.get("device_id")?, Some("emulator-5554"));
    let path = session.keys.get("csr_path")?.ok_or("there is no csr_path")?.to_owned();
    assert_eq!(fs::canonicalize(&path)?, fs::canonicalize(dir.path())?);
    session.init("Example")?;
    session.assert_echoes()?;
    assert_eq!(app.exchanges(), 0);
    app.stop(session)?;
    assert_eq!(files(dir.path())?, before);
    Ok(())
}

/// Covers: P4.
pub fn clocks_may_be_apart_by_hours<A: Adapter>() -> Result {
    for ahead in [HOUR, 23 * HOUR, -HOUR, -23 * HOUR] {
        let desktop = Desktop::new()?;
        let dir = TempDir::new()?;
        desktop.replace_issuer(Issuer::at(&Clock::ahead_by(ahead))?);

        let app = App::<A>::start(&desktop, dir.path())?;

        let session = desktop.session()?;
        assert_eq!(app.exchanges(), 1, "{ahead}");
        app.stop(session)?;
    }
    Ok(())
}

/// Covers: P4, P7.
pub fn clocks_that_are_apart_by_days_are_told_and_cost_no_certificates<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    let clock = Clock::default();
    desktop.replace_issuer(Issuer::at(&clock)?);
    desktop.provision(dir.path())?;
    // So far that the desktop renews its own certificates, which begin in the app's future.
    clock.put_ahead_by(25 * DAY);
    assert!(desktop.renew()?);
    desktop.reply((0..10_000).map(|_| Reply::Text("{}".to_owned())));

    let mut app = App::<A>::start(&desktop, dir.path())?;

    let failure = app.wait_failure()?;
    let Failure::Connection { purpose: Purpose::Session, cause, .. } = &failure else {
        return Err(format!("another failure: {failure}").into());
    };
    assert_eq!(*cause, CloseCause::Tls(TlsFailure::NotYetValid));
    assert!(failure.to_string().contains("clock"), "{failure}");
    assert_eq!(app.wait_failure()?, Failure::ExchangeRefused(None));
    clock.put_right();
    assert!(desktop.renew()?);
    let session = desktop.session()?;
    assert_eq!(session.query.csr_path, dir.path().join("1/").to_str().map(str::to_owned));
    app.stop(session)
}

/// Covers: P5.
pub fn a_desktop_whose_certificates_have_expired_is_asked_for_others_at_once<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    // It was left running for a hundred days.
    desktop.replace_issuer(Issuer::at(&Clock::ahead_by(-100 * DAY))?);
    desktop.provision(dir.path())?;
    let (go, gate) = channel();
    desktop.reply([Reply::GrantAfter(gate)]);

    let mut app = App::<A>::start(&desktop, dir.path())?;

    assert_eq!(app.wait_cause(Purpose::Session)?, CloseCause::Tls(TlsFailure::Expired));
    app.wait_step("an exchange", |step| *step == Step::ExchangeNeeded(ExchangeReason::Rejected))?;
    desktop.asked()?;
    desktop.replace_issuer(Issuer::new()?);
    go.send(())?;
    let session = desktop.session()?;
    app.wait_step("proof", |step| matches!(step, Step::CredentialsProven(_)))?;
    assert_eq!(app.exchanges(), 1);
    app.stop(session)
}

/// Covers: P5, §3 decision.
pub fn an_app_whose_own_certificate_has_expired_asks_for_another_first<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    let today = desktop.replace_issuer(Issuer::at(&Clock::ahead_by(-400 * DAY))?);
    desktop.provision(dir.path())?;
    desktop.replace_issuer(today);

    let mut app = App::<A>::start(&desktop, dir.path())?;

    app.wait_step("an exchange", |step| *step == Step::ExchangeNeeded(ExchangeReason::Expiring))?;
    let session = desktop.session()?;
    assert_eq!(app.exchanges(), 1);
    app.stop(session)
}

/// Covers: P6, §3 files, §3 decision.
pub fn files_that_are_missing_or_damaged_are_told_and_replaced<A: Adapter>() -> Result {
    for name in ["app.csr", "privateKey.pem", "sonarCA.crt", "device.crt", "connection_config.json"] {
        for is_missing in [true, false] {
            let desktop = Desktop::new()?;
            let dir = TempDir::new()?;
            desktop.provision(dir.path())?;
            let file = dir.path().join("1").join(name);
            if is_missing {
                fs::remove_file(&file)?
            } else {
                fs::write(&file, "")?
            }

            let mut app = App::<A>::start(&desktop, dir.path())?;

            let Failure::Credentials(failure) = app.wait_failure()? else { return Err("another failure".into()) };
            assert!(failure.text.contains(name), "{failure}");
            app.wait_step("an exchange", |step| *step == Step::ExchangeNeeded(ExchangeReason::NoCredentials))?;
            let session = desktop.session()?;
            assert_eq!(app.exchanges(), 1, "{name}");
            app.stop(session)?;
        }
    }
    Ok(())
}

/// Covers: §3 files.
pub fn what_is_stored_is_complete_and_private<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    let app = App::<A>::start(&desktop, &dir.path().join("sonar"))?;
    let session = desktop.session()?;
    let path = session.keys.get("csr_path")?.ok_or("there is no csr_path")?.to_owned();
    app.stop(session)?;

    let stored = files(Path::new(&path))?;
    let names: Vec<&str> = stored.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["app.csr", "connection_config.json", "device.crt", "privateKey.pem", "sonarCA.crt"]);
    let config: Value = serde_json::from_slice(&fs::read(format!("{path}connection_config.json"))?)?;
    assert_eq!((&config["deviceId"], &config["medium"]), (&json!(DEVICE_ID), &json!(1)));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| -> Result<u32> { Ok(fs::metadata(path)?.permissions().mode() & 0o777) };
        assert_eq!((mode(&dir.path().join("sonar"))?, mode(Path::new(&path))?), (0o700, 0o700));
        for name in names {
            assert_eq!(mode(&Path::new(&path).join(name))?, 0o600, "{name}");
        }
    }
    Ok(())
}

/// Covers: P6, §3 files.
pub fn a_directory_that_cannot_be_used_is_told_until_it_can<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    let occupied = dir.path().join("occupied");
    fs::write(&occupied, "a file")?;

    let mut app = App::<A>::start(&desktop, &occupied)?;

    for _ in 0..2 {
        let Failure::Credentials(failure) = app.wait_failure()? else { return Err("another failure".into()) };
        assert_eq!(failure.kind, CredentialProblem::Io);
        assert!(failure.text.contains("occupied"), "{failure}");
    }
    fs::remove_file(&occupied)?;
    let session = desktop.session()?;
    app.stop(session)
}

/// The files in a directory, with what they hold.
fn files(directory: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        files.push((entry.file_name().display().to_string(), fs::read(entry.path())?));
    }
    files.sort();
    Ok(files)
}
