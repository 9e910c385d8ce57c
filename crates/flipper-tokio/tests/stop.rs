//! How an app ends: whatever it is doing, soon, and without a trace.

mod app;
mod desktop;
mod hooked;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use flipper_tokio::proto::client::{Purpose, State, Step};
use flipper_tokio::{Flipper, Notice, SendError, StartError, plugin};
use serde_json::json;
use tempfile::TempDir;

use self::app::{App, Connected, builder};
use self::desktop::{APP_ID, Desktop, Manner, Port, Reply, Result, lock};
use self::hooked::Hooked;

#[test]
fn nothing_is_left_of_an_app_that_has_stopped() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let flipper = {
        let _entered = runtime.enter();
        builder(&desktop, dir.path()).start()?
    };
    let peer = thread::spawn(move || desktop.session()?.wait_closed());

    runtime.block_on(async {
        flipper.connected().await;
        flipper.stop().await;
        assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
    });

    // It comes back once the TCP connection has ended.
    assert_eq!(peer.join().map_err(|_| "the desktop panicked")??, 1000);
    assert_eq!(flipper.status().state, State::Stopped);
    assert_eq!(runtime.block_on(flipper.watch().until(|status| status.is_connected())), None);
    assert!(!runtime.block_on(flipper.connected()));
    // Again, and from elsewhere: it has ended already.
    thread::spawn(move || runtime.block_on(flipper.stop())).join().map_err(|_| "the app panicked")?;
    Ok(())
}

#[test]
fn what_was_answered_before_arrives_before_the_end() -> Result {
    const CALLS: u64 = 1000;
    let own = Arc::new(OnceLock::<Flipper>::new());
    let (flipper, kept) = (Arc::clone(&own), Mutex::new(Vec::new()));
    let last = plugin("Last").call("wait", move |call| {
        let mut kept = lock(&kept);
        kept.push(call);
        if kept.len() as u64 == CALLS {
            for call in kept.drain(..) {
                call.responder.success(&json!({})).unwrap();
            }
            flipper.wait().connection("Last").send("bye", &json!({})).unwrap();
            drop(flipper.wait().stop());
        }
    });
    let Connected { mut session, app, .. } = Connected::with(|builder| builder.plugin(last.build()))?;
    assert!(own.set(app.flipper.clone()).is_ok());
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

#[test]
fn a_desktop_that_does_not_answer_the_goodbye_is_not_waited_for() -> Result {
    let Connected { mut session, app, .. } =
        Connected::with(|builder| builder.configure(|config| config.timing.close = Duration::from_millis(20)))?;
    session.assert_echoes()?;

    app.stop_alone();

    // The goodbye had been sent all the same.
    assert_eq!(session.wait_closed()?, 1000);
    Ok(())
}

#[test]
fn an_app_may_be_stopped_at_any_point() -> Result {
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
        let mut app = App::start(&desktop, dir.path())?;
        app.wait_for(what, |notice| is_there(notice).then_some(()))?;
        let flipper = app.flipper.clone();

        app.runtime.block_on(app.flipper.stop());

        app.wait_state(&State::Stopped)?;
        assert_eq!(flipper.status().state, State::Stopped, "{what}");
        assert_eq!(keys(dir.path())?, usize::from(port == Port::Secure), "{what}");
    }
    Ok(())
}

#[test]
fn a_stop_that_comes_just_before_the_driver_rests_is_carried_out() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    desktop.next(Port::Insecure, [Manner::Silence]);
    let runtime = tokio::runtime::Runtime::new()?;
    let own = Arc::new(OnceLock::<flipper_async::Flipper<Hooked>>::new());
    let (flipper, is_told) = (Arc::clone(&own), Arc::new(AtomicBool::new(false)));
    Hooked::hook(move || {
        let flipper = flipper.wait();
        if flipper.status().state == State::Exchanging {
            drop(flipper.stop());
        }
    });
    let told = Arc::clone(&is_told);
    let (insecure, secure) = (desktop.address(Port::Insecure), desktop.address(Port::Secure));
    let builder = flipper_async::Flipper::<Hooked>::builder("Rust App", APP_ID)
        .host(insecure.ip().to_string())
        .ports(insecure.port(), secure.port())
        .directory(dir.path())
        .observer(move |notice| {
            if *notice == Notice::State(State::Stopped) {
                told.store(true, Ordering::SeqCst);
            }
        });
    let flipper = runtime.block_on(async { builder.start() })?;
    assert!(own.set(flipper.clone()).is_ok());

    // Never, but it has stopped by then.
    assert!(!runtime.block_on(flipper.connected()));

    assert_eq!(flipper.status().state, State::Stopped);
    assert!(is_told.load(Ordering::SeqCst));
    assert_eq!(keys(dir.path())?, 0);
    Ok(())
}

#[test]
fn what_comes_after_the_end_is_told_so() -> Result {
    let Connected { session, app, .. } = Connected::new()?;
    let connection = app.flipper.connection("Example");
    let flipper = app.flipper.clone();
    app.stop(session)?;

    assert_eq!(connection.send("late", &0), Err(SendError::Stopped));
    assert!(!connection.is_connected());
    assert_eq!(flipper.status().state, State::Stopped);
    Ok(())
}

#[test]
fn answers_that_come_after_the_end_go_nowhere() -> Result {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&kept);
    let slow = plugin("Slow").call("wait", move |call| lock(&keep).push(call));
    let Connected { mut session, mut app, desktop, .. } = Connected::with(|builder| builder.plugin(slow.build()))?;
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

#[test]
fn a_runtime_that_is_shut_down_takes_the_app_with_it() -> Result {
    let Connected { session, app, .. } = Connected::new()?;
    let flipper = app.flipper.clone();
    let waiting = thread::spawn({
        let mut watch = flipper.watch();
        move || while watch.blocking_changed().is_some() {}
    });

    drop(app);

    session.wait_gone();
    waiting.join().map_err(|_| "the watcher panicked")?;
    // Whoever waits for the end need not wait.
    tokio::runtime::Runtime::new()?.block_on(flipper.stop());
    Ok(())
}

#[test]
fn starting_needs_a_runtime() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;

    let Err(StartError::NoRuntime(text)) = builder(&desktop, dir.path()).start() else {
        return Err("it started".into());
    };

    assert!(text.contains("no tokio runtime") && text.contains("#[tokio::main]"), "{text}");
    Ok(())
}

/// How many private keys lie in a directory.
fn keys(directory: &Path) -> Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(directory)? {
        count += usize::from(entry?.path().join("privateKey.pem").exists());
    }
    Ok(count)
}
