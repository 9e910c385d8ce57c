//! Connections that end, or dribble, at every stage of their beginning.

use std::time::Duration;

use flipper_client::plugin;
use flipper_proto::client::State;
use flipper_sim::{Fault, FaultKind, Place, Plan, RecordPart};

use crate::rig::{App, Rig, client, secs};

/// What an app has to do, whatever happens to its first two connections.
fn assert_gets_there(rig: &Rig, what: impl std::fmt::Debug) -> App {
    rig.run(async {
        let desktop = rig.desktop().await;
        let mut events = desktop.events();
        let app = rig.launch(rig.builder().plugin(plugin("P").background().build()));
        app.connection("P").send("hello", &[1]).unwrap();
        let session = client(&desktop, &mut events);
        assert!(rig.app.within(secs(30), session).await.is_some(), "{what:?}: {:?}", app.status());
        // Both ends agree, and do so still when a second has passed.
        rig.pass(secs(1)).await;
        assert_eq!(app.status().state, State::Connected { unresponsive: false }, "{what:?}");
        let clients = desktop.clients();
        assert_eq!(clients.len(), 1, "{what:?}");
        assert!(clients[0].initialised.contains("P"), "{what:?}");
        assert_eq!(app.connection("P").waiting(), 0, "{what:?}");
        app
    })
}

/// One fault on the connection of this number, there or back.
fn with_fault(number: u64, up: bool, fault: Fault) -> Rig {
    let rig = Rig::new();
    rig.sim.plan(move |dial, _| {
        let mut plan = Plan::default();
        if dial.number == number {
            if up { plan.up.push(fault) } else { plan.down.push(fault) }
        }
        plan
    });
    rig
}

const EXCHANGE: u64 = 0;
const SESSION: u64 = 1;

#[test]
fn an_exchange_that_ends_at_any_byte_is_made_again() {
    for at in (0..2_000).step_by(61) {
        for up in [false, true] {
            for kind in [FaultKind::Reset, FaultKind::Eof] {
                let fault = Fault { at: Place::Byte(at), kind };
                assert_gets_there(&with_fault(EXCHANGE, up, fault), fault);
            }
        }
    }
}

#[test]
fn a_session_that_ends_at_any_record_is_opened_again() {
    for number in 0..12 {
        for part in [RecordPart::Start, RecordPart::Middle, RecordPart::End] {
            for up in [false, true] {
                for kind in [FaultKind::Reset, FaultKind::Eof] {
                    let fault = Fault { at: Place::Record { number, part }, kind };
                    assert_gets_there(&with_fault(SESSION, up, fault), fault);
                }
            }
        }
    }
}

#[test]
fn what_arrives_byte_by_byte_arrives() {
    for number in [EXCHANGE, SESSION] {
        for up in [false, true] {
            let kind = FaultKind::Dribble { bytes: u64::MAX, piece: 1, every: Duration::from_micros(10) };
            let rig = with_fault(number, up, Fault { at: Place::Byte(0), kind });
            assert_gets_there(&rig, kind);
            assert_eq!(rig.sim.injected().dialled, 2, "nothing was given up");
        }
    }
}

#[test]
fn what_arrives_in_large_pieces_arrives() {
    for number in [EXCHANGE, SESSION] {
        for up in [false, true] {
            let kind = FaultKind::Coalesce { bytes: u64::MAX, every: Duration::from_millis(200) };
            let rig = with_fault(number, up, Fault { at: Place::Byte(0), kind });
            assert_gets_there(&rig, kind);
            assert_eq!(rig.sim.injected().dialled, 2, "nothing was given up");
        }
    }
}

#[test]
fn a_writer_that_has_to_wait_waits() {
    for number in [EXCHANGE, SESSION] {
        for up in [false, true] {
            let kind = FaultKind::Stall { span: secs(8) };
            let rig = with_fault(number, up, Fault { at: Place::Byte(100), kind });
            assert_gets_there(&rig, kind);
            assert_eq!(rig.sim.injected().dialled, 2, "nothing was given up");
            assert!(rig.sim.now() > secs(8));
        }
    }
}

#[test]
fn credentials_outlive_a_desktop_that_dies_during_the_next_exchange() {
    let rig = Rig::new();
    rig.run(async {
        let desktop = rig.desktop().await;
        let mut events = desktop.events();
        let app = rig.launch(rig.builder().plugin(plugin("P").build()));
        client(&desktop, &mut events).await;
        desktop.stop().await;

        // Another desktop takes the ports; the app wants certificates of it, and it dies in the middle.
        let other = flipper_sim::authority(&rig.calendar).unwrap();
        let _stranger = rig.desktop_of(&other).await;
        let asking = app.watch().until(|status| status.state == State::Exchanging).await;
        assert!(asking.is_some());
        rig.desk.borrow().kill();
        rig.pass(secs(1)).await;

        // The old one is back, and so is the app, with what it had.
        let desktop = rig.desktop().await;
        let mut events = desktop.events();
        let session = client(&desktop, &mut events);
        assert!(rig.app.within(secs(25), session).await.is_some(), "{:?}", app.status());
        let current = std::fs::read_to_string(rig.home.path().join("current")).unwrap();
        assert_eq!(current.trim(), "1");
    });
}
