//! An app on threads in a session with a scripted desktop, and callbacks that block until they are let go.

#![allow(dead_code, reason = "every test file uses another part of it")]

use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use flipper_blocking::{Builder, Call, Flipper, Options};
use flipper_conformance::adapters::BlockingAdapter;
use flipper_conformance::scripted::{Desktop, Session};
use flipper_conformance::{PATIENCE, Result, suite};
use flipper_demo::example;
use tempfile::TempDir;

/// An app in a session, with the plugin `Example` initialised.
pub(crate) struct Rig {
    pub(crate) flipper: Flipper,
    pub(crate) session: Session,
    pub(crate) desktop: Desktop,
    pub(crate) dir: TempDir,
}

impl Rig {
    /// An app whose callbacks this many threads make, and with what `change` adds.
    pub(crate) fn new(handlers: usize, change: impl FnOnce(Builder) -> Builder) -> Result<Self> {
        let desktop = Desktop::new()?;
        let dir = TempDir::new()?;
        desktop.provision(dir.path())?;
        let builder = suite::builder::<BlockingAdapter>(&desktop, dir.path()).plugin(example());
        let mut options = Options::default();
        options.handlers = NonZeroUsize::new(handlers).ok_or("no handlers")?;
        let flipper = Flipper::launch_with(change(builder).into_setup()?, &options)?;
        let mut session = desktop.session()?;
        session.init("Example")?;
        assert!(flipper.connected());
        Ok(Self { flipper, session, desktop, dir })
    }

    /// Stops the app, which must say goodbye.
    pub(crate) fn stop(self) -> Result {
        let stopping = self.flipper.stop();
        assert_eq!(self.session.wait_closed()?, 1000);
        assert!(stopping.wait_for(PATIENCE)?, "it does not end");
        Ok(())
    }
}

/// Where callbacks wait to be let go.
pub(crate) struct Gate {
    open: Sender<()>,
    arrived: Receiver<()>,
}

/// The callbacks' side of a [`Gate`].
#[derive(Clone)]
pub(crate) struct Passage {
    opened: Arc<Mutex<Receiver<()>>>,
    arrives: Sender<()>,
}

impl Gate {
    pub(crate) fn new() -> (Self, Passage) {
        let (open, opened) = channel();
        let (arrives, arrived) = channel();
        (Self { open, arrived }, Passage { opened: Arc::new(Mutex::new(opened)), arrives })
    }

    /// Waits until one more callback has come to the gate.
    pub(crate) fn wait(&self) -> Result {
        Ok(self.arrived.recv_timeout(PATIENCE)?)
    }

    /// Lets one callback go.
    pub(crate) fn open(&self) -> Result {
        Ok(self.open.send(())?)
    }

    /// Lets every callback go, now and later.
    pub(crate) fn open_for_good(self) {
        drop(self.open);
    }
}

impl Passage {
    pub(crate) fn pass(&self) {
        let _gate_is_gone = self.arrives.send(());
        let _open_for_good = self.opened.lock().unwrap_or_else(PoisonError::into_inner).recv();
    }

    /// A method that answers `{}` once it was let go.
    pub(crate) fn method(self) -> impl Fn(Call) + Send + Sync + 'static {
        move |call| {
            self.pass();
            // Where the session has ended meanwhile, nobody waits.
            let _ended = call.responder.success(&());
        }
    }
}
