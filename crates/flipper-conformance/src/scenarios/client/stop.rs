//! How an app ends: whatever it is doing, soon, and without a trace.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use flipper_client::proto::client::{Purpose, State, Step};
use flipper_client::{Notice, SendError, plugin};
use serde_json::json;
use tempfile::TempDir;

use crate::scripted::{Desktop, Manner, Port, Reply, lock};
use crate::suite::{App, Connected};
use crate::{Adapter, Handle as _, Result};

/// Covers: P24.
pub fn an_app_that_has_stopped_stays_so<A: Adapter>() -> Result {
    let Connected { session, app, .. } = Connected::<A>::new()?;
    let handle = app.handle.clone();
    let mut watch = handle.watch();

    app.stop(session)?;

    assert_eq!(handle.status().state, State::Stopped);
    while watch.blocking_changed().is_some() {}
    assert!(!handle.wait_connected());
    // Again, and from elsewhere: it has ended already.
    thread::spawn(move || handle.stop()).join().map_err(|_| "the app panicked")?;
    Ok(())
}

/// Covers: P25, M7.
pub fn what_was_answered_before_arrives_before_the_end<A: Adapter>() -> Result {
    const CALLS: u64 = 1000;
    let own = Arc::new(OnceLock::<A::Handle>::new());
    let (flipper, kept) = (Arc::clone(&own), Mutex::new(Vec::new()));
    let last = plugin("Last").call("wait", move |call| {
        let mut kept = lock(&kept);
        kept.push(call);
        if kept.len() as u64 == CALLS {
            for call in kept.drain(..) {
                call.responder.success(&json!({})).unwrap();
            }
            flipper.wait().connection("Last").send("bye", &json!({})).unwrap();
            flipper.wait().begin_stop();
        }
    });
    let Connected { mut session, app, .. } = Connected::<A>::with(|builder| builder.plugin(last.build()))?;
    assert!(own.set(app.handle.clone()).is_ok());
    session.init("Last")?;
    for id in 0..CALLS {
        session.call(id, "Last", "wait", "{}")?;
    }

    for id in 0..CALLS {
        assert_eq!(session.receive()?, json!({"id": id, "success": {}}));
    }
    let bye = json!({"method": "execute", "params": {"api": "Last", "method": "bye", "params": {}}});
    assert_eq!(session.receive()?, bye);
    assert_eq!(session.wait_closed()?, 1000);
    app.stop_alone();
    Ok(())
}

/// Covers: P24.
pub fn a_desktop_that_does_not_answer_the_goodbye_is_not_waited_for<A: Adapter>() -> Result {
    let Connected { mut session, app, .. } =
        Connected::<A>::with(|builder| builder.configure(|config| config.timing.close = Duration::from_millis(20)))?;
    session.assert_echoes()?;

    // Whether it says goodbye within that time is up to the system; every other scenario looks at that.
    app.stop_alone();

    session.wait_gone();
    Ok(())
}

/// Covers: P24.
pub fn an_app_may_be_stopped_at_any_point<A: Adapter>() -> Result {
    type IsThere = fn(&Notice) -> bool;
    let points: [(&str, Port, Manner, IsThere); 5] = [
        ("preparing", Port::Insecure, Manner::Serve, |notice| *notice == Notice::State(State::Preparing)),
        ("exchanging", Port::Insecure, Manner::Silence, |notice| *notice == Notice::State(State::Exchanging)),
        ("connecting", Port::Secure, Manner::Silence, |notice| *notice == Notice::State(State::Connecting)),
        ("waiting", Port::Insecure, Manner::HangUp, |notice| matches!(notice, Notice::State(State::Waiting { .. }))),
        ("asked", Port::Insecure, Manner::Serve, |notice| {
            matches!(notice, Notice::Step(Step::CertificateAsked { .. }))
        }),
    ];
    for (what, port, manner, is_there) in points {
        let desktop = Desktop::new()?;
        let dir = TempDir::new()?;
        desktop.next(port, vec![manner; 1000]);
        desktop.reply((0..1000).map(|_| Reply::Silence));
        if port == Port::Secure {
            desktop.provision(dir.path())?;
        }
        let mut app = App::<A>::start(&desktop, dir.path())?;
        app.wait_for(what, |notice| is_there(notice).then_some(()))?;
        let flipper = app.handle.clone();

        app.handle.stop();

        app.wait_state(&State::Stopped)?;
        assert_eq!(flipper.status().state, State::Stopped, "{what}");
        assert_eq!(keys(dir.path())?, usize::from(port == Port::Secure), "{what}");
    }
    Ok(())
}

/// Covers: P25.
pub fn what_comes_after_the_end_is_told_so<A: Adapter>() -> Result {
    let Connected { session, app, .. } = Connected::<A>::new()?;
    let connection = app.handle.connection("Example");
    let flipper = app.handle.clone();
    app.stop(session)?;

    assert_eq!(connection.send("late", &0), Err(SendError::Stopped));
    assert!(!connection.is_connected());
    assert_eq!(flipper.status().state, State::Stopped);
    Ok(())
}

/// Covers: P22, M5, M12.
pub fn answers_that_come_after_the_end_go_nowhere<A: Adapter>() -> Result {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&kept);
    let slow = plugin("Slow").call("wait", move |call| lock(&keep).push(call));
    let Connected { mut session, mut app, desktop, .. } = Connected::<A>::with(|builder| builder.plugin(slow.build()))?;
    session.init("Slow")?;
    session.call(1, "Slow", "wait", "{}")?;
    session.call(2, "Slow", "wait", "{}")?;
    session.assert_echoes()?;
    session.drop_tcp()?;
    app.wait_cause(Purpose::Session)?;
    // The same id means another call now.
    let mut session = desktop.session()?;
    session.init("Slow")?;
    session.call(1, "Slow", "wait", "{}")?;
    session.init("Example")?;
    session.assert_echoes()?;

    let mut calls = lock(&kept).drain(..).map(|call| call.responder).collect::<Vec<_>>().into_iter();
    assert!(calls.next().is_some_and(|old| old.success(&json!({"old": true})).is_err()));
    drop(calls.next());
    assert!(calls.next().is_some_and(|new| new.success(&json!({"new": true})).is_ok()));

    assert_eq!(session.receive()?, json!({"id": 1, "success": {"new": true}}));
    app.stop(session)
}

/// How many private keys lie in a directory.
fn keys(directory: &Path) -> Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(directory)? {
        count += usize::from(entry?.path().join("privateKey.pem").exists());
    }
    Ok(count)
}
