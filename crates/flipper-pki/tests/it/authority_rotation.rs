//! Another CA in the place of the old one.

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;

use flipper_pki::{Authority, AuthorityConfig, CertificateFacts, StoredCertificate, classify, client_config_at};
use flipper_proto::TlsFailure;

use crate::support::apps::{APP_ID, App, Member};
use crate::support::clock::{Clock, DAY};
use crate::support::faults::{fail_after, open_failing};
use crate::support::handshake::connect;
use crate::support::temp;

fn open(dir: &Path, clock: &Clock) -> Authority {
    open_failing(dir, clock, fail_after(usize::MAX, false).0).unwrap()
}

fn in_memory(clock: &Clock) -> Authority {
    let mut config = AuthorityConfig::default();
    config.clock = clock.as_provider();
    Authority::in_memory(config).unwrap()
}

fn laid_aside(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("previous-")).collect()
}

/// Old certificates are accepted, old trust is disappointed, and an exchange repairs that.
fn rotates(authority: &Authority, clock: &Clock) {
    let app = App::new();
    let credentials = app.exchange_with(authority, "");
    let member = Member::of(authority, APP_ID);
    let before = authority.ca_pem();

    authority.rotate().unwrap();

    assert_ne!(authority.ca_pem(), before);
    let refused = connect(client_config_at(&credentials, clock.as_provider()), authority.server_config());
    // At which an app exchanges certificates at once.
    assert_eq!(classify(&refused.refused_by_app()), TlsFailure::UnknownCa);
    member.connect(authority, clock).assert_connected();
    let credentials = app.exchange_with(authority, "");
    connect(client_config_at(&credentials, clock.as_provider()), authority.server_config()).assert_connected();

    clock.advance(366 * DAY);
    let refused = member.connect(authority, clock).refused_by_desktop();
    assert_eq!(classify(&refused), TlsFailure::Expired);
}

#[test]
fn certificates_of_the_old_ca_are_good_until_they_expire() {
    let clock = Clock::now();
    rotates(&in_memory(&clock), &clock);
    let dir = temp::dir();
    rotates(&open(dir.path(), &clock), &clock);
}

#[test]
fn it_lasts_and_keeps_no_old_key() {
    let (dir, clock) = (temp::dir(), Clock::now());
    let authority = open(dir.path(), &clock);
    let old_key = fs::read_to_string(dir.path().join("ca.key")).unwrap();
    let (first, old_ca) = (Member::of(&authority, "com.example.first"), authority.chain()[1].clone());
    authority.rotate().unwrap();
    let second = Member::of(&authority, "com.example.second");
    authority.rotate().unwrap();

    let reopened = open(dir.path(), &clock);
    assert_eq!(reopened.chain(), authority.chain());
    for member in [&first, &second] {
        member.connect(&reopened, &clock).assert_connected();
    }
    assert_eq!(laid_aside(dir.path()).len(), 2);
    for entry in fs::read_dir(dir.path()).unwrap() {
        let content = fs::read_to_string(entry.unwrap().path()).unwrap();
        assert_ne!(content, old_key);
    }
    let inspection = Authority::inspect(dir.path()).unwrap();
    assert_eq!((inspection.previous.len(), &inspection.problem), (2, &None));
    let old = CertificateFacts::of(&old_ca).unwrap();
    assert!(inspection.previous.iter().any(|(facts, _)| *facts == old));
    let StoredCertificate::There(ca) = inspection.ca else { panic!("{inspection:?}") };
    assert_eq!(Some(ca), CertificateFacts::of(&reopened.chain()[1]));

    // When nothing of theirs can be valid any more, they are forgotten.
    clock.advance(366 * DAY);
    drop(open(dir.path(), &clock));
    assert_eq!(laid_aside(dir.path()), Vec::<String>::new());
}

#[test]
fn a_desktop_that_runs_follows_another_process() {
    let (dir, clock) = (temp::dir(), Clock::now());
    let (running, other) = (open(dir.path(), &clock), open(dir.path(), &clock));
    let config = running.server_config();
    let old = Member::of(&running, APP_ID);
    other.rotate().unwrap();

    // What it issues then is the new CA's, even if nobody has connected meanwhile.
    let app = App::new();
    let credentials = app.exchange_with(&running, "");
    connect(client_config_at(&credentials, clock.as_provider()), config).assert_connected();
    assert_eq!(running.chain(), other.chain());
    old.connect(&running, &clock).assert_connected();
    assert!(!running.renew_if_due().unwrap());
}

#[test]
fn a_desktop_that_runs_waits_until_another_process_is_done() {
    let (dir, clock) = (temp::dir(), Clock::now());
    let running = open(dir.path(), &clock);
    let member = Member::of(&running, APP_ID);
    let before = running.chain();
    for (name, content) in [("ca.crt", "half"), ("revoked.json", "[")] {
        let path = dir.path().join(name);
        let whole = fs::read(&path).ok();
        fs::write(&path, content).unwrap();
        member.connect(&running, &clock).assert_connected();
        assert_eq!(running.chain(), before);
        match whole {
            Some(whole) => fs::write(&path, whole).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
    }
    member.connect(&running, &clock).assert_connected();
}

#[test]
fn a_crash_at_any_moment_leaves_one_ca_or_the_other() {
    let clock = Clock::now();
    let (mut old, mut new) = (0, 0);
    for only_one in [false, true] {
        for count in 0.. {
            let dir = temp::dir();
            let before = open(dir.path(), &clock);
            let member = Member::of(&before, APP_ID);
            // The accesses of opening it come first.
            let opening = {
                let (faults, seen) = fail_after(usize::MAX, false);
                open_failing(dir.path(), &clock, faults).unwrap();
                seen.load(Ordering::Relaxed)
            };
            let (faults, seen) = fail_after(opening + count, only_one);
            let failing = open_failing(dir.path(), &clock, faults).unwrap();
            let result = failing.rotate();
            if seen.load(Ordering::Relaxed) <= opening + count {
                assert!(count > 20, "the faults were not asked");
                result.unwrap();
                break;
            }
            if let Err(error) = &result {
                assert!(error.to_string().contains(&dir.path().display().to_string()), "{error}");
            }
            // The desktop that failed goes on as well, with one of them: which, it may notice at a handshake only.
            drop(member.connect(&failing, &clock));
            member.connect(&failing, &clock).assert_connected();

            let healed = open(dir.path(), &clock);
            if healed.chain() == before.chain() {
                old += 1
            } else {
                new += 1
            }
            member.connect(&healed, &clock).assert_connected();
            Member::of(&healed, APP_ID).connect(&healed, &clock).assert_connected();
            assert_eq!(open(dir.path(), &clock).chain(), healed.chain());
            let kept = usize::from(healed.chain() != before.chain());
            assert_eq!(laid_aside(dir.path()).len(), kept, "after {count}");
            let names = fs::read_dir(dir.path()).unwrap().count();
            assert_eq!(names, 5 + kept, "after {count}: something was left over");
        }
    }
    assert!(old > 5 && new > 5, "{old} {new}");
}
