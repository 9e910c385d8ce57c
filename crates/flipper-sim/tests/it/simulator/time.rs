//! Days, minutes and milliseconds: certificates, breakpoints, and attempts to connect.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flipper_client::{Notice, plugin};
use flipper_desktop::{CallError, Event};
use flipper_proto::client::{Failure, State, Step};
use flipper_sim::{Connect, Fault, FaultKind, Place, Plan};

use crate::rig::{Rig, client, json, secs};

const DAY: Duration = secs(24 * 60 * 60);

/// The generation that is in use on the disk.
fn generation(rig: &Rig) -> String {
    fs::read_to_string(rig.home.path().join("current")).unwrap()
}

#[test]
fn months_go_by_and_the_app_is_back_at_once() {
    for days in [31, 100, 364, 400, 3_000] {
        let rig = Rig::new();
        rig.run(async {
            let desktop = rig.desktop().await;
            let mut events = desktop.events();
            let app = rig.launch(rig.builder().plugin(plugin("P").build()));
            let id = client(&desktop, &mut events).await;
            assert_eq!(generation(&rig).trim(), "1");

            // Both sides sleep, nothing is restarted, no file is touched; and then the connection is gone.
            rig.calendar.set_forward(DAY * days);
            desktop.disconnect(&id).unwrap();
            let begin = rig.sim.now();
            rig.pass(Duration::from_millis(1)).await;
            client(&desktop, &mut events).await;
            assert!(rig.sim.now() - begin < secs(5), "{days} days: {:?}", rig.sim.now() - begin);
            // A certificate of an app is good for a year. Then another is asked for, without anybody's help.
            rig.pass(secs(1)).await;
            assert_eq!(generation(&rig).trim(), if days < 365 { "1" } else { "2" }, "{days} days");
            assert!(app.status().is_connected());
        });
    }
}

#[test]
fn an_app_that_starts_long_after_is_back_at_once() {
    for days in [31, 400] {
        let rig = Rig::new();
        rig.run(async {
            let desktop = rig.desktop().await;
            let mut events = desktop.events();
            let app = rig.launch(rig.builder().plugin(plugin("P").build()));
            client(&desktop, &mut events).await;
            app.stop().await;
            desktop.stop().await;

            rig.calendar.set_forward(DAY * days);
            let desktop = rig.desktop().await;
            let mut events = desktop.events();
            let begin = rig.sim.now();
            let _app = rig.launch(rig.builder().plugin(plugin("P").build()));
            client(&desktop, &mut events).await;
            assert!(rig.sim.now() - begin < Duration::from_millis(100), "{days} days");
        });
    }
}

/// When the app dialled.
fn dialled(rig: &Rig, until: Duration) -> Vec<Duration> {
    let times: Arc<Mutex<Vec<Duration>>> = Arc::default();
    let noted = Arc::clone(&times);
    rig.sim.plan(move |dial, _| {
        let mut noted = noted.lock().unwrap();
        // Both addresses of the host are tried at once.
        if noted.last() != Some(&dial.now) {
            noted.push(dial.now);
        }
        let mut plan = Plan::default();
        plan.latency = Duration::ZERO;
        plan
    });
    rig.run(async {
        let app = rig.launch(rig.builder());
        rig.pass(until).await;
        app.stop().await;
    });
    std::mem::take(&mut *times.lock().unwrap())
}

#[test]
fn a_desktop_that_is_not_there_is_dialled_ever_more_seldom() {
    let rig = Rig::new();
    let times = dialled(&rig, secs(120));
    let waits: Vec<Duration> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mut span = Duration::from_millis(250);
    for (number, wait) in waits.iter().enumerate() {
        assert!((span / 2..=span).contains(wait), "wait {number} is {wait:?}, not within the upper half of {span:?}");
        span = (span * 2).min(secs(10));
    }
    assert!((16..32).contains(&waits.len()), "{waits:?}");
}

#[test]
fn a_desktop_that_comes_late_is_found_within_the_longest_wait() {
    for late in 1..40 {
        let rig = Rig::new();
        rig.run(async {
            let _app = rig.launch(rig.builder().plugin(plugin("P").build()));
            rig.pass(secs(late * 3)).await;
            let desktop = rig.desktop().await;
            let mut events = desktop.events();
            let begin = rig.sim.now();
            client(&desktop, &mut events).await;
            let longest = secs(10) + Duration::from_millis(100);
            assert!(rig.sim.now() - begin <= longest, "{:?}", rig.sim.now() - begin);
        });
    }
}

#[test]
fn a_desktop_at_a_breakpoint_is_unresponsive_and_not_gone() {
    let rig = Rig::new();
    rig.run(async {
        let desktop = rig.desktop().await;
        let mut events = desktop.events();
        let app = rig.launch(rig.builder().plugin(plugin("P").background().build()));
        let id = client(&desktop, &mut events).await;
        let desk = rig.desk.borrow().clone();
        desk.freeze();
        let frozen = rig.sim.now();
        let mut watch = app.watch();
        let unresponsive = watch.until(|status| status.state == State::Connected { unresponsive: true });
        assert!(unresponsive.await.is_some());
        // Silence is noticed after ten seconds, and two pings have ten seconds each to be answered.
        let after = rig.sim.now() - frozen;
        assert!((secs(20)..=secs(31)).contains(&after), "{after:?}");

        app.connection("P").send("patient", &[1]).unwrap();
        rig.pass(secs(300)).await;
        assert_eq!(app.status().state, State::Connected { unresponsive: true });
        desk.thaw();
        let thawed = rig.sim.now();
        assert!(watch.until(|status| status.state == State::Connected { unresponsive: false }).await.is_some());
        assert!(rig.sim.now() - thawed < secs(1));
        // It is the same session, and what was sent meanwhile has arrived.
        while !matches!(events.next().await.unwrap(), Event::Message { .. }) {}
        assert_eq!(desktop.clients().len(), 1);
        assert_eq!(desktop.clients()[0].id, id);
    });
}

#[test]
fn an_app_at_a_breakpoint_is_unresponsive_and_not_gone() {
    let rig = Rig::new();
    rig.run(async {
        let desktop = rig.desktop().await;
        let mut events = desktop.events();
        let _app = rig.launch(rig.builder().plugin(plugin("P").background().build()));
        client(&desktop, &mut events).await;
        rig.app.freeze();
        let frozen = rig.sim.now();
        while !matches!(events.next().await.unwrap(), Event::ClientUnresponsive { .. }) {}
        let after = rig.sim.now() - frozen;
        assert!((secs(20)..=secs(31)).contains(&after), "{after:?}");
        // Whoever waits for it has to wait by another process: this one is stopped.
        let desk = rig.desk.borrow().clone();
        desk.sleep(secs(300)).await;
        rig.app.thaw();
        let thawed = rig.sim.now();
        while !matches!(events.next().await.unwrap(), Event::ClientResponsive { .. }) {}
        assert!(rig.sim.now() - thawed < secs(1));
        assert_eq!(desktop.clients().len(), 1);
    });
}

#[test]
fn a_peer_that_is_cut_off_for_good_is_given_up_after_ten_minutes() {
    let rig = Rig::new();
    // The second connection is the session; once each side has said a little, nothing comes through any more.
    rig.sim.plan(|dial, _| {
        let mut plan = Plan::default();
        if dial.number == 1 {
            let kind = FaultKind::Silence { until: secs(100_000), reset: false };
            let fault = Fault { at: Place::Byte(6_000), kind };
            (plan.up, plan.down) = (vec![fault], vec![fault]);
        }
        plan
    });
    rig.run(async {
        let desktop = rig.desktop().await;
        let failures: Arc<Mutex<Vec<Failure>>> = Arc::default();
        let heard = Arc::clone(&failures);
        let builder = rig.builder().plugin(plugin("P").background().build()).observer(move |notice| {
            if let Notice::Failed(failure) = notice {
                heard.lock().unwrap().push(failure.clone());
            }
        });
        let mut events = desktop.events();
        let app = rig.launch(builder);
        let id = client(&desktop, &mut events).await;
        let filling = ["x".repeat(10_000)];
        app.connection("P").send("filling", &filling).unwrap();
        let call = desktop.call(&id, "P", "filling", json(&filling)).await;
        assert!(matches!(call, Err(CallError::TimedOut { .. })), "{call:?}");
        rig.pass(secs(540)).await;
        assert_eq!(app.status().state, State::Connected { unresponsive: true });
        assert!(failures.lock().unwrap().is_empty());
        rig.pass(secs(60)).await;
        assert!(matches!(failures.lock().unwrap().as_slice(), [Failure::Unresponsive { .. }, ..]), "{failures:?}");
        assert_eq!(app.status().state, State::Connected { unresponsive: false });
        rig.pass(secs(60)).await;
        assert_eq!(desktop.clients().len(), 1, "{:?}", desktop.clients());
    });
}

#[test]
fn a_host_that_answers_nothing_is_waited_for_ten_seconds() {
    let rig = Rig::new();
    rig.sim.plan(|_, _| {
        let mut plan = Plan::default();
        plan.connect = Connect::Lost { until: secs(15) };
        plan
    });
    rig.run(async {
        let desktop = rig.desktop().await;
        let mut events = desktop.events();
        let steps: Arc<Mutex<Vec<(Duration, Step)>>> = Arc::default();
        let (noted, clock) = (Arc::clone(&steps), rig.app.clone());
        let builder = rig.builder().plugin(plugin("P").build()).observer(move |notice| {
            if let Notice::Step(step) = notice {
                noted.lock().unwrap().push((clock.elapsed(), step.clone()));
            }
        });
        let _app = rig.launch(builder);
        client(&desktop, &mut events).await;
        // The second attempt is under way when the host is back, and comes to its end.
        let steps = steps.lock().unwrap();
        let attempts: Vec<_> = steps.iter().filter(|(_, step)| matches!(step, Step::ExchangeNeeded(_))).collect();
        assert_eq!(attempts.len(), 2, "{steps:?}");
        assert!(attempts[1].0 > secs(10) && rig.sim.now() < secs(20), "{steps:?}");
    });
}
