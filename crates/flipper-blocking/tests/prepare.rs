//! What is done before the start.

mod rig;

use std::num::NonZeroUsize;
use std::time::Duration;

use flipper_blocking::proto::client::State;
use flipper_blocking::{Flipper, Options, SendError, StartError, plugin};
use flipper_conformance::adapters::BlockingAdapter;
use flipper_conformance::scripted::{Desktop, Port};
use flipper_conformance::{Result, suite};
use flipper_demo::example;
use serde_json::json;
use tempfile::TempDir;

fn prepare(desktop: &Desktop, dir: &TempDir) -> Result<Flipper> {
    Ok(Flipper::prepare(suite::builder::<BlockingAdapter>(desktop, dir.path()).into_setup()?))
}

#[test]
fn plugins_are_added_and_events_wait_before_the_start() -> Result {
    let (desktop, dir) = (Desktop::new()?, TempDir::new()?);
    desktop.provision(dir.path())?;
    let flipper = prepare(&desktop, &dir)?;
    flipper.add_plugin(example())?;
    flipper.add_plugin(plugin("Gone").build())?;
    flipper.remove_plugin("Gone")?;
    flipper.connection("Example").send("early", &[1])?;
    assert_eq!((flipper.status().state, flipper.connected()), (State::Stopped, false));
    assert_eq!(desktop.seen(Port::Secure), 0);

    let mut options = Options::default();
    options.handlers = NonZeroUsize::new(2).ok_or("none")?;
    flipper.begin(&options)?;

    let mut session = desktop.session()?;
    session.init("Example")?;
    let event = session.receive()?;
    assert_eq!(event["params"], json!({"api": "Example", "method": "early", "params": [1]}));
    assert_eq!(flipper.begin(&options), Err(StartError::AlreadyStarted));
    session.assert_echoes()?;
    let ending = flipper.ending();
    assert!(!ending.wait_for(Duration::ZERO)?, "it was not stopped");
    flipper.stop();
    assert_eq!(session.wait_closed()?, 1000);
    ending.wait()?;
    assert_eq!(flipper.begin(&options), Err(StartError::AlreadyStarted));
    Ok(())
}

#[test]
fn one_that_is_stopped_before_its_start_has_ended() -> Result {
    let (desktop, dir) = (Desktop::new()?, TempDir::new()?);
    let flipper = prepare(&desktop, &dir)?;
    flipper.add_plugin(example())?;
    let mut watch = flipper.watch();
    flipper.ending().wait()?;

    flipper.stop().wait()?;

    assert_eq!(watch.blocking_changed(), None);
    assert_eq!(flipper.connection("Example").send("late", &[1]), Err(SendError::Stopped));
    assert_eq!(flipper.begin(&Options::default()), Err(StartError::AlreadyStarted));
    assert_eq!(desktop.seen(Port::Secure), 0);
    Ok(())
}
