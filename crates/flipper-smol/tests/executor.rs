//! What is peculiar to smol: its executors. Everything else is the suite's.

use std::path::Path;
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::thread;

use flipper_conformance::adapters::SmolAdapter;
use flipper_conformance::scripted::Desktop;
use flipper_conformance::suite::{self, Connected};
use flipper_conformance::{Handle as _, PATIENCE, Result};
use flipper_smol::proto::ErrorReport;
use flipper_smol::proto::client::State;
use flipper_smol::{AsyncMethods as _, Builder, Flipper, Smol, plugin};
use serde_json::{Value, json};
use smol::Executor;
use tempfile::TempDir;

/// The settings that all tests have in common.
fn builder(desktop: &Desktop, directory: &Path) -> Builder {
    suite::builder::<SmolAdapter>(desktop, directory)
}

#[test]
fn the_global_executor_is_there_without_more_ado() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    desktop.provision(dir.path())?;

    let flipper = builder(&desktop, dir.path()).plugin(flipper_demo::example()).start()?;

    let mut session = desktop.session()?;
    session.init("Example")?;
    session.assert_echoes()?;
    assert!(smol::block_on(flipper.connected()));
    let stopped = flipper.stop();
    assert_eq!(session.wait_closed()?, 1000);
    smol::block_on(stopped);
    assert_eq!(flipper.status().state, State::Stopped);
    Ok(())
}

#[test]
fn an_app_may_send_before_its_executor_runs() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    desktop.provision(dir.path())?;
    let executor = Arc::new(Executor::new());
    let setup = builder(&desktop, dir.path()).plugin(flipper_demo::example()).into_setup()?;
    let flipper = Flipper::launch_on(Smol::on(&executor), setup)?;
    let connection = flipper.connection("Example");
    for nth in 0..500 {
        connection.send("early", &nth)?;
    }
    assert_eq!((connection.waiting(), flipper.status().state), (500, State::Preparing));

    let (end, ended) = smol::channel::bounded::<()>(1);
    let driver = thread::spawn(move || {
        smol::block_on(executor.run(async {
            // The end of the channel is what it waits for.
            let _closed = ended.recv().await;
            flipper.stop().await;
        }));
    });
    let mut session = desktop.session()?;
    session.init("Example")?;

    for nth in 0..500 {
        let early = json!({"method": "execute", "params": {"api": "Example", "method": "early", "params": nth}});
        assert_eq!(session.receive()?, early);
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
    let executor = Arc::new(Executor::new());
    let flipper = Flipper::launch_on(Smol::on(&executor), builder(&desktop, dir.path()).into_setup()?)?;
    let peer = thread::spawn(move || desktop.session()?.wait_closed());

    smol::block_on(executor.run(async {
        assert!(flipper.connected().await);
        flipper.stop().await;
    }));

    // It comes back once the TCP connection has ended.
    assert_eq!(peer.join().map_err(|_| "the desktop panicked")??, 1000);
    assert!(executor.is_empty(), "{executor:?}");
    assert!(!smol::block_on(flipper.connected()));
    Ok(())
}

#[test]
fn an_executor_that_is_dropped_takes_the_app_with_it() -> Result {
    let Connected { session, app, .. } = Connected::<SmolAdapter>::new()?;
    let flipper = app.handle.flipper().clone();
    let waiting = thread::spawn({
        let mut watch = flipper.watch();
        move || while watch.blocking_changed().is_some() {}
    });

    drop(app);

    session.wait_gone();
    waiting.join().map_err(|_| "the watcher panicked")?;
    // Whoever waits for the end need not wait.
    smol::block_on(flipper.stop());
    Ok(())
}

#[test]
fn on_an_executor_that_is_gone_an_app_has_ended_before_it_began() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    let gone = Smol::on(&Arc::new(Executor::new()));

    let flipper = Flipper::launch_on(gone, builder(&desktop, dir.path()).into_setup()?)?;

    assert!(!smol::block_on(flipper.connected()));
    smol::block_on(flipper.stop());
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
    let Connected { mut session, app, .. } = Connected::<SmolAdapter>::with(|builder| builder.plugin(stops.build()))?;
    app.handle.wait_connected();
    assert!(own.set(app.handle.flipper().clone()).is_ok());
    session.init("Stops")?;

    session.call(1, "Stops", "stop", "{}")?;

    assert_eq!(session.wait_closed()?, 1000);
    assert_eq!(was_stopped.recv_timeout(PATIENCE)?, State::Stopped);
    Ok(())
}
