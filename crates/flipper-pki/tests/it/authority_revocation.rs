//! Certificates that are refused before their time is over.

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;

use flipper_pki::{Authority, AuthorityErrorKind, CertificateFacts, RevocationTarget, classify, client_config_at};
use flipper_proto::{Excerpt, TlsFailure};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::support::apps::{APP_ID, App, Member};
use crate::support::clock::{Clock, DAY, HOUR};
use crate::support::faults::{fail_after, open_failing};
use crate::support::handshake::{Outcome, connect};
use crate::support::official::Ca;
use crate::support::{openssl, temp};

fn open(dir: &Path, clock: &Clock) -> Authority {
    open_failing(dir, clock, fail_after(usize::MAX, false).0).unwrap()
}

fn target(text: &str) -> RevocationTarget {
    text.parse().unwrap()
}

fn facts(member: &Member) -> CertificateFacts {
    CertificateFacts::of(&CertificateDer::from_pem_slice(member.certificate.as_bytes()).unwrap()).unwrap()
}

#[track_caller]
fn assert_revoked(outcome: Outcome) {
    let expected = TlsFailure::BadCertificate(Excerpt::new("it was revoked"));
    assert_eq!(classify(&outcome.desktop.unwrap_err()), expected);
    // And the app is told.
    let TlsFailure::PeerRefused(alert) = classify(&outcome.app.unwrap_err()) else { panic!("it was not told") };
    assert!(alert.as_str().contains("CertificateRevoked"), "{alert}");
}

#[test]
fn one_certificate_is_refused_and_no_other() {
    let (dir, clock) = (temp::dir(), Clock::now());
    let authority = open(dir.path(), &clock);
    let members: Vec<_> = (0..3).map(|_| Member::of(&authority, APP_ID)).collect();
    let serial = openssl::text(openssl::run(
        &["x509", "-in", "c", "-noout", "-serial"],
        &[("c", members[0].certificate.as_bytes())],
    ));
    authority.revoke(target(serial.trim().strip_prefix("serial=").unwrap())).unwrap();
    let fingerprint = openssl::text(openssl::run(
        &["x509", "-in", "c", "-noout", "-fingerprint", "-sha256"],
        &[("c", members[1].certificate.as_bytes())],
    ));
    authority.revoke(target(fingerprint.trim().split_once('=').unwrap().1)).unwrap();

    for desktop in [authority, open(dir.path(), &clock)] {
        assert_revoked(members[0].connect(&desktop, &clock));
        assert_revoked(members[1].connect(&desktop, &clock));
        members[2].connect(&desktop, &clock).assert_connected();
        assert_eq!(desktop.refused_revoked(), 2);
    }
}

#[test]
fn what_an_app_was_given_so_far_is_refused_and_what_it_is_given_then_is_not() {
    let (dir, clock) = (temp::dir(), Clock::now());
    let authority = open(dir.path(), &clock);
    let (old, other) = (Member::of(&authority, APP_ID), Member::of(&authority, "com.example.other"));
    clock.advance(HOUR);
    let revocation = authority.revoke(target(APP_ID)).unwrap();
    assert_eq!(revocation.target, RevocationTarget::App(APP_ID.to_owned()));
    assert_eq!(revocation.revoked_at.as_unix_millis() / 1000, clock.seconds());
    assert_revoked(old.connect(&authority, &clock));
    other.connect(&authority, &clock).assert_connected();
    clock.advance(1);
    Member::of(&authority, APP_ID).connect(&authority, &clock).assert_connected();
    // A CA later it is still revoked.
    authority.rotate().unwrap();
    assert_revoked(old.connect(&authority, &clock));
}

#[test]
fn certificates_of_an_official_desktop_can_be_revoked_too() {
    let (dir, ca, clock) = (temp::dir(), Ca::shared(), Clock::now());
    fs::write(dir.path().join("ca.key"), &ca.key).unwrap();
    fs::write(dir.path().join("ca.crt"), &ca.certificate).unwrap();
    let authority = open(dir.path(), &clock);
    let (_app, credentials) = App::of(ca);
    let config = client_config_at(&credentials, clock.as_provider());
    connect(config.clone(), authority.server_config()).assert_connected();
    authority.revoke(target(APP_ID)).unwrap();
    assert_revoked(connect(config, authority.server_config()));
}

#[test]
fn in_memory_it_is_the_same() {
    let authority = Authority::in_memory(flipper_pki::AuthorityConfig::default()).unwrap();
    let member = Member::of(&authority, APP_ID);
    authority.revoke(target(&facts(&member).fingerprint)).unwrap();
    assert_revoked(member.connect(&authority, &Clock::now()));
}

#[test]
fn a_desktop_that_runs_follows_another_process() {
    let (dir, clock) = (temp::dir(), Clock::now());
    let running = open(dir.path(), &clock);
    let member = Member::of(&running, APP_ID);
    member.connect(&running, &clock).assert_connected();
    open(dir.path(), &clock).revoke(target(&facts(&member).serial)).unwrap();
    assert_revoked(member.connect(&running, &clock));
}

#[test]
fn it_is_forgotten_when_nothing_that_it_meant_can_be_valid() {
    let (dir, clock) = (temp::dir(), Clock::now());
    let authority = open(dir.path(), &clock);
    authority.revoke(target("com.example.first")).unwrap();
    clock.advance(200 * DAY);
    authority.revoke(target("com.example.second")).unwrap();
    // Once more, and it counts once.
    authority.revoke(target("com.example.second")).unwrap();
    assert_eq!(Authority::inspect(dir.path()).unwrap().revoked.len(), 2);
    clock.advance(200 * DAY);
    authority.revoke(target("com.example.third")).unwrap();
    let list = fs::read_to_string(dir.path().join("revoked.json")).unwrap();
    assert!(!list.contains("first") && list.contains("second") && list.contains("third"), "{list}");
}

#[test]
fn the_list_is_limited() {
    let authority = Authority::in_memory(flipper_pki::AuthorityConfig::default()).unwrap();
    for number in 0..256 {
        authority.revoke(target(&format!("app-{number}"))).unwrap();
    }
    let error = authority.revoke(target("one-more")).unwrap_err();
    assert_eq!(*error.kind(), AuthorityErrorKind::TooManyRevocations { max: 256 });
    assert!(error.to_string().contains("rotate"), "{error}");
    authority.revoke(target("app-7")).unwrap();
}

#[test]
fn a_damaged_list_lets_nobody_in() {
    let (dir, clock) = (temp::dir(), Clock::now());
    let running = open(dir.path(), &clock);
    let member = Member::of(&running, APP_ID);
    running.revoke(target(&facts(&member).serial)).unwrap();
    let path = dir.path().join("revoked.json");
    for damage in ["", "{}", "[]", r#"{"revoked":[{"until":1,"revoked_at":1}]}"#, &"x".repeat(100_000)] {
        fs::write(&path, damage).unwrap();
        let error = open_failing(dir.path(), &clock, fail_after(usize::MAX, false).0).unwrap_err();
        assert_eq!((error.kind(), error.path()), (&AuthorityErrorKind::BadRevocations, &*path));
        assert!(error.to_string().contains("accepted again"), "{error}");
        assert_eq!(Authority::inspect(dir.path()).unwrap().problem, Some(error));
        // One that runs goes by what it knows.
        assert_revoked(member.connect(&running, &clock));
    }
    // What the error says to do.
    fs::remove_file(&path).unwrap();
    member.connect(&open(dir.path(), &clock), &clock).assert_connected();
}

#[test]
fn a_crash_at_any_moment_leaves_the_list_whole() {
    let clock = Clock::now();
    for only_one in [false, true] {
        for count in 0.. {
            let dir = temp::dir();
            let authority = open(dir.path(), &clock);
            let (first, second) = (Member::of(&authority, "com.first"), Member::of(&authority, "com.second"));
            authority.revoke(target("com.first")).unwrap();
            let opening = {
                let (faults, seen) = fail_after(usize::MAX, false);
                open_failing(dir.path(), &clock, faults).unwrap();
                seen.load(Ordering::Relaxed)
            };
            let (faults, seen) = fail_after(opening + count, only_one);
            let failing = open_failing(dir.path(), &clock, faults).unwrap();
            let result = failing.revoke(target("com.second"));
            if seen.load(Ordering::Relaxed) <= opening + count {
                assert!(count > 8, "the faults were not asked");
                result.unwrap();
                break;
            }
            let healed = open(dir.path(), &clock);
            assert_revoked(first.connect(&healed, &clock));
            let outcome = second.connect(&healed, &clock);
            if result.is_ok() {
                assert_revoked(outcome);
            } else if outcome.desktop.is_ok() {
                healed.revoke(target("com.second")).unwrap();
                assert_revoked(second.connect(&healed, &clock));
            }
        }
    }
}

#[test]
fn what_names_no_certificates_is_refused() {
    for text in ["", "a b", "größe", "a/b", &"x".repeat(65)] {
        let error = text.parse::<RevocationTarget>().unwrap_err();
        assert!(error.to_string().contains("neither an app's id"), "{error}");
    }
    assert_eq!(target("00:Ab:cd:ef:01:23:45:67"), RevocationTarget::Serial("abcdef01234567".to_owned()));
    assert_eq!(target(&"A".repeat(64)), RevocationTarget::Fingerprint("a".repeat(64)));
    assert_eq!(target("abc"), RevocationTarget::App("abc".to_owned()));
}
