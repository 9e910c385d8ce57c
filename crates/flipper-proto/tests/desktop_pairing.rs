//! Proofs of a pairing on the exchange port: who is locked out by wrong ones, and for how long.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that fails panics")]

mod desk;

use std::time::Duration;

use flipper_proto::desktop::{
    Admission, Channel, Config, Event, ExchangeRequest, Grant, Judgement, Rate, Upgrade, Verdict,
};
use flipper_proto::{Bundle, ConnId, Medium, PairingProof, ProtocolError};

use self::desk::Desk;

const TARGET: &str = "/?os=Linux&device=box&device_id=unknown&app=A&app_id=com.a&medium=2";
const MINUTE: Duration = Duration::from_secs(60);

/// A desktop to which nobody asks too fast.
fn desk() -> Desk {
    let mut config = Config::new();
    config.exchange_rate = Rate { per_second: 1_000, burst: 10_000 };
    config.connection_exchange_rate = config.exchange_rate;
    config.timing.exchange_idle = Duration::from_secs(24 * 60 * 60);
    Desk::with(config)
}

fn connect(desk: &mut Desk, peer: &str) -> ConnId {
    let peer = peer.parse().unwrap();
    let upgrade = Upgrade { target: TARGET, host: Some("localhost"), origin: None, peer };
    match desk.upgrade(Channel::Insecure, upgrade) {
        Admission::Accept(conn) => {
            desk.writable(conn, 1 << 20);
            conn
        }
        refused => panic!("{refused:?}"),
    }
}

fn sign(id: &str) -> String {
    format!(
        r#"{{"method":"signCertificate","csr":"PEM","destination":"/d/","medium":2,"pairing":{{"id":"{id}","nonce":"n","proof":"p"}}}}"#
    )
}

/// A request with the proof of this pairing, if it is not refused at once.
fn request(desk: &mut Desk, conn: ConnId, id: &str) -> Option<ExchangeRequest> {
    desk.message(conn, &sign(id));
    match desk.events().as_slice() {
        [Event::ExchangeRequested(request)] => Some(request.clone()),
        [] => None,
        events => panic!("{events:?}"),
    }
}

fn judge(desk: &mut Desk, request: &ExchangeRequest, verdict: Verdict) -> Judgement {
    let judgement = desk.desktop.judge_proof(request, verdict, desk.now);
    desk.drain();
    judgement
}

/// A request from this address, and what follows from the verdict. `None` where it was refused unread.
fn attempt(desk: &mut Desk, peer: &str, id: &str, verdict: Verdict) -> Option<Judgement> {
    let conn = connect(desk, peer);
    let request = request(desk, conn, id);
    let judgement = request.map(|request| judge(desk, &request, verdict));
    desk.actions();
    desk.closed(conn);
    judgement
}

fn lock(desk: &mut Desk, peer: &str, id: &str) -> Duration {
    for tries_left in [2, 1] {
        assert_eq!(attempt(desk, peer, id, Verdict::Wrong), Some(Judgement::Refused { tries_left }));
        assert_eq!(desk.events(), []);
    }
    let Some(Judgement::Locked { wait }) = attempt(desk, peer, id, Verdict::Wrong) else { panic!("no lock") };
    match desk.event() {
        Event::PairingLocked { peer: told, id: named, wait: told_wait } => {
            assert_eq!((&*told, named.as_str(), told_wait), (peer, id, wait));
        }
        event => panic!("{event:?}"),
    }
    wait
}

#[test]
fn a_proof_is_handed_out_with_its_request_and_the_bundle_with_the_answer() {
    let mut desk = desk();
    let conn = connect(&mut desk, "10.0.0.1:1");
    let request = request(&mut desk, conn, "a").unwrap();
    assert_eq!(request.medium, Medium::Www);
    assert_eq!(request.pairing, Some(PairingProof { id: "a".into(), nonce: "n".into(), proof: "p".into() }));
    assert_eq!(judge(&mut desk, &request, Verdict::Right), Judgement::Accepted);
    let bundle = Bundle { ca: "CA".into(), certificate: "C".into(), proof: Some("P".into()) };
    desk.desktop.finish_exchange(request.exchange, Ok(Grant::new("d").with_bundle(bundle)), desk.now).unwrap();
    desk.drain();
    assert_eq!(desk.sent(conn), [r#"{"deviceId":"d","bundle":{"ca":"CA","certificate":"C","proof":"P"}}"#]);
    assert_eq!(desk.desktop.counters().wrong_proofs, 0);
}

#[test]
fn a_proof_of_another_shape_is_told() {
    let mut desk = desk();
    let conn = connect(&mut desk, "10.0.0.1:1");
    for pairing in ["1", "[]", r#"{"id":"a"}"#, r#"{"id":1,"nonce":"n","proof":"p"}"#] {
        desk.message(conn, &format!(r#"{{"method":"signCertificate","csr":"","destination":"","pairing":{pairing}}}"#));
        assert_eq!(desk.misbehaviour(), ProtocolError::WrongType("pairing"));
    }
    desk.actions();
}

#[test]
fn three_wrong_proofs_lock_a_pairing_for_a_minute() {
    let mut desk = desk();
    assert_eq!(lock(&mut desk, "10.0.0.1:1", "a"), MINUTE);
    desk.advance(59_999);
    // From another port of the same machine, and refused before anybody looks at it.
    let conn = connect(&mut desk, "10.0.0.1:2");
    assert_eq!(request(&mut desk, conn, "a"), None);
    let refusal = desk.sent(conn).remove(0);
    assert!(refusal.contains(r#""name":"PairingLocked""#) && refusal.contains("for 1 s"), "{refusal}");
    desk.advance(1);
    assert_eq!(attempt(&mut desk, "10.0.0.1:1", "a", Verdict::Right), Some(Judgement::Accepted));
    let counters = desk.desktop.counters();
    assert_eq!((counters.wrong_proofs, counters.locked_exchanges), (3, 1));
}

#[test]
fn a_lock_is_no_other_addresses_and_no_other_pairings() {
    let mut desk = desk();
    lock(&mut desk, "10.0.0.1:1", "a");
    for (peer, id) in [("10.0.0.2:1", "a"), ("[2001:db8::1]:1", "a"), ("10.0.0.1:1", "b")] {
        assert_eq!(attempt(&mut desk, peer, id, Verdict::Right), Some(Judgement::Accepted), "{peer} {id}");
    }
    assert_eq!(attempt(&mut desk, "[::ffff:10.0.0.1]:1", "a", Verdict::Right), None, "the same address");
}

#[test]
fn a_network_of_ipv6_counts_as_one_address() {
    let mut desk = desk();
    for host in 1..=3 {
        attempt(&mut desk, &format!("[2001:db8:0:1::{host}]:1"), "a", Verdict::Wrong);
    }
    desk.event();
    assert_eq!(attempt(&mut desk, "[2001:db8:0:1:ffff::9]:1", "a", Verdict::Right), None);
    assert_eq!(attempt(&mut desk, "[2001:db8:0:2::1]:1", "a", Verdict::Right), Some(Judgement::Accepted));
}

#[test]
fn every_further_lock_lasts_twice_as_long_up_to_a_quarter_of_an_hour() {
    let mut desk = desk();
    for minutes in [1, 2, 4, 8, 15, 15] {
        assert_eq!(lock(&mut desk, "10.0.0.1:1", "a"), MINUTE * minutes);
        // What is refused meanwhile changes nothing.
        for _ in 0..10 {
            assert_eq!(attempt(&mut desk, "10.0.0.1:1", "a", Verdict::Wrong), None);
        }
        desk.advance(u64::from(minutes) * 60_000);
    }
}

#[test]
fn wrong_proofs_are_forgotten_after_a_right_one_and_after_a_quarter_of_an_hour() {
    let mut desk = desk();
    for forget in [true, false] {
        for _ in 0..2 {
            attempt(&mut desk, "10.0.0.1:1", "a", Verdict::Wrong);
        }
        if forget {
            desk.advance(15 * 60_000);
        } else {
            assert_eq!(attempt(&mut desk, "10.0.0.1:1", "a", Verdict::Right), Some(Judgement::Accepted));
        }
        assert_eq!(
            attempt(&mut desk, "10.0.0.1:1", "a", Verdict::Wrong),
            Some(Judgement::Refused { tries_left: 2 }),
            "{forget}"
        );
        desk.advance(15 * 60_000);
    }
}

#[test]
fn many_guesses_at_once_are_no_more_than_three() {
    let mut desk = desk();
    let conn = connect(&mut desk, "10.0.0.1:1");
    let requests: Vec<_> = (0..10).map(|_| request(&mut desk, conn, "a").unwrap()).collect();
    let judged: Vec<_> = requests[..3].iter().map(|request| judge(&mut desk, request, Verdict::Wrong)).collect();
    assert!(matches!(judged[2], Judgement::Locked { .. }), "{judged:?}");
    desk.event();
    // The one that would have been right came too late.
    assert_eq!(judge(&mut desk, &requests[3], Verdict::Right), Judgement::Locked { wait: MINUTE });
    assert_eq!(desk.desktop.counters().wrong_proofs, 3);
}

#[test]
fn whoever_leaves_before_the_verdict_is_counted_all_the_same() {
    let mut desk = desk();
    for _ in 0..3 {
        let conn = connect(&mut desk, "10.0.0.1:1");
        let request = request(&mut desk, conn, "a").unwrap();
        desk.closed(conn);
        judge(&mut desk, &request, Verdict::Wrong);
    }
    desk.event();
    assert_eq!(attempt(&mut desk, "10.0.0.1:1", "a", Verdict::Right), None);
}

#[test]
fn pairings_that_there_are_not_lock_each_other_and_no_real_one() {
    let mut desk = desk();
    for id in ["x", "y", "z"] {
        attempt(&mut desk, "10.0.0.1:1", id, Verdict::Unknown);
    }
    desk.event();
    let locked = attempt(&mut desk, "10.0.0.1:1", "w", Verdict::Unknown);
    assert!(matches!(locked, Some(Judgement::Locked { .. })), "{locked:?}");
    assert_eq!(attempt(&mut desk, "10.0.0.1:1", "a", Verdict::Right), Some(Judgement::Accepted));
}

#[test]
fn what_is_remembered_is_bounded() {
    let mut desk = desk();
    for network in 0..3_000_u32 {
        let peer = format!("[2001:db8:{:x}:{:x}::1]:1", network >> 8, network & 0xff);
        for _ in 0..2 {
            attempt(&mut desk, &peer, "a", Verdict::Wrong);
        }
        desk.advance(1);
    }
    // The first have been forgotten, the last have not.
    let judged = |desk: &mut Desk, peer| attempt(desk, peer, "a", Verdict::Wrong);
    assert_eq!(judged(&mut desk, "[2001:db8:0:0::1]:1"), Some(Judgement::Refused { tries_left: 2 }));
    assert!(matches!(judged(&mut desk, "[2001:db8:b:b7::1]:1"), Some(Judgement::Locked { .. })));
    desk.events();
}

#[test]
fn a_locked_address_uses_up_nobody_elses_turn() {
    let mut config = Config::new();
    config.exchange_rate = Rate { per_second: 0, burst: 4 };
    config.connection_exchange_rate = Rate { per_second: 1_000, burst: 10_000 };
    let mut desk = Desk::with(config);
    lock(&mut desk, "10.0.0.1:1", "a");
    for _ in 0..10 {
        assert_eq!(attempt(&mut desk, "10.0.0.1:1", "a", Verdict::Wrong), None);
    }
    assert_eq!(attempt(&mut desk, "10.0.0.2:1", "a", Verdict::Right), Some(Judgement::Accepted));
}
