//! The CA of a desktop on disk: what heals, and what is named.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use flipper_pki::{
    Authority, AuthorityConfig, AuthorityError, AuthorityErrorKind, DiskAccess, DiskFaults, KeyError, client_config_at,
};
use tempfile::TempDir;

use crate::support::apps::App;
use crate::support::clock::{Clock, DAY};
use crate::support::faults::{fail_after, open_failing};
use crate::support::handshake::connect;
use crate::support::official::Ca;
use crate::support::openssl;
use crate::support::temp;

const FILES: [&str; 4] = ["ca.key", "ca.crt", "server.key", "server.crt"];

fn new_dir() -> (TempDir, PathBuf) {
    let dir = temp::dir();
    let path = dir.path().join("desktop").join("certs");
    (dir, path)
}

fn read_all(dir: &Path) -> Vec<String> {
    FILES.iter().map(|name| fs::read_to_string(dir.join(name)).unwrap()).collect()
}

fn names(dir: &Path) -> BTreeSet<String> {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[track_caller]
fn assert_names_file(error: &AuthorityError, kind: &AuthorityErrorKind, path: &Path) {
    assert_eq!(error.kind(), kind);
    assert_eq!(error.path(), path);
    let text = error.to_string();
    assert!(text.contains(&path.display().to_string()), "{text}");
    assert!(text.contains("restore") && text.contains("exchange certificates again"), "{text}");
}

#[test]
fn it_is_made_once_and_found_again() {
    let (_guard, dir) = new_dir();
    let first = Authority::open(&dir).unwrap();
    assert_eq!(names(&dir), FILES.iter().chain(&["lock"]).map(ToString::to_string).collect());
    let files = read_all(&dir);
    let second = Authority::open(&dir).unwrap();
    assert_eq!(second.chain(), first.chain());
    assert_eq!(read_all(&dir), files, "opening it again changed something");
    let arguments = ["x509", "-in", "c", "-noout", "-ext", "subjectKeyIdentifier"];
    let key_id = openssl::text(openssl::run(&arguments, &[("c", first.ca_pem().as_bytes())]));
    assert_eq!(key_id.lines().last().unwrap().trim().split(':').count(), 20, "{key_id}");
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let (_guard, dir) = new_dir();
    Authority::open(&dir).unwrap();
    assert_eq!(mode(&dir), 0o700);
    assert_eq!(mode(dir.parent().unwrap()), 0o700);
    for name in names(&dir) {
        assert_eq!(mode(&dir.join(&name)), 0o600, "{name}");
    }
    // Keys that were copied carelessly are made private again.
    for name in ["ca.key", "server.key"] {
        fs::set_permissions(dir.join(name), fs::Permissions::from_mode(0o644)).unwrap();
    }
    Authority::open(&dir).unwrap();
    for name in ["ca.key", "server.key"] {
        assert_eq!(mode(&dir.join(name)), 0o600, "{name}");
    }
}

#[test]
fn everything_but_the_key_heals() {
    let damage: [&dyn Fn(&Path); 5] = [
        &|path| fs::remove_file(path).unwrap(),
        &|path| fs::write(path, "").unwrap(),
        &|path| fs::write(path, "garbage").unwrap(),
        &|path| {
            let text = fs::read(path).unwrap();
            fs::write(path, &text[..text.len() / 2]).unwrap();
        },
        &|path| fs::write(path, vec![b'x'; 100_000]).unwrap(),
    ];
    for name in ["ca.crt", "server.key", "server.crt"] {
        for damage in damage {
            let (_guard, dir) = new_dir();
            let before = Authority::open(&dir).unwrap();
            damage(&dir.join(name));
            let after = Authority::open(&dir).unwrap();
            assert_heals(&before, &after, &dir);
            App::new().meet(&after);
        }
    }
}

/// The CA is still the same to everybody, and what is on disk is good.
#[track_caller]
fn assert_heals(before: &Authority, after: &Authority, dir: &Path) {
    let public = |authority: &Authority| {
        let ca = authority.ca_pem();
        openssl::run(
            &["x509", "-in", "c", "-noout", "-pubkey", "-ext", "subjectKeyIdentifier"],
            &[("c", ca.as_bytes())],
        )
    };
    assert_eq!(public(after), public(before), "the CA has changed");
    let files = [("ca", before.ca_pem().into_bytes()), ("c", fs::read(dir.join("server.crt")).unwrap())];
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, content)| (*name, &**content)).collect();
    openssl::run(&["verify", "-x509_strict", "-CAfile", "ca", "c"], &files);
    assert_eq!(Authority::open(dir).unwrap().chain(), after.chain());
}

#[test]
fn a_damaged_key_is_named_and_never_replaced() {
    let weak = openssl::key(openssl::Kind::Rsa(1024));
    let cases: [(&str, KeyError); 4] = [
        ("", KeyError::NotPem),
        ("garbage", KeyError::NotPem),
        ("-----BEGIN PRIVATE KEY-----\nMIGH", KeyError::NotPem),
        (&weak, KeyError::RsaTooSmall { bits: 1024 }),
    ];
    for (content, reason) in cases {
        let (_guard, dir) = new_dir();
        Authority::open(&dir).unwrap();
        fs::write(dir.join("ca.key"), content).unwrap();
        let before = read_all(&dir);
        let error = Authority::open(&dir).unwrap_err();
        assert_names_file(&error, &AuthorityErrorKind::BadKey(reason), &dir.join("ca.key"));
        assert_eq!(read_all(&dir), before, "something was changed");
    }
}

#[test]
fn a_missing_key_is_named_and_a_new_one_is_made_only_when_asked() {
    let (_guard, dir) = new_dir();
    let first = Authority::open(&dir).unwrap();
    fs::remove_file(dir.join("ca.key")).unwrap();
    let error = Authority::open(&dir).unwrap_err();
    assert_names_file(&error, &AuthorityErrorKind::MissingKey, &dir.join("ca.key"));
    // What the error says to do.
    fs::remove_file(dir.join("ca.crt")).unwrap();
    let second = Authority::open(&dir).unwrap();
    assert_ne!(second.ca_pem(), first.ca_pem());
    assert_eq!(Authority::open(&dir).unwrap().chain(), second.chain());
}

#[test]
fn a_certificate_of_another_ca_is_named() {
    let (_guard, dir) = new_dir();
    let (_other_guard, other) = new_dir();
    Authority::open(&dir).unwrap();
    Authority::open(&other).unwrap();
    let foreign = AuthorityErrorKind::ForeignCertificate;
    fs::copy(other.join("ca.crt"), dir.join("ca.crt")).unwrap();
    assert_names_file(&Authority::open(&dir).unwrap_err(), &foreign, &dir.join("ca.crt"));

    let key = fs::read_to_string(dir.join("ca.key")).unwrap();
    let arguments = ["req", "-x509", "-new", "-key", "k", "-subj", "/CN=SonarCA", "-days", "30"];
    fs::write(dir.join("ca.crt"), openssl::run(&arguments, &[("k", key.as_bytes())])).unwrap();
    assert_names_file(&Authority::open(&dir).unwrap_err(), &foreign, &dir.join("ca.crt"));
}

#[test]
fn directories_that_cannot_be_used_are_named() {
    let guard = temp::dir();
    let file = guard.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Authority::open(&file).unwrap_err();
    assert!(matches!(error.kind(), AuthorityErrorKind::Disk { .. }), "{error:?}");
    assert!(error.to_string().contains(&file.display().to_string()), "{error}");

    let (_guard, dir) = new_dir();
    fs::create_dir_all(dir.join("ca.key")).unwrap();
    let error = Authority::open(&dir).unwrap_err();
    assert_eq!(error.path(), dir.join("ca.key"));
    assert!(matches!(error.kind(), AuthorityErrorKind::Disk { access: DiskAccess::Read, .. }), "{error:?}");
}

#[test]
fn desktops_that_start_together_make_one_ca() {
    let (_guard, dir) = new_dir();
    let barrier = Arc::new(Barrier::new(8));
    let starts: Vec<_> = (0..8)
        .map(|_| {
            let (dir, barrier) = (dir.clone(), Arc::clone(&barrier));
            thread::spawn(move || {
                barrier.wait();
                Authority::open(&dir).unwrap().chain()
            })
        })
        .collect();
    let chains: Vec<_> = starts.into_iter().map(|start| start.join().unwrap()).collect();
    assert!(chains.iter().all(|chain| *chain == chains[0]));
}

#[test]
fn a_desktop_waits_for_another_and_says_when_it_waited_in_vain() {
    let (_guard, dir) = new_dir();
    fs::create_dir_all(&dir).unwrap();
    let held = fs::File::create(dir.join("lock")).unwrap();
    held.lock().unwrap();
    let waiting = thread::spawn({
        let dir = dir.clone();
        move || Authority::open(&dir).map(drop)
    });
    // Whether it is waiting already or not: it cannot have made anything.
    thread::yield_now();
    assert_eq!(names(&dir).into_iter().collect::<Vec<_>>(), ["lock"]);
    drop(held);
    assert_eq!(waiting.join().unwrap(), Ok(()));

    let faults = DiskFaults::new(|access, _| {
        let is_held = access == DiskAccess::Lock;
        let held = || io::Error::new(io::ErrorKind::TimedOut, "another process holds the lock");
        if is_held { Err(held()) } else { Ok(()) }
    });
    let error = open_failing(&dir, &Clock::now(), faults).unwrap_err();
    assert_eq!(error.path(), dir.join("lock"));
    let text = error.to_string();
    assert!(text.contains("another process holds the lock; stop the other desktop"), "{text}");
}

#[test]
fn desktops_that_share_a_directory_renew_once() {
    let (_guard, dir) = new_dir();
    let clock = Clock::now();
    let open = || {
        let mut config = AuthorityConfig::default();
        config.clock = clock.as_provider();
        Authority::open_with(&dir, config).unwrap()
    };
    let (one, other) = (open(), open());
    assert!(!one.renew_if_due().unwrap());
    clock.advance(21 * DAY);
    assert!(one.renew_if_due().unwrap());
    assert!(other.renew_if_due().unwrap());
    assert_eq!(one.chain(), other.chain());
    assert_eq!(open().chain(), one.chain());
    assert!(!one.renew_if_due().unwrap());
}

#[test]
fn a_ca_that_lives_for_a_month_only_is_renewed_at_once() {
    let (_guard, dir) = new_dir();
    Authority::open(&dir).unwrap();
    // What the official desktop would make of the same key.
    let short = Ca::new(&fs::read_to_string(dir.join("ca.key")).unwrap(), 30).certificate;
    fs::write(dir.join("ca.crt"), &short).unwrap();
    let authority = Authority::open(&dir).unwrap();
    assert_ne!(authority.ca_pem(), short);
    assert_eq!(Authority::open(&dir).unwrap().chain(), authority.chain());
    App::new().meet(&authority);
}

#[test]
fn a_crash_at_any_moment_of_the_first_start_heals() {
    let now = Clock::now();
    for only_one in [false, true] {
        for count in 0.. {
            let (_guard, dir) = new_dir();
            let (faults, seen) = fail_after(count, only_one);
            let result = open_failing(&dir, &now, faults);
            if seen.load(Ordering::Relaxed) <= count {
                assert!(count > 15, "the faults were not asked");
                result.unwrap();
                break;
            }
            if let Err(error) = result {
                assert!(error.to_string().contains(&dir.parent().unwrap().display().to_string()), "{error}");
            }
            let healed = Authority::open(&dir).unwrap_or_else(|error| panic!("after {count}: {error}"));
            assert_eq!(Authority::open(&dir).unwrap().chain(), healed.chain());
            App::new().meet(&healed);
            assert_eq!(names(&dir).len(), FILES.len() + 1, "after {count}: something was left over");
        }
    }
}

#[test]
fn a_crash_at_any_moment_of_a_renewal_keeps_the_ca() {
    for count in 0.. {
        let (_guard, dir) = new_dir();
        let before = Authority::open(&dir).unwrap();
        let later = Clock::now_plus(25 * DAY);
        let (faults, seen) = fail_after(count, false);
        let result = open_failing(&dir, &later, faults);
        if seen.load(Ordering::Relaxed) <= count {
            assert!(count > 15, "the faults were not asked");
            assert_ne!(result.unwrap().chain(), before.chain());
            break;
        }
        result.expect_err("a desktop that could not write");
        let (no_faults, _) = fail_after(usize::MAX, false);
        let after = open_failing(&dir, &later, no_faults).unwrap();
        assert_ne!(after.ca_pem(), before.ca_pem());
        let ca = before.ca_pem();
        let leaf = openssl::pem("CERTIFICATE", &after.chain()[0]);
        let time = later.seconds().to_string();
        let files: [(&str, &[u8]); 2] = [("ca", ca.as_bytes()), ("c", leaf.as_bytes())];
        openssl::run(&["verify", "-attime", &time, "-CAfile", "ca", "c"], &files);
    }
}

#[test]
fn a_renewal_that_fails_leaves_the_old_certificates_in_use() {
    let (_guard, dir) = new_dir();
    let clock = Clock::now();
    let broken = Arc::new(AtomicUsize::new(0));
    let switch = Arc::clone(&broken);
    let faults = DiskFaults::new(move |access, _| {
        let fails = switch.load(Ordering::Relaxed) == 1 && access == DiskAccess::Sync;
        if fails { Err(io::Error::other("the disk is gone")) } else { Ok(()) }
    });
    let authority = open_failing(&dir, &clock, faults).unwrap();
    let chain = authority.chain();
    clock.advance(21 * DAY);
    broken.store(1, Ordering::Relaxed);
    let error = authority.renew_if_due().unwrap_err();
    assert!(error.to_string().contains("the disk is gone"), "{error}");
    assert_eq!(authority.chain(), chain);
    broken.store(0, Ordering::Relaxed);
    assert!(authority.renew_if_due().unwrap());
    assert_ne!(authority.chain(), chain);
}

#[test]
fn an_official_ca_is_adopted() {
    let (_guard, dir) = new_dir();
    let official = Ca::shared();
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("ca.key"), &official.key).unwrap();
    fs::write(dir.join("ca.crt"), &official.certificate).unwrap();
    let authority = Authority::open(&dir).unwrap();
    // Its own certificate is good for 30 days only, so it is renewed at once.
    assert_ne!(authority.ca_pem(), official.certificate);
    let leaf = openssl::pem("CERTIFICATE", &authority.chain()[0]);
    // An official app that the official desktop signed knows only the old certificate, and finds the
    // issuer by its key id.
    let files: [(&str, &[u8]); 2] = [("ca", official.certificate.as_bytes()), ("c", leaf.as_bytes())];
    openssl::run(&["verify", "-CAfile", "ca", "-purpose", "sslserver", "c"], &files);
    let (_app, credentials) = App::of(official);
    let config = client_config_at(&credentials, Clock::now().as_provider());
    connect(config, authority.server_config()).assert_connected();
}
