//! What is peculiar to tokio: its runtime. Everything else is the suite's.

mod hooked;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::thread;

use flipper_conformance::adapters::TokioAdapter;
use flipper_conformance::scripted::{APP_ID, Desktop, Manner, Port};
use flipper_conformance::suite::{self, Connected};
use flipper_conformance::{Handle as _, PATIENCE, Result};
use flipper_tokio::proto::ErrorReport;
use flipper_tokio::proto::client::State;
use flipper_tokio::{AsyncMethods as _, Builder, Flipper, Notice, StartError, plugin};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;

use self::hooked::Hooked;

/// The settings that all tests have in common.
fn builder(desktop: &Desktop, directory: &Path) -> Builder {
    suite::builder::<TokioAdapter>(desktop, directory)
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

#[test]
fn an_app_may_send_before_its_runtime_runs() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    desktop.provision(dir.path())?;
    // Nobody drives the app yet.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let flipper = {
        let _entered = runtime.enter();
        builder(&desktop, dir.path()).plugin(flipper_demo::example()).start()?
    };
    let connection = flipper.connection("Example");
    for nth in 0..500 {
        connection.send("early", &nth)?;
    }
    assert_eq!((connection.waiting(), flipper.status().state), (500, State::Preparing));

    let (end, ended) = oneshot::channel::<()>();
    let driver = thread::spawn(move || {
        runtime.block_on(async {
            // The end of the channel is what it waits for.
            drop(ended.await);
            flipper.stop().await;
        });
    });
    let mut session = desktop.session()?;
    session.init("Example")?;

    for nth in 0..500 {
        assert_eq!(
            session.receive()?,
            json!({"method": "execute", "params": {"api": "Example", "method": "early", "params": nth}})
        );
    }
    drop(end);
    assert_eq!(session.wait_closed()?, 1000);
    driver.join().map_err(|_| "the app panicked")?;
    Ok(())
}

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
fn an_async_method_may_wait_for_the_end_of_its_app() -> Result {
    let own = Arc::new(OnceLock::<Flipper>::new());
    let stopping = Arc::clone(&own);
    let (stopped, was_stopped) = channel();
    let stops = plugin("Stops").async_method("stop", move |_: Value| {
        let (stopped, flipper) = (stopped.clone(), stopping.wait().clone());
        async move {
            flipper.stop().await;
            stopped.send(flipper.status().state).unwrap();
            Ok::<_, ErrorReport>(json!({}))
        }
    });
    let Connected { mut session, app, .. } = Connected::<TokioAdapter>::with(|builder| builder.plugin(stops.build()))?;
    app.handle.wait_connected();
    assert!(own.set(app.handle.flipper().clone()).is_ok());
    session.init("Stops")?;

    session.call(1, "Stops", "stop", "{}")?;

    assert_eq!(session.wait_closed()?, 1000);
    assert_eq!(was_stopped.recv_timeout(PATIENCE)?, State::Stopped);
    Ok(())
}

#[test]
fn a_runtime_that_is_shut_down_takes_the_app_with_it() -> Result {
    let Connected { session, app, .. } = Connected::<TokioAdapter>::new()?;
    let flipper = app.handle.flipper().clone();
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

/// How many private keys lie in a directory.
fn keys(directory: &Path) -> Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(directory)? {
        count += usize::from(entry?.path().join("privateKey.pem").exists());
    }
    Ok(count)
}
