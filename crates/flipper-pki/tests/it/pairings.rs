//! Links, and the file of a desktop's pairings.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use flipper_pki::{
    DiskFaults, LinkError, PairedRequest, PairingLink, PairingRefusal, PairingSecret, PairingState, Pairings,
    PairingsError,
};
use flipper_proto::{Bundle, Medium, PairingProof, WallTime};

use crate::support::temp;

const NOW: u64 = 1_700_000_000_000;

fn at(millis: u64) -> WallTime {
    WallTime::from_unix_millis(millis)
}

fn request(timestamp: u64) -> PairedRequest<'static> {
    PairedRequest { csr: "CSR", device: "box", medium: Medium::Www, timestamp: at(timestamp) }
}

fn names(dir: &Path) -> BTreeSet<String> {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn secret_text(secret: &PairingSecret) -> String {
    let link = PairingLink { host: "a".into(), insecure_port: 1, secure_port: 2, secret: secret.clone() };
    link.to_url().split("secret=").nth(1).unwrap().to_owned()
}

#[test]
fn a_link_comes_back_from_its_text() {
    for host in ["localhost", "192.168.1.20", "fe80::1", "box.local", "a-b.example"] {
        let secret = PairingSecret::generate().unwrap();
        let link = PairingLink { host: host.to_owned(), insecure_port: 9089, secure_port: 1, secret };
        let url = link.to_url();
        assert_eq!(PairingLink::parse(&format!(" {url}\n")), Ok(link));
        assert_eq!(PairingLink::parse(&format!("{url}&later=1")).unwrap().to_url(), url);
    }
}

#[test]
fn a_text_that_is_no_link_is_refused_without_being_shown() {
    let good = "flipper://pair?v=1&host=a&ports=1,2&id=e0f7b247d96e4bfe&secret=AAECAwQFBgcICQoLDA0ODw";
    assert!(PairingLink::parse(good).is_ok());
    for (from, to, error) in [
        ("flipper://pair?", "https://pair?", LinkError::NotALink),
        ("v=1&", "", LinkError::Missing("v")),
        ("v=1", "v=2", LinkError::OtherVersion),
        ("host=a&", "", LinkError::Missing("host")),
        ("host=a", "host=", LinkError::Invalid("host")),
        ("host=a", "host=a/b", LinkError::Invalid("host")),
        ("host=a", "host=a:80", LinkError::Invalid("host")),
        ("host=a", "host=%ff", LinkError::Invalid("host")),
        ("host=a", "host=a&host=b", LinkError::Duplicate("host")),
        ("ports=1,2", "ports=1", LinkError::Invalid("ports")),
        ("ports=1,2", "ports=0,2", LinkError::Invalid("ports")),
        ("ports=1,2", "ports=1,70000", LinkError::Invalid("ports")),
        ("id=e0f7b247d96e4bfe&", "", LinkError::Missing("id")),
        ("&secret=AAECAwQFBgcICQoLDA0ODw", "", LinkError::Missing("secret")),
        ("DA0ODw", "DA0O", LinkError::Invalid("secret")),
        ("secret=AAEC", "secret=AAED", LinkError::Damaged),
        ("host=a", &format!("host={}", "a".repeat(2_000)), LinkError::NotALink),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_eq!(PairingLink::parse(&bad), Err(error), "{bad}");
        assert!(!error.to_string().contains("AAEC"));
    }
}

#[test]
fn secrets_are_in_no_debug_text() {
    let secret = PairingSecret::generate().unwrap();
    let text = secret_text(&secret);
    let link = PairingLink { host: "a".into(), insecure_port: 1, secure_port: 2, secret: secret.clone() };
    let pairings = Pairings::in_memory();
    let (pairing, made) = pairings.create("a", None, at(NOW)).unwrap();
    let proof = made.prove(&request(NOW)).unwrap();
    let paired = pairings.check(&request(NOW), &proof, at(NOW)).unwrap();
    let shown = format!("{secret:?} {link:?} {pairings:?} {pairing:?} {paired:?}");
    assert!(!shown.contains(&text) && !shown.contains(&secret_text(&made)), "{shown}");
}

#[test]
fn what_one_process_makes_another_one_knows() {
    let dir = temp::dir();
    let (desktop, command) = (Pairings::open(dir.path().join("desktop")), Pairings::open(dir.path().join("desktop")));
    assert_eq!(desktop.list(at(NOW)).unwrap(), []);
    let (pairing, secret) = command.create("Ann's\nboard", Some(Duration::from_secs(60)), at(NOW)).unwrap();
    assert_eq!((pairing.name.as_str(), pairing.expires), ("Ann'sboard", Some(at(NOW + 60_000))));
    assert_eq!(desktop.list(at(NOW)).unwrap(), std::slice::from_ref(&pairing));

    let proof = secret.prove(&request(NOW)).unwrap();
    let paired = desktop.check(&request(NOW), &proof, at(NOW + 1)).unwrap();
    assert_eq!((paired.id(), paired.name()), (&*pairing.id, "Ann'sboard"));
    let used = &command.list(at(NOW + 60_000)).unwrap()[0];
    assert_eq!((used.uses, used.last_used, used.state), (1, Some(at(NOW + 1)), PairingState::Expired));
}

#[test]
fn a_bundle_is_for_one_request_only() {
    let pairings = Pairings::in_memory();
    let (_, secret) = pairings.create("a", None, at(NOW)).unwrap();
    let proof = secret.prove(&request(NOW)).unwrap();
    let paired = pairings.check(&request(NOW), &proof, at(NOW)).unwrap();
    let bundle = paired.bundle("d", "CA", "C");
    assert!(secret.accepts_bundle(&proof, "CSR", "d", &bundle));
    let other = PairingProof { nonce: secret.prove(&request(NOW)).unwrap().nonce, ..proof.clone() };
    assert!(!secret.accepts_bundle(&other, "CSR", "d", &bundle));
    assert!(!secret.accepts_bundle(&proof, "CSR2", "d", &bundle));
    // Fields that only look alike when they are put together are others.
    assert!(!secret.accepts_bundle(&proof, "CSR", "dC", &Bundle { ca: "A".into(), ..bundle.clone() }));
    assert!(!secret.accepts_bundle(&proof, "CSR", "d", &Bundle { proof: proof.proof.clone().into(), ..bundle }));
}

#[test]
fn a_request_is_taken_once_within_the_tolerance_and_never_outside() {
    let pairings = Pairings::in_memory();
    let (_, secret) = pairings.create("a", None, at(NOW)).unwrap();
    let tolerance = u64::try_from(Pairings::CLOCK_TOLERANCE.as_millis()).unwrap();
    for timestamp in [NOW - tolerance, NOW, NOW + tolerance] {
        let proof = secret.prove(&request(timestamp)).unwrap();
        assert!(pairings.check(&request(timestamp), &proof, at(NOW)).is_ok());
        let mut later = NOW;
        while later <= timestamp + tolerance {
            let again = pairings.check(&request(timestamp), &proof, at(later));
            assert_eq!(again.unwrap_err(), PairingRefusal::Replayed, "{timestamp} at {later}");
            later += 60_000;
        }
        let again = pairings.check(&request(timestamp), &proof, at(timestamp + tolerance + 1));
        assert!(matches!(again, Err(PairingRefusal::ClockSkew { .. })), "{again:?}");
    }
}

#[test]
fn a_pairing_that_asks_without_end_is_refused() {
    let pairings = Pairings::in_memory();
    let (_, secret) = pairings.create("a", None, at(NOW)).unwrap();
    let mut refused = None;
    for _ in 0..2_000 {
        let proof = secret.prove(&request(NOW)).unwrap();
        if let Err(refusal) = pairings.check(&request(NOW), &proof, at(NOW)) {
            refused = Some(refusal);
            break;
        }
    }
    assert_eq!(refused, Some(PairingRefusal::TooOften));
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = temp::dir();
    let home = dir.path().join("desktop");
    let pairings = Pairings::open(&home);
    pairings.create("a", None, at(NOW)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let file = home.join("pairings.json");
    assert_eq!((mode(&home), mode(&file)), (0o700, 0o600));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    pairings.list(at(NOW)).unwrap();
    assert_eq!(mode(&file), 0o600);
}

#[test]
fn a_file_that_cannot_be_read_is_put_aside_and_nobody_is_paired() {
    let dir = temp::dir();
    let pairings = Pairings::open(dir.path());
    let (_, secret) = pairings.create("a", None, at(NOW)).unwrap();
    let file = dir.path().join("pairings.json");
    let whole = fs::read(&file).unwrap();
    for damaged in [&b""[..], &whole[..whole.len() - 3], b"[]", b"\xff", b"{\"version\":1}"] {
        fs::write(&file, damaged).unwrap();
        let proof = secret.prove(&request(NOW)).unwrap();
        let refusal = pairings.check(&request(NOW), &proof, at(NOW)).unwrap_err();
        assert!(matches!(refusal, PairingRefusal::Unknown(_)), "{refusal}");
        assert_eq!(fs::read(pairings.set_aside().unwrap()).unwrap(), damaged);
        pairings.create("b", None, at(NOW)).unwrap();
    }
    fs::write(&file, r#"{"version":2,"pairings":"other"}"#).unwrap();
    assert_eq!(pairings.list(at(NOW)), Err(PairingsError::Newer(file.clone())));
    assert!(file.exists(), "what a later version wrote is not this one's to move");
}

#[test]
fn a_secret_in_the_file_that_is_none_is_nobodys() {
    let dir = temp::dir();
    let pairings = Pairings::open(dir.path());
    let (_, secret) = pairings.create("a", None, at(NOW)).unwrap();
    let file = dir.path().join("pairings.json");
    let text = fs::read_to_string(&file).unwrap();
    for bad in ["", "AA"] {
        fs::write(&file, text.replace(&secret_text(&secret), bad)).unwrap();
        let proof = secret.prove(&request(NOW)).unwrap();
        assert_eq!(pairings.check(&request(NOW), &proof, at(NOW)).unwrap_err(), PairingRefusal::WrongProof);
    }
}

/// Killed or full at every access to the disk: what was there before is there after, or the change is whole.
#[test]
fn a_disk_that_fails_anywhere_loses_no_pairing() {
    let dir = temp::dir();
    let healthy = Pairings::open(dir.path());
    let (first, secret) = healthy.create("first", None, at(NOW)).unwrap();
    for bad in 0.. {
        let accesses = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&accesses);
        let failing = Pairings::open_with_disk_faults(
            dir.path(),
            DiskFaults::new(move |_, _| match counted.fetch_add(1, Ordering::SeqCst) {
                at if at == bad => Err(io::ErrorKind::StorageFull.into()),
                _ => Ok(()),
            }),
        );
        let made = failing.create("second", None, at(NOW));
        let listed = healthy.list(at(NOW)).unwrap();
        assert_eq!(listed[0].id, first.id);
        if let Ok((second, _)) = &made {
            assert!(listed.contains(second), "{bad}");
        } else {
            let error = made.unwrap_err();
            assert!(matches!(&error, PairingsError::Disk { .. }), "{error}");
            assert!(error.to_string().contains(&dir.path().display().to_string()), "{error}");
        }
        if accesses.load(Ordering::SeqCst) <= bad {
            break;
        }
    }
    // What cannot be written down is not taken.
    let full = Pairings::open_with_disk_faults(
        dir.path(),
        DiskFaults::new(|access, _| match access {
            flipper_pki::DiskAccess::Write => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }),
    );
    let proof = secret.prove(&request(NOW)).unwrap();
    assert!(matches!(full.check(&request(NOW), &proof, at(NOW)), Err(PairingRefusal::Pairings(_))));
    assert!(healthy.check(&request(NOW), &proof, at(NOW)).is_ok());
    assert!(names(dir.path()).iter().all(|name| !name.starts_with(".tmp-")), "{:?}", names(dir.path()));
}

#[test]
fn two_processes_take_turns() {
    let dir = temp::dir();
    let path = dir.path().to_owned();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let pairings = Pairings::open(&path);
            thread::spawn(move || {
                for _ in 0..5 {
                    pairings.create("a", None, at(NOW)).unwrap();
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(Pairings::open(&path).list(at(NOW)).unwrap().len(), 20);
}

#[test]
fn pairings_that_are_over_make_room() {
    let pairings = Pairings::in_memory();
    let ids: Vec<_> = (0..Pairings::MAX).map(|_| pairings.create("a", None, at(NOW)).unwrap().0.id).collect();
    let full = pairings.create("a", None, at(NOW)).unwrap_err();
    assert_eq!(full, PairingsError::TooMany { max: Pairings::MAX });
    pairings.revoke(&ids[7], at(NOW)).unwrap();
    pairings.create("new", None, at(NOW)).unwrap();
    let listed = pairings.list(at(NOW)).unwrap();
    assert_eq!(listed.len(), Pairings::MAX);
    assert!(listed.iter().all(|pairing| pairing.id != ids[7]));
    assert!(matches!(pairings.revoke(&ids[7], at(NOW)), Err(PairingsError::Unknown(_))));
}
