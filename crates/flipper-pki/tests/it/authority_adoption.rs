//! The CA of an official desktop becomes ours.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use flipper_pki::{
    Authority, AuthorityConfig, AuthorityError, AuthorityErrorKind, Binding, Credentials, DiskFaults, KeyAlgorithm,
    KeyError, PrivateKey, client_config_at,
};

use crate::support::apps::{APP_ID, App, Member};
use crate::support::clock::Clock;
use crate::support::faults::{fail_after, open_failing};
use crate::support::handshake::connect;
use crate::support::official::Ca;
use crate::support::openssl;
use crate::support::temp;

/// `~/.flipper/certs`, as the official desktop leaves it.
fn official(dir: &Path, ca: &Ca, key: &str) -> PathBuf {
    let certs = dir.join("certs");
    fs::create_dir_all(&certs).unwrap();
    fs::write(certs.join("ca.key"), key).unwrap();
    fs::write(certs.join("ca.crt"), &ca.certificate).unwrap();
    certs
}

fn pkcs1(key: &str) -> String {
    let pem = openssl::text(openssl::run(&["rsa", "-in", "k", "-traditional"], &[("k", key.as_bytes())]));
    assert!(pem.starts_with("-----BEGIN RSA PRIVATE KEY-----"));
    pem
}

fn adopt(dir: &Path, official: &Path, clock: &Clock, faults: Option<DiskFaults>) -> Result<Authority, AuthorityError> {
    let mut config = AuthorityConfig::default();
    config.clock = clock.as_provider();
    config.adopt = Some(official.to_owned());
    config.disk_faults = faults;
    Authority::open_with(dir, config)
}

/// An app that knows nothing but the official desktop connects.
#[track_caller]
fn assert_connects(credentials: &Credentials, authority: &Authority, clock: &Clock) {
    let outcome = connect(client_config_at(credentials, clock.as_provider()), authority.server_config());
    outcome.assert_connected();
    let binding = Binding::of_certificate(&outcome.app_certificate.unwrap()).unwrap();
    assert_eq!(binding, Binding::Unbound { common_name: Some(APP_ID.to_owned()) });
}

/// OpenSSL, which official apps use, wants the key ids to fit.
#[track_caller]
fn assert_adopted(authority: &Authority, ca: &Ca, clock: &Clock) {
    let (_app, credentials) = App::of(ca);
    assert_connects(&credentials, authority, clock);
    let leaf = openssl::pem("CERTIFICATE", &authority.chain()[0]);
    let files: [(&str, &[u8]); 2] = [("ca", ca.certificate.as_bytes()), ("c", leaf.as_bytes())];
    openssl::run(&["verify", "-CAfile", "ca", "-purpose", "sslserver", "c"], &files);
}

fn snapshot(dir: &Path) -> Vec<(PathBuf, Vec<u8>, std::time::SystemTime)> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<_> = entries
        .map(|path| {
            let modified = fs::metadata(&path).unwrap().modified().unwrap();
            let content = fs::read(&path).unwrap();
            (path, content, modified)
        })
        .collect();
    all.sort();
    all
}

#[test]
fn apps_that_trust_the_official_desktop_connect_at_once() {
    let (ca, clock) = (Ca::shared(), Clock::now());
    for key in [&ca.key, &pkcs1(&ca.key)] {
        let dir = temp::dir();
        let certs = official(dir.path(), ca, key);
        let untouched = snapshot(&certs);
        let state = dir.path().join("desktop");
        let authority = adopt(&state, &certs, &clock, None).unwrap();
        assert_adopted(&authority, ca, &clock);
        let first = snapshot(&state);

        // The flag stays on the command line.
        let again = adopt(&state, &certs, &clock, None).unwrap();
        assert_eq!(again.chain(), authority.chain());
        assert_eq!(snapshot(&state), first, "adopting it once more changed something");
        assert_adopted(&open_failing(&state, &clock, fail_after(usize::MAX, false).0).unwrap(), ca, &clock);
        assert_eq!(snapshot(&certs), untouched);
        // Its own key is as good as ever, whatever the CA's is.
        let server = PrivateKey::from_pem(&fs::read(state.join("server.key")).unwrap()).unwrap();
        assert_eq!(server.algorithm(), KeyAlgorithm::EcdsaP256);
    }
}

#[test]
fn the_apps_of_the_ca_before_are_let_in_until_their_certificates_expire() {
    let (dir, ca, clock) = (temp::dir(), Ca::shared(), Clock::now());
    let state = dir.path().join("desktop");
    let own = open_failing(&state, &clock, fail_after(usize::MAX, false).0).unwrap();
    let member = Member::of(&own, APP_ID);
    let adopted = adopt(&state, &official(dir.path(), ca, &ca.key), &clock, None).unwrap();
    assert_adopted(&adopted, ca, &clock);
    member.connect(&adopted, &clock).assert_connected();
    // And away from it again.
    let (_app, credentials) = App::of(ca);
    adopted.rotate().unwrap();
    let refused = connect(client_config_at(&credentials, clock.as_provider()), adopted.server_config());
    refused.refused_by_app();
    member.connect(&adopted, &clock).assert_connected();
}

#[test]
fn what_cannot_be_adopted_is_named_and_nothing_is_changed() {
    let (ca, clock) = (Ca::shared(), Clock::now());
    let dir = temp::dir();
    let certs = official(dir.path(), ca, &ca.key);
    let state = dir.path().join("desktop");
    open_failing(&state, &clock, fail_after(usize::MAX, false).0).unwrap();
    let before = snapshot(&state);
    let weak = openssl::key(openssl::Kind::Rsa(1024));
    let cases: [(&str, Option<&str>, AuthorityErrorKind); 7] = [
        ("ca.key", None, AuthorityErrorKind::NothingToAdopt),
        ("ca.crt", None, AuthorityErrorKind::NothingToAdopt),
        ("ca.key", Some("garbage"), AuthorityErrorKind::CannotAdopt(KeyError::NotPem)),
        ("ca.key", Some(&weak), AuthorityErrorKind::CannotAdopt(KeyError::RsaTooSmall { bits: 1024 })),
        ("ca.crt", Some("garbage"), AuthorityErrorKind::CannotAdoptCertificate),
        ("ca.crt", Some(&Ca::other().certificate), AuthorityErrorKind::CannotAdoptCertificate),
        ("ca.key", Some(&Ca::other().key), AuthorityErrorKind::CannotAdoptCertificate),
    ];
    for (name, content, kind) in cases {
        let path = certs.join(name);
        let whole = fs::read(&path).unwrap();
        match content {
            Some(content) => fs::write(&path, content).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let error = adopt(&state, &certs, &clock, None).unwrap_err();
        assert_eq!(*error.kind(), kind, "{name} {content:?}");
        assert_eq!(error.path().parent(), Some(&*certs));
        let text = error.to_string();
        assert!(text.contains(certs.to_str().unwrap()) && !text.contains("remove both"), "{text}");
        assert_eq!(snapshot(&state), before);
        fs::write(&path, whole).unwrap();
    }
}

#[test]
fn a_crash_at_any_moment_heals_and_the_next_time_it_is_adopted() {
    let (ca, clock) = (Ca::shared(), Clock::now());
    let key = pkcs1(&ca.key);
    let (_app, credentials) = App::of(ca);
    for has_own in [false, true] {
        for count in 0.. {
            let dir = temp::dir();
            let certs = official(dir.path(), ca, &key);
            let state = dir.path().join("desktop");
            let member = has_own
                .then(|| Member::of(&open_failing(&state, &clock, fail_after(usize::MAX, false).0).unwrap(), APP_ID));
            let (faults, seen) = fail_after(count, false);
            let result = adopt(&state, &certs, &clock, Some(faults));
            if seen.load(Ordering::Relaxed) <= count {
                assert!(count > 25, "the faults were not asked");
                result.unwrap();
                break;
            }
            result.expect_err("a desktop that could not write");
            // Without the flag, it is the old CA or the adopted one.
            let healed = open_failing(&state, &clock, fail_after(usize::MAX, false).0).unwrap();
            Member::of(&healed, APP_ID).connect(&healed, &clock).assert_connected();
            if fs::read_to_string(state.join("ca.key")).unwrap().contains("RSA") {
                assert_adopted(&healed, ca, &clock);
            }
            let adopted = adopt(&state, &certs, &clock, None).unwrap();
            assert_connects(&credentials, &adopted, &clock);
            if let Some(member) = member {
                member.connect(&adopted, &clock).assert_connected();
            }
        }
    }
}
