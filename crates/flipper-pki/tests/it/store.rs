//! The credentials of an app, when nothing is broken.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use flipper_pki::{CertificateRequest, ConnectionConfig, CredentialStore, StoreErrorKind, client_config_at};
use flipper_proto::{Generation, Medium};

use crate::support::apps::{APP_ID, App, config, deliver, write_flat};
use crate::support::clock::Clock;
use crate::support::handshake::{self, VERSIONS, chain, connect};
use crate::support::official::Ca;
use crate::support::openssl;
use crate::support::temp;

const fn generation(number: u64) -> Generation {
    Generation::from_u64(number)
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn an_app_that_never_connected_has_nothing_and_no_problem() {
    let app = App::new();
    let loaded = app.store.load();
    assert!(loaded.credentials.is_none() && loaded.problem.is_none());
    assert!(!app.path().exists(), "looking made the directory");
    fs::create_dir(app.path()).unwrap();
    let loaded = app.store.load();
    assert!(loaded.credentials.is_none() && loaded.problem.is_none());
    assert_eq!(app.store.prune(), Ok(vec![]));
}

#[test]
fn an_exchange_goes_through_begin_complete_promote() {
    let ca = Ca::shared();
    let app = App::new();
    let prepared = app.store.begin(APP_ID).unwrap();
    assert_eq!(prepared.generation, generation(1));
    let folder = app.path().join("1");
    assert_eq!(prepared.destination, format!("{}/", folder.display()));
    assert_eq!(names(app.path()), ["1"]);
    assert_eq!(names(&folder), ["app.csr", "privateKey.pem"]);
    assert_eq!(fs::read_to_string(folder.join("app.csr")).unwrap(), prepared.csr_pem);
    assert_eq!(CertificateRequest::from_pem(&prepared.csr_pem).unwrap().common_name(), APP_ID);
    assert!(app.store.load().credentials.is_none());

    deliver(&prepared, &ca.certificate, &ca.sign(&prepared.csr_pem));
    let told = ConnectionConfig {
        device_id: "a \"quoted\" größe".to_owned(),
        medium: Medium::Www,
        os: Some("MacOS".to_owned()),
    };
    let completed = app.store.complete(prepared.generation, &told).unwrap();
    assert!(app.store.load().credentials.is_none(), "it is in use before it is promoted");

    app.store.promote(prepared.generation).unwrap();
    assert_eq!(names(app.path()), ["1", "current"]);
    let five = ["app.csr", "connection_config.json", "device.crt", "privateKey.pem", "sonarCA.crt"];
    assert_eq!(names(&folder), five);
    let loaded = app.store.load();
    assert_eq!(loaded.problem, None);
    let loaded = loaded.credentials.unwrap();
    for credentials in [completed, loaded] {
        assert_eq!(credentials.generation, prepared.generation);
        assert_eq!(credentials.csr_pem, prepared.csr_pem);
        assert_eq!(credentials.csr_path, prepared.destination);
        assert_eq!(credentials.device_id, told.device_id);
        assert_eq!((credentials.medium, &credentials.os), (told.medium, &told.os));
        let days = (credentials.not_after.as_unix_millis() - credentials.not_before.as_unix_millis()) / 86_400_000;
        assert!((29..=30).contains(&days), "{days} days");
        assert!(!format!("{credentials:?}").contains("PRIVATE"));
    }
    let json = fs::read_to_string(folder.join("connection_config.json")).unwrap();
    assert_eq!(json, r#"{"deviceId":"a \"quoted\" größe","medium":2,"os":"MacOS"}"#);
}

#[test]
fn certificates_can_be_handed_over_by_other_means() {
    let ca = Ca::shared();
    let app = App::new();
    let prepared = app.store.begin(APP_ID).unwrap();
    let certificate = ca.sign(&prepared.csr_pem);
    app.store.deliver(prepared.generation, &ca.certificate, &certificate).unwrap();
    app.store.complete(prepared.generation, &config()).unwrap();
    app.store.promote(prepared.generation).unwrap();
    assert!(app.store.load().credentials.is_some());
    let error = app.store.deliver(prepared.generation, &ca.certificate, &certificate).unwrap_err();
    assert_eq!(error.kind(), &StoreErrorKind::AlreadyComplete);
}

#[test]
fn an_official_directory_is_read_as_it_is() {
    let ca = Ca::shared();
    let app = App::new();
    write_flat(app.path(), ca, openssl::rsa_key());
    fs::write(app.path().join("device.p12"), "what we do not need").unwrap();
    let config = r#"{"deviceId":"emulator-5554","medium":1,"a key of tomorrow":[]}"#;
    fs::write(app.path().join("connection_config.json"), config).unwrap();
    let before = names(app.path());
    let credentials = app.store.load().credentials.unwrap();
    assert_eq!(credentials.generation, generation(0));
    assert_eq!(credentials.csr_path, format!("{}/", app.path().display()));
    assert_eq!(credentials.device_id, "emulator-5554");
    assert_eq!((credentials.medium, credentials.os.as_deref()), (Medium::FsAccess, None));

    // A directory that was given with a separator is told with one, not two.
    let slashed = CredentialStore::new(format!("{}/", app.path().display()));
    assert_eq!(slashed.load().credentials.unwrap().csr_path, credentials.csr_path);

    let clock = Clock::now();
    let key = openssl::other_rsa_key();
    for version in VERSIONS {
        let trust = flipper_pki::PinnedCa::from_pem(ca.certificate.as_bytes()).unwrap();
        let desktop = handshake::desktop(version, &chain(&[&ca.server(key)]), key, trust, clock.as_provider());
        connect(client_config_at(&credentials, clock.as_provider()), desktop).assert_connected();
    }

    // It is only read: neither changed nor thrown away, however old.
    let not_ours = |result: Result<(), flipper_pki::StoreError>| {
        assert_eq!(result.unwrap_err().kind(), &StoreErrorKind::NotOurs);
    };
    not_ours(app.store.discard(generation(0)));
    not_ours(app.store.promote(generation(0)));
    not_ours(app.store.complete(generation(0), &crate::support::apps::config()).map(drop));
    not_ours(app.store.deliver(generation(0), "", ""));
    assert_eq!(app.store.prune(), Ok(vec![]));
    assert_eq!(names(app.path()), before);

    // A new exchange puts a generation beside it, and leaves it alone for ever.
    app.exchange(ca);
    assert_eq!(app.store.load().credentials.unwrap().generation, generation(1));
    app.exchange(ca);
    assert_eq!(app.store.prune(), Ok(vec![generation(1)]));
    let mut expected = [before, vec!["2".to_owned(), "current".to_owned()]].concat();
    expected.sort();
    assert_eq!(names(app.path()), expected);
}

#[test]
fn directories_of_clients_before_there_were_media_are_read() {
    let app = App::new();
    write_flat(app.path(), Ca::shared(), openssl::rsa_key());
    fs::write(app.path().join("connection_config.json"), r#"{"deviceId":""}"#).unwrap();
    assert_eq!(app.store.load().credentials.unwrap().medium, Medium::FsAccess);
}

#[test]
fn expired_credentials_still_load() {
    let ca = Ca::with(openssl::rsa_key(), 1, &[]);
    let app = App::new();
    let credentials = app.exchange(&ca);
    // The CA is valid for a day, the app's certificate for 30: the tighter bound counts.
    let span = credentials.not_after.as_unix_millis() - credentials.not_before.as_unix_millis();
    assert!(span <= 86_400_000, "{span}");
    assert!(app.store.load().credentials.is_some());
}

#[test]
fn a_new_exchange_leaves_the_old_credentials_in_use() {
    let app = App::new();
    let old = app.exchange(Ca::shared());
    let prepared = app.store.begin(APP_ID).unwrap();
    assert_eq!(prepared.generation, generation(2));
    assert_eq!(app.store.load().credentials.unwrap().generation, old.generation);
    deliver(&prepared, &Ca::other().certificate, &Ca::other().sign(&prepared.csr_pem));
    app.store.complete(prepared.generation, &config()).unwrap();
    assert_eq!(app.store.load().credentials.unwrap().generation, old.generation);
    app.store.promote(prepared.generation).unwrap();
    assert_eq!(app.store.load().credentials.unwrap().generation, prepared.generation);
    // Back again, as long as it was not pruned.
    app.store.promote(old.generation).unwrap();
    assert_eq!(app.store.load().credentials.unwrap().generation, old.generation);
}

#[test]
fn a_complete_generation_never_changes() {
    let app = App::new();
    let credentials = app.exchange(Ca::shared());
    let error = app.store.complete(credentials.generation, &config()).unwrap_err();
    assert_eq!(error.kind(), &StoreErrorKind::AlreadyComplete);
    assert!(app.store.load().problem.is_none());
}

#[test]
fn what_is_in_use_cannot_be_discarded() {
    let app = App::new();
    let credentials = app.exchange(Ca::shared());
    assert_eq!(app.store.discard(credentials.generation).unwrap_err().kind(), &StoreErrorKind::InUse);
    let prepared = app.store.begin(APP_ID).unwrap();
    app.store.discard(prepared.generation).unwrap();
    app.store.discard(prepared.generation).unwrap();
    assert_eq!(names(app.path()), ["1", "current"]);
    assert_eq!(app.store.begin(APP_ID).unwrap().generation, prepared.generation);
}

/// Makes a file or directory look as if nobody had touched it for ten minutes.
fn age(path: &Path) {
    let past = SystemTime::now() - Duration::from_secs(601);
    fs::File::open(path).unwrap().set_modified(past).unwrap();
}

#[test]
fn pruning_keeps_what_may_still_be_wanted() {
    let app = App::new();
    app.exchange(Ca::shared());
    let under_way_before = app.store.begin(APP_ID).unwrap().generation;
    let left_before = app.store.begin(APP_ID).unwrap().generation;
    let current = app.exchange(Ca::shared()).generation;
    let unproven = app.store.begin(APP_ID).unwrap();
    deliver(&unproven, &Ca::shared().certificate, &Ca::shared().sign(&unproven.csr_pem));
    app.store.complete(unproven.generation, &config()).unwrap();
    let left_after = app.store.begin(APP_ID).unwrap().generation;
    fs::write(app.path().join(".tmp-left"), "").unwrap();
    fs::write(app.path().join(".tmp-young"), "").unwrap();
    fs::write(app.path().join("007"), "no generation").unwrap();
    fs::write(app.path().join("notes.txt"), "somebody else's").unwrap();
    for name in [left_before.as_u64().to_string(), left_after.as_u64().to_string()] {
        age(&app.path().join(name));
    }
    for name in [".tmp-left", "007", "notes.txt", "current"] {
        age(&app.path().join(name));
    }
    let mut removed = app.store.prune().unwrap();
    removed.sort();
    assert_eq!(removed, [generation(1), left_before, left_after]);
    let kept = [under_way_before, current, unproven.generation].map(|kept| kept.as_u64().to_string());
    let mut expected = vec![".tmp-young", "007", "current", "notes.txt"];
    expected.extend(kept.iter().map(String::as_str));
    expected.sort_unstable();
    assert_eq!(names(app.path()), expected);
    assert_eq!(app.store.load().credentials.unwrap().generation, current);
    assert_eq!(app.store.prune(), Ok(vec![]));
}

#[test]
fn processes_that_share_a_directory_get_generations_of_their_own() {
    let app = App::new();
    let begun: Vec<_> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..8).map(|_| scope.spawn(|| app.store.clone().begin(APP_ID).unwrap())).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    let mut generations: Vec<_> = begun.iter().map(|prepared| prepared.generation).collect();
    generations.sort();
    generations.dedup();
    assert_eq!(generations.len(), 8);
    for prepared in &begun {
        let folder = Path::new(&prepared.destination);
        assert_eq!(fs::read_to_string(folder.join("app.csr")).unwrap(), prepared.csr_pem);
    }
}

#[cfg(unix)]
mod modes {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::process::Command;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn assert_private(dir: &Path) {
        assert_eq!(mode(dir), 0o700, "{}", dir.display());
        for name in names(dir) {
            let path = dir.join(name);
            if path.is_dir() {
                assert_private(&path);
            } else {
                assert_eq!(mode(&path), 0o600, "{}", path.display());
            }
        }
    }

    /// The environment variable that makes the test below the child of itself.
    const CHILD: &str = "FLIPPER_PKI_UMASK_DIR";

    #[test]
    fn everything_is_private_under_every_umask() {
        if let Some(dir) = std::env::var_os(CHILD) {
            let store = CredentialStore::new(dir);
            let ca = Ca::shared();
            let prepared = store.begin(APP_ID).unwrap();
            deliver(&prepared, &ca.certificate, &ca.sign(&prepared.csr_pem));
            store.complete(prepared.generation, &config()).unwrap();
            store.promote(prepared.generation).unwrap();
            return;
        }
        // The last one takes from the owner too.
        for umask in ["000", "022", "077", "277"] {
            let app = App::new();
            // The umask belongs to the process, and changing it takes a shell, or unsafe code.
            let script = format!("umask {umask}; exec \"$0\" \"$@\"");
            let name = "store::modes::everything_is_private_under_every_umask";
            let status = Command::new("sh")
                .args(["-c", &script])
                .arg(std::env::current_exe().unwrap())
                .args(["--exact", name])
                .env(CHILD, app.path())
                .output()
                .unwrap();
            assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stdout));
            assert_eq!(names(app.path()), ["1", "current"], "the child did nothing");
            assert_private(app.path());
        }
    }

    #[test]
    fn what_a_desktop_wrote_becomes_our_own() {
        let ca = Ca::shared();
        let app = App::new();
        let prepared = app.store.begin(APP_ID).unwrap();
        let folder = Path::new(&prepared.destination);
        // Readable by everybody, and one of them a link to somewhere that others can change.
        let elsewhere = temp::dir();
        fs::write(elsewhere.path().join("ca"), &ca.certificate).unwrap();
        symlink(elsewhere.path().join("ca"), folder.join("sonarCA.crt")).unwrap();
        fs::write(folder.join("device.crt"), ca.sign(&prepared.csr_pem)).unwrap();
        fs::set_permissions(folder.join("device.crt"), fs::Permissions::from_mode(0o666)).unwrap();
        app.store.complete(prepared.generation, &config()).unwrap();
        app.store.promote(prepared.generation).unwrap();
        assert_private(app.path());
        assert!(fs::symlink_metadata(folder.join("sonarCA.crt")).unwrap().is_file());
        drop(elsewhere);
        assert!(app.store.load().problem.is_none());
    }
}
