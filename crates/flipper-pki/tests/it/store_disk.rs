//! Credentials that are damaged: what is said, and what is used in their place.

use std::fs;
use std::path::Path;

use flipper_pki::{CredentialStore, DiskAccess, KeyError, PinError, StoreError, StoreErrorKind};
use flipper_proto::Generation;

use crate::support::apps::{APP_ID, App, config, deliver, write_flat};
use crate::support::official::Ca;
use crate::support::openssl;
use crate::support::temp;

#[track_caller]
fn assert_problem(error: &StoreError, kind: &StoreErrorKind, path: &Path) {
    assert_eq!((error.kind(), error.path()), (kind, path));
    let text = error.to_string();
    assert!(text.contains(&path.display().to_string()), "it does not say where: {text}");
    assert!(text.contains("; "), "it does not say what to do: {text}");
}

/// The only credentials are damaged: there are none, and the problem is told.
#[track_caller]
fn assert_unusable(app: &App, kind: &StoreErrorKind, path: &Path) {
    let loaded = app.store.load();
    assert!(loaded.credentials.is_none());
    let problem = loaded.problem.expect("a problem");
    assert_problem(&problem, kind, path);
    assert_eq!(problem.fallback(), None);
}

type Damage = fn(&Path);

fn remove(path: &Path) {
    fs::remove_file(path).unwrap();
}

fn empty(path: &Path) {
    fs::write(path, "").unwrap();
}

fn garble(path: &Path) {
    fs::write(path, b"\x00\xffgarbage{").unwrap();
}

fn halve(path: &Path) {
    let content = fs::read(path).unwrap();
    fs::write(path, &content[..content.len() / 2]).unwrap();
}

fn inflate(path: &Path) {
    fs::write(path, vec![b' '; 70_000]).unwrap();
}

fn damages() -> Vec<(&'static str, Damage, StoreErrorKind)> {
    let mut damages = Vec::new();
    let bad: [(&str, StoreErrorKind); 5] = [
        ("app.csr", StoreErrorKind::BadRequest),
        ("privateKey.pem", StoreErrorKind::BadKey(KeyError::NotPem)),
        ("sonarCA.crt", StoreErrorKind::BadCa(PinError::Unreadable)),
        ("device.crt", StoreErrorKind::BadCertificate),
        ("connection_config.json", StoreErrorKind::BadConfig),
    ];
    for (name, kind) in bad {
        damages.push((name, remove as Damage, StoreErrorKind::MissingFile));
        damages.push((name, empty, StoreErrorKind::EmptyFile));
        damages.push((name, inflate, StoreErrorKind::FileTooLarge));
        damages.push((name, garble, kind.clone()));
        damages.push((name, halve, kind));
    }
    damages
}

#[test]
fn every_damage_to_every_file_is_named() {
    let app = App::new();
    app.exchange(Ca::shared());
    for (name, damage, kind) in damages() {
        let path = app.path().join("1").join(name);
        let good = fs::read(&path).unwrap();
        damage(&path);
        let bad = fs::read(&path).ok();
        assert_unusable(&app, &kind, &path);
        assert_eq!(fs::read(&path).ok(), bad, "looking changed something");
        fs::write(&path, good).unwrap();
        assert!(app.store.load().problem.is_none());
    }
}

#[test]
fn every_damage_to_an_official_directory_is_named() {
    let app = App::new();
    write_flat(app.path(), Ca::shared(), openssl::rsa_key());
    for (name, damage, kind) in damages() {
        let path = app.path().join(name);
        let good = fs::read(&path).unwrap();
        damage(&path);
        assert_unusable(&app, &kind, &path);
        fs::write(&path, good).unwrap();
    }
}

#[test]
fn every_damage_falls_back_to_the_newest_good_generation() {
    let app = App::new();
    app.exchange(Ca::shared());
    app.exchange(Ca::shared());
    let damaged_too = app.exchange(Ca::shared()).generation;
    fs::remove_file(app.path().join("3").join("device.crt")).unwrap();
    app.exchange(Ca::shared());
    assert_eq!(damaged_too, Generation::from_u64(3));
    // Newer than the one in use, so nobody ever proved it.
    let unproven = app.store.begin(APP_ID).unwrap();
    deliver(&unproven, &Ca::shared().certificate, &Ca::shared().sign(&unproven.csr_pem));
    app.store.complete(unproven.generation, &config()).unwrap();

    for (name, damage, kind) in damages() {
        let path = app.path().join("4").join(name);
        let good = fs::read(&path).unwrap();
        damage(&path);
        let loaded = app.store.load();
        assert_eq!(loaded.credentials.unwrap().generation, Generation::from_u64(2));
        let problem = loaded.problem.unwrap();
        assert_problem(&problem, &kind, &path);
        assert_eq!(problem.fallback(), Some(Generation::from_u64(2)));
        assert!(problem.to_string().contains("generation-2 is used meanwhile"), "{problem}");
        fs::write(&path, good).unwrap();
    }
    fs::remove_dir_all(app.path().join("4")).unwrap();
    let loaded = app.store.load();
    assert_eq!(loaded.credentials.unwrap().generation, Generation::from_u64(2));
    assert_problem(&loaded.problem.unwrap(), &StoreErrorKind::MissingGeneration, &app.path().join("4"));
}

#[test]
fn an_official_directory_is_what_remains_at_last() {
    let app = App::new();
    write_flat(app.path(), Ca::shared(), openssl::rsa_key());
    app.exchange(Ca::shared());
    fs::remove_file(app.path().join("1").join("device.crt")).unwrap();
    let loaded = app.store.load();
    assert_eq!(loaded.credentials.unwrap().generation, Generation::from_u64(0));
    assert_eq!(loaded.problem.unwrap().fallback(), Some(Generation::from_u64(0)));
}

#[test]
fn damaged_pointers_are_named() {
    let app = App::new();
    app.exchange(Ca::shared());
    let path = app.path().join("current");
    for content in ["", "garbage", "-1", "0", "1.0", "01", "99999999999999999999999", "1 2", &"1".repeat(5000)] {
        fs::write(&path, content).unwrap();
        let loaded = app.store.load();
        assert_problem(loaded.problem.as_ref().unwrap(), &StoreErrorKind::BadPointer, &path);
        assert_eq!(loaded.credentials.unwrap().generation, Generation::from_u64(1), "{content:?}");
        // Nothing is thrown away by guesswork.
        assert!(app.store.prune().is_err());
        assert!(app.store.discard(Generation::from_u64(1)).is_err());
    }
    // Editors leave line ends of all kinds.
    for content in ["1", "1\n", "1\r\n", " 1 "] {
        fs::write(&path, content).unwrap();
        assert!(app.store.load().problem.is_none(), "{content:?}");
    }
    fs::write(&path, "7\n").unwrap();
    let problem = app.store.load().problem.unwrap();
    assert_problem(&problem, &StoreErrorKind::MissingGeneration, &app.path().join("7"));
    // A number that was given once is not given again.
    let prepared = app.store.begin(APP_ID).unwrap();
    assert_eq!(prepared.generation, Generation::from_u64(8));
    app.store.discard(prepared.generation).unwrap();
    // It is replaced by the next exchange, whatever it holds.
    fs::write(&path, "garbage").unwrap();
    app.exchange(Ca::shared());
    assert!(app.store.load().problem.is_none());
}

#[test]
fn parts_that_do_not_fit_are_named() {
    let app = App::new();
    let (one, other) = (app.exchange(Ca::shared()), app.exchange(Ca::other()));
    let dir = |generation: Generation| app.path().join(generation.as_u64().to_string());
    let swap = |name: &str, expected: StoreErrorKind, at: &str| {
        let path = dir(other.generation).join(name);
        let good = fs::read(&path).unwrap();
        fs::copy(dir(one.generation).join(name), &path).unwrap();
        let problem = app.store.load().problem.unwrap();
        assert_problem(&problem, &expected, &dir(other.generation).join(at));
        fs::write(&path, good).unwrap();
    };
    swap("privateKey.pem", StoreErrorKind::KeyMismatch, "device.crt");
    swap("device.crt", StoreErrorKind::KeyMismatch, "device.crt");
    swap("sonarCA.crt", StoreErrorKind::NotIssuedByCa, "device.crt");
    // Issued with the right key, but under another name.
    let renamed = Ca::with(&Ca::other().key, 30, &["-subj", "/CN=SonarCA"]);
    let path = dir(other.generation).join("device.crt");
    let good = fs::read(&path).unwrap();
    fs::write(&path, renamed.sign(&other.csr_pem)).unwrap();
    assert_problem(&app.store.load().problem.unwrap(), &StoreErrorKind::NotIssuedByCa, &path);
    fs::write(&path, good).unwrap();
    fs::copy(dir(other.generation).join("device.crt"), dir(other.generation).join("sonarCA.crt")).unwrap();
    let problem = app.store.load().problem.unwrap();
    assert_problem(&problem, &StoreErrorKind::BadCa(PinError::NotACa), &dir(other.generation).join("sonarCA.crt"));
}

#[test]
fn configs_that_are_not_understood_are_named() {
    let app = App::new();
    app.exchange(Ca::shared());
    let path = app.path().join("1").join("connection_config.json");
    for json in [
        "{}",
        "[]",
        r#"{"deviceId":null,"medium":1}"#,
        r#"{"deviceId":"","medium":4}"#,
        r#"{"deviceId":"","medium":"1"}"#,
    ] {
        fs::write(&path, json).unwrap();
        assert_unusable(&app, &StoreErrorKind::BadConfig, &path);
    }
}

#[test]
fn a_desktop_that_delivers_nothing_or_nonsense_is_told_apart() {
    let ca = Ca::shared();
    let app = App::new();
    let old = app.exchange(ca);
    let attempt = |prepare: &dyn Fn(&Path, &str)| {
        let prepared = app.store.begin(APP_ID).unwrap();
        prepare(Path::new(&prepared.destination), &prepared.csr_pem);
        let error = app.store.complete(prepared.generation, &config()).unwrap_err();
        app.store.promote(prepared.generation).expect_err("what is not complete cannot be promoted");
        assert_eq!(app.store.load().credentials.unwrap().generation, old.generation);
        app.store.discard(prepared.generation).unwrap();
        let relative = error.path().strip_prefix(&prepared.destination).unwrap().to_owned();
        (error.kind().clone(), relative.display().to_string(), error.to_string())
    };
    let write = |dir: &Path, authority: &str, certificate: &str| {
        fs::write(dir.join("sonarCA.crt"), authority).unwrap();
        fs::write(dir.join("device.crt"), certificate).unwrap();
    };

    let (kind, path, text) = attempt(&|_, _| ());
    assert_eq!((kind, &*path), (StoreErrorKind::NotDelivered, ""));
    assert!(text.contains("another machine") && text.contains("user"), "{text}");

    let kind_and_path = |prepare: &dyn Fn(&Path, &str)| {
        let (kind, path, _) = attempt(prepare);
        (kind, path)
    };
    let expect = |kind: StoreErrorKind, path: &str| (kind, path.to_owned());
    assert_eq!(
        kind_and_path(&|dir, _| fs::write(dir.join("sonarCA.crt"), &ca.certificate).unwrap()),
        expect(StoreErrorKind::MissingFile, "device.crt")
    );
    assert_eq!(
        kind_and_path(&|dir, csr| write(dir, "", &ca.sign(csr))),
        expect(StoreErrorKind::EmptyFile, "sonarCA.crt")
    );
    assert_eq!(
        kind_and_path(&|dir, _| write(dir, &ca.certificate, "")),
        expect(StoreErrorKind::EmptyFile, "device.crt")
    );
    assert_eq!(
        kind_and_path(&|dir, _| write(dir, &ca.certificate, "-----BEGIN CERTIFICATE-----\n")),
        expect(StoreErrorKind::BadCertificate, "device.crt")
    );
    let somebody_elses = ca.sign(&openssl::request(openssl::rsa_key(), openssl::SUBJECT, &[]));
    assert_eq!(
        kind_and_path(&|dir, _| write(dir, &ca.certificate, &somebody_elses)),
        expect(StoreErrorKind::KeyMismatch, "device.crt")
    );
    assert_eq!(
        kind_and_path(&|dir, csr| write(dir, &Ca::other().certificate, &ca.sign(csr))),
        expect(StoreErrorKind::NotIssuedByCa, "device.crt")
    );
    assert_eq!(kind_and_path(&|dir, _| fs::remove_dir_all(dir).unwrap()), expect(StoreErrorKind::NotDelivered, ""));
}

#[test]
fn directories_that_cannot_be_used_are_named() {
    let guard = temp::dir();
    let file = guard.path().join("file");
    fs::write(&file, "").unwrap();
    let store = CredentialStore::new(&file);
    assert_problem(&store.load().problem.unwrap(), &StoreErrorKind::NotADirectory, &file);
    assert_problem(&store.begin(APP_ID).unwrap_err(), &StoreErrorKind::NotADirectory, &file);

    // A file on the way there.
    let below = file.join("sonar");
    for error in
        [CredentialStore::new(&below).load().problem.unwrap(), CredentialStore::new(&below).begin(APP_ID).unwrap_err()]
    {
        assert!(matches!(error.kind(), StoreErrorKind::Disk { .. }), "{error:?}");
        assert!(error.to_string().contains(&below.display().to_string()), "{error}");
    }

    // Directories where files should be.
    let app = App::new();
    app.exchange(Ca::shared());
    for name in ["current", "1/device.crt"] {
        let path = app.path().join(name);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let problem = app.store.load().problem.unwrap();
        assert_eq!(problem.path(), path);
        assert!(matches!(problem.kind(), StoreErrorKind::Disk { access: DiskAccess::Read, .. }), "{problem:?}");
        fs::remove_dir(&path).unwrap();
        fs::write(&path, "1").unwrap();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn paths_that_cannot_be_told_leave_nothing_behind() {
    use std::os::unix::ffi::OsStrExt as _;
    let guard = temp::dir();
    let dir = guard.path().join(std::ffi::OsStr::from_bytes(b"s\xffnar"));
    let error = CredentialStore::new(&dir).begin(APP_ID).unwrap_err();
    assert_eq!(error.kind(), &StoreErrorKind::NotUnicode);
    assert!(!dir.exists());
}

#[cfg(unix)]
#[test]
fn a_pipe_in_place_of_a_file_does_not_hang() {
    let app = App::new();
    app.exchange(Ca::shared());
    let path = app.path().join("1").join("device.crt");
    fs::remove_file(&path).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let problem = app.store.load().problem.unwrap();
    assert!(problem.to_string().contains("not a regular file"), "{problem}");
}
