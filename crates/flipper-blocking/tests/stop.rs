//! How it ends.

mod rig;

use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use flipper_blocking::proto::client::State;
use flipper_blocking::{Certificates, Flipper, InCallback, Notice, Stopping, plugin, proto};
use flipper_conformance::adapters::BlockingAdapter;
use flipper_conformance::scripted::{DEVICE_ID, Desktop};
use flipper_conformance::{PATIENCE, Result, suite};
use serde_json::json;
use tempfile::TempDir;

use self::rig::{Gate, Rig};

/// What a callback gets when it waits for the end.
type Waited = std::result::Result<(), InCallback>;

#[test]
fn no_callback_waits_for_the_end_of_its_own_flipper() -> Result {
    for moment in ["connect", "call", "disconnect", "notice"] {
        let own = Arc::new(OnceLock::<Flipper>::new());
        let (waits, waited) = channel::<(Waited, bool)>();
        let wait = {
            let own = Arc::clone(&own);
            move |at: &str| {
                if at == moment {
                    let flipper = own.wait();
                    waits.send((flipper.stop().wait(), flipper.connected())).unwrap();
                }
            }
        };
        let (on_connect, on_call, on_disconnect) = (wait.clone(), wait.clone(), wait.clone());
        let waiting = plugin("Waiting")
            .on_connect(move |_| on_connect("connect"))
            .on_disconnect(move || on_disconnect("disconnect"))
            .call("wait", move |_| on_call("call"));
        let mut rig = Rig::new(1, |builder| {
            builder.plugin(waiting.build()).observer(move |notice| {
                if matches!(notice, Notice::PeerMisbehaved(_)) {
                    wait("notice");
                }
            })
        })?;
        own.set(rig.flipper.clone()).map_err(|_| "it is set")?;

        rig.session.init("Waiting")?;
        rig.session.call(1, "Waiting", "wait", "{}")?;
        rig.session.send(&json!({"method": "deinit", "params": {"plugin": "Waiting"}}))?;
        rig.session.send_text("no JSON")?;

        // It is told so at once, and has stopped all the same.
        rig.session.wait_gone();
        assert_eq!(waited.recv_timeout(PATIENCE)?, (Err(InCallback), false), "{moment}");
        rig.flipper.stop().wait()?;
        assert_eq!(rig.flipper.status().state, State::Stopped);
    }
    Ok(())
}

#[test]
fn a_certificate_provider_does_not_wait_for_the_end_either() -> Result {
    struct Provider(Arc<OnceLock<Flipper>>, std::sync::Mutex<std::sync::mpsc::Sender<Waited>>);
    impl flipper_blocking::CertificateProvider for Provider {
        fn fetch(&self, device_id: &str) -> std::result::Result<Certificates, flipper_blocking::FetchError> {
            assert_eq!(device_id, DEVICE_ID);
            self.1.lock().unwrap().send(self.0.wait().stop().wait()).unwrap();
            Err("there are none".into())
        }
    }
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    desktop.reply([flipper_conformance::scripted::Reply::GrantNothing]);
    let own = Arc::new(OnceLock::<Flipper>::new());
    let (waits, waited) = channel();
    let flipper = suite::builder::<BlockingAdapter>(&desktop, dir.path())
        .medium(proto::Medium::Www)
        .certificate_provider(Provider(Arc::clone(&own), std::sync::Mutex::new(waits)))
        .start()?;
    own.set(flipper.clone()).map_err(|_| "it is set")?;

    assert_eq!(waited.recv_timeout(PATIENCE)?, Err(InCallback));
    assert!(flipper.stop().wait_for(PATIENCE)?);
    Ok(())
}

#[test]
fn one_flipper_may_wait_for_another() -> Result {
    let other = Rig::new(1, |builder| builder)?;
    let stopping: Stopping = other.flipper.stop();
    let (waits, waited) = channel();
    let waiting = plugin("Waiting").call("wait", move |_| waits.send(stopping.wait()).unwrap());
    let mut rig = Rig::new(1, |builder| builder.plugin(waiting.build()))?;
    assert_eq!(other.session.wait_closed()?, 1000);

    rig.session.init("Waiting")?;
    rig.session.call(1, "Waiting", "wait", "{}")?;

    assert_eq!(waited.recv_timeout(PATIENCE)?, Ok(()));
    Ok(())
}

#[test]
fn the_end_waits_for_callbacks_but_the_goodbye_does_not() -> Result {
    let (gate, passage) = Gate::new();
    let (disconnects, disconnected) = channel();
    let block = passage.method();
    let slow = plugin("Slow").call("block", block).on_disconnect(move || disconnects.send(()).unwrap());
    let Rig { flipper, mut session, .. } = Rig::new(1, |builder| builder.plugin(slow.build()))?;
    session.init("Slow")?;
    for id in 0..100 {
        session.call(id, "Slow", "block", "{}")?;
    }
    gate.wait()?;
    session.assert_answers()?;

    let stopping = flipper.stop();

    assert_eq!(session.wait_closed()?, 1000);
    // Those who watch learn of it at once.
    while flipper.watch().blocking_until(|status| status.state == State::Stopped).is_none() {}
    assert!(!flipper.connected());
    assert!(!stopping.wait_for(Duration::from_millis(1))?);
    assert_eq!(disconnected.try_recv().ok(), None);
    // The calls that nobody had begun with are not begun any more: the gate lets only one through.
    gate.open()?;
    assert!(stopping.wait_for(PATIENCE)?);
    assert_eq!(disconnected.try_iter().count(), 1);
    Ok(())
}
