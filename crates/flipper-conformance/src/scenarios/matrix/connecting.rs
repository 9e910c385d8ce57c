//! How the two come together, and stay so.

use std::fs;
use std::path::{Path, PathBuf};

use flipper_client::proto::client::{ExchangeReason, Step};
use tempfile::TempDir;

use super::{APP, Connected, PARTS, exchanges, launch};
use crate::Result;
use crate::apps::{App, Part};
use crate::desktops::Desktop;

/// Covers: §3, §4, §5.
pub fn an_app_that_never_was_here_gets_certificates_and_connects<A: App, D: Desktop>() -> Result {
    let Some(it) = Connected::<A, D>::new()? else { return Ok(()) };
    let steps = it.app.steps();
    let needed = Step::ExchangeNeeded(ExchangeReason::NoCredentials).to_string();
    let asked = steps.iter().position(|step| *step == needed);
    let proven = steps.iter().position(|step| step.starts_with("the desktop accepted the credentials"));
    assert!(asked.is_some() && asked < proven, "{steps:?}");
    // The plugins are all there, and nobody else's business is in the app's directory.
    let names = |names: [&str; 2]| names.map(str::to_owned).to_vec();
    assert_eq!(it.desktop.plugins(&it.client)?, (names(["Example", "Ticker"]), names(["Example", "Ticker"])));
    // Once it has stopped, nothing changes there any more.
    let Connected { desktop, app, client, dir } = it;
    app.stop()?;
    desktop.wait_for_client_gone(&client)?;
    #[cfg(unix)]
    for path in walk(dir.path())? {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&path)?.permissions().mode() & 0o777;
        assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
    }
    Ok(())
}

/// Covers: §3, P7.
pub fn stored_certificates_need_no_exchange<A: App, D: Desktop>() -> Result {
    let Some(desktop) = D::start()? else { return Ok(()) };
    let dir = TempDir::new()?;
    for start in 0..3 {
        let mut app: A = launch(&desktop, APP, dir.path(), &PARTS)?;
        app.wait_connected()?;
        let client = desktop.wait_for_client(APP)?;
        assert_eq!(exchanges(&app) > 0, start == 0, "{:?}", app.steps());
        app.stop()?;
        desktop.wait_for_client_gone(&client)?;
    }
    assert_eq!(keys(dir.path())?, 1);
    Ok(())
}

/// Covers: P24, P28.
pub fn an_app_that_comes_first_waits_for_the_desktop<A: App, D: Desktop>() -> Result {
    let Some(mut desktop) = D::start()? else { return Ok(()) };
    let dir = TempDir::new()?;
    desktop.stop()?;
    let mut app: A = launch(&desktop, APP, dir.path(), &PARTS)?;
    for _ in 0..2 {
        let failure = app.wait_failure()?;
        assert!(failure.contains("nobody listens there; start the desktop"), "{failure}");
    }
    desktop.start_again()?;
    app.wait_connected()?;
    desktop.wait_for_client(APP)?;
    app.stop()
}

/// Covers: P20, P24, P28.
pub fn an_app_comes_back_to_a_desktop_that_was_restarted<A: App, D: Desktop>() -> Result {
    let Some(mut it) = Connected::<A, D>::new()? else { return Ok(()) };
    let before = exchanges(&it.app);
    for _ in 0..2 {
        it.desktop.stop()?;
        it.app.wait_failure()?;
        it.desktop.start_again()?;
        it.app.wait_connected()?;
        // It is the same client as before, and it is not deaf.
        assert_eq!(it.desktop.wait_for_client(APP)?, it.client);
        it.desktop.init(&it.client, "Example")?;
        assert!(it.desktop.is_method_supported(&it.client, "Example", "echo")?);
    }
    assert_eq!(exchanges(&it.app), before, "{:?}", it.app.steps());
    it.end()
}

/// Covers: P5, P7.
pub fn a_desktop_with_another_ca_leads_to_a_new_exchange<A: App, D: Desktop>() -> Result {
    let Some(mut it) = Connected::<A, D>::new()? else { return Ok(()) };
    it.desktop.stop()?;
    it.desktop.start_with_another_ca()?;
    it.app.wait_exchange(ExchangeReason::Rejected)?;
    it.app.wait_connected()?;
    assert_eq!(it.desktop.wait_for_client(APP)?, it.client);
    it.end()
}

/// Covers: P20, §2.
pub fn a_new_session_right_after_the_old_one_is_not_deaf<A: App, D: Desktop>() -> Result {
    let Some(desktop) = D::start()? else { return Ok(()) };
    let dir = TempDir::new()?;
    // Where the first socket is still closing, the official desktop forgets the second.
    for _ in 0..5 {
        let mut app: A = launch(&desktop, APP, dir.path(), &PARTS)?;
        app.wait_connected()?;
        let client = desktop.wait_for_client(APP)?;
        assert_eq!(desktop.plugins(&client)?.0, ["Example", "Ticker"]);
        app.stop()?;
    }
    Ok(())
}

/// Covers: P20.
pub fn two_processes_of_one_app_both_stay<A: App, D: Desktop>() -> Result {
    let Some(desktop) = D::start()? else { return Ok(()) };
    let dirs = (TempDir::new()?, TempDir::new()?);
    let mut first: A = launch(&desktop, APP, dirs.0.path(), &PARTS)?;
    first.wait_connected()?;
    let one = desktop.wait_for_client(APP)?;
    let mut second: A = launch(&desktop, APP, dirs.1.path(), &PARTS)?;
    second.wait_connected()?;
    let other = desktop.wait_for_client(APP)?;
    assert_ne!(one, other);
    assert_eq!(desktop.count_clients(APP)?, 2);
    for client in [&one, &other] {
        desktop.init(client, "Example")?;
        assert!(desktop.is_method_supported(client, "Example", "echo")?);
    }
    first.stop()?;
    desktop.wait_for_client_gone(&one)?;
    assert!(desktop.is_method_supported(&other, "Example", "echo")?);
    second.stop()
}

/// Covers: P23, P24.
pub fn an_app_that_dies_is_noticed<A: App, D: Desktop>() -> Result {
    let Some(it) = Connected::<A, D>::new()? else { return Ok(()) };
    // Its last handle goes, and all that it ran on; a program is killed.
    let Connected { app, desktop, client, .. } = it;
    drop(app);
    desktop.wait_for_client_gone(&client)?;
    assert_eq!(desktop.count_clients(APP)?, 0);
    Ok(())
}

/// Covers: P28, §2.
pub fn names_arrive_as_they_are<A: App, D: Desktop>() -> Result {
    let Some(desktop) = D::start()? else { return Ok(()) };
    let dir = TempDir::new()?;
    for name in ["two  words", "A&B #1?", "1+1=2", "100%", "%20", "grün 東京 🦀", "a?b/c;d\"e'f"] {
        let mut app: A = launch(&desktop, name, dir.path(), &[Part::Named(name)])?;
        app.wait_connected()?;
        let client = desktop.wait_for_client(name)?;
        assert_eq!(desktop.plugins(&client)?.0, [name]);
        app.stop()?;
    }
    Ok(())
}

/// How many private keys lie in a directory.
fn keys(directory: &Path) -> Result<usize> {
    Ok(walk(directory)?.iter().filter(|path| path.ends_with("privateKey.pem")).count())
}

/// Everything below a directory.
fn walk(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            all.extend(walk(&path)?);
        }
        all.push(path);
    }
    Ok(all)
}
